//! A state that is changed from outside, and the run that comes after, before or at the same time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::DataType;
use tidegate_model::Instant;

use super::*;
use crate::batch::{instants, texts};
use crate::encode::{FileSpec, write_files};
use crate::layout::timestamp;
use crate::table::{Attempt, Declaration};
use crate::testing::{HUGE, RUN, advance, batch, lake, micros, noon, row, series, spec, stored};
use crate::watermarks::column;
use crate::{Advance, Events};

async fn open(lake: &Lake) -> Events {
    lake.events(spec(), "live", RUN, HUGE).await.unwrap()
}

fn table() -> SeriesTable {
    SeriesTable::Events(spec())
}

/// Rows of `a` at each of these instants, covered from noon of day 0 to `end`.
async fn load(lake: &Lake, instants: &[i64], end: i64) {
    let mut events = open(lake).await;
    let rows: Vec<_> = instants.iter().map(|at| row("a", *at, 0)).collect();
    let start = events.watermarks().get("a").map_or(noon(0), |mark| mark.covered.end.micros());
    events.push(Some(batch(&rows, true)), vec![advance("a", start, end, rows.len())]).await.unwrap();
    events.finish().await.unwrap();
}

async fn mark(lake: &Lake) -> Watermark {
    lake.state(&table(), "live").await.unwrap().remove("a").unwrap()
}

fn back(mark: &Watermark, to: i64) -> Restated {
    Restated { before: Some(mark.clone()), after: mark.back_to(Instant::from_micros(to)).unwrap() }
}

#[tokio::test]
async fn a_cursor_that_was_put_back_stays_so_and_remembers_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    load(&lake, &[noon(0) + 1, noon(1)], noon(2)).await;
    let before = mark(&lake).await;
    let mut lane = lake.take(&table(), "live", RUN).await.unwrap();
    assert!(matches!(lake.lock("x_events", "live"), Err(Error::LaneTaken { .. })), "it holds the lock");
    lane.restate(&[back(&before, noon(1))]).await.unwrap();
    drop(lane);
    let after = mark(&lake).await;
    assert_eq!((after.covered, after.stored_until), (micros(noon(0), noon(1)), Some(before.covered.end)));
    assert_eq!(after.rows, 2);
    // The next run goes on from there, and forgets it once it has passed.
    let mut events = open(&lake).await;
    events.push(None, vec![advance("a", noon(1), noon(3), 0)]).await.unwrap();
    events.finish().await.unwrap();
    let done = mark(&lake).await;
    assert_eq!((done.covered, done.stored_until, done.rows), (micros(noon(0), noon(3)), None, 2));
}

#[tokio::test]
async fn a_run_that_holds_the_lane_without_its_lock_stops_and_does_not_undo_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    load(&lake, &[noon(0) + 1], noon(2)).await;
    let mut running = open(&lake).await;
    running.push(Some(batch(&[row("a", noon(2), 0)], true)), vec![advance("a", noon(2), noon(3), 1)]).await.unwrap();
    let before = mark(&lake).await;
    lake.take(&table(), "live", RUN).await.unwrap().restate(&[back(&before, noon(1))]).await.unwrap();
    let error = running.finish().await.unwrap_err();
    assert!(matches!(error, Error::LaneTaken { .. }), "{error}");
    assert_eq!(mark(&lake).await.covered.end.micros(), noon(1));
    drop(open(&lake).await);
    assert_eq!(stored(&lake).await, [row("a", noon(0) + 1, 0)], "what it had not committed is read again by the next");
    assert_eq!(mark(&lake).await.covered.end.micros(), noon(1));
}

#[tokio::test]
async fn a_run_without_rows_does_not_move_a_cursor_over_what_was_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    load(&lake, &[noon(0) + 1], noon(2)).await;
    let mut running = open(&lake).await;
    running.push(None, vec![advance("a", noon(2), noon(3), 0)]).await.unwrap();
    let before = mark(&lake).await;
    lake.take(&table(), "live", RUN).await.unwrap().restate(&[back(&before, noon(1))]).await.unwrap();
    let _ended = running.finish().await;
    assert_eq!(mark(&lake).await.covered, micros(noon(0), noon(1)));
}

#[tokio::test]
async fn what_a_dead_run_has_committed_is_shown_before_and_settled_by_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    load(&lake, &[noon(0) + 1], noon(1)).await;
    let mut dying = lake.events(spec(), "live", RUN, CommitPolicy { rows: 1, ..HUGE }).await.unwrap();
    dying.push(Some(batch(&[row("a", noon(1), 0)], true)), vec![advance("a", noon(1), noon(2), 1)]).await.unwrap();
    drop(dying);
    while stored(&lake).await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let shown = mark(&lake).await;
    assert_eq!((shown.covered.end.micros(), shown.rows), (noon(2), 2), "committed, though not merged yet");
    let listed = || std::fs::read_dir(folder.path().join("checkpoints/_staged")).unwrap().count();
    let before = listed();
    assert_eq!(mark(&lake).await, shown);
    assert_eq!(listed(), before, "to look writes nothing");
    lake.take(&table(), "live", RUN).await.unwrap().restate(&[back(&shown, noon(1))]).await.unwrap();
    drop(open(&lake).await);
    let after = mark(&lake).await;
    assert_eq!((after.covered.end.micros(), after.stored_until), (noon(1), Some(shown.covered.end)));
}

#[tokio::test]
async fn a_state_that_is_not_what_was_shown_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    load(&lake, &[noon(0) + 1], noon(1)).await;
    let shown = mark(&lake).await;
    let mut lane = lake.take(&table(), "live", RUN).await.unwrap();
    // Another pipeline shares the watermarks: what it does to other series is in nobody's way.
    let other =
        Lake::open(crate::LakeConfig { pipeline: "plant b".into(), ..crate::testing::config(&folder) }).unwrap();
    let mut events = other.events(spec(), "live", RUN, HUGE).await.unwrap();
    events.push(None, vec![advance("b", 0, 10, 0)]).await.unwrap();
    events.finish().await.unwrap();
    lane.restate(&[back(&shown, noon(0) + 5)]).await.unwrap();
    let moved = mark(&lake).await;
    let error = lane.restate(&[back(&shown, noon(0) + 3)]).await.unwrap_err();
    assert!(matches!(error, Error::StateChanged { .. }), "{error}");
    assert_eq!(mark(&lake).await, moved);
    let new = Watermark { series: "new".into(), ..moved };
    lane.restate(&[Restated { before: None, after: new.clone() }]).await.unwrap();
    assert_eq!(lake.state(&table(), "live").await.unwrap()["new"], new);
    assert_eq!(lake.state(&table(), "live").await.unwrap().len(), 3);
}

/// Watermarks as they were before cursors could be put back: `a`, from noon of day 0 to noon of day 1.
async fn older(lake: &Lake) {
    let columns = ["tag_webid", "tag_name", "last_timestamp", "last_ingestion_run", "record_count", "first_timestamp"];
    let kinds = [DataType::Utf8, DataType::Utf8, timestamp(), timestamp(), DataType::Int64, timestamp()];
    let columns = columns.into_iter().zip(kinds).map(|(name, kind)| column(name, kind, ""));
    let layout = Layout::new("checkpoints.x_watermarks".into(), &Schema::new(columns.collect::<Vec<_>>())).unwrap();
    let declared =
        Declaration { schema: "checkpoints", table: "x_watermarks", comment: "", layout: &layout, properties: &[] };
    let mut table = Table::open_or_create(&lake.root, &declared).await.unwrap();
    let at = |micros| instants(std::iter::once(Some(Instant::from_micros(micros))));
    let text = || texts(std::iter::once("a"));
    let rows: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let row = vec![text(), text(), at(noon(1)), at(noon(1)), rows, at(noon(0))];
    let row = RecordBatch::try_new(Arc::clone(&layout.file), row).unwrap();
    let spec = FileSpec::plain(Arc::clone(&layout.file));
    let adds = write_files(table.store(), "t", spec, std::iter::once(Ok(row))).await.unwrap();
    assert_eq!(table.overwrite(adds, None).await.unwrap(), Attempt::Done);
}

#[tokio::test]
async fn a_table_of_watermarks_without_the_newest_column_is_read_and_grown() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    older(&lake).await;
    let before = mark(&lake).await;
    assert_eq!((before.covered, before.stored_until), (micros(noon(0), noon(1)), None));
    lake.take(&table(), "live", RUN).await.unwrap().restate(&[back(&before, noon(0) + 5)]).await.unwrap();
    assert_eq!(mark(&lake).await.stored_until, Some(before.covered.end));
    load(&lake, &[noon(1)], noon(2)).await;
    assert_eq!(mark(&lake).await.stored_until, None);
}

#[tokio::test]
async fn series_that_have_rows_are_found_in_their_own_window_and_only_there() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    assert!(lake.holding(&table(), &HashMap::from([("a".into(), micros(0, 10))])).await.unwrap().is_empty());
    assert!(!folder.path().join("bronze").exists(), "to look creates nothing");
    let mut events = open(&lake).await;
    let rows = [row("a", noon(0), 0), row("c", noon(0) + 5, 0), row("c", noon(3), 0)];
    let covers = ["a", "c"].map(|id| Advance { series: series(id), covered: Some(micros(0, noon(4))), rows: 1 });
    events.push(Some(batch(&rows, true)), covers.into()).await.unwrap();
    events.finish().await.unwrap();
    let found = async |windows: &[(&str, Interval)]| {
        let windows = windows.iter().map(|(id, window)| ((*id).to_owned(), *window)).collect();
        let mut found: Vec<String> = lake.holding(&table(), &windows).await.unwrap().into_iter().collect();
        found.sort();
        found
    };
    let all = micros(0, noon(9));
    assert_eq!(found(&[("a", all), ("b", all), ("c", all)]).await, ["a", "c"]);
    assert_eq!(found(&[("a", micros(0, noon(0))), ("c", micros(noon(0) + 6, noon(3)))]).await, [""; 0]);
    assert_eq!(found(&[("a", micros(noon(0), noon(0) + 1)), ("c", micros(noon(3), noon(4)))]).await, ["a", "c"]);
    assert_eq!(found(&[("a", micros(5, 5))]).await, [""; 0]);
}
