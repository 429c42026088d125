//! A store that refuses a write, or is slow: a clear error, nothing lost, and the next run goes on.

use super::{Dice, assert_whole, change, finish, plant};
use crate::plant::{Ended, Plant, tidegate};

fn run(plant: &Plant, fault: &str) -> Ended {
    tidegate(plant.folder.path(), &["run"], &[("TIDEGATE_STORE_FAULT", fault)])
}

/// What, where, what to do next.
fn assert_clear(ended: &Ended, table: &str) {
    assert_eq!(ended.code, 1, "{ended:#?}");
    for word in ["AccessDenied", "permission", table] {
        assert!(ended.stderr.contains(word), "`{word}` is not in {ended:#?}");
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
}

/// Refused at the first write and at a later one, on a first load and when something has changed.
async fn recovers(path: &str, table: &str) {
    let plant = plant();
    for (round, nth) in [1, 3].into_iter().enumerate() {
        let ended = run(&plant, &format!("refuse-put:{path}:{nth}"));
        // Where so many writes are not made, nothing is refused.
        if nth == 1 || ended.code != 0 {
            assert_clear(&ended, table);
        }
        finish(&plant).await;
        change(&plant, &mut Dice(round as u64), 5);
    }
    assert_clear(&run(&plant, &format!("refuse-put:{path}")), table);
    finish(&plant).await;
}

#[tokio::test]
async fn data_files_are_refused() {
    for path in
        ["pi_timeseries/partition_date", "pi_event_frames/event_date", "pi_points/part", "pi_asset_hierarchy/part"]
    {
        recovers(path, path.split_once('/').unwrap().0).await;
    }
}

#[tokio::test]
async fn a_commit_is_refused() {
    for table in ["pi_timeseries", "pi_event_frames", "pi_points", "pi_watermarks", "pi_rejects", "pi_runs"] {
        recovers(&format!("{table}/_delta_log"), table).await;
    }
}

#[tokio::test]
async fn staging_is_refused() {
    recovers("_staged/test.pi_timeseries", "_staged/test.pi_timeseries").await;
    recovers("_staged/test.pi_event_frames", "_staged/test.pi_event_frames").await;
}

#[tokio::test]
async fn a_slow_store_is_only_slow() {
    let plant = plant();
    let ended = run(&plant, "slow:10");
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert_whole(&plant).await;
    change(&plant, &mut Dice(5), 5);
    assert_eq!(run(&plant, "slow:10").code, 0);
    assert_whole(&plant).await;
}
