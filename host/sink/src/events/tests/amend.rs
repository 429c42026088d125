//! Late, edited and deleted events: the table equals what was last read, only touched files are rewritten, and neither a
//! death nor another writer leaves anything in between.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::coverage::Coverage;
use crate::outgoing::Outgoing;
use crate::table::Attempt;
use crate::testing::changes;

/// The live files, by path.
async fn files(lake: &Lake) -> Vec<String> {
    let table = Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap();
    let mut paths: Vec<_> = table.files().unwrap().iter().map(|file| file.object_store_path().to_string()).collect();
    paths.sort();
    paths
}

fn key(series: &str, micros: i64, sequence: i32) -> EventKey {
    EventKey { series: series.into(), micros, sequence }
}

fn edited(row: &Row) -> Row {
    (row.0.clone(), row.1, row.2, Some(-1.0), Some("edited".into()))
}

async fn append(lake: &Lake, rows: &[Row]) {
    let mut events = open(lake, HUGE).await;
    for id in rows.iter().map(|row| row.0.clone()).collect::<std::collections::BTreeSet<_>>() {
        let rows: Vec<Row> = rows.iter().filter(|row| row.0 == id).cloned().collect();
        events.push(Some(batch(&rows, true)), vec![]).await.unwrap();
    }
    events.finish().await.unwrap();
}

/// What an intake does: compares what it has read of each series in a window with what is stored, and amends.
async fn mirror(events: &mut Events, fresh: &BTreeMap<String, Vec<Row>>, window: Interval) -> [u64; 3] {
    let reader = events.reader();
    let series: Vec<String> = fresh.keys().cloned().collect();
    let stored = reader.stored(&series.iter().map(|id| (id.clone(), window)).collect()).await.unwrap();
    let mut counts = [0; 3];
    for (n, (id, rows)) in fresh.iter().enumerate() {
        let page = batch(rows, n % 2 == 0);
        let prints = reader.fingerprints(&page).unwrap();
        let places = rows.iter().zip(prints).map(|(row, print)| (row.1, row.2, print));
        let found = stored.compare(id, window, places);
        let page = arrow::compute::filter_record_batch(&page, &found.write.into()).unwrap();
        events.amend(Some(page), &found.gone, vec![]).await.unwrap();
        counts = [counts[0] + found.late, counts[1] + found.edited, counts[2] + found.deleted];
    }
    counts
}

#[tokio::test]
async fn late_edited_and_deleted_events_are_mirrored_and_only_touched_files_are_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let rows: Vec<Row> = (0..4).flat_map(|day| (0..10).map(move |i| row("a", noon(day) + i, 0))).collect();
    append(&lake, &rows).await;
    append(&lake, &(0..10).map(|i| row("b", noon(1) + i, 0)).collect::<Vec<_>>()).await;
    let before = files(&lake).await;
    let sql = "SELECT CAST(max(received) AS BIGINT) FROM x_events WHERE id = 'a' AND at = to_timestamp_micros(";
    let received = number(&lake, &format!("{sql}{})", noon(1))).await;

    let mut events = open(&lake, HUGE).await;
    let change = [edited(&rows[13]), row("a", noon(1) + 100, 0)];
    let gone = [key("a", noon(1) + 3, 0), key("a", noon(1) + 5, 0), key("a", noon(2), 0), key("a", noon(2) + 500, 0)];
    events.amend(Some(batch(&change, true)), &gone, vec![advance("a", 0, noon(3), 1)]).await.unwrap();
    let written = events.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.deleted, written.commits), (1, 1, 2, 1));
    assert_eq!(written.files, 3, "the new rows, and what is left of two files");

    let mut expected: Vec<Row> =
        rows.iter().filter(|row| ![noon(1) + 3, noon(1) + 5, noon(2)].contains(&row.1)).cloned().collect();
    expected.extend(change);
    expected.extend((0..10).map(|i| row("b", noon(1) + i, 0)));
    expected.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    assert_eq!(stored(&lake).await, expected);
    let after = files(&lake).await;
    let kept = before.iter().filter(|file| after.contains(file)).count();
    assert_eq!((before.len(), kept, after.len()), (5, 3, 6), "day 0, day 3 and the file of series b stay");
    assert_eq!(number(&lake, &format!("{sql}{})", noon(1))).await, received, "a copied row was not received again");
    assert_eq!(lake.watermarks().await.unwrap()[0].covered, micros(0, noon(3)));
}

#[tokio::test]
async fn fresh_rows_that_equal_the_stored_ones_are_found_equal_and_change_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut all: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for id in ["a", "b"] {
        let rows = (0..300).map(|i| row(id, noon(i / 100) + i * 7, (i % 2) as i32));
        all.insert(
            id.into(),
            rows.chain([(id.into(), noon(3), 0, Some(f64::NAN), None), (id.into(), noon(3), 1, Some(-0.0), None)])
                .collect(),
        );
    }
    append(&lake, &all.values().flatten().cloned().collect::<Vec<_>>()).await;
    let before = files(&lake).await;
    let mut events = open(&lake, HUGE).await;
    assert_eq!(mirror(&mut events, &all, micros(0, noon(9))).await, [0; 3]);
    assert_eq!(changes(events.finish().await.unwrap()), Written::default());
    assert_eq!(files(&lake).await, before);
    // 0.0 is not what is stored.
    all.get_mut("b").unwrap()[301].3 = Some(0.0);
    let mut events = open(&lake, HUGE).await;
    assert_eq!(mirror(&mut events, &all, micros(0, noon(9))).await, [0, 1, 0]);
    assert_eq!(events.finish().await.unwrap().edited, 1);
}

#[tokio::test]
async fn a_table_follows_a_historian_that_changes_at_random() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut historian: BTreeMap<String, Vec<Row>> = ["a", "b", "c"].map(|id| (id.to_owned(), Vec::new())).into();
        for run in 0..6 {
            for (id, rows) in &mut historian {
                rows.retain(|_| dice.roll(10) > 0);
                for row in rows.iter_mut() {
                    if dice.roll(12) == 0 {
                        row.3 = Some(dice.roll(5) as f64);
                    }
                }
                for _ in 0..dice.roll(20) {
                    rows.push(row(id, noon(dice.roll(3) as i64) + dice.roll(40) as i64, 0));
                }
                // Events that share a timestamp are numbered in the order of the historian.
                rows.sort_by_key(|row| row.1);
                let mut next: HashMap<i64, i32> = HashMap::new();
                for row in rows.iter_mut() {
                    let sequence = next.entry(row.1).or_default();
                    row.2 = *sequence;
                    *sequence += 1;
                }
            }
            let policy = CommitPolicy { rows: 1 + dice.roll(80) as usize, ..HUGE };
            let mut events = open(&lake, policy).await;
            let counts = mirror(&mut events, &historian, micros(0, noon(5))).await;
            let written = events.finish().await.unwrap();
            assert_eq!([written.rows, written.edited, written.deleted], counts, "seed {seed} run {run}");
            let expected: Vec<Row> = historian.values().flatten().cloned().collect();
            assert_eq!(stored(&lake).await, expected, "seed {seed} run {run}");
        }
    }
}

#[tokio::test]
async fn a_run_that_dies_after_any_step_has_amended_all_or_nothing() {
    let rows = [row("a", noon(0), 0), row("a", noon(0) + 1, 0), row("a", noon(0) + 2, 0)];
    let amended = [edited(&rows[0]), rows[2].clone()];
    for steps in 0..=3 {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        append(&lake, &rows).await;
        let mut events = open(&lake, HUGE).await;
        let gone = [key("a", noon(0), 0), key("a", noon(0) + 1, 0)];
        events.amend(Some(batch(&amended[..1], false)), &gone, vec![]).await.unwrap();
        let mut dying = std::mem::replace(&mut events.writer.batch, EventBatch::new(Arc::clone(&events.shape)));
        let mut lane = events.into_lane();
        let mut coverage = Coverage::default();
        coverage.advance("t", None, &advance("a", 0, noon(1), 1)).unwrap();
        if steps >= 1 {
            let table = Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap();
            let last = table.txn("tidegate/plant a/x_events/live").await.unwrap();
            let decision = dying.decide(&table, &lane.files().clone()).await.unwrap();
            let number = lane.stage(last, &coverage).await.unwrap();
            if steps >= 2 {
                assert_eq!(lane.commit(number, &decision).await.unwrap(), Attempt::Done);
                lane.landed(number, coverage);
            }
        }
        if steps >= 3 {
            lane.merge().await.unwrap();
        }
        drop(lane);
        for _again in 0..2 {
            drop(open(&lake, HUGE).await);
            let expected = if steps >= 2 { &amended[..] } else { &rows[..] };
            assert_eq!(stored(&lake).await, expected, "after {steps} steps");
            let covered: Vec<_> = lake.watermarks().await.unwrap().iter().map(|mark| mark.covered).collect();
            assert_eq!(covered, Vec::from_iter((steps >= 2).then_some(micros(0, noon(1)))), "after {steps} steps");
        }
    }
}

#[tokio::test]
async fn the_slower_of_two_writers_finds_its_rows_in_the_files_that_the_faster_one_has_written() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let other = Lake::open(LakeConfig { pipeline: "plant b".into(), ..crate::testing::config(&folder) }).unwrap();
    let rows: Vec<Row> = (0..5).map(|i| row("a", noon(0) + i, 0)).collect();
    append(&lake, &rows).await;
    let mut slow = open(&other, HUGE).await;
    let mut fast = open(&lake, HUGE).await;
    fast.amend(Some(batch(&[edited(&rows[0])], false)), &[key("a", noon(0), 0), key("a", noon(0) + 1, 0)], vec![])
        .await
        .unwrap();
    fast.finish().await.unwrap();
    // Deletes what is deleted already, and what is not; replaces what the other has replaced.
    let gone = [key("a", noon(0), 0), key("a", noon(0) + 1, 0), key("a", noon(0) + 2, 0)];
    slow.amend(Some(batch(&[rows[0].clone()], false)), &gone, vec![]).await.unwrap();
    let written = slow.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.deleted), (0, 1, 1));
    assert_eq!(stored(&lake).await, [rows[0].clone(), rows[3].clone(), rows[4].clone()]);
}
