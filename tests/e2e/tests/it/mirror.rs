//! The look-back as a mirror: what the historian adds late, edits or deletes is so in the table after the next run, and a
//! table that equals the historian is not touched.

use tidegate_simulators::pi::{Config, Effect, Event, Fault, Scope, Value};

use crate::plant::{Plant, SECOND, now};
use crate::{table, truth};

const HOUR: i64 = 3_600 * SECOND;

/// The look-back alone, and with the historian's hints of what to read again.
const UPDATES: [&str; 2] = ["off", "auto"];

fn plant(updates: &str) -> Plant {
    with(updates, Config { tags: 9, days: 0.5, ..Config::default() })
}

fn with(updates: &str, config: Config) -> Plant {
    let plant = Plant::start(config);
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, stream_updates: {updates}}}"));
    plant
}

/// An event of `tag` that stands alone at its timestamp, about `ago` ticks old.
fn one(plant: &Plant, tag: usize, ago: i64) -> Event {
    let events = plant.server.truth().events(tag, (now() - ago) * 100, i64::MAX);
    let micros: Vec<i64> = events.iter().map(Event::micros).collect();
    events[truth::alone(&micros)].clone()
}

#[tokio::test]
async fn late_edited_and_deleted_events_are_mirrored_and_counted() {
    for updates in UPDATES {
        let plant = plant(updates);
        plant.run(0);
        let truth = plant.server.truth();
        let edited = one(&plant, 1, 2 * HOUR);
        assert!(truth.replace(1, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
        assert_eq!(truth.delete(2, one(&plant, 2, 3 * HOUR).ticks), 1);
        truth.insert(3, Event::good(now() - HOUR, Value::Text("late".into())));
        let summary = plant.run(0);
        plant.assert_mirrors().await;
        assert_eq!(
            (&summary["late"], &summary["edited"], &summary["deleted"]),
            (&1.into(), &1.into(), &1.into()),
            "{summary}"
        );
        let counts = table::integers(&plant.table("watermarks"), "record_count").await;
        assert_eq!(counts.iter().sum::<i64>(), plant.rows().await.len() as i64);
        let summary = plant.run(0);
        assert_eq!((&summary["edited"], &summary["deleted"]), (&0.into(), &0.into()), "{summary}");
    }
}

#[tokio::test]
async fn the_metrics_say_what_was_mirrored_and_that_a_run_failed() {
    let plant = plant("auto");
    let folder = plant.folder.path().join("metrics");
    std::fs::create_dir(&folder).unwrap();
    let tidegate = |code| plant.json(code, &["--set", "metrics.folder=metrics", "run"]);
    let metrics = || std::fs::read_to_string(folder.join("tidegate-test-run.prom")).unwrap();
    let says = |name: &str, value: &str| {
        let line = format!("tidegate_last_run_{name}{{pipeline=\"test\",command=\"run\"}} {value}");
        assert!(metrics().lines().any(|written| written == line), "no {line} in {}", metrics());
    };
    tidegate(0);
    let truth = plant.server.truth();
    let edited = one(&plant, 1, 2 * HOUR);
    assert!(truth.replace(1, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
    assert_eq!(truth.delete(2, one(&plant, 2, 3 * HOUR).ticks), 1);
    truth.insert(3, Event::good(now() - HOUR, Value::Text("late".into())));
    let summary = tidegate(0);
    for (name, value) in summary.as_object().unwrap() {
        if let Some(number) = value.as_f64() {
            says(name, &format!("{number:?}"));
        }
    }
    ["late", "edited", "deleted"].iter().for_each(|name| says(name, "1.0"));
    says("exit_code", "0.0");
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 401 }).scope(Scope::Request)]);
    let ended = plant.tidegate(&["--set", "metrics.folder=metrics", "run"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    says("exit_code", "1.0");
    assert!(!metrics().contains("last_run_rows"), "the figures of another run");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
}

#[tokio::test]
async fn a_late_event_that_sorts_before_others_of_its_instant_renumbers_them() {
    for updates in UPDATES {
        let plant = plant(updates);
        plant.run(0);
        let truth = plant.server.truth();
        let there = one(&plant, 4, 2 * HOUR);
        // One tick earlier in the same microsecond, if there is room, else with the same tick.
        let ticks = there.ticks - i64::from(there.ticks % 10 > 0);
        truth.insert(4, Event::good(ticks, Value::Float64(0.25)));
        plant.run(0);
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn the_newest_value_that_was_only_a_snapshot_vanishes_again() {
    for updates in UPDATES {
        let plant = with(updates, Config { tags: 6, days: 0.2, snapshot: true, ..Config::default() });
        plant.run(0);
        let truth = plant.server.truth();
        for tag in 0..6 {
            truth.insert(tag, Event::good(now() - SECOND, Value::Text("next".into())));
        }
        plant.run(0);
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn only_the_files_that_hold_a_difference_are_rewritten() {
    let plant = Plant::start(Config { tags: 4, days: 3.0, interval_seconds: 600.0, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 30d, stream_updates: off}".to_owned());
    plant.run(0);
    let (_, before) = table::files(&plant.table("timeseries")).await;
    assert!(before.len() >= 3, "one file a day: {before:?}");
    let edited = one(&plant, 1, 30 * HOUR);
    assert!(plant.server.truth().replace(1, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    let (_, after) = table::files(&plant.table("timeseries")).await;
    let kept = before.iter().filter(|file| after.contains(file)).count();
    assert_eq!(summary["files_rewritten"], 1, "{summary}");
    assert_eq!(kept, before.len() - 1, "before {before:?}, after {after:?}");
}

#[tokio::test]
async fn a_look_back_without_a_difference_reads_a_small_part_of_the_table_and_rewrites_nothing() {
    let plant = Plant::start(Config { tags: 30, days: 28.0, interval_seconds: 120.0, ..Config::default() });
    let first = plant.run(0);
    assert_eq!((&first["files_compared"], &first["bytes_compared"]), (&0.into(), &0.into()), "{first}");
    let again = plant.run(0);
    let figure = |name: &str| again[name].as_u64().unwrap();
    let (_, files) = table::files(&plant.table("timeseries")).await;
    let stored: u64 = files.iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
    let (compared, bytes) = (figure("files_compared"), figure("bytes_compared"));
    println!("look-back of 2 of 28 days: {compared} of {} files, {bytes} of {stored} bytes", files.len());
    // 48 hours touch three dates; what is new since may touch a fourth.
    assert!(compared > 0 && compared <= 4 && files.len() > 25, "{compared} of {}", files.len());
    // Of so small a table each of five partitions reads the same few pages.
    assert!(bytes > 0 && bytes * 2 < stored, "{bytes} of {stored} bytes");
    assert_eq!(figure("files_rewritten"), 0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn an_archive_that_is_offline_empties_nothing_until_the_operator_says_so() {
    for updates in UPDATES {
        let plant = plant(updates);
        plant.run(0);
        let rows = plant.rows().await.len();
        let victim = plant.server.truth().points()[5].name.clone();
        plant.server.set_faults(vec![Fault::new(Effect::Offline).tag(&victim).route("streams/recorded")]);
        for _run in 0..2 {
            let summary = plant.run(3);
            assert_eq!((&summary["deleted"], &summary["gaps"]), (&0.into(), &1.into()), "{summary}");
            assert_eq!(plant.rows().await.len(), rows);
        }
        assert_eq!(table::strings(&plant.table("gaps"), "reason").await, ["shrunk"]);
        // The archive comes back.
        plant.server.set_faults(Vec::new());
        plant.run(0);
        plant.assert_mirrors().await;
        assert!(table::strings(&plant.table("gaps"), "resolved_at").await.iter().all(|at| !at.is_empty()));
        // And now it is really gone.
        let held = plant.server.truth().events(5, 0, i64::MAX);
        for event in &held {
            plant.server.truth().delete(5, event.ticks);
        }
        plant.run(3);
        assert_eq!(plant.rows().await.len(), rows);
        assert_eq!(plant.tidegate(&["run", "--accept-shrink"]).code, 0);
        plant.assert_mirrors().await;
        plant.run(0);
    }
}

#[tokio::test]
async fn append_only_counts_and_lists_what_it_leaves_alone() {
    let plant = plant("off");
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, mirror: append_only, stream_updates: off}".to_owned()
    });
    plant.run(0);
    let truth = plant.server.truth();
    let edited = one(&plant, 1, 2 * HOUR);
    assert!(truth.replace(1, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
    truth.delete(2, one(&plant, 2, 3 * HOUR).ticks);
    truth.insert(3, Event::good(now() - HOUR, Value::Text("late".into())));
    let (_, before) = table::files(&plant.table("timeseries")).await;
    let summary = plant.run(0);
    assert_eq!(
        (&summary["rows"], &summary["edited"], &summary["deleted"]),
        (&1.into(), &1.into(), &1.into()),
        "{summary}"
    );
    let (_, after) = table::files(&plant.table("timeseries")).await;
    assert!(before.iter().all(|file| after.contains(file)), "a file was rewritten");
    // Each difference is listed once, however often it is met.
    plant.run(0);
    let rejects = plant.table("rejects");
    let (mut listed, reasons) = (table::strings(&rejects, "raw_json").await, table::strings(&rejects, "reason").await);
    listed.sort();
    assert!(reasons.len() == 2 && reasons.iter().all(|reason| reason.contains("append_only")), "{reasons:?}");
    assert!(listed[0].contains("edited") || listed[1].contains("edited"), "{listed:?}");
    assert_eq!(summary["rejected"], 0, "{summary}");
    let difference = plant.difference().await;
    assert_eq!((difference.missing, difference.altered, difference.extra), (0, 1, 1), "{difference:?}");
}
