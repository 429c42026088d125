//! A run that dies between two steps, and two runs that write one table.

use super::*;
use crate::coverage::Coverage;
use crate::outgoing::Outgoing;

fn other(folder: &tempfile::TempDir) -> Lake {
    Lake::open(LakeConfig { pipeline: "plant b".into(), ..config(folder) }).unwrap()
}

#[tokio::test]
async fn a_run_that_dies_after_any_step_is_finished_or_undone_and_the_next_one_sees_what_stands() {
    let before = [frame("a", noon(0), None), frame("b", noon(0) + 1, None)];
    let closed = Frame { end: Some(noon(1)), ..before[0].clone() };
    let new = frame("cc", noon(1), None);
    let came = [closed.clone(), new.clone()];
    for steps in 0..=4 {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        upsert(&lake, &before).await;
        let records = open(&lake).await;
        let mut dying = RecordsBatch::new(Arc::clone(&records.shape));
        dying.put(Some(records.shape.page(&batch(&came, false)).unwrap()), RecordKeys::default(), &[]);
        let mut lane = records.writer.into_lane();
        let mut coverage = Coverage::default();
        coverage.advance("t", None, &advance("template 2", 0, noon(2), 0)).unwrap();
        let files = lane.files().clone();
        let decision = dying.decide(&table(&lake).await, &files).await.unwrap();
        let coverage = coverage.counting(&decision.rows);
        if steps >= 1 {
            let number = lane.stage(lane_number(&lake).await, &coverage).await.unwrap();
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
        let next = open(&lake).await;
        let landed = steps >= 2;
        let rows: Vec<Frame> =
            if landed { vec![closed.clone(), before[1].clone(), new.clone()] } else { before.to_vec() };
        assert_eq!(stored(&lake).await, rows, "after {steps} steps");
        let marks = lake.watermarks_of("x_frames").await.unwrap();
        let expected = landed.then_some(("template 2".to_owned(), 1));
        assert_eq!(marks.into_iter().map(|m| (m.series, m.rows)).collect::<Vec<_>>(), Vec::from_iter(expected));
        // What a run that read the same again makes of it.
        let mut next = next;
        next.push(Some(batch(&came, false)), vec![advance("template 2", 0, noon(2), 0)]).await.unwrap();
        let written = next.finish().await.unwrap();
        assert_eq!(counts(written), if landed { (0, 0, 0) } else { (1, 1, 1) }, "after {steps} steps");
        assert_eq!(stored(&lake).await, [closed.clone(), before[1].clone(), new.clone()], "after {steps} steps");
        assert_eq!(lake.watermarks_of("x_frames").await.unwrap()[0].rows, 1, "after {steps} steps");
        assert_eq!(std::fs::read_dir(folder.path().join("checkpoints/_staged")).map_or(0, Iterator::count), 0);
    }
}

async fn lane_number(lake: &Lake) -> i64 {
    table(lake).await.txn("tidegate/plant a/x_frames/live").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pipelines_that_bring_the_same_records_store_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let frames: Vec<_> = (0..30).map(|n| frame(&format!("{n:02}"), noon(n % 3) + n, None)).collect();
    let (mut one, mut two) = (open(&lake).await, open(&other).await);
    for records in [&mut one, &mut two] {
        records.push(Some(batch(&frames, false)), vec![advance("template 2", 0, noon(5), 0)]).await.unwrap();
    }
    // Both have looked before either has written.
    let (one, two) = tokio::join!(one.finish(), two.finish());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.rows + two.rows, 30);
    assert_eq!(stored(&lake).await, frames);
    assert_eq!(orphans(&folder, "x_frames"), 0, "files of a decision that was not taken are deleted");
    assert_eq!(lake.watermarks_of("x_frames").await.unwrap()[0].rows, 30);
    assert_eq!(std::fs::read_dir(folder.path().join("checkpoints/_staged")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_slower_of_two_writers_looks_again_and_neither_doubles_nor_resurrects_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, other) = (lake(&folder), other(&folder));
    let frames = [frame("a", noon(0), None), frame("b", noon(0) + 1, None), frame("c", noon(0) + 2, None)];
    upsert(&lake, &frames).await;
    // The slower one has opened the table, with the file that the faster one takes out.
    let mut slow = open(&other).await;
    let faster = [Frame { end: Some(noon(1)), ..frames[0].clone() }, Frame { end: Some(noon(1)), ..frames[1].clone() }];
    upsert(&lake, &faster).await;
    let slower = [faster[0].clone(), Frame { end: Some(noon(2)), ..frames[1].clone() }, frame("d", noon(0), None)];
    slow.push(Some(batch(&slower, false)), vec![]).await.unwrap();
    assert_eq!(counts(slow.finish().await.unwrap()), (1, 1, 1));
    let expected = [faster[0].clone(), slower[1].clone(), frames[2].clone(), slower[2].clone()];
    assert_eq!(stored(&lake).await, expected);
    assert_eq!(orphans(&folder, "x_frames"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_on_one_table_keep_one_row_for_each_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = tokio::task::JoinSet::new();
    for pipeline in 0..4_i64 {
        let lake = Lake::open(LakeConfig { pipeline: pipeline.to_string(), ..config(&folder) }).unwrap();
        runs.spawn(async move {
            let policy = CommitPolicy { rows: 4, ..HUGE };
            let mut records = lake.records(spec(), "live", RUN, policy).await.unwrap();
            for round in 0..5 {
                let frames: Vec<_> = (0..6)
                    .map(|n| frame(&format!("{n}"), noon(n), (round > 0).then_some(noon(9) + pipeline)))
                    .collect();
                records.push(Some(batch(&frames, false)), vec![]).await.unwrap();
            }
            records.finish().await.unwrap().rows
        });
    }
    let new: u64 = runs.join_all().await.into_iter().sum();
    let lake = lake(&folder);
    let ids: Vec<_> = stored(&lake).await.into_iter().map(|frame| (frame.id, frame.end.is_some())).collect();
    assert_eq!(ids, (0..6).map(|n| (n.to_string(), true)).collect::<Vec<_>>());
    assert_eq!(new, 6);
    assert_eq!(orphans(&folder, "x_frames"), 0);
}

#[tokio::test]
async fn the_second_of_two_runs_on_a_lane_stops() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let (mut first, mut second) = (open(&lake).await, open(&lake).await);
    first.push(Some(batch(&[frame("a", noon(0), None)], false)), vec![]).await.unwrap();
    first.finish().await.unwrap();
    second.push(Some(batch(&[frame("a", noon(0), Some(noon(1)))], false)), vec![]).await.unwrap();
    let error = second.finish().await.unwrap_err();
    assert!(matches!(error, Error::LaneTaken { .. }), "{error}");
    assert_eq!(stored(&lake).await, [frame("a", noon(0), None)]);
    // The next run discards what the second one had staged.
    drop(open(&lake).await);
    assert_eq!(std::fs::read_dir(folder.path().join("checkpoints/_staged")).unwrap().count(), 0);
}
