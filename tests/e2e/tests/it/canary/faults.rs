//! A server that misbehaves: nothing unproven passes for an answer, one tag's failure holds back no other, and the
//! next run repairs what is missing.

use tidegate_simulators::canary::{Config, Effect, Fault, Knobs};

use super::{config, id, path};
use crate::plant::CanaryPlant;
use crate::table;

/// A server that wants to be asked again at once.
fn plant() -> CanaryPlant {
    in_pages(Config { tags: 8, knobs: Knobs { retry_after: Some(0), ..Knobs::default() }, ..config() })
}

/// Read in several pages of all tags.
fn in_pages(config: Config) -> CanaryPlant {
    let plant = CanaryPlant::start(config);
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10000, max_count_per_request: 150}".to_owned();
    });
    plant
}

/// Without faults the next run makes the table whole and closes every gap.
async fn assert_repaired(plant: &CanaryPlant) {
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
    let gaps = plant.table("gaps");
    if gaps.exists() {
        let resolved = table::strings(&gaps, "resolved_at").await;
        assert!(resolved.iter().all(|at| !at.is_empty()), "a gap stays open: {resolved:?}");
    }
}

/// With `effect` whenever one tag is asked for: exit 3, the others whole, the reason in the ledger.
async fn concerns_one_tag(effect: Effect, reason: &str) {
    let plant = plant();
    let victim = path(&plant, 3);
    plant.server.set_faults(vec![Fault::new(effect.clone()).tag(&victim).route("getTagData2")]);
    let summary = plant.run(3);
    assert_eq!(summary["gaps"], 1, "{effect:?}: {summary}");
    plant.assert_mirrors_but(&[3]).await;
    assert_eq!(table::strings(&plant.table("gaps"), "tag_webid").await, [id(&plant, 3)]);
    assert_eq!(table::strings(&plant.table("gaps"), "reason").await, [reason], "{effect:?}");
    assert_repaired(&plant).await;
}

#[tokio::test]
async fn errors_for_one_tag() {
    concerns_one_tag(Effect::Errors, "canary-errors").await;
}

#[tokio::test]
async fn an_answer_without_its_payload_for_one_tag() {
    concerns_one_tag(Effect::NoPayload, "payload-missing").await;
}

#[tokio::test]
async fn a_page_of_another_program_for_one_tag() {
    concerns_one_tag(Effect::Html, "malformed-answer").await;
}

#[tokio::test]
async fn a_403_for_one_tag() {
    concerns_one_tag(Effect::Status { code: 403 }, "http-403").await;
}

#[tokio::test]
async fn a_500_for_one_tag() {
    concerns_one_tag(Effect::Status { code: 500 }, "http-500").await;
}

/// A fault that passes by itself costs requests and nothing else.
async fn passes_by(fault: Fault) {
    let plant = plant();
    plant.server.set_faults(vec![fault.clone()]);
    let summary = plant.run(0);
    assert!(plant.server.fired()[0] > 0, "{fault:?} was never met");
    plant.assert_mirrors().await;
    assert_eq!(summary["gaps"], 0, "{fault:?}: {summary}");
}

#[tokio::test]
async fn a_burst_of_503() {
    passes_by(Fault::new(Effect::Status { code: 503 }).route("getTagData2").nth(2).times(3)).await;
}

#[tokio::test]
async fn a_rate_limit() {
    passes_by(Fault::new(Effect::Status { code: 429 }).times(3)).await;
}

#[tokio::test]
async fn a_body_cut_in_the_middle() {
    passes_by(Fault::new(Effect::Cut { keep: 0.7 }).route("getTagData2").nth(2).times(1)).await;
}

#[tokio::test]
async fn a_body_shorter_than_its_length() {
    passes_by(Fault::new(Effect::CutLength { keep: 0.5 }).route("getTagData2").times(1)).await;
}

#[tokio::test]
async fn a_connection_reset() {
    passes_by(Fault::new(Effect::Reset).route("getTagData2").nth(3).times(2)).await;
}

/// In the middle of a window.
fn on_a_page(effect: Effect) -> Fault {
    Fault::new(effect).route("getTagData2").body("\"continuation\":[")
}

#[tokio::test]
async fn a_continuation_that_is_refused_once() {
    passes_by(on_a_page(Effect::RejectContinuation).times(1)).await;
}

#[tokio::test]
async fn errors_that_pass_in_the_middle_of_a_window() {
    passes_by(on_a_page(Effect::Errors).times(1)).await;
}

/// With `fault` on every match: whatever cannot be read is a gap or is read another way, no row is wrong, and the
/// next run repairs it.
async fn is_repaired(config: Config, fault: Fault) {
    let plant = in_pages(config);
    plant.server.set_faults(vec![fault.clone()]);
    let ended = plant.tidegate(&["run"]);
    assert!([0, 3].contains(&ended.code), "{fault:?}: {ended:#?}");
    assert!(plant.server.fired()[0] > 0, "{fault:?} was never met");
    if plant.table("timeseries").exists() {
        let difference = plant.difference().await;
        assert_eq!((difference.doubled, difference.altered, difference.extra), (0, 0, 0), "{fault:?}: {difference:?}");
        assert_eq!(difference.missing > 0, ended.code == 3, "{fault:?}: {difference:?}");
    }
    assert_repaired(&plant).await;
}

#[tokio::test]
async fn continuations_that_are_always_refused() {
    for null_entries in [false, true] {
        let knobs = Knobs { null_entries, ..Knobs::default() };
        is_repaired(Config { knobs, ..config() }, on_a_page(Effect::RejectContinuation)).await;
    }
}

#[tokio::test]
async fn a_page_that_says_404() {
    for nth in [1, 3] {
        is_repaired(config(), Fault::new(Effect::Status { code: 404 }).route("getTagData2").nth(nth)).await;
    }
}

#[tokio::test]
async fn errors_that_pass() {
    is_repaired(config(), Fault::new(Effect::Errors).route("getTagData2").times(1)).await;
}

#[tokio::test]
async fn samples_out_of_order() {
    is_repaired(config(), Fault::new(Effect::Unordered).route("getTagData2").nth(2)).await;
    is_repaired(config(), on_a_page(Effect::Unordered)).await;
}

#[tokio::test]
async fn answers_that_are_cut_from_some_page_on() {
    is_repaired(config(), Fault::new(Effect::Cut { keep: 0.5 }).route("getTagData2").nth(4)).await;
}

#[tokio::test]
async fn identities_that_cannot_be_asked_for_are_no_other_series() {
    for effect in [Effect::Errors, Effect::NoPayload, Effect::Garbage] {
        let plant = plant();
        let victim = path(&plant, 3);
        plant.server.set_faults(vec![Fault::new(effect.clone()).tag(&victim).route("getTagContext")]);
        let summary = plant.run(3);
        plant.assert_mirrors_but(&[3]).await;
        assert!(
            plant.rows().await.keys().all(|key| key.0 != id(&plant, 3) && key.0 != victim),
            "{effect:?}: {summary}"
        );
        assert_repaired(&plant).await;
        assert_eq!(table::strings(&plant.table("watermarks"), "tag_webid").await.len(), 8, "{effect:?}");
    }
}

#[tokio::test]
async fn a_list_of_tags_that_is_not_whole_is_no_list() {
    for effect in [Effect::Cut { keep: 0.5 }, Effect::NoPayload, Effect::Errors, Effect::Html] {
        let plant = plant();
        plant.run(0);
        plant.server.set_faults(vec![Fault::new(effect.clone()).route("browseTags")]);
        let ended = plant.tidegate(&["run"]);
        assert!([1, 3].contains(&ended.code), "{effect:?}: {ended:#?}");
        assert_eq!(table::strings(&plant.table("points"), "tag_webid").await.len(), 8, "{effect:?}");
        assert_repaired(&plant).await;
    }
}

#[tokio::test]
async fn a_tag_that_is_not_there_does_not_stop_the_others() {
    let plant = plant();
    let there = serde_json::to_string(&path(&plant, 0)).unwrap();
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tags: [{there}, Plant A.Nowhere]}}"));
    let summary = plant.run(3);
    assert_eq!((&summary["gaps"], &summary["series"]), (&1.into(), &1.into()), "{summary}");
    assert_eq!(table::strings(&plant.table("gaps"), "tag_webid").await, ["Plant A.Nowhere"]);
    assert!(!plant.rows().await.is_empty());
}

#[tokio::test]
async fn a_server_without_a_licence_or_with_version_1_alone_fails_clearly() {
    for (config, word) in
        [(Config { licensed: false, ..config() }, "licence"), (Config { v2: false, ..config() }, "api/v2")]
    {
        let plant = CanaryPlant::start(config);
        let ended = plant.tidegate(&["check"]);
        assert!(ended.code == 1 && (ended.stdout.clone() + &ended.stderr).contains(word), "{word}: {ended:#?}");
        let ended = plant.tidegate(&["run"]);
        assert_ne!(ended.code, 0, "{ended:#?}");
        assert!(!plant.table("timeseries").exists() || plant.rows().await.is_empty());
    }
}
