//! What arrives is what is stored: types, order, dates, dictionaries, commits at any point.

use arrow::datatypes::DataType;

use std::time::Duration;

use super::*;
use crate::LakeConfig;
use crate::stored::{Counting, RowCount};
use crate::testing::{Dice, HUGE, RUN, Row, advance, batch, field, lake, micros, noon, number, row, spec, stored};

mod amend;
mod races;

async fn open(lake: &Lake, policy: CommitPolicy) -> Events {
    lake.events(spec(), "live", RUN, policy).await.unwrap()
}

/// The same window for each of these series.
fn windows(series: &[&str], window: Interval) -> HashMap<String, Interval> {
    series.iter().map(|id| ((*id).to_owned(), window)).collect()
}

#[tokio::test]
async fn rows_come_back_with_exact_types_comments_and_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    let rows = vec![row("a", noon(0) - 1, 0), row("a", noon(0) - 1, 1), row("a", noon(1), 0), row("b", noon(0), 0)];
    let advances = vec![advance("a", 0, noon(2), 3), advance("b", 0, noon(2), 1)];
    events.push(Some(batch(&rows, true)), advances).await.unwrap();
    let written = events.finish().await.unwrap();
    assert_eq!((written.rows, written.files, written.commits), (4, 2, 1));
    assert_eq!(stored(&lake).await, rows);

    let table = Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap();
    let state = table.state().unwrap();
    let protocol = serde_json::to_value(state.protocol()).unwrap();
    assert_eq!((&protocol["minReaderVersion"], &protocol["minWriterVersion"]), (&1.into(), &2.into()));
    assert_eq!(state.metadata().partition_columns(), ["day"]);
    assert_eq!(state.metadata().description(), Some("events of x"));
    let columns: Vec<_> = state.schema().fields().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    let expected = ["id string", "at timestamp", "value double", "received timestamp", "delay integer", "note string"];
    assert_eq!(columns, [&expected[..], &["seq integer", "day date"]].concat());
    for field in state.schema().fields() {
        let metadata = serde_json::to_value(field).unwrap()["metadata"].clone();
        assert_eq!(metadata, serde_json::json!({ "comment": format!("about {}", field.name()) }));
    }
    let by_day = "SELECT count(*) FROM x_events WHERE day = DATE '1970-01-02' AND delay > 1000000000";
    assert_eq!(number(&lake, by_day).await, 1);
    let age = "SELECT count(*) FROM x_events WHERE abs(extract(epoch FROM received - at) - delay) <= 1";
    assert_eq!(number(&lake, age).await, 4);
}

#[tokio::test]
async fn a_file_is_sorted_by_series_and_time_whatever_order_rows_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    // b before a; a second stretch of b before the first; plain text and dictionaries mixed.
    for (rows, dictionary) in [
        (vec![row("b", 50, 0), row("b", 60, 0)], true),
        (vec![row("b", 10, 0), row("b", 55, 0)], false),
        (vec![row("a", 70, 0)], true),
        (vec![row("b", 60, 1)], true),
    ] {
        events.push(Some(batch(&rows, dictionary)), vec![]).await.unwrap();
    }
    assert_eq!(events.finish().await.unwrap().files, 1);
    let table = Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap();
    let file = crate::scan::read_all(&table).await.unwrap();
    let columns = crate::batch::Columns::new("x", &file[0]);
    let times: Vec<_> = columns.instants("at").unwrap().into_iter().map(|at| at.unwrap().micros()).collect();
    assert_eq!(times, [70, 10, 50, 55, 60, 60]);
    assert_eq!(columns.integers("seq").unwrap().iter().flatten().sum::<i64>(), 1);
    assert_eq!(columns.text("id").unwrap()[0].as_deref(), Some("a"));
    let stats: serde_json::Value = serde_json::from_str(&table.files().unwrap()[0].stats().unwrap()).unwrap();
    assert_eq!((&stats["minValues"]["id"], &stats["maxValues"]["id"]), (&"a".into(), &"b".into()), "{stats}");
    assert_eq!(stats["numRecords"], 6, "{stats}");
}

#[tokio::test]
async fn random_batches_with_commits_anywhere_add_up_to_all_rows() {
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut expected: Vec<Row> = Vec::new();
        let mut cursors = [0_i64; 5];
        for _run in 0..3 {
            let rows = 1 + dice.roll(400) as usize;
            let policy = CommitPolicy { rows, bytes: 1 << (10 + dice.roll(10)), ..HUGE };
            let mut events = open(&lake, policy).await;
            for (index, cursor) in cursors.iter().enumerate() {
                let mark = events.watermarks().get(&format!("s{index}")).map(|mark| mark.covered.end.micros());
                assert_eq!(mark, (*cursor > 0).then_some(*cursor), "seed {seed}");
            }
            for _push in 0..dice.roll(20) {
                let (mut rows, mut advances) = (Vec::new(), Vec::new());
                for (index, cursor) in cursors.iter_mut().enumerate() {
                    let (id, from) = (format!("s{index}"), *cursor);
                    let mut count = 0;
                    for _ in 0..dice.roll(30) {
                        *cursor += dice.roll(3 * 3_600_000_000) as i64 + 1;
                        for sequence in 0..1 + dice.roll(2) as i32 {
                            rows.push(row(&id, *cursor, sequence));
                            count += 1;
                        }
                    }
                    *cursor += 1;
                    advances.push(advance(&id, from, *cursor, count));
                }
                expected.extend(rows.iter().cloned());
                events.push(Some(batch(&rows, dice.roll(2) == 0)), advances).await.unwrap();
            }
            events.finish().await.unwrap();
        }
        expected.sort_by(|a, b| (&a.0, a.1, a.2).cmp(&(&b.0, b.1, b.2)));
        assert_eq!(stored(&lake).await, expected, "seed {seed}");
        let marks = lake.watermarks().await.unwrap();
        let counted: i64 = marks.iter().map(|mark| mark.rows).sum();
        assert_eq!(counted as usize, expected.len(), "seed {seed}");
    }
}

#[tokio::test]
async fn a_push_that_breaks_the_contract_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    let good = batch(&[row("a", 5, 0)], false);
    events.push(Some(good.clone()), vec![advance("a", 0, 10, 1)]).await.unwrap();
    let hole = events.push(Some(good.clone()), vec![advance("b", 0, 9, 0), advance("a", 11, 20, 1)]).await;
    assert!(hole.unwrap_err().to_string().contains("would leave a hole"));
    let narrow = events.push(Some(good.project(&[0, 1]).unwrap()), vec![advance("a", 10, 20, 1)]).await;
    assert!(narrow.unwrap_err().to_string().contains("2 columns, declared are 5"));
    let swapped = good.project(&[0, 1, 2, 3, 2]).unwrap();
    let swapped = events.push(Some(swapped), vec![advance("a", 10, 20, 1)]).await.unwrap_err().to_string();
    assert!(swapped.contains("column seq comes as Float64, declared is Int32"), "{swapped}");
    events.finish().await.unwrap();
    assert_eq!(stored(&lake).await, [row("a", 5, 0)]);
    let marks = lake.watermarks().await.unwrap();
    assert_eq!(marks.iter().map(|m| (m.series.as_str(), m.covered)).collect::<Vec<_>>(), [("a", micros(0, 10))]);
}

#[tokio::test]
async fn coverage_without_rows_moves_the_watermark_and_commits_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    events.push(None, vec![advance("a", 0, 10, 0)]).await.unwrap();
    assert_eq!(events.finish().await.unwrap(), Written::default());
    let table = Table::open(&lake.root, "bronze", "x_events").await.unwrap().unwrap();
    assert_eq!(table.version(), 0, "an idle run makes no data commit");
    assert_eq!(lake.watermarks().await.unwrap()[0].covered, micros(0, 10));
}

#[tokio::test]
async fn age_starts_a_commit_without_a_full_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, CommitPolicy { age: Duration::ZERO, ..HUGE }).await;
    events.push(Some(batch(&[row("a", 5, 0)], false)), vec![]).await.unwrap();
    assert_eq!(events.writer.batch.buffer.rows, 0, "the buffer has left");
    events.writer.join().await.unwrap();
    assert_eq!(stored(&lake).await.len(), 1, "committed before the end");
}

#[tokio::test]
async fn a_cut_page_counts_as_what_it_keeps_alive_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    let rows: Vec<Row> = (0..10_000).map(|at| row("a", at, 0)).collect();
    let page = batch(&rows, false);
    events.push(Some(page.slice(0, 10)), vec![]).await.unwrap();
    let once = events.writer.batch.buffer.bytes();
    assert!(once > 10_000 * 8 * 3, "{once}");
    events.push(Some(page.slice(10, 10)), vec![]).await.unwrap();
    assert!(events.writer.batch.buffer.bytes() < once + 2_000, "{once} {}", events.writer.batch.buffer.bytes());
}

#[tokio::test]
async fn new_columns_are_added_and_a_type_conflict_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    events.push(Some(batch(&[row("a", 5, 0)], false)), vec![]).await.unwrap();
    events.finish().await.unwrap();

    let mut wider = spec();
    let mut fields: Vec<_> = wider.schema.fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.insert(2, field("extra", DataType::Utf8, None));
    wider.schema = Arc::new(arrow::datatypes::Schema::new(fields.clone()));
    let mut events = lake.events(wider, "live", RUN, HUGE).await.unwrap();
    let old = batch(&[row("a", 6, 0)], false);
    let mut columns = old.columns().to_vec();
    columns.insert(2, Arc::new(arrow::array::StringArray::from(vec!["new"])));
    let new = RecordBatch::try_new(Arc::clone(&events.shape.layout.emitted), columns).unwrap();
    events.push(Some(new), vec![]).await.unwrap();
    events.finish().await.unwrap();
    assert_eq!(
        number(&lake, "SELECT count(*) FROM x_events WHERE extra IS NULL AND at = to_timestamp_micros(5)").await,
        1
    );
    assert_eq!(number(&lake, "SELECT count(*) FROM x_events WHERE extra = 'new'").await, 1);

    fields[2] = field("extra", DataType::Int32, None);
    let other = EventsSpec { schema: Arc::new(arrow::datatypes::Schema::new(fields)), ..spec() };
    let error = lake.events(other, "live", RUN, HUGE).await.unwrap_err().to_string();
    assert!(error.contains("column extra of table bronze.x_events is stored as string"), "{error}");
    assert!(error.contains("declares integer"), "{error}");
}

#[tokio::test]
async fn stored_keys_are_found_by_reading_only_files_that_can_hold_them() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, CommitPolicy { rows: 1, ..HUGE }).await;
    let reader = events.reader();
    let mut all = Vec::new();
    for day in 0..4 {
        let rows: Vec<Row> = ["a", "b", "c"]
            .iter()
            .flat_map(|id| (0..50).flat_map(move |i| [row(id, noon(day) + i * 10, 0), row(id, noon(day) + i * 10, 1)]))
            .collect();
        events.push(Some(batch(&rows, true)), vec![]).await.unwrap();
        all.extend(rows);
    }
    events.writer.join().await.unwrap();
    let window = micros(noon(1) + 100, noon(2) + 100);
    let keys = reader.stored(&windows(&["b", "zz"], window)).await.unwrap();
    for (id, at, sequence, _, _) in &all {
        let inside = id == "b" && (noon(1) + 100..noon(2) + 100).contains(at);
        assert_eq!(keys.contains(id, *at, *sequence), inside, "{id} {at} {sequence}");
    }
    assert_eq!(keys.len(), 100);
    assert!(!keys.contains("b", noon(1) + 100, 2));
    // Files that cannot hold an answer are not opened: without them the answer is the same.
    for day in ["1970-01-01", "1970-01-04"] {
        std::fs::remove_dir_all(folder.path().join(format!("bronze/x_events/day={day}"))).unwrap();
    }
    assert_eq!(reader.stored(&windows(&["b"], window)).await.unwrap(), keys);
    std::fs::remove_dir_all(folder.path().join("bronze/x_events/day=1970-01-02")).unwrap();
    reader.stored(&windows(&["zz", "0"], window)).await.unwrap();
    let error = reader.stored(&windows(&["b"], window)).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read stored rows of bronze.x_events"), "{error}");
}

#[tokio::test]
async fn pages_of_a_large_file_are_skipped_without_losing_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut events = open(&lake, HUGE).await;
    let reader = events.reader();
    let ids: Vec<String> = (0..30).map(|n| format!("series-{n:03}")).collect();
    for id in &ids {
        let rows: Vec<Row> = (0..5_000).map(|i| row(id, noon(3) + i * 1_000_003, (i % 3) as i32)).collect();
        events.push(Some(batch(&rows, true)), vec![]).await.unwrap();
    }
    events.writer.start_commit().await.unwrap();
    events.writer.join().await.unwrap();
    let window = micros(noon(3) + 1_000 * 1_000_003, noon(3) + 1_200 * 1_000_003);
    let keys = reader.stored(&windows(&[&ids[7], &ids[29]], window)).await.unwrap();
    assert_eq!(keys.len(), 400);
    for i in 990..1_210 {
        let (at, sequence) = (noon(3) + i * 1_000_003, (i % 3) as i32);
        assert_eq!(keys.contains(&ids[29], at, sequence), (1_000..1_200).contains(&i), "{i}");
        assert!(!keys.contains(&ids[8], at, sequence));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bronze"), "a file where the schema's folder belongs").unwrap();
    let lake = lake(&folder);
    let error = lake.events(spec(), "live", RUN, HUGE).await.unwrap_err().to_string();
    assert!(error.contains("x_events") && error.starts_with("cannot "), "{error}");
}

#[test]
fn storage_options_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = std::collections::HashMap::from([("key".to_owned(), "hunter2".to_owned())]);
    let config = LakeConfig { storage_options: secret, ..crate::testing::config(&folder) };
    let lake = Lake::open(config.clone()).unwrap();
    assert!(!format!("{config:?} {lake:?}").contains("hunter2"));
}

#[tokio::test]
async fn rows_are_counted_by_series_and_day_without_taking_the_lane() {
    const DAY: i64 = 86_400_000_000;
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    assert!(lake.stored(&spec()).await.unwrap().is_none());
    let mut events = open(&lake, HUGE).await;
    // On both sides of midnight, on it, twice at one instant; another series in between.
    let places = [(noon(0), 0), (DAY - 1, 0), (DAY, 0), (DAY, 1), (noon(1), 0), (noon(3), 0)];
    let mut rows: Vec<Row> = places.iter().map(|(at, sequence)| row("a", *at, *sequence)).collect();
    rows.push(row("b", noon(1), 0));
    let advances = vec![advance("a", 0, noon(4), 6), advance("b", 0, noon(4), 1)];
    events.push(Some(batch(&rows, false)), advances).await.unwrap();
    events.finish().await.unwrap();

    let reader = lake.stored(&spec()).await.unwrap().unwrap();
    let windows = HashMap::from([
        ("a".to_owned(), micros(noon(0) + 1, noon(3) + 1)),
        ("b".to_owned(), micros(0, 2 * DAY)),
        ("c".to_owned(), micros(0, DAY)),
    ]);
    let counting = Counting { width: DAY as u64 * 1_000, good: None };
    let counts = reader.counts(&windows, counting).await.unwrap();
    let all = |series: &str| counts[series].iter().map(|count| count.all).collect::<Vec<_>>();
    assert_eq!((all("a"), all("b"), all("c")), (vec![1, 3, 0, 1], vec![0, 1], vec![0]));
    assert!(counts.values().flatten().all(|count| count.all == count.good), "without a flag every row is good");
    // A column that no file has is NULL, and NULL is not good.
    let flagged = Counting { good: Some("quality"), ..counting };
    let counts = reader.counts(&windows, flagged).await.unwrap();
    assert_eq!(counts["a"][1], RowCount { all: 3, good: 0 });
}
