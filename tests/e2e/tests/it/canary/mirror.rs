//! Runs after the first: what is new is added, what changes inside the look-back follows, and what only seems to
//! vanish stays.

use tidegate_simulators::canary::{Config, Effect, Fault, Override, Sample, Value};

use super::{HOUR, config, id, one, path};
use crate::plant::{CanaryPlant, SECOND, now};
use crate::table;

fn text(ticks: i64, text: &'static str) -> Sample {
    Sample::good(ticks, Value::Text(text.into()))
}

#[tokio::test]
async fn a_second_run_doubles_nothing_and_rewrites_no_file() {
    let plant = CanaryPlant::start(config());
    plant.run(0);
    let (_, before) = table::files(&plant.table("timeseries")).await;
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(summary["rows"], 0, "{summary}");
    assert_eq!(before, table::files(&plant.table("timeseries")).await.1);
}

#[tokio::test]
async fn what_arrives_between_runs_is_added_once() {
    let end = now() - HOUR;
    let plant = CanaryPlant::start(Config { end: Some(end), ..config() });
    plant.run(0);
    let truth = plant.server.truth();
    for round in 1..=3 {
        truth.set_end(end + round * HOUR / 4);
        for tag in 0..4 {
            truth.insert(tag, text(now() - SECOND - round, "new"));
            truth.insert(tag, text(end - HOUR - round, "late"));
        }
        let summary = plant.run(0);
        plant.assert_mirrors().await;
        assert!(summary["rows"].as_u64().unwrap() > 8 && summary["late"].as_u64().unwrap() >= 4, "{summary}");
        assert_eq!(summary["deleted"], 0, "{summary}");
    }
}

#[tokio::test]
async fn late_edited_and_deleted_samples_are_mirrored_and_counted() {
    let plant = CanaryPlant::start(config());
    plant.run(0);
    let truth = plant.server.truth();
    assert!(truth.replace(1, text(one(&plant, 1, 2 * HOUR).ticks, "edited")));
    assert_eq!(truth.delete(2, one(&plant, 2, 3 * HOUR).ticks), 1);
    truth.insert(3, text(now() - HOUR, "late"));
    let figures =
        |summary: serde_json::Value| ["late", "edited", "deleted"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(figures(plant.run(0)), [1, 1, 1]);
    plant.assert_mirrors().await;
    // Only the quality changes, and one tick before a sample there is now another: both share a microsecond.
    let worse = one(&plant, 4, 2 * HOUR);
    assert!(truth.replace(4, Sample { quality: 24, ..worse }));
    let there = one(&plant, 5, 2 * HOUR);
    truth.insert(5, text(there.ticks - i64::from(there.ticks % 10 > 0), "before"));
    assert!(figures(plant.run(0))[1] >= 2);
    plant.assert_mirrors().await;
    let counts = table::integers(&plant.table("watermarks"), "record_count").await;
    assert_eq!(counts.iter().sum::<i64>(), plant.rows().await.len() as i64);
    assert_eq!(figures(plant.run(0)), [0, 0, 0]);
}

#[tokio::test]
async fn below_the_look_back_only_a_full_refresh_sees_a_change() {
    let plant = CanaryPlant::start(config());
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 1h}".to_owned());
    plant.run(0);
    plant.server.truth().insert(0, text(now() - 5 * HOUR, "late"));
    plant.run(0);
    assert_eq!(plant.difference().await.missing, 1);
    assert_eq!(plant.tidegate(&["run", "--full-refresh"]).code, 0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn tags_that_are_born_are_read_and_those_that_are_taken_away_keep_their_rows() {
    let plant = CanaryPlant::start(config());
    plant.run(0);
    let truth = plant.server.truth();
    let born = Override { name: Some("Line 000.Born.Later".to_owned()), born: Some(now()), ..Override::default() };
    let born = truth.add_tag(&born);
    truth.insert(born, text(now() - 2 * HOUR, "first"));
    plant.run(0);
    plant.assert_mirrors().await;
    let before = plant.rows().await;
    let gone = id(&plant, 3);
    assert!(truth.remove_tag(3));
    plant.run(0);
    plant.assert_mirrors_but(&[3]).await;
    let of = |rows: table::Rows| rows.into_iter().filter(|(key, _)| key.0 == gone).collect::<Vec<_>>();
    assert_eq!(of(plant.rows().await), of(before));
}

/// With an archive that shows nothing: no row is deleted before the operator says so, and none is lost when it is back.
#[tokio::test]
async fn an_archive_that_is_offline_empties_nothing_until_the_operator_says_so() {
    let plant = CanaryPlant::start(config());
    plant.run(0);
    let rows = plant.rows().await.len();
    let truth = plant.server.truth();
    truth.set_offline(true);
    for _run in 0..2 {
        let summary = plant.run(3);
        assert_eq!((&summary["deleted"], &summary["gaps"]), (&0.into(), &12.into()), "{summary}");
        assert_eq!(plant.rows().await.len(), rows);
    }
    assert!(table::strings(&plant.table("gaps"), "reason").await.iter().all(|reason| reason == "shrunk"));
    truth.set_offline(false);
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(table::strings(&plant.table("gaps"), "resolved_at").await.iter().all(|at| !at.is_empty()));
    // One tag has really lost its samples.
    for sample in truth.events(5, 0, i64::MAX) {
        truth.delete(5, sample.ticks);
    }
    assert_eq!(plant.run(3)["gaps"], 1);
    assert_eq!(plant.rows().await.len(), rows);
    assert_eq!(plant.tidegate(&["run", "--accept-shrink"]).code, 0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_tag_that_the_server_denies_for_a_while_loses_nothing() {
    let plant = CanaryPlant::start(config());
    plant.run(0);
    plant.server.set_faults(vec![Fault::new(Effect::Vanish).tag(&path(&plant, 2)).route("getTagData2")]);
    plant.server.truth().insert(2, text(now() - SECOND, "unseen"));
    plant.server.truth().insert(3, text(now() - SECOND, "seen"));
    let summary = plant.run(3);
    assert_eq!(
        (&summary["gaps"], &summary["deleted"], &summary["rows"]),
        (&1.into(), &0.into(), &1.into()),
        "{summary}"
    );
    plant.assert_mirrors_but(&[2]).await;
    assert_eq!(table::strings(&plant.table("gaps"), "reason").await, ["tag-not-found"]);
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}
