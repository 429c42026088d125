//! Event frames, compared with the truth row by row: new, closed, open, edited; paged, below others, from several
//! databases.

use std::collections::BTreeMap;

use tidegate_simulators::pi::{Assets, Config, Effect, Event, Fault, Form, Frame, Frames, NewFrame, Value};

use crate::plant::{Plant, SECOND, now};
use crate::table;

/// Columns that hold one thing each.
pub const COLUMNS: [&str; 14] = [
    "event_frame_id",
    "event_name",
    "template_name",
    "start_time",
    "end_time",
    "duration_minutes",
    "primary_element_id",
    "referenced_elements",
    "category",
    "description",
    "severity",
    "acknowledged",
    "parent_event_id",
    "database_id",
];

const INGESTION: &str = "{start: -30d, lookback: 12h, include_event_frames: true}";

fn config(frames: Frames, days: f64) -> Config {
    let assets = Assets { elements: 20, ..Assets::default() };
    Config { tags: 4, days, interval_seconds: 3_600.0, assets, frames, ..Config::default() }
}

pub fn plant(frames: Frames, days: f64) -> Plant {
    let plant = Plant::start(config(frames, days));
    plant.configure(|settings| settings.ingestion = INGESTION.to_owned());
    plant
}

pub fn some() -> Frames {
    Frames { per_day: 200.0, attributes: 5, open: 3, children: 2, ..Frames::default() }
}

/// As the tables print an instant given in 100 ns ticks.
fn time(ticks: i64) -> String {
    table::time(ticks.div_euclid(10))
}

fn expected(plant: &Plant, database: &str) -> BTreeMap<String, Vec<String>> {
    let truth = plant.server.truth();
    let home = truth.assets().databases().into_iter().find(|home| home.name == database).unwrap();
    let elements: BTreeMap<_, _> =
        truth.assets().elements(database).into_iter().map(|e| (e.id.clone(), e.web_id(Form::IdOnly))).collect();
    let all = truth.frames().all(database);
    let ids: BTreeMap<_, _> = all.iter().map(|frame| (frame.id.clone(), frame.web_id(Form::IdOnly))).collect();
    let row = |frame: &Frame| {
        let minutes = frame.end.map(|end| (end - frame.start) as f64 / (60.0 * SECOND as f64));
        let referenced: Vec<_> = frame.elements.iter().map(|id| elements[id].clone()).collect();
        vec![
            frame.web_id(Form::IdOnly),
            frame.name.clone(),
            frame.template.clone(),
            time(frame.start),
            frame.end.map(time).unwrap_or_default(),
            minutes.map(|minutes| format!("{minutes:?}")).unwrap_or_default(),
            referenced.first().cloned().unwrap_or_default(),
            format!("[{}]", referenced.join(", ")),
            format!("[{}]", frame.categories.join(", ")),
            frame.description.clone(),
            frame.severity.to_string(),
            frame.acknowledged.is_some().to_string(),
            frame.parent.as_ref().map(|id| ids[id].clone()).unwrap_or_default(),
            home.web_id(Form::Full),
        ]
    };
    all.iter().map(|frame| (frame.web_id(Form::IdOnly), row(frame))).collect()
}

/// The table has each frame once, as the server holds it.
pub async fn assert_frames_mirror(plant: &Plant, databases: &[&str]) {
    let mut expected: BTreeMap<String, Vec<String>> =
        databases.iter().flat_map(|database| expected(plant, database)).collect();
    let found = table::cells(&plant.table("event_frames"), &COLUMNS).await;
    assert!(!found.is_empty());
    for mut row in found {
        let mut wanted = expected.remove(&row[0]).unwrap_or_else(|| panic!("extra or doubled: {row:?}"));
        // The database is known by whichever of its WebIds the server gave.
        let (home, known) = (row.pop().unwrap(), wanted.pop().unwrap());
        assert!(home == known || known.contains(home.get(4..).unwrap()), "{home} is not {known}");
        assert_eq!(row, wanted);
    }
    assert!(expected.is_empty(), "missing: {:?}", expected.first_key_value());
}

/// The attributes of every frame are those of the server.
pub async fn assert_attributes_mirror(plant: &Plant, database: &str) {
    let truth = plant.server.truth();
    let all: BTreeMap<String, Frame> =
        truth.frames().all(database).into_iter().map(|frame| (frame.web_id(Form::IdOnly), frame)).collect();
    for row in table::maps(&plant.table("event_frames"), "event_frame_id", "event_attributes").await {
        let frame = &all[&row.0];
        let expected: BTreeMap<String, Option<String>> =
            truth.frames().values(&frame.id).into_iter().map(|(name, event)| (name, text(&event.value))).collect();
        assert_eq!(row.1, expected, "{}", frame.name);
    }
}

fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Text(text) => text.to_string(),
        Value::Digital { name, .. } | Value::System { name, .. } => name.to_string(),
        Value::Errors(texts) => texts.join("; "),
        Value::Timestamp(ticks) => tidegate_simulators::pi::format_ticks(*ticks),
        other => other.json(),
    })
}

#[tokio::test]
async fn every_frame_is_one_row_with_its_attributes() {
    let plant = plant(some(), 3.0);
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_attributes_mirror(&plant, "Plant").await;
    let open = table::strings(&plant.table("event_frames"), "end_time").await;
    assert!(open.iter().any(String::is_empty), "some are still open");
    assert_eq!(table::strings(&plant.table("event_frames_watermarks"), "tag_webid").await.len(), 1);
    assert_eq!(table::strings(&plant.table("watermarks"), "tag_webid").await.len(), 4, "one row per tag and no other");
}

#[tokio::test]
async fn a_second_run_without_news_rewrites_no_file() {
    let plant = plant(Frames { open: 0, ..some() }, 2.0);
    plant.run(0);
    let (_, before) = table::files(&plant.table("event_frames")).await;
    let summary = plant.run(0);
    let (_, after) = table::files(&plant.table("event_frames")).await;
    assert_eq!((before, &summary["tables"]["pi_event_frames"]), (after, &0.into()), "{summary}");
    assert_frames_mirror(&plant, &["Plant"]).await;
}

#[tokio::test]
async fn what_begins_ends_or_changes_between_runs_is_the_one_row_of_its_frame() {
    let plant = plant(some(), 3.0);
    plant.run(0);
    let truth = plant.server.truth().frames();
    let all = truth.all("Plant");
    let open: Vec<_> = all.iter().filter(|frame| frame.end.is_none()).collect();
    let recent: Vec<_> = all.iter().filter(|frame| frame.end.is_some_and(|end| end > now() - 3_600 * SECOND)).collect();
    assert!(!open.is_empty() && recent.len() > 3, "{} open, {} recent", open.len(), recent.len());
    assert!(truth.close(&open[0].id, now() - SECOND));
    assert!(truth.acknowledge(&recent[0].id, "me", now()));
    assert!(truth.set_value(
        &recent[1].id,
        &truth.attributes(&recent[1].id)[0].name,
        Event::good(now(), Value::Int(77))
    ));
    // Begun on another day than the table thinks.
    assert!(truth.set_times(&recent[2].id, recent[2].start - 86_400 * SECOND, recent[2].end));
    let new = NewFrame { name: "New".into(), start: now() - 60 * SECOND, elements: vec![], ..NewFrame::default() };
    truth.add("Plant", new).unwrap();
    let summary = plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_attributes_mirror(&plant, "Plant").await;
    // One of them may have been acknowledged already.
    assert!(summary["edited"].as_u64().unwrap() >= 3, "{summary}");
}

#[tokio::test]
async fn a_frame_that_is_ended_long_ago_after_all_is_ended_here_too() {
    let plant = plant(Frames { per_day: 40.0, open: 0, ..some() }, 5.0);
    let truth = plant.server.truth().frames();
    let start = now() - 3 * 86_400 * SECOND;
    let old = NewFrame { name: "Forgotten".into(), start, ..NewFrame::default() };
    let id = truth.add("Plant", old).unwrap();
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    // Two days before the look-back begins.
    assert!(truth.close(&id, start + 3_600 * SECOND));
    let summary = plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_eq!(summary["edited"], 1, "{summary}");
    let requests = plant.run(0)["requests"].as_u64().unwrap();
    assert!(requests < summary["requests"].as_u64().unwrap(), "nothing is looked after any more");
}

#[tokio::test]
async fn only_the_templates_asked_for() {
    let plant = plant(Frames { children: 0, ..some() }, 2.0);
    plant.configure(|settings| {
        settings.ingestion =
            "{start: -30d, include_event_frames: true, event_frame_templates: [DowntimeTemplate]}".to_owned();
    });
    plant.run(0);
    let names = table::strings(&plant.table("event_frames"), "template_name").await;
    let truth = plant.server.truth().frames().all("Plant");
    let expected = truth.iter().filter(|frame| frame.template == "DowntimeTemplate").count();
    assert!(expected > 10 && names.iter().all(|name| name == "DowntimeTemplate"), "{names:?}");
    assert_eq!(names.len(), expected);
}

#[tokio::test]
async fn several_databases() {
    let mut config = config(Frames { per_day: 50.0, ..some() }, 2.0);
    config.assets.databases = vec!["Plant".to_owned(), "Utilities".to_owned()];
    let plant = Plant::start(config);
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, include_event_frames: true, af_database: [Plant, Utilities]}".to_owned();
    });
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant", "Utilities"]).await;
    assert_eq!(table::strings(&plant.table("event_frames_watermarks"), "tag_webid").await.len(), 2);
}

#[tokio::test]
async fn a_month_of_twenty_thousand_frames_takes_requests_by_batches() {
    let frames = Frames { per_day: 667.0, attributes: 5, open: 2, children: 0, ..Frames::default() };
    let plant = plant(frames, 30.0);
    let summary = plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    let (frames, requests) =
        (summary["tables"]["pi_event_frames"].as_u64().unwrap(), summary["requests"].as_u64().unwrap());
    assert!(frames >= 19_000, "{summary}");
    assert!(requests < frames / 50, "{summary}");
}

#[tokio::test]
async fn a_page_limit_of_the_server_loses_and_doubles_nothing() {
    for max_items in [7, 100] {
        let plant = Plant::start(Config { max_items, ..config(Frames { per_day: 60.0, ..some() }, 1.0) });
        plant.configure(|settings| settings.ingestion = INGESTION.to_owned());
        plant.run(0);
        assert_frames_mirror(&plant, &["Plant"]).await;
    }
}

/// With `effect` on `route`: exit 3, nothing wrong in the table; without it the next run makes it whole.
async fn is_repaired(effect: Effect, route: &str) {
    let plant = plant(Frames { per_day: 100.0, ..some() }, 1.0);
    plant.server.set_faults(vec![Fault::new(effect.clone()).route(route)]);
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 3, "{effect:?} on {route}: {ended:#?}");
    plant.assert_mirrors().await;
    let gaps = table::strings(&plant.table("gaps"), "table_name").await;
    assert!(gaps.iter().any(|table| table == "pi_event_frames"), "{effect:?} on {route}: {gaps:?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_attributes_mirror(&plant, "Plant").await;
}

fn every_fault() -> Vec<Effect> {
    vec![
        Effect::Status { code: 400 },
        Effect::Status { code: 403 },
        Effect::Status { code: 409 },
        Effect::Status { code: 500 },
        Effect::Status { code: 503 },
        Effect::WebException { status: 500, after: 3 },
        Effect::Garbage,
        Effect::Html,
        Effect::Empty,
        Effect::NoItems,
    ]
}

#[tokio::test]
async fn a_list_of_frames_that_is_not_whole_is_a_gap() {
    let cut =
        [Effect::Cut { keep: 0.5 }, Effect::CutLength { keep: 0.5 }, Effect::Reset, Effect::ItemErrors { index: 1 }];
    for effect in every_fault().into_iter().chain(cut) {
        is_repaired(effect, "assetdatabases/eventframes").await;
    }
}

#[tokio::test]
async fn an_attribute_that_can_never_be_read_is_null_and_holds_no_frame_back() {
    let plant = plant(Frames { per_day: 100.0, ..some() }, 1.0);
    plant.server.set_faults(vec![Fault::new(Effect::ItemErrors { index: 0 }).route("streamsets/parent/value")]);
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    let maps = table::maps(&plant.table("event_frames"), "event_frame_id", "event_attributes").await;
    assert!(maps.iter().all(|(_, map)| map.values().filter(|value| value.is_none()).count() == 1));
    assert_eq!(table::strings(&plant.table("rejects"), "reason").await.len(), maps.len());
    // What passes is healed by the look-back.
    plant.server.set_faults(Vec::new());
    plant.configure(|settings| settings.ingestion = "{start: -30d, include_event_frames: true}".to_owned());
    plant.run(0);
    assert_attributes_mirror(&plant, "Plant").await;
}

#[tokio::test]
async fn values_that_cannot_be_read_are_a_gap_and_not_a_frame_without_attributes() {
    for effect in every_fault() {
        is_repaired(effect, "streamsets/parent/value").await;
    }
}
