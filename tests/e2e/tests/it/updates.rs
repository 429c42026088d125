//! Stream Updates as hints: what changed far below the look-back is mirrored, a quiet run reads little, and whatever becomes
//! of the hints, the look-back still mirrors what lies in it.

use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tidegate_simulators::pi::{Config, Effect, Event, Fault, Override, Scope, Value};

use crate::plant::{Plant, SECOND, command, now};
use crate::{table, truth};

const HOUR: i64 = 3_600 * SECOND;
const TAGS: u64 = 6;

/// Three days of history, of which two hours are looked back on.
fn config() -> Config {
    Config { tags: TAGS as usize, days: 3.0, interval_seconds: 300.0, ..Config::default() }
}

fn start(config: Config) -> Plant {
    let plant = Plant::start(config);
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 2h}".to_owned());
    plant
}

/// An event of `tag` that stands alone at its timestamp, about `ago` ticks old.
fn one(plant: &Plant, tag: usize, ago: i64) -> Event {
    let events = plant.server.truth().events(tag, (now() - ago) * 100, i64::MAX);
    let micros: Vec<i64> = events.iter().map(Event::micros).collect();
    events[truth::alone(&micros)].clone()
}

fn edit(plant: &Plant, tag: usize, ago: i64, text: &'static str) {
    let event = one(plant, tag, ago);
    assert!(plant.server.truth().replace(tag, event.ticks, 0, Event::good(event.ticks, Value::Text(text.into()))));
}

fn figures(summary: &Json) -> (u64, u64) {
    (summary["hinted"].as_u64().unwrap(), summary["fell_back"].as_u64().unwrap())
}

/// Requests for updates inside batches.
fn asked(plant: &Plant) -> u64 {
    let stats = plant.server.stats();
    stats.sub_requests.iter().filter(|(route, _)| route.starts_with("streams/updates")).map(|(_, count)| count).sum()
}

#[tokio::test]
async fn changes_far_below_the_look_back_are_mirrored() {
    let plant = start(config());
    assert_eq!(figures(&plant.run(0)), (0, 0), "the first run signs up");
    let truth = plant.server.truth();
    edit(&plant, 1, 50 * HOUR, "edited");
    assert_eq!(truth.delete(2, one(&plant, 2, 40 * HOUR).ticks), 1);
    truth.insert(3, Event::good(now() - 30 * HOUR, Value::Text("late".into())));
    edit(&plant, 3, 60 * HOUR, "edited");
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(figures(&summary), (TAGS, 0), "{summary}");
    let counts = ["late", "edited", "deleted"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [1, 2, 1], "{summary}");
    let summary = plant.run(0);
    assert_eq!((&summary["rows"], &summary["edited"], &summary["deleted"]), (&0.into(), &0.into(), &0.into()));
    let columns = ["hinted", "fell_back"];
    let mut runs = table::cells(&plant.table("runs"), &columns).await;
    runs.sort();
    assert_eq!(runs, [["0", "0"], ["6", "0"], ["6", "0"]]);
}

#[tokio::test]
async fn changes_where_only_a_backfill_has_read_are_mirrored_too() {
    let plant = Plant::start(config());
    plant.configure(|settings| settings.ingestion = "{start: -1d, lookback: 2h}".to_owned());
    plant.run(0);
    let backfilled = plant.tidegate(&["backfill", "--from", "-3d", "--to", "-2d"]);
    assert_eq!(backfilled.code, 0, "{backfilled:#?}");
    edit(&plant, 1, 60 * HOUR, "edited after the backfill");
    edit(&plant, 2, 36 * HOUR, "edited where nothing was read");
    let summary = plant.run(0);
    assert_eq!((&summary["edited"], &summary["rows"]), (&1.into(), &0.into()), "{summary}");
    let rows = plant.rows().await;
    let texts: Vec<&str> = rows.values().flatten().filter_map(|row| row.text.as_deref()).collect();
    assert!(texts.contains(&"edited after the backfill") && !texts.contains(&"edited where nothing was read"));
}

#[tokio::test]
async fn a_quiet_run_reads_a_small_part_of_the_look_back() {
    let plant = Plant::start(Config { tags: 40, days: 3.0, interval_seconds: 60.0, ..Config::default() });
    let read = |updates: &str, every: &str| {
        plant.configure(|settings| {
            settings.ingestion = format!("{{start: -30d, stream_updates: {updates}, full_lookback_every: {every}}}");
        });
        plant.server.reset_stats();
        let summary = plant.run(0);
        assert_eq!(summary["rows"], 0, "{summary}");
        (plant.server.stats().events, summary["requests"].as_u64().unwrap())
    };
    plant.run(0);
    let (few, few_requests) = read("auto", "6h");
    let (whole, _) = read("auto", "0");
    let (all, all_requests) = read("off", "6h");
    println!("look-back: {all} events, {all_requests} requests; by hints: {few} events, {few_requests} requests");
    assert!(few * 100 < all, "{few} of {all} events");
    assert!(few_requests <= all_requests, "{few_requests} and {all_requests} requests");
    assert!(whole * 10 > all * 9, "every run looks back in full: {whole} of {all} events");
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn what_arrives_by_time_and_snapshots_that_vanish_are_followed() {
    let end = now() - 3 * HOUR;
    let config = Config { snapshot: true, end: Some(end), interval_seconds: 60.0, ..config() };
    let plant = start(config);
    plant.run(0);
    for step in 1..=4 {
        plant.server.truth().set_end(end + step * HOUR / 3);
        let summary = plant.run(0);
        plant.assert_mirrors().await;
        // Of a tag whose snapshot was there before it signed up, nobody knows when it was.
        assert!(step == 1 || figures(&summary) == (TAGS, 0), "step {step}: {summary}");
        assert!(summary["rows"].as_u64().unwrap() >= 15 * TAGS, "step {step}: {summary}");
    }
    // Taken back again: history changed from there on.
    plant.server.truth().set_end(end + HOUR);
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn lost_markers_fall_back_to_the_look_back_and_are_made_again() {
    let plant = start(config());
    plant.run(0);
    let idle: &dyn Fn() = &|| plant.server.let_pass(Duration::from_secs(16 * 60));
    let restart: &dyn Fn() = &|| plant.server.forget_updates();
    let spoil: &dyn Fn() = &|| assert_eq!(plant.server.truth().spoil_updates(4), 1);
    for (how, lose, lost) in [("idle", idle, TAGS), ("restart", restart, TAGS), ("spoilt", spoil, 1)] {
        lose();
        edit(&plant, 4, HOUR, how);
        let summary = plant.run(0);
        assert_eq!(figures(&summary), (TAGS - lost, lost), "{how}: {summary}");
        plant.assert_mirrors().await;
        edit(&plant, 4, 20 * HOUR, how);
        let summary = plant.run(0);
        assert_eq!(figures(&summary), (TAGS, 0), "{how}: {summary}");
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn faults_of_the_updates_cost_no_row_and_no_exit_code() {
    let plant = start(config());
    plant.run(0);
    let status = |code| Effect::Status { code };
    let effects = [status(404), status(409), status(500), status(503), Effect::Garbage, Effect::Empty, Effect::NoItems];
    let exception = Effect::WebException { status: 500, after: 0 };
    for effect in effects.into_iter().chain([exception]) {
        let text: &'static str = Box::leak(format!("{effect:?}").into_boxed_str());
        edit(&plant, 0, HOUR, text);
        plant.server.set_faults(vec![Fault::new(effect).route("streams/updates*").scope(Scope::Sub)]);
        let summary = plant.run(0);
        assert_eq!(figures(&summary).0, 0, "{text}: {summary}");
        plant.assert_mirrors().await;
        plant.server.set_faults(Vec::new());
        plant.run(0);
        plant.assert_mirrors().await;
    }
    // The answer of a whole batch is cut: its markers stay good.
    edit(&plant, 0, 30 * HOUR, "far");
    plant.server.set_faults(vec![Fault::new(Effect::Cut { keep: 0.5 }).route("streams/updates/get")]);
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_server_without_updates_costs_one_request_and_nothing_is_remembered() {
    let mut older = config();
    older.knobs.stream_updates = false;
    let plant = start(older);
    let requests = |updates: &str| {
        let ingestion = format!("{{start: -30d, lookback: 2h, stream_updates: {updates}}}");
        plant.configure(|settings| {
            settings.ingestion = ingestion;
            settings.performance = "{max_requests_per_second: 10000, batch_size: 2}".to_owned();
        });
        let summary = plant.run(0);
        assert_eq!(figures(&summary), (0, 0), "{summary}");
        summary["requests"].as_u64().unwrap()
    };
    requests("auto");
    edit(&plant, 0, HOUR, "edited");
    let (with, without) = (requests("auto"), requests("off"));
    assert_eq!(with, without + 1);
    plant.assert_mirrors().await;
    assert!(!plant.table("bookmarks").exists());
}

#[tokio::test]
async fn a_run_that_dies_after_asking_loses_no_hint_where_a_marker_can_be_asked_for_again() {
    for repeatable in [true, false] {
        let mut config = config();
        config.knobs.updates_repeatable = repeatable;
        let plant = start(config);
        plant.run(0);
        edit(&plant, 1, 50 * HOUR, "edited");
        plant.server.set_faults(vec![Fault::new(Effect::Stall { ms: 60_000 }).route("streams/recorded").nth(2)]);
        plant.server.reset_stats();
        let mut child = command(plant.folder.path(), &["run"]).spawn().unwrap();
        let began = Instant::now();
        while plant.server.stats().sub_requests.get("streams/recorded").is_none_or(|count| *count < 2) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", plant.server.stats());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(asked(&plant) >= TAGS, "the hints were taken before anything was read");
        child.kill().unwrap();
        child.wait().unwrap();
        plant.server.set_faults(Vec::new());
        let summary = plant.run(0);
        if !repeatable {
            // Each event is given out once: the change is found where everything is read again, and not before.
            assert_eq!(figures(&summary).1, 1, "{summary}");
            assert_eq!(plant.difference().await.altered, 1);
            assert_eq!(plant.tidegate(&["run", "--full-refresh"]).code, 0);
        }
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn planning_uses_no_hint_up() {
    let plant = start(config());
    plant.run(0);
    edit(&plant, 1, 50 * HOUR, "edited");
    plant.server.reset_stats();
    assert_eq!(plant.tidegate(&["plan"]).code, 0);
    assert_eq!(asked(&plant), 0);
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn an_archive_that_is_offline_empties_no_hinted_range() {
    let plant = Plant::start(Config { interval_seconds: 60.0, ..config() });
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 4h}".to_owned());
    plant.run(0);
    let rows = plant.rows().await.len();
    let victim = plant.server.truth().points()[5].name.clone();
    let offline = || vec![Fault::new(Effect::Offline).tag(&victim).route("streams/recorded")];
    // A look-back cut down to a few minutes, again when it is whole, and a change far below it.
    for far in [false, false, true] {
        if far {
            plant.server.set_faults(Vec::new());
            assert_eq!(plant.tidegate(&["run", "--retry-gaps"]).code, 0);
            plant.assert_mirrors().await;
            edit(&plant, 5, 50 * HOUR, "far");
        }
        plant.server.set_faults(offline());
        let summary = plant.run(3);
        assert_eq!(summary["deleted"], 0, "{summary}");
        assert_eq!(plant.rows().await.len(), rows);
    }
    let summary = plant.run(3);
    assert_eq!((&summary["deleted"], plant.rows().await.len()), (&0.into(), rows), "{summary}");
    plant.server.set_faults(Vec::new());
    assert_eq!(plant.tidegate(&["run", "--retry-gaps"]).code, 0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn append_only_leaves_hinted_differences_alone() {
    let plant = start(config());
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 2h, mirror: append_only}".to_owned());
    plant.run(0);
    edit(&plant, 1, 50 * HOUR, "edited");
    plant.server.truth().delete(2, one(&plant, 2, 40 * HOUR).ticks);
    plant.server.truth().insert(3, Event::good(now() - 30 * HOUR, Value::Text("late".into())));
    let summary = plant.run(0);
    let counts = ["rows", "edited", "deleted"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1], "{summary}");
    let difference = plant.difference().await;
    assert_eq!((difference.missing, difference.altered, difference.extra), (0, 1, 1), "{difference:?}");
}

#[tokio::test]
async fn a_block_of_events_that_was_deleted_on_purpose_is_no_shrink() {
    let plant = Plant::start(Config { interval_seconds: 60.0, ..config() });
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 2h}".to_owned());
    plant.run(0);
    let truth = plant.server.truth();
    let from = now() - 40 * HOUR;
    let block = truth.events(1, from * 100, (from + 2 * HOUR) * 100);
    let gone: usize = block.iter().map(|event| truth.delete(1, event.ticks)).sum();
    let summary = plant.run(0);
    assert_eq!(summary["deleted"], gone, "{summary}");
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_tag_added_later_and_one_that_owes_a_gap_are_read_as_before() {
    let plant = start(config());
    plant.run(0);
    let born = Override { name: Some("BORN.LATER".to_owned()), born: Some(now() - 30 * HOUR), ..Override::default() };
    plant.server.truth().add_tag(born);
    let victim = plant.server.truth().points()[0].name.clone();
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim).route("streams/recorded")]);
    edit(&plant, 0, 50 * HOUR, "edited");
    assert_eq!(figures(&plant.run(3)), (TAGS, 0));
    // The hint is spent, and what it made necessary is in the gap ledger.
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}
