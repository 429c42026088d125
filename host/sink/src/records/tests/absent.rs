//! Stored records that do not come again: which ones are found, and what taking some of them out does to the table.

use super::*;
use crate::coverage::Coverage;
use crate::outgoing::Outgoing;

const SERIES: &str = "template 1";

/// Of [`SERIES`], because its id is one character long.
fn one(id: char, start: i64, end: Option<i64>) -> Frame {
    frame(&id.to_string(), start, end)
}

fn reading(from: i64, to: i64, came: &[&Frame]) -> HashMap<String, Reading> {
    let mut emitted = Emitted::default();
    for frame in came {
        emitted.insert(&frame.id, frame.start);
    }
    HashMap::from([(SERIES.to_owned(), Reading { window: micros(from, to), emitted })])
}

fn ids(records: &[RecordKey]) -> Vec<(&str, i64)> {
    records.iter().map(|record| (record.key.as_str(), record.start)).collect()
}

fn key(frame: &Frame) -> RecordKey {
    RecordKey { series: frame.series.clone(), key: frame.id.clone(), start: frame.start }
}

fn deleted(frames: &[&Frame]) -> RecordKeys {
    RecordKeys { deleted: frames.iter().map(|frame| key(frame)).collect(), moved: Vec::new() }
}

fn moved(frame: &Frame) -> RecordKeys {
    RecordKeys { deleted: Vec::new(), moved: vec![key(frame)] }
}

/// Proves nothing, but has the rows of the series counted.
fn touched() -> Vec<Advance> {
    vec![Advance { covered: None, ..advance(SERIES, 0, 0, 0) }]
}

async fn absent(lake: &Lake, readings: &HashMap<String, Reading>) -> Absent {
    open(lake).await.reader().absent(readings, 100, 7).await.unwrap()
}

/// A run that takes these out, and brings those.
async fn amend(lake: &Lake, gone: RecordKeys, fresh: &[Frame]) -> Written {
    let mut records = open(lake).await;
    records.amend((!fresh.is_empty()).then(|| batch(fresh, false)), gone, touched()).await.unwrap();
    records.finish().await.unwrap()
}

#[tokio::test]
async fn what_was_alive_in_the_window_and_did_not_come_is_absent_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let (from, to) = (noon(1), noon(2));
    let frames = [
        one('a', noon(0), Some(from)),     // ended as the window began
        one('b', noon(0), Some(from + 1)), // lived into it
        one('c', noon(0), None),           // and still does
        one('d', from, Some(from)),        // for no time at all
        one('e', to - 1, None),
        one('f', to, None),                 // began as it ended
        one('g', from + 5, Some(from + 9)), // came
        one('h', from + 6, Some(from + 9)), // came with another start
        frame("of another series", from, None),
    ];
    upsert(&lake, &frames).await;
    let came = [frames[6].clone(), Frame { start: to + 7, ..frames[7].clone() }];
    let found = absent(&lake, &reading(from, to, &[&came[0], &came[1]])).await;
    assert_eq!(ids(&found.absent), [("b", noon(0)), ("c", noon(0)), ("d", from), ("e", to - 1)]);
    assert_eq!(ids(&found.moved), [("h", from + 6)]);
    assert_eq!(found.series[SERIES], Absence { alive: 6, absent: 4 });
    assert_eq!(found.series.len(), 1);
    // Rows that wait for their commit are not stored.
    let mut records = open(&lake).await;
    records.push(Some(batch(&[one('z', from + 1, None)], false)), vec![]).await.unwrap();
    let found = records.reader().absent(&reading(from, to, &[]), 100, 7).await.unwrap();
    assert!(!ids(&found.absent).iter().any(|(id, _)| *id == "z"), "{found:?}");
}

#[tokio::test]
async fn only_files_that_may_hold_such_a_record_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    for day in 0..4 {
        upsert(&lake, &[frame(&day.to_string(), noon(day), Some(noon(day) + 50))]).await;
    }
    for day in ["1970-01-01", "1970-01-02", "1970-01-04"] {
        std::fs::remove_dir_all(folder.path().join(format!("bronze/x_frames/day={day}"))).unwrap();
    }
    let found = absent(&lake, &reading(noon(2) - 1_000_000, noon(3) - 1_000_000, &[])).await;
    assert_eq!(ids(&found.absent), [("2", noon(2))]);
    let error = open(&lake).await.reader().absent(&reading(noon(1), noon(3), &[]), 9, 0).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read stored rows of bronze.x_frames"), "{error}");
    // Nor is a file of other series.
    let other =
        HashMap::from([("other".to_owned(), Reading { window: micros(0, noon(9)), emitted: Emitted::default() })]);
    assert!(absent(&lake, &other).await.series.is_empty());
}

#[tokio::test]
async fn of_too_many_some_are_told_and_others_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let frames: Vec<_> = (0..90).map(|n| frame(&format!("{n:04}"), noon(0) + n, None)).collect();
    upsert(&lake, &frames).await;
    let readings = reading(noon(0), noon(1), &[]);
    let reader = open(&lake).await.reader();
    let mut told = BTreeSet::new();
    for salt in 0..200 {
        let found = reader.absent(&readings, 10, salt).await.unwrap();
        assert_eq!((found.absent.len(), found.series[SERIES]), (10, Absence { alive: 90, absent: 90 }));
        told.extend(found.absent);
    }
    assert_eq!(told.len(), 90, "each has its turn");
    assert_eq!(reader.absent(&readings, 0, 1).await.unwrap().absent, []);
}

#[tokio::test]
async fn a_record_that_is_gone_leaves_and_all_others_stay_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let frames = [one('a', noon(0), None), one('b', noon(0) + 1, Some(noon(1))), one('c', noon(2), None)];
    let mut records = open(&lake).await;
    records.push(Some(batch(&frames, false)), vec![advance(SERIES, 0, noon(3), 0)]).await.unwrap();
    records.finish().await.unwrap();
    let before = files(&lake).await;
    let written = amend(&lake, deleted(&[&frames[1]]), &[]).await;
    assert_eq!((counts(written), written.deleted, written.files), ((0, 0, 1), 1, 1));
    assert_eq!(stored(&lake).await, [frames[0].clone(), frames[2].clone()]);
    assert_eq!(files(&lake).await.iter().filter(|file| before.contains(file)).count(), 1, "the other day's file stays");
    assert_eq!(lake.watermarks_of("x_frames").await.unwrap()[0].rows, 2);
    // What is not stored, or under another start, takes nothing out.
    let other = Frame { start: noon(0) + 5, ..frames[0].clone() };
    assert_eq!(changes(amend(&lake, deleted(&[&frames[1], &other]), &[]).await), Written::default());
    // The last row of a file takes the file with it.
    let written = amend(&lake, deleted(&[&frames[2], &frames[2]]), &[]).await;
    assert_eq!((written.deleted, written.files), (1, 0));
    assert_eq!(stored(&lake).await, [frames[0].clone()]);
    assert_eq!(lake.watermarks_of("x_frames").await.unwrap()[0].rows, 1);
}

#[tokio::test]
async fn a_key_that_comes_again_is_replaced_or_left_and_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let frames = [one('a', noon(0), None), one('b', noon(0) + 1, None), one('c', noon(0) + 2, None)];
    upsert(&lake, &frames).await;
    let closed = Frame { end: Some(noon(1)), ..frames[0].clone() };
    let fresh = [closed.clone(), frames[1].clone()];
    let written = amend(&lake, deleted(&[&frames[0], &frames[1], &frames[2]]), &fresh).await;
    assert_eq!((counts(written), written.deleted), ((0, 1, 1), 1));
    assert_eq!(stored(&lake).await, [closed, frames[1].clone()]);
}

#[tokio::test]
async fn a_start_that_moves_far_leaves_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let (old, stay) = (one('a', noon(0), Some(noon(0) + 5)), one('b', noon(0) + 1, Some(noon(0) + 5)));
    upsert(&lake, &[old.clone(), stay.clone()]).await;
    let new = one('a', noon(5), Some(noon(5) + 5));
    assert_eq!(counts(amend(&lake, moved(&old), std::slice::from_ref(&new)).await), (0, 1, 1));
    assert_eq!(stored(&lake).await, [new.clone(), stay.clone()]);
    // When the new row is stored already, only the old one leaves.
    let newer = one('a', noon(9), Some(noon(9) + 5));
    assert_eq!(counts(upsert(&lake, std::slice::from_ref(&newer)).await), (1, 0, 1), "not found there");
    let found = absent(&lake, &reading(noon(4), noon(8), &[&newer])).await;
    assert_eq!((ids(&found.moved), found.absent.len()), (vec![("a", noon(5))], 0));
    let written = amend(&lake, RecordKeys { deleted: Vec::new(), moved: found.moved }, &[]).await;
    assert_eq!((counts(written), written.deleted), ((0, 1, 1), 0));
    assert_eq!(stored(&lake).await, [newer, stay]);
}

#[tokio::test]
async fn what_another_writer_has_changed_meanwhile_is_seen_before_anything_is_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let other = Lake::open(LakeConfig { pipeline: "plant b".into(), ..config(&folder) }).unwrap();
    let frames: Vec<_> = "abcd".chars().map(|id| one(id, noon(0), None)).collect();
    upsert(&lake, &frames).await;
    // The slower one has opened the table before the faster one changes it.
    let mut slow = open(&other).await;
    let restarted = Frame { start: noon(0) + 7, ..frames[1].clone() };
    let closed = Frame { end: Some(noon(1)), ..frames[2].clone() };
    amend(&lake, deleted(&[&frames[0]]), &[restarted.clone(), closed]).await;
    slow.amend(None, deleted(&[&frames[0], &frames[1], &frames[2]]), touched()).await.unwrap();
    let written = slow.finish().await.unwrap();
    assert_eq!((counts(written), written.deleted), ((0, 0, 1), 1), "one was gone, one has another start");
    assert_eq!(stored(&lake).await, [restarted, frames[3].clone()]);
}

#[tokio::test]
async fn a_run_that_dies_after_any_step_has_deleted_the_record_or_not_and_counts_it_once() {
    for steps in 0..=4 {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let frames = [one('a', noon(0), None), one('b', noon(0) + 1, None)];
        let mut records = open(&lake).await;
        records.push(Some(batch(&frames, false)), vec![advance(SERIES, 0, noon(2), 0)]).await.unwrap();
        records.finish().await.unwrap();
        let records = open(&lake).await;
        let mut dying = RecordsBatch::new(Arc::clone(&records.shape));
        dying.put(None, deleted(&[&frames[0]]), &[]);
        let mut lane = records.writer.into_lane();
        let mut coverage = Coverage::default();
        coverage.advance("t", Some(micros(0, noon(2))), &touched()[0]).unwrap();
        let listing = lane.files().clone();
        let decision = dying.decide(&table(&lake).await, &listing).await.unwrap();
        let coverage = coverage.counting(&decision.rows);
        if steps >= 1 {
            let last = table(&lake).await.txn("tidegate/plant a/x_frames/live").await.unwrap();
            let number = lane.stage(last, &coverage).await.unwrap();
            if steps >= 2 {
                assert_eq!(lane.commit(number, &decision).await.unwrap(), Attempt::Done);
                lane.landed(number, coverage.clone());
            }
        }
        if steps >= 3 {
            lane.merge().await.unwrap();
        }
        if steps >= 4 {
            lane.unstage().await.unwrap();
        }
        drop((lane, dying));
        let left = if steps >= 2 { &frames[1..] } else { &frames[..] };
        drop(open(&lake).await);
        assert_eq!(stored(&lake).await, left, "after {steps} steps");
        assert_eq!(
            amend(&lake, deleted(&[&frames[0]]), &[]).await.deleted,
            u64::from(steps < 2),
            "after {steps} steps"
        );
        assert_eq!(stored(&lake).await, frames[1..], "after {steps} steps");
        assert_eq!(lake.watermarks_of("x_frames").await.unwrap()[0].rows, 1, "after {steps} steps");
    }
}

#[tokio::test]
async fn random_lives_and_deaths_leave_what_exists() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut exists: BTreeMap<String, Frame> = BTreeMap::new();
        for run in 0..6 {
            for _change in 0..20 {
                let id = char::from(b'a' + dice.roll(26) as u8);
                if dice.roll(3) == 0 {
                    exists.remove(&id.to_string());
                } else {
                    // Starts move as they like, inside what is read again.
                    let start = noon(dice.roll(6) as i64) + dice.roll(50) as i64;
                    let end = (dice.roll(3) > 0).then(|| start + dice.roll(3) as i64 * noon(0));
                    exists.insert(id.to_string(), one(id, start, end));
                }
            }
            let policy = CommitPolicy { rows: 1 + dice.roll(30) as usize, ..HUGE };
            let mut records = lake.records(spec(), "live", RUN, policy).await.unwrap();
            let all: Vec<&Frame> = exists.values().collect();
            for part in all.chunks(5) {
                let part: Vec<Frame> = part.iter().map(|frame| (*frame).clone()).collect();
                records.push(Some(batch(&part, false)), vec![]).await.unwrap();
            }
            let found = records.reader().absent(&reading(0, noon(20), &all), 100, run).await.unwrap();
            for gone in &found.absent {
                assert!(!exists.contains_key(&gone.key), "{gone:?}");
            }
            let gone = RecordKeys { deleted: found.absent, moved: found.moved };
            records.amend(None, gone, touched()).await.unwrap();
            records.finish().await.unwrap();
            let expected: Vec<Frame> = exists.values().cloned().collect();
            assert_eq!(stored(&lake).await, expected, "seed {seed}, run {run}");
        }
    }
}
