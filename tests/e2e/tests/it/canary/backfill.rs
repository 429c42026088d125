//! Backfills, gaps and cursors of Canary: a range below the cursors equals the truth, an interruption costs nothing,
//! and what an operator puts back is read again.

use tidegate_simulators::canary::{Config, Effect, Fault, Knobs, Sample, Value, format_ticks};

use super::{HOUR, config, id, path};
use crate::backfill::interrupted::is_taken_up_after_a_kill;
use crate::backfill::{backfill, bytes, stretches};
use crate::plant::{CanaryPlant, SECOND, now};
use crate::table;

const DAY: i64 = 24 * HOUR;

/// A plant with `days` of history, of which runs read the last one.
fn plant(days: f64, interval_seconds: f64) -> CanaryPlant {
    let plant = CanaryPlant::start(Config { tags: 8, days, interval_seconds, empty: 1, ..config() });
    plant.configure(|settings| {
        settings.ingestion = "{start: -1d, lookback: 2h}".to_owned();
        settings.performance = "{max_requests_per_second: 10000, commit_rows: 20000}".to_owned();
    });
    plant
}

#[tokio::test]
async fn a_month_below_the_cursors_equals_the_truth_and_no_cursor_moves() {
    let plant = plant(32.0, 900.0);
    plant.run(0);
    let before = bytes(&plant.table("watermarks"));
    let summary = backfill(&plant, 0, &["--from", "-31d", "--to", "-12h"]);
    assert_eq!(plant.difference_of(None, now() - 31 * DAY, now()).await, Default::default());
    assert_eq!(bytes(&plant.table("watermarks")), before, "a backfill moved the watermarks");
    assert!(summary["rows"].as_u64().unwrap() > 10_000 && summary["gaps"] == 0, "{summary}");
    // Once more: all of it is covered, and next to nothing is asked for.
    plant.server.reset_stats();
    let summary = backfill(&plant, 0, &["--from", "-31d", "--to", "-12h"]);
    assert_eq!((&summary["rows"], &summary["edited"], &summary["deleted"]), (&0.into(), &0.into(), &0.into()));
    assert!(plant.server.stats().wire.events < 100, "{:?}", plant.server.stats());
    assert_eq!(stretches(&plant).await.len(), 8);
    // Changed far below, read again and mirrored.
    let truth = plant.server.truth();
    let far = |tag: usize| truth.events(tag, (now() - 20 * DAY) * 100, i64::MAX)[0].ticks;
    assert!(truth.replace(1, Sample::good(far(1), Value::Text("edited".into()))));
    assert_eq!(truth.delete(2, far(2)), 1);
    let summary = backfill(&plant, 0, &["--from", "-31d", "--to", "-12h", "--again"]);
    assert_eq!((&summary["edited"], &summary["deleted"]), (&1.into(), &1.into()), "{summary}");
    plant.run(0);
    assert_eq!(plant.difference_of(None, now() - 31 * DAY, now()).await, Default::default());
}

#[tokio::test]
async fn a_range_holds_its_start_and_not_its_end() {
    for end_exclusive in [false, true] {
        let knobs = Knobs { end_exclusive, ..Knobs::default() };
        let plant = CanaryPlant::start(Config { tags: 3, days: 10.0, interval_seconds: 3_600.0, knobs, ..config() });
        let (from, to) = (now() - 8 * DAY, now() - 3 * DAY);
        for (tag, at) in (0..3).flat_map(|tag| [(tag, from), (tag, to)]) {
            for offset in [-1, 0, 1] {
                plant.server.truth().insert(tag, Sample::good(at + offset, Value::Int(offset)));
            }
        }
        backfill(&plant, 0, &["--from", &format_ticks(from), "--to", &format_ticks(to)]);
        assert_eq!(plant.difference_of(None, from, to).await, Default::default());
        assert!(!plant.rows().await.is_empty());
    }
}

#[tokio::test]
async fn newest_first_shows_in_what_a_kill_leaves_and_is_taken_up_where_it_was() {
    is_taken_up_after_a_kill(&plant(40.0, 120.0), |server| server.stats().wire.events).await;
}

#[tokio::test]
async fn what_could_not_be_read_is_a_gap_until_it_is_and_the_ledger_shows_it() {
    let plant = plant(20.0, 1_800.0);
    plant.run(0);
    let fault = || vec![Fault::new(Effect::Errors).tag(&path(&plant, 4)).route("getTagData2")];
    plant.server.set_faults(fault());
    let summary = backfill(&plant, 3, &["--from", "-19d", "--to", "-1d"]);
    assert_eq!(summary["gaps"], 1, "{summary}");
    let gaps = plant.json(0, &["gaps"]);
    let gap = &gaps.as_array().unwrap()[0];
    assert_eq!(
        (&gap["series"], &gap["reason"], &gap["table"]),
        (&id(&plant, 4).into(), &"canary-errors".into(), &"canary_timeseries".into()),
        "{gaps}"
    );
    // A run goes on beside it, and cannot repair it yet.
    plant.server.truth().insert(0, Sample::good(now() - SECOND, Value::Text("new".into())));
    plant.server.truth().insert(4, Sample::good(now() - SECOND, Value::Text("unseen".into())));
    let summary = plant.run(3);
    assert_eq!(summary["rows"], 1, "{summary}");
    plant.server.set_faults(Vec::new());
    assert_eq!(plant.tidegate(&["run", "--retry-gaps"]).code, 0);
    assert_eq!(plant.difference_inside(now() - 19 * DAY + HOUR, now()).await, Default::default());
    assert_eq!(plant.json(0, &["gaps"]), serde_json::json!([]));
    assert!(table::strings(&plant.table("gaps"), "resolved_at").await.iter().all(|at| !at.is_empty()));
}

#[tokio::test]
async fn a_cursor_that_is_put_back_reads_again_and_doubles_nothing() {
    let plant = CanaryPlant::start(config());
    plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 1m}".to_owned());
    plant.run(0);
    let (_, before) = table::files(&plant.table("timeseries")).await;
    let told = plant.tidegate(&["state", "reset", "--yes"]);
    assert!(told.code == 0 && told.stdout.contains("12 tags change"), "{told:#?}");
    let summary = plant.run(0);
    assert_eq!((&summary["rows"], &summary["edited"], &summary["deleted"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(before, table::files(&plant.table("timeseries")).await.1, "equal rows ask for no write");
    // Below the look-back only the tag whose cursor is put back follows, named by its path.
    let truth = plant.server.truth();
    for tag in [1, 2] {
        truth.insert(tag, Sample::good(now() - 5 * HOUR, Value::Text("late".into())));
        let held = truth.events(tag, (now() - 3 * HOUR) * 100, i64::MAX)[1].ticks;
        assert_eq!(truth.delete(tag, held), 1);
    }
    plant.run(0);
    let name = path(&plant, 1).to_lowercase();
    let told = plant.tidegate(&["state", "reset", "--tag", &name, "--from", "-7h", "--yes"]);
    assert!(told.code == 0 && told.stdout.contains("1 tags change"), "{told:#?}");
    let summary = plant.run(0);
    assert_eq!((&summary["rows"], &summary["deleted"]), (&1.into(), &1.into()), "{summary}");
    plant.assert_mirrors_but(&[2]).await;
    plant.json(0, &["state", "reset", "--from", "-7h", "--table", "canary_timeseries", "--yes"]);
    plant.run(0);
    plant.assert_mirrors().await;
    // A state goes out and comes back.
    let exported = plant.tidegate(&["state", "export"]).stdout;
    std::fs::write(plant.folder.path().join("s.json"), &exported).unwrap();
    std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints")).unwrap();
    assert_eq!(plant.tidegate(&["state", "import", "s.json", "--yes"]).code, 0);
    assert_eq!(plant.tidegate(&["state", "export"]).stdout, exported);
    assert_eq!(plant.run(0)["rows"], 0);
    plant.assert_mirrors().await;
}
