//! Gaps that fail again and again: they are tried less and less often, they stay open and counted, and nothing that a run
//! reads anyway waits for them.

use serde_json::Value as Json;
use tidegate_simulators::pi::{Assets, Config, Effect, Event, Fault, Frames, Value, parse_rfc3339};

use crate::plant::{Plant, SECOND, now};
use crate::table;

const TAGS: u64 = 8;

/// Attempts of each gap.
async fn attempts(plant: &Plant) -> Vec<i64> {
    table::integers(&plant.table("gaps"), "attempts").await
}

fn gaps(plant: &Plant) -> Vec<Json> {
    let ended = plant.tidegate(&["--output", "json", "gaps"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Requests for recorded values that a run makes which must end with `code`.
fn reads(plant: &Plant, arguments: &[&str], code: i32) -> u64 {
    plant.server.reset_stats();
    let ended = plant.tidegate(&[&["run"], arguments].concat());
    assert_eq!(ended.code, code, "{ended:#?}");
    // One of them is the probe of the batch endpoint.
    plant.server.stats().sub_requests.get("streams/recorded").copied().unwrap_or_default() - 1
}

#[tokio::test]
async fn a_gap_below_the_look_back_waits_stays_counted_and_is_tried_at_once_on_demand() {
    let plant = Plant::start(Config { tags: TAGS as usize, days: 0.3, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 1h}".to_owned());
    plant.run(0);
    let victim = plant.server.truth().points()[2].clone();
    plant.server.truth().insert(2, Event::good(now() - 5 * 3_600 * SECOND, Value::Text("late".into())));
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim.name).route("streams/recorded")]);
    assert_eq!(plant.tidegate(&["run", "--full-refresh"]).code, 3);
    assert_eq!(attempts(&plant).await, [1]);
    // What has failed once is due at once: its live window is read, and then the gap below it.
    plant
        .server
        .set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim.name).route("streams/recorded").nth(2)]);
    assert_eq!(reads(&plant, &[], 3), TAGS + 1);
    assert_eq!(attempts(&plant).await, [2]);
    // On demand nothing waits, and what fails then counts as well.
    for run in 3..=5 {
        plant.server.set_faults(vec![
            Fault::new(Effect::Status { code: 403 }).tag(&victim.name).route("streams/recorded").nth(2),
        ]);
        assert_eq!(reads(&plant, &["--retry-gaps"], 3), TAGS + 1);
        assert_eq!(attempts(&plant).await, [run]);
    }

    // Now it waits eight minutes: not asked, still open, still counted.
    plant.server.set_faults(Vec::new());
    let open = gaps(&plant);
    let time = |key: &str| parse_rfc3339(open[0][key].as_str().unwrap()).unwrap();
    assert_eq!(time("next_attempt") - time("last_attempt"), 8 * 60 * SECOND, "{open:?}");
    let shown = plant.tidegate(&["gaps"]).stdout;
    assert!(shown.contains("next attempt") && shown.contains(open[0]["next_attempt"].as_str().unwrap()), "{shown}");
    assert_eq!(reads(&plant, &[], 3), TAGS);
    assert_eq!((attempts(&plant).await, plant.difference().await.missing), (vec![5], 1));
    let plan = plant.tidegate(&["--output", "json", "plan"]);
    let plan: Json = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["spans"].as_array().unwrap().len() as u64, TAGS, "a plan reads what a run reads: {plan}");

    // New events of the tag come all the same.
    plant.server.truth().insert(2, Event::good(now() - SECOND, Value::Text("new".into())));
    plant.run(3);
    assert_eq!(plant.difference().await.missing, 1);

    assert_eq!(reads(&plant, &["--retry-gaps"], 0), TAGS + 1);
    plant.assert_mirrors().await;
    assert!(gaps(&plant).is_empty());
    plant.run(0);
}

#[tokio::test]
async fn what_a_run_reads_anyway_and_names_that_are_not_there_never_wait() {
    let plant = Plant::start(Config { tags: 3, days: 0.3, ..Config::default() });
    let tags: Vec<String> =
        plant.server.truth().points().iter().map(|point| serde_json::to_string(&point.path).unwrap()).collect();
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tags: [{}, NOT.THERE]}}", tags.join(", ")));
    let victim = plant.server.truth().points()[1].name.clone();
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim).route("streams/recorded")]);
    for run in 1..=4 {
        plant.run(3);
        assert_eq!(attempts(&plant).await, [run, run]);
    }
    for gap in gaps(&plant) {
        assert_eq!(gap["next_attempt"], gap["last_attempt"], "the next run tries it: {gap}");
    }
    assert!(plant.tidegate(&["gaps"]).stdout.contains("next run"));
    plant.server.set_faults(Vec::new());
    plant.run(3);
    assert_eq!(gaps(&plant).len(), 1, "only the name is not there");
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_whole_table_that_fails_again_and_again_is_tried_by_every_run() {
    let assets = Assets { elements: 5, ..Assets::default() };
    let frames = Frames { per_day: 20.0, ..Frames::default() };
    let plant = Plant::start(Config { tags: 2, days: 0.5, assets, frames, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -30d, include_event_frames: true}".to_owned());
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).route("assetservers*")]);
    for run in 1..=3 {
        plant.run(3);
        let rows = table::cells(&plant.table("gaps"), &["table_name", "tag_webid", "attempts", "resolved_at"]).await;
        let expected = ["pi_event_frames", "*", &run.to_string(), ""].map(str::to_owned).to_vec();
        assert_eq!(rows, [expected]);
        assert_eq!(gaps(&plant)[0]["next_attempt"], gaps(&plant)[0]["last_attempt"]);
    }
    plant.server.set_faults(Vec::new());
    plant.run(0);
    assert!(gaps(&plant).is_empty());
}

#[tokio::test]
async fn what_a_lock_out_kept_from_being_asked_for_is_in_the_ledger_tag_by_tag() {
    let plant = Plant::start(Config { tags: 12, days: 0.1, ..Config::default() });
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, stream_updates: off}".to_owned();
        settings.performance = "{max_requests_per_second: 10000, batch_size: 1, parallel_batches: 1}".to_owned();
    });
    // One batch is the probe, four tags are read.
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 401 }).route("batch").nth(6)]);
    let summary = plant.run(3);
    let missed = gaps(&plant);
    let read = table::strings(&plant.table("watermarks"), "tag_webid").await;
    assert_eq!((read.len(), missed.len(), &summary["gaps"]), (4, 8, &8.into()), "{missed:?}");
    assert!(missed.iter().all(|gap| !read.iter().any(|read| gap["series"] == **read)), "{missed:?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(gaps(&plant).is_empty());
}
