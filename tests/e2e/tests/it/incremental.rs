//! Runs after the first: what is new is added, what is there is left alone.

use std::time::Duration;

use tidegate_simulators::pi::{Config, Effect, Event, Fault, Override, Value};

use crate::plant::{Plant, SECOND, command, now};
use crate::table;

fn plant() -> Plant {
    Plant::start(Config { tags: 12, days: 0.3, ..Config::default() })
}

#[tokio::test]
async fn a_second_run_doubles_nothing_and_rewrites_no_file() {
    let plant = plant();
    plant.run(0);
    let (_, before) = table::files(&plant.table("timeseries")).await;
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(summary["rows"], 0);
    let (_, after) = table::files(&plant.table("timeseries")).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn events_that_arrive_between_runs_are_added_once() {
    let plant = plant();
    let truth = plant.server.truth();
    for round in 0..3 {
        for tag in 0..4 {
            // Two at one timestamp, and one late by an hour: inside the look-back.
            truth.insert(tag, Event::good(now() - SECOND, Value::Text("new".into())));
            truth.insert(tag, Event::good(now() - 3_600 * SECOND - round, Value::Text("late".into())));
        }
        let summary = plant.run(0);
        plant.assert_mirrors().await;
        if round > 0 {
            assert_eq!(summary["rows"], 8, "{summary}");
            assert!(summary["late"].as_u64().unwrap() >= 4, "{summary}");
        }
    }
}

#[tokio::test]
async fn an_event_on_the_edge_of_a_window_is_read_by_one_of_two_runs() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 0}".to_owned());
    plant.run(0);
    let truth = plant.server.truth();
    let cursor = table::integers(&plant.table("watermarks"), "last_timestamp").await[0] * 10;
    // On the cursor, one tick after it, and in the microsecond after it.
    for offset in [0, 1, 9, 10, 11] {
        truth.insert(0, Event::good(cursor + offset, Value::Float64(offset as f64)));
    }
    plant.run(0);
    plant.assert_mirrors().await;
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_tag_added_later_gets_its_own_full_window() {
    let plant = plant();
    let points = plant.server.truth().points();
    let tags = |range: std::ops::Range<usize>| {
        let names: Vec<_> = points[range].iter().map(|point| serde_json::to_string(&point.path).unwrap()).collect();
        format!("{{start: -30d, lookback: 1h, tags: [{}]}}", names.join(", "))
    };
    plant.configure(|settings| settings.ingestion = tags(0..9));
    plant.run(0);
    plant.configure(|settings| settings.ingestion = tags(0..12));
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_tag_born_on_the_server_is_found_by_the_next_run() {
    let plant = plant();
    plant.run(0);
    let born = Override { name: Some("BORN.LATER".to_owned()), born: Some(now()), ..Override::default() };
    assert_eq!(plant.server.truth().add_tag(born), 12);
    plant.server.truth().insert(12, Event::good(now() - 7_200 * SECOND, Value::Float64(1.5)));
    plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(table::strings(&plant.table("points"), "tag_webid").await.len(), 13);
}

#[tokio::test]
async fn a_full_refresh_reads_all_again_and_doubles_nothing() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 0, stream_updates: off}".to_owned());
    plant.run(0);
    plant.server.truth().insert(0, Event::good(now() - 5 * 3_600 * SECOND, Value::Text("late".into())));
    plant.run(0);
    assert_eq!(plant.difference().await.missing, 1, "without a look-back it is not seen");
    assert_eq!(plant.tidegate(&["run", "--full-refresh"]).code, 0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn each_run_leaves_one_row_with_its_figures() {
    let plant = plant();
    let first = plant.run(0);
    plant.run(0);
    let rows = table::integers(&plant.table("runs"), "rows").await;
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, first["rows"].as_i64().unwrap()]);
}

#[tokio::test]
async fn commands_that_only_look_write_nothing() {
    let plant = plant();
    for command in [&["plan"][..], &["preview", "-n", "3"], &["discover"], &["check"], &["validate"], &["spec"]] {
        let ended = plant.tidegate(command);
        assert_eq!(ended.code, 0, "{command:?}: {ended:#?}");
        assert!(!ended.stdout.is_empty(), "{command:?} prints nothing");
    }
    assert!(!plant.folder.path().join("lake").exists());
    plant.run(0);
    for command in [&["status"][..], &["gaps"], &["query", "SELECT count(*) FROM bronze.pi_timeseries"]] {
        let ended = plant.tidegate(command);
        assert_eq!(ended.code, 0, "{command:?}: {ended:#?}");
    }
}

#[tokio::test]
async fn what_a_killed_first_run_had_not_reached_is_read_by_the_next_although_its_start_has_moved() {
    let plant = Plant::start(Config { tags: 2, empty: 2, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -75s, stream_updates: off}".to_owned());
    let oldest = now() - 60 * SECOND;
    plant.server.truth().insert(1, Event::good(oldest, Value::Text("oldest".into())));
    plant.server.set_faults(vec![Fault::new(Effect::Delay { ms: 60_000 }).route("batch").nth(2)]);
    let mut child = command(plant.folder.path(), &["--quiet", "run"]).spawn().unwrap();
    let begun = || {
        let staged = std::fs::read_dir(plant.folder.path().join("lake/checkpoints/_staged")).into_iter().flatten();
        staged.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).any(|name| name.ends_with("begun.json"))
    };
    while !begun() {
        assert!(child.try_wait().unwrap().is_none() && now() - oldest < 115 * SECOND, "the run did not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(now() - oldest < 75 * SECOND, "the machine is too slow for this test");
    child.kill().unwrap();
    child.wait().unwrap();
    while now() - oldest < 76 * SECOND {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(!begun(), "the note is still there");
}
