//! A server that misbehaves: nothing unproven passes for an answer, and what it concerns is all that it stops.

use tidegate_simulators::pi::{Config, Effect, Event, Fault, Form, Scope, Value};

use crate::plant::{Plant, SECOND, now};
use crate::table;

const TAGS: usize = 8;

fn plant() -> Plant {
    Plant::start(Config { tags: TAGS, days: 0.3, ..Config::default() })
}

fn name(plant: &Plant, tag: usize) -> String {
    plant.server.truth().points()[tag].name.clone()
}

/// With `fault` on one tag: exit 3, the others whole, the reason in the ledger; without it, the next run repairs all.
async fn concerns_one_tag(effect: Effect, reason: &str) {
    let plant = plant();
    let victim = plant.server.truth().points()[3].clone();
    let id = victim.web_id(Form::Full);
    plant.server.set_faults(vec![Fault::new(effect).tag(&victim.name).route("streams/recorded")]);
    let summary = plant.run(3);
    assert_eq!(summary["gaps"], 1, "{summary}");
    let difference = plant.difference().await;
    assert_eq!((difference.doubled, difference.altered, difference.extra), (0, 0, 0), "{difference:?}");
    let truth = plant.server.truth();
    let held = truth.events(3, 0, i64::MAX).len();
    assert!(difference.missing <= held, "other tags lost rows: {difference:?}");
    let others = plant.rows().await.into_keys().filter(|key| key.0 != id).count();
    let expected: usize = (0..TAGS).filter(|tag| *tag != 3).map(|tag| truth.events(tag, 0, i64::MAX).len()).sum();
    assert_eq!(others, expected, "other tags lost rows");
    assert_eq!(table::strings(&plant.table("gaps"), "tag_webid").await, [id]);
    let reasons = table::strings(&plant.table("gaps"), "reason").await;
    assert!(reasons[0].contains(reason), "{reasons:?}");

    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
    let resolved = table::strings(&plant.table("gaps"), "resolved_at").await;
    assert!(resolved.iter().all(|at| !at.is_empty()), "the gap stays open: {resolved:?}");
}

#[tokio::test]
async fn a_sub_response_503() {
    concerns_one_tag(Effect::Status { code: 503 }, "503").await;
}

#[tokio::test]
async fn a_sub_response_404() {
    concerns_one_tag(Effect::Status { code: 404 }, "404").await;
}

#[tokio::test]
async fn a_sub_response_403() {
    concerns_one_tag(Effect::Status { code: 403 }, "403").await;
}

#[tokio::test]
async fn a_sub_response_409() {
    concerns_one_tag(Effect::Status { code: 409 }, "409").await;
}

#[tokio::test]
async fn a_web_exception_under_200_after_some_items() {
    concerns_one_tag(Effect::WebException { status: 500, after: 20 }, "web-exception").await;
}

#[tokio::test]
async fn item_errors() {
    concerns_one_tag(Effect::ItemErrors { index: 30 }, "item-errors").await;
}

#[tokio::test]
async fn an_answer_without_items() {
    concerns_one_tag(Effect::NoItems, "").await;
}

#[tokio::test]
async fn items_out_of_order() {
    concerns_one_tag(Effect::Unordered, "unordered").await;
}

/// A fault that passes by itself is retried within the run.
async fn passes_by(fault: Fault) {
    let plant = plant();
    plant.server.set_faults(vec![fault]);
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(summary["gaps"], 0, "{summary}");
}

#[tokio::test]
async fn a_sub_response_that_fails_once() {
    passes_by(Fault::new(Effect::Status { code: 503 }).scope(Scope::Sub).times(1)).await;
}

#[tokio::test]
async fn a_body_cut_in_the_middle() {
    passes_by(Fault::new(Effect::Cut { keep: 0.5 }).route("batch").times(1)).await;
}

#[tokio::test]
async fn a_body_shorter_than_its_length() {
    passes_by(Fault::new(Effect::CutLength { keep: 0.5 }).route("batch").times(1)).await;
}

#[tokio::test]
async fn a_connection_reset() {
    passes_by(Fault::new(Effect::Reset).route("batch").times(2)).await;
}

#[tokio::test]
async fn a_server_that_starts_while_we_ask() {
    passes_by(Fault::new(Effect::Status { code: 503 }).scope(Scope::Request).times(2)).await;
}

#[tokio::test]
async fn a_rate_limit() {
    passes_by(Fault::new(Effect::Status { code: 429 }).scope(Scope::Request).times(2)).await;
}

#[tokio::test]
async fn garbage_under_200_once() {
    passes_by(Fault::new(Effect::Garbage).route("batch").times(1)).await;
}

#[tokio::test]
async fn an_html_page_under_200_once() {
    passes_by(Fault::new(Effect::Html).route("batch").times(1)).await;
}

#[tokio::test]
async fn a_limit_below_ours_makes_pages_smaller() {
    let plant = Plant::start(Config { tags: TAGS, days: 0.3, max_items: 50, ..Config::default() });
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(summary["gaps"], 0, "{summary}");
}

#[tokio::test]
async fn an_answer_that_is_no_batch_at_all_is_an_error_and_never_zero_rows() {
    let plant = plant();
    plant.server.set_faults(vec![Fault::new(Effect::Garbage).route("batch")]);
    let summary = plant.run(3);
    assert_eq!(summary["gaps"], TAGS, "{summary}");
    assert_eq!(summary["rows"], 0);
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_tag_that_is_not_there_does_not_stop_the_others() {
    let plant = plant();
    let there = serde_json::to_string(&name(&plant, 0)).unwrap();
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tags: [{there}, NOT.THERE]}}"));
    let summary = plant.run(3);
    assert_eq!((&summary["gaps"], &summary["series"]), (&1.into(), &1.into()), "{summary}");
    assert_eq!(table::strings(&plant.table("gaps"), "tag_webid").await, ["NOT.THERE"]);
    assert!(!plant.rows().await.is_empty());
}

#[tokio::test]
async fn the_requests_budget_is_kept() {
    let plant = Plant::start(Config { tags: 30, days: 0.1, ..Config::default() });
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10, batch_size: 1, parallel_batches: 3}".to_owned();
    });
    plant.run(0);
    plant.assert_mirrors().await;
    let stats = plant.server.stats();
    assert!(stats.total_requests() >= 30, "{stats:?}");
    assert!(stats.peak_per_second <= 11, "{stats:?}");
    assert!(stats.max_concurrent <= 3, "{stats:?}");
}

#[tokio::test]
async fn what_a_full_refresh_could_not_read_below_the_look_back_is_read_by_the_next_run() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 1h}".to_owned());
    plant.run(0);
    let victim = plant.server.truth().points()[2].clone();
    // Late by five hours: only a full refresh, or a repair, sees it.
    let late = Event::good(now() - 5 * 3_600 * SECOND, Value::Text("late".into()));
    plant.server.truth().insert(2, late);
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim.name).route("streams/recorded")]);
    assert_eq!(plant.tidegate(&["run", "--full-refresh"]).code, 3);
    assert_eq!(plant.difference().await.missing, 1);
    // The gap stands while it cannot be read, and new events come all the same.
    plant.server.truth().insert(0, Event::good(now() - SECOND, Value::Text("new".into())));
    assert_eq!(plant.run(3)["gaps"], 1);
    assert_eq!(plant.difference().await.missing, 1);

    plant.server.set_faults(Vec::new());
    assert_eq!(plant.tidegate(&["run", "--retry-gaps"]).code, 0);
    plant.assert_mirrors().await;
    let resolved = table::strings(&plant.table("gaps"), "resolved_at").await;
    assert!(resolved.iter().all(|at| !at.is_empty()), "the gap stays open: {resolved:?}");
}

#[tokio::test]
async fn what_cannot_be_mapped_is_kept_once_over_all_runs() {
    let plant = plant();
    let victim = plant.server.truth().points()[1].clone();
    // An object that is neither a state nor an error has no place in the table.
    plant.server.truth().insert(1, Event::good(now() - 60 * SECOND, Value::Json("{\"Unit\":7}".into())));
    for _run in 0..2 {
        assert_eq!(plant.run(0)["rejected"], 1);
    }
    assert_eq!(table::strings(&plant.table("rejects"), "tag_webid").await, [victim.web_id(Form::Full)]);
    assert!(table::strings(&plant.table("rejects"), "raw_json").await[0].contains("{\"Unit\":7}"));
}
