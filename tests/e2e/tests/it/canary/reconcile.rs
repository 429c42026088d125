//! Counts per tag and day against the Canary server's own, whatever a count of the server holds.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_simulators::canary::{Config, Effect, Fault, Knobs, Sample, Value};

use super::{config, path};
use crate::plant::{CanaryPlant, SECOND, now};
use crate::reconcile::{date, differing, gaps, midnight, reconcile};
use crate::table;

const DAY: i64 = 86_400 * SECOND;
const TAGS: usize = 10;

/// Five days of every kind of value and quality.
fn loaded(count_bad: bool) -> CanaryPlant {
    let knobs = Knobs { count_bad, ..Knobs::default() };
    let plant =
        CanaryPlant::start(Config { tags: TAGS, empty: 1, days: 5.0, interval_seconds: 600.0, knobs, ..config() });
    plant.configure(|settings| settings.ingestion = "{start: -10d, lookback: 24h}".to_owned());
    let truth = plant.server.truth();
    for tag in 0..TAGS {
        // Around and on a boundary.
        for offset in [-1, 0, 1] {
            truth.insert(tag, Sample::good(midnight(3) + offset, Value::Text("edge".into())));
        }
    }
    plant.run(0);
    plant
}

#[tokio::test]
async fn a_loaded_table_is_equal_in_every_day_whatever_a_count_of_the_server_holds() {
    for count_bad in [false, true] {
        let plant = loaded(count_bad);
        plant.assert_mirrors().await;
        let bad = plant.rows().await.into_values().flatten().filter(|row| row.good != Some(true)).count();
        assert!(bad > 100, "the truth holds samples that are not good");
        let report = reconcile(&plant, 0, &[]);
        assert_eq!((&report["outcome"], &report["tags"]), (&json!("equal"), &json!(TAGS)), "{report}");
        assert!(report["days"].as_u64().unwrap() >= 8 * TAGS as u64, "{report}");
        // The same with ends that are no midnights, and up to the look-back.
        let [from, to] = [midnight(3) + 12_345_670, now() - SECOND].map(|at| table::time(at / 10).replace(' ', "T"));
        reconcile(&plant, 0, &["--from", &from, "--to", &to]);
    }
}

#[tokio::test]
async fn what_the_server_changes_below_the_look_back_is_found_filed_and_mended_by_the_next_run() {
    for count_bad in [false, true] {
        let plant = loaded(count_bad);
        let truth = plant.server.truth();
        let good = |tag: usize, ago: i64| {
            let from = midnight(ago) + DAY / 4;
            let samples = truth.events(tag, from * 100, (from + DAY / 4) * 100);
            samples.into_iter().find(Sample::is_good).unwrap()
        };
        // One deleted, two added, and one moved to the day before.
        assert_eq!(truth.delete(1, good(1, 3).ticks), 1);
        for offset in [SECOND, 2 * SECOND] {
            truth.insert(2, Sample::good(midnight(3) + offset, Value::Text("late".into())));
        }
        let moved = good(4, 2);
        assert_eq!(truth.delete(4, moved.ticks), 1);
        truth.insert(4, Sample { ticks: moved.ticks - DAY, ..moved });
        plant.run(0);
        assert!(plant.difference().await.missing > 0, "the look-back does not see it");
        let report = reconcile(&plant, 3, &[]);
        let expected = [
            (path(&plant, 1), date(midnight(3)), 1),
            (path(&plant, 2), date(midnight(3)), -2),
            (path(&plant, 4), date(midnight(2)), 1),
            (path(&plant, 4), date(midnight(3)), -1),
        ];
        assert_eq!(differing(&report), BTreeSet::from(expected), "{report}");
        assert_eq!((&report["differing_days"], &report["uncounted_days"]), (&json!(4), &json!(0)), "{report}");
        let filed = gaps(&plant).await;
        assert!(filed.len() == 3 && filed.iter().all(|(_, reason, ..)| reason == "count-differs"), "{filed:?}");
        plant.run(0);
        plant.assert_mirrors().await;
        assert!(gaps(&plant).await.iter().all(|(.., resolved)| *resolved));
        reconcile(&plant, 0, &[]);
    }
}

#[tokio::test]
async fn a_tag_that_the_server_does_not_count_is_never_equal() {
    for (effect, reason) in [
        (Effect::Errors, "canary-errors"),
        (Effect::Status { code: 403 }, "http-403"),
        (Effect::NoPayload, "payload-missing"),
        (Effect::Offline, "count-missing"),
        (Effect::Vanish, "count-interval"),
    ] {
        let plant = loaded(false);
        let victim = path(&plant, 5);
        plant.server.set_faults(vec![Fault::new(effect.clone()).tag(&victim).route("getTagData2")]);
        let report = reconcile(&plant, 3, &[]);
        let uncounted: Vec<_> =
            report["uncounted"].as_array().unwrap().iter().map(|line| line["name"].clone()).collect();
        assert!(uncounted.contains(&json!(victim)), "{effect:?}: {report}");
        let reasons = report["uncounted"].as_array().unwrap().iter().map(|line| &line["reason"]);
        assert!(reasons.into_iter().any(|found| *found == json!(reason)), "{effect:?}: {report}");
        assert_eq!(report["differing_days"], 0, "{effect:?}: {report}");
        assert!(!plant.table("gaps").exists(), "{effect:?}");
    }
}

#[tokio::test]
async fn requests_grow_with_batches_and_not_with_tags_or_days() {
    let plant = CanaryPlant::start(Config { tags: 200, days: 2.0, interval_seconds: 7_200.0, ..config() });
    plant.configure(|settings| settings.ingestion = "{start: -200d, lookback: 12h}".to_owned());
    plant.run(0);
    plant.server.reset_stats();
    let report = reconcile(&plant, 0, &[]);
    assert!(report["days"].as_u64().unwrap() >= 200 * 198, "{report}");
    let requests = plant.server.stats().total_requests();
    assert!(requests < 40, "{:?}", plant.server.stats());
    assert_eq!(report["requests"].as_u64(), Some(requests));
}
