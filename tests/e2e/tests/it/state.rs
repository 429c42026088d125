//! `tidegate state`: what an operator sees of the cursors, keeps, brings back and puts back, and that a run after any of it
//! loses and doubles nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value as Json;
use tidegate_simulators::pi::{Config, Effect, Event, Fault, Value};

use crate::frames;
use crate::plant::{Ended, Plant, SECOND, command, now};
use crate::table;

const HOUR: i64 = 3_600 * SECOND;
/// A look-back that reaches nothing that a test changes.
const SHORT: &str = "{start: -30d, lookback: 1m, stream_updates: off}";

fn plant() -> Plant {
    let plant = Plant::start(Config { tags: 9, days: 0.5, ..Config::default() });
    plant.configure(|settings| settings.ingestion = SHORT.to_owned());
    plant
}

/// `tidegate state …` that must end with `code`.
fn state(plant: &Plant, code: i32, arguments: &[&str]) -> Ended {
    let ended = plant.tidegate(&[&["state"], arguments].concat());
    assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
    ended
}

/// The same as JSON.
fn json(plant: &Plant, arguments: &[&str]) -> Json {
    let ended = state(plant, 0, &[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.insert(entry.path().display().to_string(), std::fs::read(entry.path()).unwrap());
        }
    }
    all
}

fn lake(plant: &Plant) -> BTreeMap<String, Vec<u8>> {
    files(&plant.folder.path().join("lake"))
}

/// How many rows of each tag the watermarks count, and how many there are.
async fn assert_counted(plant: &Plant) {
    let (watermarks, mut rows) = (plant.table("watermarks"), BTreeMap::new());
    for (key, all) in plant.rows().await {
        *rows.entry(key.0).or_insert(0) += all.len() as i64;
    }
    let ids = table::strings(&watermarks, "tag_webid").await;
    let counted = ids.into_iter().zip(table::integers(&watermarks, "record_count").await);
    assert_eq!(counted.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>(), rows);
}

#[tokio::test]
async fn a_reset_of_everything_doubles_nothing_and_the_next_run_reads_all_again() {
    let plant = plant();
    plant.run(0);
    let (_, before) = table::files(&plant.table("timeseries")).await;
    let told = state(&plant, 0, &["reset", "--yes"]).stdout;
    assert!(told.contains("9 tags change") && told.contains("applied"), "{told}");
    let shown = json(&plant, &["show", "--table", "timeseries"]);
    assert!(shown.as_array().unwrap().iter().all(|line| line["stored_until"].is_string()), "{shown}");
    plant.server.reset_stats();
    let summary = plant.run(0);
    assert_eq!(
        (&summary["rows"], &summary["edited"], &summary["deleted"]),
        (&0.into(), &0.into(), &0.into()),
        "{summary}"
    );
    let (stats, rows) = (plant.server.stats(), plant.rows().await.len() as u64);
    assert!(stats.events >= rows, "{} of {rows} events were read again", stats.events);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
    let (_, after) = table::files(&plant.table("timeseries")).await;
    assert_eq!(before, after, "equal rows ask for no write");
    let shown = json(&plant, &["show", "--table", "timeseries"]);
    assert!(shown.as_array().unwrap().iter().all(|line| line["stored_until"].is_null()), "{shown}");
}

#[tokio::test]
async fn a_reset_to_before_all_that_was_read_reads_from_there() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{start: -3h, lookback: 1m, stream_updates: off}".to_owned());
    plant.run(0);
    assert!(plant.difference().await.missing > 0);
    // The configuration starts earlier now; a cursor alone would never go there.
    plant.configure(|settings| settings.ingestion = SHORT.to_owned());
    plant.run(0);
    assert!(plant.difference().await.missing > 0);
    state(&plant, 0, &["reset", "--yes"]);
    plant.run(0);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn a_cursor_put_back_mirrors_what_the_look_back_does_not_reach_of_the_tags_that_were_meant() {
    let plant = plant();
    plant.run(0);
    let truth = plant.server.truth();
    let points = truth.points();
    let old = |tag: usize| {
        let events = truth.events(tag, (now() - 6 * HOUR) * 100, i64::MAX);
        events[events.len() / 3].clone()
    };
    for tag in [1, 2] {
        let (edited, deleted) = (old(tag), truth.events(tag, (now() - 3 * HOUR) * 100, i64::MAX)[1].clone());
        assert!(truth.replace(tag, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
        assert!(truth.delete(tag, deleted.ticks) >= 1);
        truth.insert(tag, Event::good(now() - 5 * HOUR, Value::Text("late".into())));
    }
    plant.run(0);
    let behind = plant.difference().await;
    assert_eq!(behind.missing, 2, "{behind:?}");
    // One tag by its name in other case, with a time of which nothing changes, and with one in the past.
    let name = points[1].name.to_lowercase();
    let told = state(&plant, 0, &["reset", "--tag", &name, "--from", "2100-01-01T00:00:00Z", "--yes"]).stdout;
    assert!(told.contains("stays") && told.contains("nothing to change"), "{told}");
    let told = state(&plant, 0, &["reset", "--tag", &name, "--from", "-7h", "--yes"]).stdout;
    assert!(told.contains("1 tags change"), "{told}");
    let summary = plant.run(0);
    assert!(
        summary["rows"] == 1 && summary["edited"].as_u64() >= Some(1) && summary["deleted"].as_u64() >= Some(1),
        "{summary}"
    );
    assert_eq!(plant.difference().await.missing, 1, "the other tag is as it was");
    state(&plant, 0, &["reset", "--from", "-7h", "--table", "pi_timeseries", "--yes"]);
    plant.run(0);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
    state(&plant, 2, &["reset", "--tag", "NO.SUCH*"]);
    state(&plant, 2, &["reset", "--table", "points"]);
    state(&plant, 2, &["reset", "--from", "yesterday"]);
}

#[tokio::test]
async fn frames_that_are_read_again_are_still_one_row_each() {
    let plant = frames::plant(frames::some(), 3.0);
    plant.run(0);
    let before = json(&plant, &["show", "--table", "timeseries"]);
    let told = state(&plant, 0, &["reset", "--table", "pi_event_frames", "--yes"]).stdout;
    assert!(told.contains("pi_event_frames: 1 tags change") && !told.contains("pi_timeseries"), "{told}");
    assert_eq!(json(&plant, &["show", "--table", "timeseries"]), before);
    let summary = plant.run(0);
    assert_eq!(summary["tables"]["pi_event_frames"], 0, "{summary}");
    frames::assert_frames_mirror(&plant, &["Plant"]).await;
    let counts = table::integers(&plant.table("event_frames_watermarks"), "record_count").await;
    assert_eq!(counts, [table::strings(&plant.table("event_frames"), "event_frame_id").await.len() as i64]);
}

#[tokio::test]
async fn what_only_looks_writes_nothing_at_all() {
    let plant = plant();
    state(&plant, 0, &["show"]);
    state(&plant, 0, &["reset"]);
    assert!(!plant.folder.path().join("lake").exists());
    plant.run(0);
    let before = lake(&plant);
    let text = state(&plant, 0, &["export"]).stdout;
    std::fs::write(plant.folder.path().join("s.json"), text).unwrap();
    state(&plant, 0, &["show"]);
    let told = state(&plant, 0, &["reset", "--from", "-2h"]).stdout;
    assert!(told.contains("9 tags change") && told.contains("nothing was written; --yes applies it"), "{told}");
    state(&plant, 0, &["import", "s.json"]);
    let difference = json(&plant, &["reset"]);
    let change = &difference["tables"][0]["changes"][0];
    assert_eq!(
        (&difference["apply"], &change["after"]["stored_until"]),
        (&false.into(), &change["before"]["last_timestamp"])
    );
    let instant = |value: &Json| value.as_str().unwrap().to_owned();
    let read_from = instant(&change["next_run_reads"]["start"]);
    assert!(read_from <= instant(&change["after"]["last_timestamp"]), "{difference:#}");
    assert!(lake(&plant) == before, "a file of the lake was changed");
}

#[tokio::test]
async fn a_state_goes_to_a_file_and_comes_back_here_and_in_another_lake() {
    let plant = plant();
    plant.server.set_faults(vec![
        Fault::new(Effect::Status { code: 403 }).tag(&plant.server.truth().points()[3].name).route("streams/recorded"),
    ]);
    plant.run(3);
    plant.server.set_faults(Vec::new());
    state(&plant, 0, &["export", "s.json"]);
    let exported = std::fs::read_to_string(plant.folder.path().join("s.json")).unwrap();
    assert!(exported.contains("\"version\": 1") && exported.contains("http-403"), "{exported}");
    assert_eq!(state(&plant, 0, &["export"]).stdout, exported);
    assert!(state(&plant, 0, &["import", "s.json", "--yes"]).stdout.contains("nothing to change"));
    // Put back, and undone.
    state(&plant, 0, &["reset", "--yes"]);
    assert_ne!(state(&plant, 0, &["export"]).stdout, exported);
    state(&plant, 0, &["import", "s.json", "--yes"]);
    assert_eq!(state(&plant, 0, &["export"]).stdout, exported);
    // The checkpoints are lost: the rows are there, so nothing is skipped.
    std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints")).unwrap();
    state(&plant, 0, &["import", "s.json", "--yes"]);
    assert_eq!(state(&plant, 0, &["export"]).stdout, exported);
    plant.run(0);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
    // An older state over newer rows: they are compared and not doubled.
    std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints")).unwrap();
    plant.server.truth().insert(0, Event::good(now() - SECOND, Value::Text("new".into())));
    state(&plant, 0, &["import", "s.json", "--yes"]);
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn rows_beyond_the_cursor_of_an_older_document_are_compared() {
    let plant = plant();
    plant.run(0);
    state(&plant, 0, &["export", "s.json"]);
    plant.server.truth().insert(2, Event::good(now() - SECOND, Value::Text("beyond".into())));
    plant.run(0);
    for lost in [false, true] {
        if lost {
            std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints")).unwrap();
        }
        state(&plant, 0, &["import", "s.json", "--yes"]);
        assert_eq!(plant.run(0)["rows"], 0, "checkpoints lost: {lost}");
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn a_cursor_is_not_moved_over_what_was_never_read_unless_that_is_said() {
    let plant = plant();
    plant.run(0);
    state(&plant, 0, &["export", "s.json"]);
    std::fs::remove_dir_all(plant.folder.path().join("lake")).unwrap();
    let refused = state(&plant, 2, &["import", "s.json", "--yes"]);
    assert!(refused.stdout.contains("over what was not read"), "{refused:#?}");
    assert!(refused.stderr.contains("--accept-skip"), "{refused:#?}");
    assert!(json(&plant, &["show"]).as_array().unwrap().is_empty());
    state(&plant, 0, &["import", "s.json", "--yes", "--accept-skip"]);
    let exported = std::fs::read_to_string(plant.folder.path().join("s.json")).unwrap();
    assert_eq!(state(&plant, 0, &["export"]).stdout, exported);
}

#[tokio::test]
async fn documents_that_are_not_right_are_refused_and_change_nothing() {
    let plant = plant();
    plant.run(0);
    let good = state(&plant, 0, &["export"]).stdout;
    let before = lake(&plant);
    let last = good.split("\"last_timestamp\": \"").nth(1).unwrap().split('"').next().unwrap();
    let cut = &good[..good.len() / 2];
    let table = [
        (String::new(), "EOF"),
        (cut.to_owned(), "EOF"),
        ("[]".to_owned(), "it has no `version`"),
        (good.replace("\"version\": 1", "\"version\": 99"), "its version is 99"),
        (good.replace("pi_timeseries", "pi_nothing"), "no table `pi_nothing`"),
        (good.replace("pi_timeseries", "pi_points"), "it has no cursors"),
        (good.replace("\"pipeline\": \"test\"", "\"pipeline\": \"prod\""), "it is of pipeline `prod`"),
        (good.replacen(last, "1999-01-01T00:00:00.000000Z", 1), "lies before first_timestamp"),
        (good.replacen(last, "soon", 1), "`soon` is not a time"),
        (good.replacen("\"record_count\": ", "\"record_count\": -", 1), "below 0"),
        (good.replacen("\"name\"", "\"nmae\"", 1), "unknown field `nmae`"),
    ];
    for (text, expected) in table {
        assert_ne!(text, good, "{expected}");
        std::fs::write(plant.folder.path().join("bad.json"), text).unwrap();
        let refused = state(&plant, 2, &["import", "bad.json", "--yes", "--accept-skip"]);
        assert!(refused.stderr.contains(expected) && refused.stderr.contains("bad.json"), "{expected}: {refused:#?}");
    }
    state(&plant, 2, &["import", "nowhere.json"]);
    std::fs::write(plant.folder.path().join("bad.json"), b"\xff\xfe").unwrap();
    state(&plant, 2, &["import", "bad.json", "--yes"]);
    assert!(lake(&plant) == before, "a file of the lake was changed");
}

/// A run that reads slowly, once it has asked for events: it holds the lane by then.
fn slow_run(plant: &Plant) -> Child {
    // The first is the probe that comes with the catalogue.
    plant.server.set_faults(vec![Fault::new(Effect::Delay { ms: 4_000 }).route("streams/recorded").nth(2).times(1)]);
    plant.server.reset_stats();
    let mut run = command(plant.folder.path(), &["run"]);
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while plant.server.stats().sub_requests.get("streams/recorded").is_none_or(|asked| *asked < 2) {
        std::thread::yield_now();
    }
    child
}

#[tokio::test]
async fn a_state_is_not_changed_while_a_run_holds_the_lane() {
    let plant = plant();
    plant.run(0);
    state(&plant, 0, &["export", "s.json"]);
    plant.server.truth().insert(0, Event::good(now() - SECOND, Value::Text("new".into())));
    let run = slow_run(&plant);
    for arguments in [&["reset", "--from", "-2h", "--yes"][..], &["reset", "--yes"]] {
        let refused = state(&plant, 1, arguments);
        assert!(refused.stderr.contains("another run of pipeline test is writing"), "{refused:#?}");
    }
    state(&plant, 0, &["reset"]);
    let ended = run.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn a_run_that_holds_the_lane_without_its_lock_stops_and_loses_nothing() {
    let plant = plant();
    plant.run(0);
    let new = Event::good(now() - SECOND, Value::Text("new".into()));
    plant.server.truth().insert(0, new);
    let run = slow_run(&plant);
    // As on a file system without locks, or from another machine.
    std::fs::remove_file(plant.folder.path().join("lake/checkpoints/_staged/test.pi_timeseries.live.lock")).unwrap();
    state(&plant, 0, &["reset", "--from", "-2h", "--yes"]);
    let ended = run.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("another run of pipeline test is writing table bronze.pi_timeseries"), "{told}");
    let shown = json(&plant, &["show"]);
    assert!(shown.as_array().unwrap().iter().all(|line| line["stored_until"].is_string()), "the reset stands: {shown}");
    assert_eq!(plant.run(0)["rows"], 1);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn lost_checkpoints_double_nothing_and_the_next_run_mirrors() {
    let plant = plant();
    plant.run(0);
    for lost in ["pi_watermarks", ""] {
        let truth = plant.server.truth();
        truth.insert(0, Event::good(now() - 4 * HOUR, Value::Text("late".into())));
        let gone = truth.events(1, (now() - 3 * HOUR) * 100, i64::MAX)[0].clone();
        assert!(truth.delete(1, gone.ticks) >= 1);
        std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints").join(lost)).unwrap();
        let summary = plant.run(0);
        assert_eq!(summary["rows"], 1, "{summary}");
        plant.assert_mirrors().await;
        assert_eq!(plant.run(0)["rows"], 0);
    }
}

#[tokio::test]
async fn a_tag_without_a_cursor_beside_others_that_have_one_is_loaded_once() {
    let plant = plant();
    let name = |tag: usize| serde_json::to_string(&plant.server.truth().points()[tag].name).unwrap();
    plant.configure(|settings| {
        settings.ingestion = format!("{{start: -30d, lookback: 1m, tags: [{}, {}]}}", name(2), name(6));
    });
    plant.run(0);
    plant.configure(|settings| settings.ingestion = SHORT.to_owned());
    plant.run(0);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn no_cursor_passes_an_event_before_it_is_decided_whether_that_is_deleted() {
    let plant = plant();
    plant.configure(|settings| {
        settings.ingestion = SHORT.to_owned();
        settings.performance = "{max_requests_per_second: 10000, max_count_per_request: 100}".to_owned();
    });
    plant.run(0);
    let truth = plant.server.truth();
    assert!(truth.delete(4, truth.events(4, 0, i64::MAX)[5].ticks) >= 1);
    state(&plant, 0, &["reset", "--yes"]);
    // Two pages, and then no more: what is behind them is not known, so nothing is deleted yet.
    let refused = Fault::new(Effect::Status { code: 403 }).tag(&truth.points()[4].name).route("streams/recorded");
    plant.server.set_faults(vec![refused.nth(3)]);
    plant.run(3);
    assert_eq!(plant.difference().await.missing, 0);
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
    assert_counted(&plant).await;
}
