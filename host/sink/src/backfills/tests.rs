//! What backfills cover, against a naive model; and the protocol of their lane, stopped between any two of its steps.

use std::collections::HashSet;

use super::*;
use crate::Events;
use crate::lane::Lane;
use crate::testing::{Dice, HUGE, RUN, advance, batch, lake, micros, noon, row, series, spec, stored};

async fn open(lake: &Lake) -> Events {
    lake.backfill_events(spec(), RUN, HUGE).await.unwrap()
}

async fn lane(lake: &Lake) -> Lane {
    open(lake).await.into_lane()
}

/// Stretch and rows of each row of the table, in microseconds.
async fn shown(lake: &Lake) -> Vec<(String, i64, i64, i64)> {
    let shown = |row: Backfilled| {
        assert_eq!((row.table.as_str(), row.last_run), ("x_events", RUN.at));
        assert_eq!(row.name, format!("{} name", row.series));
        (row.series, row.covered.start.micros(), row.covered.end.micros(), row.rows)
    };
    lake.backfills().await.unwrap().into_iter().map(shown).collect()
}

fn proof(id: &str, parts: &[(i64, i64)], rows: usize) -> Coverage {
    let mut coverage = Coverage::default();
    for (index, (start, end)) in parts.iter().enumerate() {
        coverage.add(&advance(id, *start, *end, if index == 0 { rows } else { 0 }));
    }
    coverage
}

#[tokio::test]
async fn stretches_of_any_order_are_kept_and_those_that_touch_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut lane = lane(&lake).await;
    // Newest first, with a hole that is filled later.
    for (start, end, rows) in [(80, 90, 1), (60, 70, 2), (50, 60, 4), (70, 80, 8), (10, 20, 16), (85, 95, 32)] {
        lane.landed(0, proof("a", &[(start, end)], rows));
        lane.unstage().await.unwrap();
        lane.merge().await.unwrap();
    }
    assert_eq!(shown(&lake).await, [("a".into(), 10, 20, 16), ("a".into(), 50, 95, 47)]);
    assert!(lake.watermarks().await.unwrap().is_empty(), "a backfill moved a watermark");
}

#[tokio::test]
async fn a_backfill_that_dies_after_any_step_is_finished_or_undone_by_the_next() {
    let parts = [(noon(0), noon(0) + 5), (noon(0) + 9, noon(0) + 11)];
    for steps in 0..=4 {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut first = open(&lake).await;
        first
            .push(Some(batch(&[row("a", noon(0) + 20, 0)], false)), vec![advance("a", noon(0) + 20, noon(0) + 21, 1)])
            .await
            .unwrap();
        first.finish().await.unwrap();

        let mut dying = lane(&lake).await;
        let coverage = proof("a", &parts, 2);
        if steps >= 1 {
            let number = dying.stage(0, &coverage).await.unwrap();
            if steps >= 2 {
                dying.commit(number, &crate::outgoing::Decision::default()).await.unwrap();
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
        let (end, n) = (noon(0) + 21, noon(0));
        for _again in 0..2 {
            let covered = open(&lake).await.backfilled();
            let mut expected = vec![("a".to_owned(), n + 20, end, 1)];
            if steps >= 2 {
                expected.insert(0, ("a".to_owned(), n + 9, n + 11, 0));
                expected.insert(0, ("a".to_owned(), n, n + 5, 2));
            }
            assert_eq!(shown(&lake).await, expected, "after {steps} steps");
            let known: Vec<Interval> = expected.iter().map(|(_, start, end, _)| micros(*start, *end)).collect();
            assert_eq!(covered["a"].as_slice(), known);
            let staged = std::fs::read_dir(folder.path().join("checkpoints/_staged")).unwrap().count();
            assert_eq!(staged, 0, "after {steps} steps");
        }
    }
}

#[tokio::test]
async fn a_backfill_and_a_run_of_one_pipeline_write_side_by_side_each_with_its_own_proof() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let (mut run, mut backfill) = (lake.events(spec(), "live", RUN, HUGE).await.unwrap(), open(&lake).await);
    run.push(Some(batch(&[row("a", 70, 0)], true)), vec![advance("a", 50, 100, 1)]).await.unwrap();
    backfill.push(Some(batch(&[row("a", 7, 0)], true)), vec![advance("a", 0, 50, 1)]).await.unwrap();
    let (run, backfill) = tokio::join!(run.finish(), backfill.finish());
    assert_eq!((run.unwrap().rows, backfill.unwrap().rows), (1, 1));
    assert_eq!(stored(&lake).await, [row("a", 7, 0), row("a", 70, 0)]);
    let marks = lake.watermarks().await.unwrap();
    assert_eq!((marks[0].covered, marks[0].rows), (micros(50, 100), 1));
    assert_eq!(shown(&lake).await, [("a".into(), 0, 50, 1)]);
}

#[tokio::test]
async fn the_stretches_of_other_tables_and_pipelines_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let other = Lake::open(crate::LakeConfig { pipeline: "b".into(), ..crate::testing::config(&folder) }).unwrap();
    let second = crate::EventsSpec { table: "x_others".into(), ..spec() };
    let mut lanes = [
        open(&lake).await.into_lane(),
        lake.backfill_events(second, RUN, HUGE).await.unwrap().into_lane(),
        open(&other).await.into_lane(),
    ];
    let proofs = [proof("a", &[(0, 10)], 1), proof("a", &[(5, 20)], 2), proof("a", &[(10, 30)], 4)];
    for (lane, coverage) in lanes.iter_mut().zip(proofs) {
        lane.landed(0, coverage);
        lane.unstage().await.unwrap();
        lane.merge().await.unwrap();
    }
    let rows = lake.backfills().await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| (row.table, row.covered, row.rows)).collect();
    assert_eq!(rows, [("x_events".into(), micros(0, 30), 5), ("x_others".into(), micros(5, 20), 2)]);
}

#[test]
fn any_sequence_of_proofs_is_what_a_bit_for_each_instant_says() {
    let mut dice = Dice(3);
    for _ in 0..200 {
        let mut backfills = Backfills::new("t", Vec::new());
        let (mut naive, mut rows, mut waiting): (HashSet<(u64, i64)>, i64, i64) = Default::default();
        for run in 0..10 {
            let (id, start, length, gained) = (dice.roll(2), dice.roll(50) as i64, dice.roll(12) as i64, 3);
            let mut coverage = Coverage::default();
            coverage.add(&crate::Advance {
                series: series(&id.to_string()),
                covered: Some(micros(start, start + length)),
                rows: gained,
            });
            // A stored form that loses something would lose it here.
            let json = serde_json::to_string(&coverage).unwrap();
            backfills.apply(&serde_json::from_str(&json).unwrap(), Instant::from_micros(run));
            naive.extend((start..start + length).map(|at| (id, at)));
            let counted = length > 0 || naive.iter().any(|(series, _)| *series == id);
            *if counted { &mut rows } else { &mut waiting } += gained;
        }
        let all: Vec<&Backfilled> = backfills.series.values().flatten().collect();
        let bits: Vec<(u64, i64)> = all
            .iter()
            .flat_map(|row| {
                let id: u64 = row.series.parse().unwrap();
                (row.covered.start.micros()..row.covered.end.micros()).map(move |at| (id, at))
            })
            .collect();
        assert_eq!(bits.len(), naive.len(), "an instant twice");
        assert_eq!(bits.into_iter().collect::<HashSet<_>>(), naive);
        assert_eq!(all.iter().map(|row| row.rows).sum::<i64>(), rows);
        let apart = |rows: &Vec<Backfilled>| rows.windows(2).all(|two| two[0].covered.end < two[1].covered.start);
        assert!(backfills.series.values().all(apart));
    }
}

#[tokio::test]
async fn thirty_thousand_series_merge_in_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake).await;
    for (start, end) in [(20, 30), (0, 10)] {
        let advances = (0..30_000).map(|n| advance(&format!("series-{n}"), start, end, 0)).collect();
        events.push(None, advances).await.unwrap();
    }
    let started = std::time::Instant::now();
    events.finish().await.unwrap();
    let took = started.elapsed();
    assert_eq!(lake.backfills().await.unwrap().len(), 60_000);
    // Far above what it takes, far below what a rewrite per series would.
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}
