//! Lanes that write the same series at the same time: whoever is first, every event is stored once, as it was read last,
//! and counted once; and nothing is read for it while nobody else commits.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use deltalake::kernel::Remove;

use super::*;
use crate::coverage::Coverage;
use crate::files::DataFile;
use crate::outgoing::Outgoing;
use crate::rewrite::copy_without;
use crate::stored::StoredKeys;
use crate::table::Attempt;
use crate::testing::{Reads, count_reads, orphans};

mod random;

/// Another pipeline in the same lake.
fn other(folder: &tempfile::TempDir) -> Lake {
    Lake::open(LakeConfig { pipeline: "plant b".into(), ..crate::testing::config(folder) }).unwrap()
}

async fn table(lake: &Lake) -> Table {
    Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap()
}

fn edited(row: &Row) -> Row {
    (row.0.clone(), row.1, row.2, Some(-1.0), Some("edited".into()))
}

fn rows(id: &str, range: std::ops::Range<i64>) -> Vec<Row> {
    range.map(|i| row(id, noon(i / 10) + i, 0)).collect()
}

/// Rows of series `a` that nobody has compared, with what they cover.
async fn push(events: &mut Events, rows: &[Row]) {
    events.push(Some(batch(rows, true)), vec![advance("a", 0, noon(9), rows.len())]).await.unwrap();
}

async fn commit(events: &mut Events) {
    events.writer.start_commit().await.unwrap();
    events.writer.join().await.unwrap();
}

/// Each row once, the count of series `a` right, and no file left over.
async fn assert_once(lake: &Lake, folder: &tempfile::TempDir, expected: &[Row]) {
    assert_eq!(stored(lake).await, expected);
    let counted: Vec<_> = lake.watermarks().await.unwrap().iter().map(|mark| mark.rows).collect();
    assert_eq!(counted, [expected.len() as i64]);
    assert_eq!(orphans(folder, "x_events"), 0);
}

/// All live files are replaced by copies, as a compaction does.
async fn compact(lake: &Lake) {
    let mut table = table(lake).await;
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    for file in table.files().unwrap().into_iter().map(DataFile::Logged) {
        let all = |rows: &RecordBatch| Ok(vec![true; rows.num_rows()].into());
        adds.extend(copy_without(&table, &file, ["id", "at"], all).await.unwrap());
        removes.push(Remove { data_change: false, ..file.remove(0) });
    }
    adds.iter_mut().for_each(|add| add.data_change = false);
    assert_eq!(table.rewrite(removes, adds, None).await.unwrap(), Attempt::Done);
}

#[tokio::test]
async fn new_events_that_two_lanes_bring_are_stored_once_whoever_is_first() {
    for turned in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let events = rows("a", 0..30);
        let mut lanes = [open(&lake, HUGE).await, lake.events(spec(), "backfill", RUN, HUGE).await.unwrap()];
        for lane in &mut lanes {
            push(lane, &events).await;
        }
        if turned {
            lanes.reverse();
        }
        let [first, second] = lanes;
        assert_eq!(first.finish().await.unwrap().rows, 30);
        assert_eq!(second.finish().await.unwrap(), Written::default(), "nothing is left to commit");
        assert_once(&lake, &folder, &events).await;
    }
}

#[tokio::test]
async fn of_two_readings_the_one_that_is_committed_last_stands_and_only_new_rows_count() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let (mut fast, mut slow) = (open(&lake, HUGE).await, open(&other, HUGE).await);
    push(&mut fast, &rows("a", 0..20)).await;
    let mut later = rows("a", 5..35);
    later[3] = edited(&later[3]);
    later[20] = edited(&later[20]);
    push(&mut slow, &later).await;
    fast.finish().await.unwrap();
    let written = slow.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.deleted, written.commits), (15, 1, 0, 1));
    assert_once(&lake, &folder, &[&rows("a", 0..5)[..], &later].concat()).await;
}

#[tokio::test]
async fn what_is_left_of_a_file_of_the_other_is_still_the_other_s() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let (mut fast, mut slow) = (open(&lake, HUGE).await, open(&other, HUGE).await);
    push(&mut fast, &rows("a", 0..9)).await;
    fast.finish().await.unwrap();
    let mut expected = rows("a", 0..10);
    expected[3] = edited(&expected[3]);
    // The first batch rewrites the file of the other, the second one brings another row of it.
    for batch in [3..4, 5..6, 6..10] {
        push(&mut slow, &expected[batch]).await;
        commit(&mut slow).await;
    }
    let written = slow.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.commits), (1, 1, 2));
    assert_once(&lake, &folder, &expected).await;
}

#[tokio::test]
async fn where_nothing_may_be_replaced_the_first_reading_stands() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    drop(open(&lake, HUGE).await);
    let first = folder.path().join("bronze/x_events/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(&first).unwrap();
    std::fs::write(first, log.replace("\"configuration\":{}", "\"configuration\":{\"delta.appendOnly\":\"true\"}"))
        .unwrap();
    let (mut fast, mut slow) = (open(&lake, HUGE).await, open(&other, HUGE).await);
    push(&mut fast, &rows("a", 0..5)).await;
    let later: Vec<Row> = rows("a", 3..5).iter().map(edited).chain(rows("a", 5..8)).collect();
    push(&mut slow, &later).await;
    fast.finish().await.unwrap();
    let written = slow.finish().await.unwrap();
    assert_eq!((written.rows, written.edited), (3, 0));
    assert_once(&lake, &folder, &rows("a", 0..8)).await;
}

#[tokio::test]
async fn a_row_that_the_other_has_taken_out_again_is_stored_after_all() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let events = rows("a", 0..3);
    let mut slow = open(&other, HUGE).await;
    push(&mut slow, &events).await;
    let mut waiting = std::mem::replace(&mut slow.writer.batch, EventBatch::new(Arc::clone(&slow.shape)));
    let mut lane = slow.into_lane();
    let files = lane.files().clone();
    let mut coverage = Coverage::default();
    coverage.advance("t", None, &advance("a", 0, noon(9), 3)).unwrap();

    let mut fast = open(&lake, HUGE).await;
    push(&mut fast, &events).await;
    commit(&mut fast).await;
    let number = lane.stage(0, &coverage).await.unwrap();
    let decision = waiting.decide(&table(&lake).await, &files).await.unwrap();
    assert_eq!(decision.tally.new, 3, "the commit of the other is not known yet");
    assert_eq!(lane.commit(number, &decision).await.unwrap(), Attempt::Lost);
    let decision = waiting.decide(&table(&lake).await, &files).await.unwrap();
    assert!(decision.is_empty() && decision.rows == HashMap::from([("a".to_owned(), -3)]));

    let gone = [EventKey { series: "a".into(), micros: events[1].1, sequence: 0 }];
    fast.amend(None, &gone, vec![advance("a", 0, noon(9), 0)]).await.unwrap();
    commit(&mut fast).await;
    files.renew(&table(&lake).await).unwrap();
    let decision = waiting.decide(&table(&lake).await, &files).await.unwrap();
    assert_eq!((decision.adds.len(), decision.tally.new, &decision.rows["a"]), (1, 1, &-2));
}

#[tokio::test]
async fn a_replaced_row_that_is_gone_already_counts_as_new() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let events = rows("a", 0..4);
    let mut first = open(&lake, HUGE).await;
    push(&mut first, &events).await;
    first.finish().await.unwrap();
    let (mut fast, mut slow) = (open(&lake, HUGE).await, open(&other, HUGE).await);
    let key = |row: &Row| EventKey { series: row.0.as_str().into(), micros: row.1, sequence: row.2 };
    let gone: Vec<_> = events[..2].iter().map(key).collect();
    fast.amend(None, &gone, vec![Advance { rows: -2, ..advance("a", 0, noon(9), 0) }]).await.unwrap();
    fast.finish().await.unwrap();
    // One edit, whose row is no more, without a proof: it balances; and one deletion, done already.
    let change = edited(&events[0]);
    slow.amend(Some(batch(std::slice::from_ref(&change), true)), &gone[..1], vec![]).await.unwrap();
    slow.amend(None, &gone[1..], vec![Advance { covered: None, rows: -1, ..advance("a", 0, 1, 0) }]).await.unwrap();
    let written = slow.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.deleted), (1, 0, 0));
    assert_once(&lake, &folder, &[change, events[2].clone(), events[3].clone()]).await;
}

#[tokio::test]
async fn what_another_lane_has_committed_and_not_merged_when_a_lane_opens_is_not_stored_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let mut dying = open(&other, HUGE).await;
    push(&mut dying, &rows("a", 0..20)).await;
    commit(&mut dying).await;
    drop(dying);
    let mut next = open(&lake, HUGE).await;
    assert!(next.watermarks().is_empty(), "no watermark tells of these rows");
    push(&mut next, &rows("a", 10..30)).await;
    assert_eq!(next.finish().await.unwrap().rows, 10);
    assert_eq!(stored(&lake).await, rows("a", 0..30));
    drop(open(&other, HUGE).await);
    assert_once(&lake, &folder, &rows("a", 0..30)).await;
}

#[tokio::test]
async fn a_compaction_in_between_neither_doubles_a_row_nor_loses_one() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let before = rows("a", 0..20);
    let mut first = open(&lake, HUGE).await;
    push(&mut first, &before).await;
    first.finish().await.unwrap();

    let mut events = open(&lake, HUGE).await;
    push(&mut events, &rows("a", 20..30)).await;
    commit(&mut events).await;
    // Compared before the compaction: an edit, a deletion, and a late event.
    let key = |row: &Row| EventKey { series: row.0.as_str().into(), micros: row.1, sequence: row.2 };
    let late = row("a", noon(0) + 500, 0);
    let change = [edited(&before[3]), late.clone()];
    let gone = [key(&before[3]), key(&before[4])];
    events.amend(Some(batch(&change, false)), &gone, vec![advance("a", 0, noon(9), 0)]).await.unwrap();
    push(&mut events, &rows("a", 30..40)).await;
    compact(&lake).await;
    let written = events.finish().await.unwrap();
    assert_eq!((written.rows, written.edited, written.deleted), (21, 1, 1));
    let mut expected = rows("a", 0..40);
    expected[3] = change[0].clone();
    expected.remove(4);
    expected.push(late);
    expected.sort_by_key(|row| row.1);
    assert_once(&lake, &folder, &expected).await;
}

#[tokio::test]
async fn while_nobody_else_commits_no_data_file_is_read() {
    count_reads();
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut first = open(&lake, HUGE).await;
    push(&mut first, &rows("a", 0..40)).await;
    first.finish().await.unwrap();
    let mut events = open(&lake, HUGE).await;
    let reads = Reads::below(&folder.path().join("bronze/x_events"));
    for n in 4..8 {
        push(&mut events, &rows("a", n * 10..n * 10 + 10)).await;
        commit(&mut events).await;
    }
    events.finish().await.unwrap();
    assert_eq!(reads.paths(), Vec::<String>::new());
    let events = open(&lake, HUGE).await;
    assert_eq!(events.reader().stored(&windows(&["a"], micros(0, noon(9)))).await.unwrap().len(), 80);
    assert!(!reads.paths().is_empty(), "a read is seen");
}

#[tokio::test]
async fn of_what_others_add_only_files_that_can_hold_a_row_of_the_batch_are_read() {
    count_reads();
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let mut first = open(&lake, HUGE).await;
    push(&mut first, &rows("a", 0..10)).await;
    first.finish().await.unwrap();
    let mut events = open(&lake, HUGE).await;
    let mut stranger = open(&other, HUGE).await;
    // Another day; the same day, before and after; the same time, another series; and the one that matters.
    let day = noon(3);
    for (id, at) in [("a", noon(2)), ("a", day - 5_000_000), ("a", day + 5_000_000), ("z", day), ("a", day)] {
        stranger.push(Some(batch(&[row(id, at, 0)], true)), vec![]).await.unwrap();
        commit(&mut stranger).await;
    }
    let live = |lake: &Lake| {
        let root = lake.root.clone();
        async move {
            let table = Table::open(&root, "bronze", "x_events").await.unwrap().unwrap();
            let files = table.files().unwrap();
            files.into_iter().map(|file| file.object_store_path().to_string()).collect::<BTreeSet<_>>()
        }
    };
    let before = live(&lake).await;
    let reads = Reads::below(&folder.path().join("bronze/x_events"));
    push(&mut events, &[row("a", day, 0), row("a", day + 1, 0)]).await;
    events.finish().await.unwrap();
    let read: BTreeSet<String> = reads.paths().into_iter().collect();
    assert_eq!(before.iter().filter(|file| read.contains(*file)).count(), 1, "{read:?}");
    assert_eq!(stored(&lake).await.len(), 10 + 5 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lanes_at_once_store_each_event_once() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = tokio::task::JoinSet::new();
        for pipeline in 0..4_u64 {
            let config = LakeConfig { pipeline: pipeline.to_string(), ..crate::testing::config(&folder) };
            let lake = Lake::open(config).unwrap();
            runs.spawn(async move {
                let mut dice = Dice(seed * 100 + pipeline);
                let policy = CommitPolicy { rows: 5 + dice.roll(40) as usize, ..HUGE };
                let mut events = open(&lake, policy).await;
                let mut from = dice.roll(20) as i64;
                while from < 80 {
                    let to = (from + 1 + dice.roll(25) as i64).min(80);
                    push(&mut events, &rows("a", from..to)).await;
                    from = to;
                }
                events.finish().await.unwrap().rows
            });
        }
        let new: u64 = runs.join_all().await.into_iter().sum();
        let lake = lake(&folder);
        let all = stored(&lake).await;
        assert_eq!(all, rows("a", 80 - all.len() as i64..80), "seed {seed}");
        assert_eq!(new, all.len() as u64, "seed {seed}");
        assert_once(&lake, &folder, &all).await;
    }
}
