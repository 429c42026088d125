//! The protocol, stopped between any two of its steps, and two runs that want the same lane.

use super::*;
use crate::encode::{FileSpec, write_files};
use crate::testing::{HUGE, RUN, Row, advance, batch, lake, micros, noon, row, spec, stored};
use crate::{Events, Lake};

async fn open(lake: &Lake) -> Events {
    lake.events(spec(), "live", RUN, HUGE).await.unwrap()
}

async fn lane(lake: &Lake) -> Lane {
    open(lake).await.into_lane()
}

/// A batch whose files are there already.
struct Ready(Decision);

impl Outgoing for Ready {
    async fn decide(&mut self, _table: &Table, _files: &Listing) -> Result<Decision> {
        Ok(self.0.clone())
    }
}

/// A data file with one row of series `a`, and what it proves.
async fn material(lane: &Lane, at: i64) -> (Ready, Coverage) {
    let layout = crate::layout::Layout::new("bronze.x_events".into(), &spec().schema).unwrap();
    let rows = batch(&[row("a", at, 0)], false);
    let columns = rows.columns().to_vec();
    let times = columns[1].clone();
    let times = arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMicrosecondType>(&times);
    let page = crate::fill::file_batch(&layout, columns, Some(times), RUN.at).unwrap();
    let file = FileSpec::plain(layout.file.clone()).dated(Some("day"), crate::fill::event_date(at));
    let adds = write_files(lane.table.store(), "t", file, std::iter::once(Ok(page))).await.unwrap();
    let mut coverage = Coverage::default();
    coverage.advance("t", None, &advance("a", noon(0), at + 1, 1)).unwrap();
    (Ready(Decision { adds, ..Decision::default() }), coverage)
}

fn staged_files(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path().join("checkpoints/_staged")).map(|all| all.count()).unwrap_or(0)
}

async fn assert_state(lake: &Lake, folder: &tempfile::TempDir, rows: &[Row], covered: Option<i64>) {
    assert_eq!(stored(lake).await, rows);
    let marks = lake.watermarks().await.unwrap();
    let expected: Vec<_> = covered.map(|end| (micros(noon(0), end), rows.len() as i64)).into_iter().collect();
    assert_eq!(marks.iter().map(|mark| (mark.covered, mark.rows)).collect::<Vec<_>>(), expected);
    assert_eq!(staged_files(folder), 0);
}

#[tokio::test]
async fn a_run_that_dies_after_any_step_is_finished_or_undone_by_the_next() {
    let at = noon(0) + 5;
    for steps in 0..=4 {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut dying = lane(&lake).await;
        let (batch, coverage) = material(&dying, at).await;
        if steps >= 1 {
            let number = dying.stage(dying.last, &coverage).await.unwrap();
            if steps >= 2 {
                assert_eq!(dying.commit(number, &batch.0).await.unwrap(), Attempt::Done);
                dying.landed(number, coverage.clone());
            }
        }
        if steps >= 3 {
            dying.merge().await.unwrap();
        }
        if steps >= 4 {
            dying.unstage().await.unwrap();
        }
        drop(dying);
        assert_eq!(staged_files(&folder), usize::from((1..=3).contains(&steps)), "after {steps} steps");
        for _again in 0..2 {
            drop(open(&lake).await);
            let landed = steps >= 2;
            let rows = if landed { vec![row("a", at, 0)] } else { vec![] };
            assert_state(&lake, &folder, &rows, landed.then_some(at + 1)).await;
        }
        // And life goes on.
        let mut next = lane(&lake).await;
        let (mut batch, coverage) = material(&next, at + 1).await;
        next.write(&mut batch, coverage).await.unwrap();
        next.settle().await.unwrap();
        assert_eq!(stored(&lake).await.last(), Some(&row("a", at + 1, 0)), "after {steps} steps");
        assert_eq!(staged_files(&folder), 0);
    }
}

#[tokio::test]
async fn the_newest_staged_file_carries_all_that_is_not_merged() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut dying = lane(&lake).await;
    for step in 1..=3 {
        let (mut batch, coverage) = material(&dying, noon(0) + step).await;
        dying.write(&mut batch, coverage).await.unwrap();
        assert_eq!(staged_files(&folder), 1);
    }
    drop(dying);
    drop(open(&lake).await);
    let rows: Vec<Row> = (1..=3).map(|step| row("a", noon(0) + step, 0)).collect();
    assert_state(&lake, &folder, &rows, Some(noon(0) + 4)).await;
}

#[tokio::test]
async fn the_second_of_two_runs_on_a_lane_stops_and_nothing_lands_twice() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let (mut first, mut second) = (lane(&lake).await, lane(&lake).await);
    let (mut batch, coverage) = material(&first, noon(0) + 1).await;
    first.write(&mut batch, coverage).await.unwrap();
    let (mut batch, coverage) = material(&second, noon(0) + 1).await;
    let error = second.write(&mut batch, coverage).await.err().unwrap();
    assert!(matches!(error, Error::LaneTaken { .. }), "{error}");
    assert!(error.to_string().contains("another run of pipeline plant a is writing table bronze.x_events"), "{error}");
    first.settle().await.unwrap();
    drop((first, second));
    drop(open(&lake).await);
    assert_state(&lake, &folder, &[row("a", noon(0) + 1, 0)], Some(noon(0) + 2)).await;
}

#[tokio::test]
async fn a_staged_batch_of_a_living_run_is_fenced_before_it_is_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut slow = lane(&lake).await;
    let (batch, coverage) = material(&slow, noon(0) + 1).await;
    let number = slow.stage(slow.last, &coverage).await.unwrap();
    let next = open(&lake).await;
    let error = slow.commit(number, &batch.0).await.unwrap_err();
    assert!(matches!(error, Error::LaneTaken { .. }), "{error}");
    next.finish().await.unwrap();
    assert_state(&lake, &folder, &[], None).await;
}

#[tokio::test]
async fn two_lanes_and_two_pipelines_share_table_and_watermarks() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let other =
        Lake::open(crate::LakeConfig { pipeline: "plant b".into(), ..crate::testing::config(&folder) }).unwrap();
    let mut runs = vec![
        (open(&lake).await, "a"),
        (lake.events(spec(), "backfill", RUN, HUGE).await.unwrap(), "b"),
        (open(&other).await, "c"),
    ];
    for (events, id) in &mut runs {
        events.push(Some(batch(&[row(id, 7, 0)], true)), vec![advance(id, 0, 10, 1)]).await.unwrap();
    }
    let ends = futures::future::join_all(runs.into_iter().map(|(events, _)| events.finish())).await;
    assert!(ends.into_iter().all(|end| end.unwrap().rows == 1));
    assert_eq!(stored(&lake).await, [row("a", 7, 0), row("b", 7, 0), row("c", 7, 0)]);
    let marks = lake.watermarks().await.unwrap();
    assert_eq!(marks.iter().map(|mark| mark.series.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_hundred_commits_leave_a_log_checkpoint_and_few_watermark_files() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut lane = lane(&lake).await;
    for step in 1..=105 {
        let (mut batch, coverage) = material(&lane, noon(0) + step).await;
        lane.write(&mut batch, coverage).await.unwrap();
    }
    lane.settle().await.unwrap();
    let log = folder.path().join("bronze/x_events/_delta_log");
    let names: Vec<_> =
        std::fs::read_dir(log).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.contains(".checkpoint.")), "{names:?}");
    assert_eq!(stored(&lake).await.len(), 105);
    let files = std::fs::read_dir(folder.path().join("checkpoints/x_watermarks")).unwrap().count();
    assert!(files < 5, "{files} files for one merge");
    let reopened = open(&lake).await;
    assert_eq!(reopened.watermarks()["a"].covered.end.micros(), noon(0) + 106);
}

#[tokio::test]
async fn thirty_thousand_watermarks_merge_in_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake).await;
    let advances = (0..30_000).map(|n| advance(&format!("series-{n}"), 0, 10, 0)).collect();
    events.push(None, advances).await.unwrap();
    let started = std::time::Instant::now();
    events.finish().await.unwrap();
    let took = started.elapsed();
    assert_eq!(lake.watermarks().await.unwrap().len(), 30_000);
    // Far above what it takes, far below what a rewrite per series would.
    assert!(took < Duration::from_secs(5), "{took:?}");
}
