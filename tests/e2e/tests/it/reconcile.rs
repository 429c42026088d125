//! Counts per tag and day against the server's own: what is equal is left alone, what differs is filed and mended by the next
//! run, and what cannot be counted is never taken for equal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value as Json, json};
use tidegate_simulators::pi::{Config, Effect, Event, Fault, Form, Kind, Knobs, Scope, Sprinkle, Value};

use crate::plant::{Ended, Plant, PlantOf, SECOND, Simulator, component, now};
use crate::{table, truth};

const DAY: i64 = 86_400 * SECOND;
const TAGS: usize = 11;

/// Five days of every kind of value but blobs, whose values no server sends.
fn config() -> Config {
    let kinds = Kind::ALL.iter().map(|(kind, _)| *kind).filter(|kind| *kind != Kind::Blob).collect();
    Config { tags: TAGS, days: 5.0, interval_seconds: 300.0, kinds, ..Config::default() }
}

fn loaded(config: Config) -> Plant {
    let plant = Plant::start(config);
    plant.configure(|settings| settings.ingestion = "{start: -10d, lookback: 24h, stream_updates: off}".to_owned());
    plant.run(0);
    plant
}

/// `tidegate reconcile` that must end with `code`; its report.
pub fn reconcile<S: Simulator>(plant: &PlantOf<S>, code: i32, arguments: &[&str]) -> Json {
    plant.json(code, &[&["reconcile"], arguments].concat())
}

/// Midnight (UTC) this many days before today's, in ticks.
pub fn midnight(ago: i64) -> i64 {
    now().div_euclid(DAY) * DAY - ago * DAY
}

/// The date of an instant in ticks, as the report writes it.
pub fn date(ticks: i64) -> String {
    table::time(ticks / 10).split(['T', ' ']).next().unwrap().to_owned()
}

/// Tag, date, and what the lake has more, of each day that differs.
pub fn differing(report: &Json) -> BTreeSet<(String, String, i64)> {
    let line = |line: &Json| {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        (text("name"), text("day"), line["difference"].as_i64().unwrap())
    };
    report["differing"].as_array().unwrap().iter().map(line).collect()
}

fn name(plant: &Plant, tag: usize) -> String {
    plant.server.truth().points()[tag].name.clone()
}

/// Series, reason, attempts and whether it is resolved, of each gap.
pub async fn gaps<S: Simulator>(plant: &PlantOf<S>) -> Vec<(String, String, i64, bool)> {
    let columns = ["tag_webid", "reason", "attempts", "resolved_at"];
    let rows = table::cells(&plant.table("gaps"), &columns).await;
    rows.into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2].parse().unwrap(), !row[3].is_empty())).collect()
}

/// All files below a folder with their time of change.
fn files(folder: &Path) -> BTreeMap<String, SystemTime> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path().display().to_string(), entry.metadata().unwrap().modified().unwrap());
        }
    }
    found
}

/// An event of a tag that is alone at its timestamp, some hours into the day that began `ago` midnights before today's.
fn one(plant: &Plant, tag: usize, ago: i64) -> Event {
    let from = midnight(ago) + 6 * 3_600 * SECOND;
    let events = plant.server.truth().events(tag, from * 100, (from + DAY / 4) * 100);
    let micros: Vec<i64> = events.iter().map(Event::micros).collect();
    events[truth::alone(&micros)].clone()
}

#[tokio::test]
async fn a_loaded_table_is_equal_in_every_day_whatever_a_count_of_the_server_holds() {
    for (count_bad, count_no_data) in [(true, false), (false, true)] {
        let knobs = Knobs { count_bad, count_no_data, ..Knobs::default() };
        let plant = Plant::start(Config { knobs, empty: 1, ..config() });
        plant.configure(|settings| settings.ingestion = "{start: -10d, lookback: 24h, stream_updates: off}".to_owned());
        let truth = plant.server.truth();
        for tag in 0..TAGS {
            // Around and on a boundary, twice at one instant.
            for offset in [-1, 0, 0, 1] {
                truth.insert(tag, Event::good(midnight(3) + offset, Value::Text("edge".into())));
            }
        }
        plant.run(0);
        plant.assert_mirrors().await;
        let before = files(&plant.folder.path().join("lake"));
        let report = reconcile(&plant, 0, &[]);
        assert_eq!((&report["outcome"], &report["tags"]), (&json!("equal"), &json!(TAGS)), "{report}");
        assert!(report["days"].as_u64().unwrap() >= 8 * TAGS as u64, "{report}");
        assert_eq!(files(&plant.folder.path().join("lake")), before, "something was written");
        // The same with ends that are no midnights, and up to the look-back.
        let [from, to] = [midnight(3) + 12_345_670, now() - SECOND].map(|at| table::time(at / 10).replace(' ', "T"));
        reconcile(&plant, 0, &["--from", &from, "--to", &to]);
    }
}

#[tokio::test]
async fn what_the_server_changes_below_the_look_back_is_found_filed_and_mended_by_the_next_run() {
    let plant = loaded(config());
    let truth = plant.server.truth();
    // One deleted, two added, and one moved to the day before.
    assert_eq!(truth.delete(1, one(&plant, 1, 3).ticks), 1);
    for offset in [SECOND, 2 * SECOND] {
        truth.insert(2, Event::good(midnight(3) + offset, Value::Text("late".into())));
    }
    let moved = one(&plant, 4, 2);
    assert_eq!(truth.delete(4, moved.ticks), 1);
    truth.insert(4, Event { ticks: moved.ticks - DAY, ..moved });
    plant.run(0);
    assert!(plant.difference().await.missing > 0, "the look-back does not see it");

    let report = reconcile(&plant, 3, &[]);
    let expected = [
        (name(&plant, 1), date(midnight(3)), 1),
        (name(&plant, 2), date(midnight(3)), -2),
        (name(&plant, 4), date(midnight(2)), 1),
        (name(&plant, 4), date(midnight(3)), -1),
    ];
    assert_eq!(differing(&report), expected.into(), "{report}");
    assert_eq!((&report["differing_days"], &report["uncounted_days"]), (&json!(4), &json!(0)));
    let filed = table::cells(&plant.table("gaps"), &["tag_webid", "gap_start", "gap_end", "reason"]).await;
    let id = |tag: usize| truth.points()[tag].web_id(Form::Full);
    let filed: BTreeSet<Vec<String>> = filed.into_iter().collect();
    let row = |tag: usize, from: i64, to: i64| {
        let time = |ago: i64| table::time(midnight(ago) / 10);
        vec![id(tag), time(from), time(to), "count-differs".to_owned()]
    };
    // Days of one tag that follow each other are one stretch.
    assert_eq!(filed, [row(1, 3, 2), row(2, 3, 2), row(4, 3, 1)].into());
    assert!(gaps(&plant).await.iter().all(|(_, _, attempts, resolved)| *attempts == 0 && !resolved));
    // Looking again files nothing twice.
    reconcile(&plant, 3, &[]);
    assert_eq!(gaps(&plant).await.len(), 3);

    plant.run(0);
    plant.assert_mirrors().await;
    assert!(gaps(&plant).await.iter().all(|(.., resolved)| *resolved));
    reconcile(&plant, 0, &[]);
}

#[tokio::test]
async fn rows_that_somebody_took_out_of_the_lake_come_back() {
    let plant = loaded(config());
    let day = date(midnight(3));
    let table = plant.table("timeseries");
    let (version, files) = table::files(&table).await;
    let victim = files.iter().find(|file| file.display().to_string().contains(&day)).unwrap();
    let path = victim.strip_prefix(&table).unwrap().display().to_string();
    let remove = json!({"remove": {"path": path, "deletionTimestamp": now() / 10_000, "dataChange": true}});
    std::fs::write(table.join(format!("_delta_log/{:020}.json", version + 1)), remove.to_string()).unwrap();
    let missing = plant.difference().await.missing;
    assert!(missing > 0);

    let report = reconcile(&plant, 3, &[]);
    let found = differing(&report);
    assert_eq!(found.iter().map(|(_, _, difference)| -difference).sum::<i64>(), missing as i64, "{report}");
    assert_eq!((found.len(), found.iter().all(|(_, found, _)| *found == day)), (TAGS, true), "{report}");
    plant.run(0);
    plant.assert_mirrors().await;
    reconcile(&plant, 0, &[]);
}

/// With `fault` on the counts of one tag: exit 3, that tag is said to be uncounted, and nothing is filed.
async fn is_never_equal(effect: Effect, reason: &str) {
    let plant = loaded(Config { days: 3.0, ..config() });
    let victim = name(&plant, 5);
    plant.server.set_faults(vec![Fault::new(effect.clone()).tag(&victim).route("streams/summary")]);
    let report = reconcile(&plant, 3, &[]);
    assert_eq!(
        (&report["differing_days"], &report["outcome"]),
        (&json!(0), &json!("different")),
        "{effect:?}: {report}"
    );
    let uncounted = report["uncounted"].as_array().unwrap();
    assert_eq!(uncounted.len(), 1, "{effect:?}: {report}");
    assert_eq!((&uncounted[0]["name"], &uncounted[0]["reason"]), (&json!(victim), &json!(reason)), "{effect:?}");
    assert!(report["uncounted_days"].as_u64().unwrap() >= 8, "{report}");
    assert!(report["days"].as_u64().unwrap() >= 8 * (TAGS as u64 - 1), "the others are compared: {report}");
    assert!(!plant.table("gaps").exists(), "{effect:?}");
}

#[tokio::test]
async fn a_tag_whose_count_is_forbidden_is_said_to_be_uncounted() {
    is_never_equal(Effect::Status { code: 403 }, "http-403").await;
}

#[tokio::test]
async fn no_failure_of_the_server_passes_for_a_count() {
    is_never_equal(Effect::Status { code: 503 }, "http-503").await;
    is_never_equal(Effect::WebException { status: 500, after: 3 }, "web-exception").await;
    is_never_equal(Effect::ItemErrors { index: 4 }, "item-errors").await;
    is_never_equal(Effect::NoItems, "items-missing").await;
}

#[tokio::test]
async fn a_fault_that_passes_by_costs_nothing_but_a_request() {
    let plant = loaded(Config { days: 3.0, ..config() });
    for fault in [
        Fault::new(Effect::Status { code: 503 }).scope(Scope::Sub).route("streams/summary").times(1),
        Fault::new(Effect::Cut { keep: 0.5 }).route("batch").nth(2).times(1),
    ] {
        plant.server.set_faults(vec![fault]);
        reconcile(&plant, 0, &[]);
    }
}

#[tokio::test]
async fn requests_grow_with_batches_and_not_with_tags_or_days() {
    let plant = Plant::start(Config { tags: 300, days: 4.0, interval_seconds: 7_200.0, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -400d, lookback: 24h}".to_owned());
    plant.run(0);
    plant.server.reset_stats();
    let report = reconcile(&plant, 0, &[]);
    assert!(report["days"].as_u64().unwrap() >= 300 * 398, "{report}");
    let stats = plant.server.stats();
    assert!(stats.total_requests() < 40, "{stats:?}");
    assert_eq!(report["requests"].as_u64().unwrap(), stats.total_requests());
}

#[tokio::test]
async fn good_events_are_compared_where_only_they_are_stored_and_the_server_counts_them() {
    for (count_bad, code) in [(false, 0), (true, 3)] {
        let knobs = Knobs { count_bad, ..Knobs::default() };
        let sprinkle = Sprinkle { system: 6_000, ..Sprinkle::default() };
        let plant = Plant::start(Config { knobs, sprinkle, ..config() });
        plant.configure(|settings| settings.ingestion = "{start: -10d, lookback: 24h, quality: good}".to_owned());
        plant.run(0);
        let report = reconcile(&plant, code, &[]);
        let uncounted = report["uncounted"].as_array().unwrap();
        assert_eq!(uncounted.len(), if count_bad { TAGS } else { 0 }, "{report}");
        assert!(uncounted.iter().all(|line| line["reason"] == "counts-all"), "{report}");
        assert_eq!(report["differing_days"], 0, "{report}");
        if !count_bad {
            plant.server.truth().insert(2, Event::good(midnight(3) + SECOND, Value::Text("late".into())));
            let report = reconcile(&plant, 3, &[]);
            assert_eq!(differing(&report), [(name(&plant, 2), date(midnight(3)), -1)].into(), "{report}");
            assert_eq!(report["differing"][0]["counted"], "good");
        }
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_compared() {
    let plant = loaded(config());
    let truth = plant.server.truth();
    for (tag, ago) in [(1, 2), (2, 3), (3, 4)] {
        truth.insert(tag, Event::good(midnight(ago) + SECOND, Value::Text("late".into())));
    }
    let found = |arguments: &[&str]| -> Vec<String> {
        let ended = plant.tidegate(&[&["--output", "json", "reconcile"], arguments].concat());
        let report: Json = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
        differing(&report).into_iter().map(|(name, ..)| name).collect()
    };
    let [from, to] = [midnight(3), midnight(2)].map(|at| table::time(at / 10).replace(' ', "T"));
    assert_eq!(found(&["--from", &from, "--to", &to]), [name(&plant, 2)]);
    assert_eq!(found(&["--tags", &name(&plant, 3).to_lowercase()]), [name(&plant, 3)]);
    let nothing = plant.tidegate(&["reconcile", "--tags", "nothing*"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("has a name like `nothing*`"), "{nothing:#?}");
    assert_eq!(found(&["--table", "pi_timeseries"]).len(), 3);
    let frames = plant.tidegate(&["reconcile", "--table", "event_frames"]);
    assert!(frames.code == 2 && frames.stderr.contains("holds no events"), "{frames:#?}");
    let people = plant.tidegate(&["reconcile"]);
    assert!(people.code == 3 && people.stdout.contains("3 differ"), "{people:#?}");
}

#[tokio::test]
async fn what_only_a_backfill_has_read_is_compared_and_mended_too() {
    let plant = Plant::start(config());
    plant.configure(|settings| settings.ingestion = "{start: -26h, lookback: 2h, stream_updates: off}".to_owned());
    plant.run(0);
    let [from, to] = [midnight(4), midnight(2)].map(|at| table::time(at / 10).replace(' ', "T"));
    let backfilled = plant.tidegate(&["backfill", "--from", &from, "--to", &to]);
    assert_eq!(backfilled.code, 0, "{backfilled:#?}");
    reconcile(&plant, 0, &[]);
    let gone = one(&plant, 1, 3);
    assert_eq!(plant.server.truth().delete(1, gone.ticks), 1);
    // Between the backfill and the run nothing was read, and nothing can differ.
    plant.server.truth().insert(2, Event::good(midnight(2) + 60 * SECOND, Value::Text("unread".into())));
    let report = reconcile(&plant, 3, &[]);
    assert_eq!(differing(&report), [(name(&plant, 1), date(midnight(3)), 1)].into(), "{report}");
    let shown = plant.tidegate(&["gaps", "--tags", &name(&plant, 1)]).stdout;
    assert!(shown.contains(&name(&plant, 1)) && shown.contains("count-differs"), "{shown}");
    assert!(plant.tidegate(&["gaps", "--tags", &name(&plant, 2)]).stdout.contains("no such gaps"));
    assert_eq!(plant.run(0)["deleted"], 1);
    reconcile(&plant, 0, &[]);
    assert_eq!(plant.tidegate(&["gaps"]).stdout.lines().count(), 1, "the gap is resolved");
}

#[tokio::test]
async fn a_plugin_that_cannot_count_says_so() {
    let plant = Plant::start(Config { tags: 1, ..Config::default() });
    plant.configure(|settings| settings.plugin = component("programs/well_behaved.wasm"));
    plant.run(0);
    let Ended { code, stderr, .. } = plant.tidegate(&["reconcile"]);
    assert!(code == 1 && stderr.contains("cannot count"), "{code}: {stderr}");
}

#[tokio::test]
async fn nothing_is_compared_before_anything_is_loaded() {
    let plant = Plant::start(Config { tags: 2, ..Config::default() });
    let report = reconcile(&plant, 0, &[]);
    assert_eq!((&report["tags"], &report["from"]), (&json!(0), &Json::Null), "{report}");
    assert!(!plant.folder.path().join("lake").exists());
}
