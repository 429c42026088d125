//! Event frames of a Canary view, compared with the truth row by row: open, closed, begun and ended again.

use std::collections::BTreeMap;

use tidegate_simulators::canary::{Config, Effect, EventFrame, Fault};

use super::{HOUR, config};
use crate::frames::COLUMNS;
use crate::plant::{CanaryPlant, SECOND, now};
use crate::table;

const DAY: i64 = 24 * HOUR;

fn plant(per_day: f64, days: f64) -> CanaryPlant {
    let frames = Config { frames_per_day: per_day, open_frames: 3, ..config() };
    let plant = CanaryPlant::start(Config { tags: 20, days, interval_seconds: 3_600.0, ..frames });
    configure(&plant, "");
    plant
}

fn configure(plant: &CanaryPlant, more: &str) {
    plant.configure(|settings| {
        settings.source = "  view: UNS\n".to_owned();
        settings.ingestion = format!("{{start: -30d, lookback: 12h, include_event_frames: true{more}}}");
    });
}

/// As the tables print an instant given in 100 ns ticks.
fn time(ticks: i64) -> String {
    table::time(ticks.div_euclid(10))
}

/// What the server shows: frames that are long enough for their rule.
fn shown(plant: &CanaryPlant) -> Vec<EventFrame> {
    plant.server.truth().frames().into_iter().filter(|frame| !frame.below_min_duration).collect()
}

fn row(frame: &EventFrame) -> Vec<String> {
    let minutes = frame.ends_at.map(|end| (end - frame.starts_at) as f64 / (60.0 * SECOND as f64));
    vec![
        frame.id.clone(),
        frame.event_type.clone(),
        frame.event_type.clone(),
        time(frame.starts_at),
        frame.ends_at.map(time).unwrap_or_default(),
        minutes.map(|minutes| format!("{minutes:?}")).unwrap_or_default(),
        frame.asset.clone(),
        format!("[{}]", frame.asset),
        "[]".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        "UNS".to_owned(),
    ]
}

/// The table has each of these frames once, with its properties.
async fn assert_holds(plant: &CanaryPlant, frames: &[EventFrame]) {
    let mut found = table::cells(&plant.table("event_frames"), &COLUMNS).await;
    let mut expected: Vec<_> = frames.iter().map(row).collect();
    found.sort();
    expected.sort();
    assert!(!expected.is_empty());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let attributes = |frame: &EventFrame| {
        let named = frame.properties.iter().map(|(name, _, value)| (name.clone(), text(value)));
        (frame.id.clone(), named.collect::<BTreeMap<_, _>>())
    };
    let found = table::maps(&plant.table("event_frames"), "event_frame_id", "event_attributes").await;
    assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), frames.iter().map(attributes).collect());
}

/// The table has each frame of the server once.
pub async fn assert_frames_mirror(plant: &CanaryPlant) {
    assert_holds(plant, &shown(plant)).await;
}

#[tokio::test]
async fn every_frame_is_one_row_and_a_second_run_rewrites_nothing() {
    let plant = plant(300.0, 4.0);
    plant.run(0);
    assert_frames_mirror(&plant).await;
    let open = table::strings(&plant.table("event_frames"), "end_time").await;
    assert!(open.iter().any(String::is_empty), "none is still open");
    let (_, before) = table::files(&plant.table("event_frames")).await;
    let summary = plant.run(0);
    assert_eq!(summary["tables"]["canary_event_frames"], 0, "{summary}");
    assert_eq!(before, table::files(&plant.table("event_frames")).await.1);
    assert_eq!(table::strings(&plant.table("event_frames_watermarks"), "tag_webid").await, ["UNS"]);
}

#[tokio::test]
async fn what_begins_ends_or_changes_between_runs_is_the_one_row_of_its_frame() {
    let plant = plant(60.0, 3.0);
    let truth = plant.server.truth();
    let forgotten = truth.begin_frame(now() - 2 * DAY);
    plant.run(0);
    assert_frames_mirror(&plant).await;
    let all = shown(&plant);
    let open = all.iter().find(|frame| frame.ends_at.is_none() && frame.id != forgotten).unwrap();
    let recent = all.iter().find(|frame| frame.ends_at.is_some_and(|end| end > now() - 6 * HOUR)).unwrap();
    // One that is open ends, one that was long below the look-back too, and one ends later than it had.
    let (_, last) = truth.range();
    assert!(truth.end_frame(&open.id, last - SECOND));
    assert!(truth.end_frame(&forgotten, now() - 2 * DAY + HOUR));
    assert!(truth.end_frame(&recent.id, recent.ends_at.unwrap() + 7));
    truth.begin_frame(last - 60 * SECOND);
    let summary = plant.run(0);
    assert_frames_mirror(&plant).await;
    assert_eq!((&summary["edited"], &summary["tables"]["canary_event_frames"]), (&3.into(), &1.into()), "{summary}");
    let summary = plant.run(0);
    assert_eq!(summary["edited"], 0, "{summary}");
}

#[tokio::test]
async fn only_the_types_asked_for() {
    let plant = plant(60.0, 3.0);
    configure(&plant, ", event_frame_templates: [Downtime, Batch]");
    plant.run(0);
    let wanted: Vec<_> = shown(&plant).into_iter().filter(|frame| frame.event_type != "High Temperature").collect();
    assert!(wanted.len() > 60);
    assert_holds(&plant, &wanted).await;
}

#[tokio::test]
async fn a_list_of_frames_that_is_not_whole_is_a_gap() {
    let effects = [
        Effect::Errors,
        Effect::NoPayload,
        Effect::Garbage,
        Effect::Html,
        Effect::Cut { keep: 0.5 },
        Effect::Status { code: 403 },
        Effect::RejectContinuation,
    ];
    for effect in effects {
        let plant = plant(600.0, 1.0);
        plant.server.set_faults(vec![Fault::new(effect.clone()).route("getEvents").nth(2)]);
        let ended = plant.tidegate(&["run"]);
        assert_eq!(ended.code, 3, "{effect:?}: {ended:#?}");
        let gaps = table::strings(&plant.table("gaps"), "table_name").await;
        assert_eq!(gaps, ["canary_event_frames"], "{effect:?}");
        plant.server.set_faults(Vec::new());
        plant.run(0);
        assert_frames_mirror(&plant).await;
    }
}

#[tokio::test]
async fn frames_below_the_cursor_are_backfilled_with_those_that_began_before_the_range() {
    let plant = plant(40.0, 20.0);
    configure(&plant, "");
    plant.configure(|settings| {
        settings.source = "  view: UNS\n".to_owned();
        settings.ingestion = "{start: -2d, lookback: 12h, include_event_frames: true}".to_owned();
    });
    plant.run(0);
    plant.json(0, &["backfill", "--from", "-20d", "--to", "-1d", "--table", "event_frames"]);
    assert_frames_mirror(&plant).await;
    let again = plant.json(0, &["backfill", "--from", "-20d", "--to", "-1d", "--table", "event_frames", "--again"]);
    assert_eq!((&again["rows"], &again["edited"]), (&0.into(), &0.into()), "{again}");
}
