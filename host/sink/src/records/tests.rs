//! One row for each record, whatever happens to it: equal rows cost nothing, differing ones are replaced, and neither a
//! death nor another writer doubles or resurrects one.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, MapBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use deltalake::kernel::Add;
use tidegate_model::Instant;

use super::*;
use crate::batch::instants;
use crate::layout::timestamp;
use crate::table::{Attempt, Table};
use crate::testing::{Dice, HUGE, RUN, advance, changes, config, field, lake, micros, noon, number, orphans};
use crate::{Error, LakeConfig};

mod absent;
mod races;
mod stored;

/// A record as it comes and as it is read back.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    id: String,
    series: String,
    start: i64,
    end: Option<i64>,
    name: Option<String>,
    attributes: Option<BTreeMap<String, Option<String>>>,
    elements: Option<Vec<Option<String>>>,
}

fn frame(id: &str, start: i64, end: Option<i64>) -> Frame {
    let attributes = BTreeMap::from([("lot".into(), Some(format!("of {id}"))), ("none".into(), None)]);
    Frame {
        id: id.into(),
        series: format!("template {}", id.len() % 3),
        start,
        end,
        name: (start % 3 != 0).then(|| format!("name {}", start % 5)),
        attributes: (start % 4 != 0).then_some(attributes),
        elements: (start % 5 != 0).then(|| vec![Some("pump".into()), None]),
    }
}

fn spec() -> RecordsSpec {
    let entries = Field::new_struct(
        "entries",
        vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)],
        false,
    );
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let schema = Schema::new(vec![
        field("attributes", DataType::Map(Arc::new(entries), false), None),
        field("id", DataType::Utf8, None),
        field("name", DataType::Utf8, None),
        field("template", DataType::Utf8, None),
        field("start", timestamp(), None),
        field("end", timestamp(), None),
        field("elements", list, None),
        field("updated", timestamp(), Some("ingested-at")),
        field("day", DataType::Date32, Some("event-date")),
    ]);
    RecordsSpec {
        table: "x_frames".into(),
        comment: "frames of x".into(),
        schema: Arc::new(schema),
        series_column: "template".into(),
        key_column: "id".into(),
        time_column: "start".into(),
        end_column: "end".into(),
    }
}

/// The emitted columns; `backwards` writes the entries of maps in another order.
fn batch(frames: &[Frame], backwards: bool) -> RecordBatch {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    let mut lists = ListBuilder::new(StringBuilder::new());
    for frame in frames {
        let mut entries: Vec<_> = frame.attributes.iter().flatten().collect();
        if backwards {
            entries.reverse();
        }
        for (key, value) in entries {
            maps.keys().append_value(key);
            maps.values().append_option(value.as_ref());
        }
        maps.append(frame.attributes.is_some()).unwrap();
        lists.append_option(frame.elements.clone());
    }
    let text =
        |pick: fn(&Frame) -> Option<&str>| -> ArrayRef { Arc::new(frames.iter().map(pick).collect::<StringArray>()) };
    let at = |pick: fn(&Frame) -> Option<i64>| instants(frames.iter().map(|f| pick(f).map(Instant::from_micros)));
    let columns: [(&str, ArrayRef); 7] = [
        ("attributes", Arc::new(maps.finish())),
        ("id", text(|f| Some(&f.id))),
        ("name", text(|f| f.name.as_deref())),
        ("template", text(|f| Some(&f.series))),
        ("start", at(|f| Some(f.start))),
        ("end", at(|f| f.end)),
        ("elements", Arc::new(lists.finish())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// All stored rows by key, read through the SQL engine.
async fn stored(lake: &Lake) -> Vec<Frame> {
    let sql = "SELECT id, template, start, \"end\", name, attributes, elements, day FROM x_frames ORDER BY id, start";
    let mut frames = Vec::new();
    for batch in lake.query(sql).await.unwrap() {
        let column = |index: usize| match batch.column(index).data_type() {
            DataType::Utf8View => cast(batch.column(index), &DataType::Utf8).unwrap(),
            _ => batch.column(index).clone(),
        };
        let text = |array: &ArrayRef, row: usize| {
            let array = cast(array, &DataType::Utf8).unwrap();
            array.is_valid(row).then(|| array.as_string::<i32>().value(row).to_owned())
        };
        let at = |index: usize, row: usize| {
            let array = column(index);
            array.is_valid(row).then(|| array.as_primitive::<TimestampMicrosecondType>().value(row))
        };
        for row in 0..batch.num_rows() {
            let map = batch.column(5).as_map();
            let entries = map.is_valid(row).then(|| {
                let entries = map.value(row);
                let (keys, values) = (entries.column(0).clone(), entries.column(1).clone());
                (0..entries.len()).map(|entry| (text(&keys, entry).unwrap(), text(&values, entry))).collect()
            });
            let list = batch.column(6).as_list::<i32>();
            let elements = list.is_valid(row).then(|| {
                let elements = list.value(row);
                (0..elements.len()).map(|element| text(&elements, element)).collect()
            });
            let start = at(2, row).unwrap();
            let day = cast(batch.column(7), &DataType::Int32).unwrap();
            let day = day.as_primitive::<arrow::datatypes::Int32Type>().value(row);
            assert_eq!(day, crate::fill::event_date(start), "a row lies in the partition of its start");
            frames.push(Frame {
                id: text(&column(0), row).unwrap(),
                series: text(&column(1), row).unwrap(),
                start,
                end: at(3, row),
                name: text(&column(4), row),
                attributes: entries,
                elements,
            });
        }
    }
    frames
}

async fn table(lake: &Lake) -> Table {
    Table::open(&lake.root, "bronze", "x_frames").await.unwrap().unwrap()
}

/// The live files, by path.
async fn files(lake: &Lake) -> Vec<String> {
    let table = table(lake).await;
    let mut paths: Vec<_> = table.files().unwrap().iter().map(|file| file.object_store_path().to_string()).collect();
    paths.sort();
    paths
}

async fn open(lake: &Lake) -> Records {
    lake.records(spec(), "live", RUN, HUGE).await.unwrap()
}

/// A run that pushes these records.
async fn upsert(lake: &Lake, frames: &[Frame]) -> Written {
    let mut records = open(lake).await;
    records.push(Some(batch(frames, false)), vec![]).await.unwrap();
    records.finish().await.unwrap()
}

fn counts(written: Written) -> (u64, u64, u64) {
    (written.rows, written.edited, written.commits)
}

#[tokio::test]
async fn a_frame_that_closes_later_updates_its_one_row_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let open_frames = [frame("c", noon(0) + 1, None), frame("a", noon(0) + 7, None), frame("bb", noon(1), None)];
    assert_eq!(counts(upsert(&lake, &open_frames).await), (3, 0, 1));
    let before = files(&lake).await;
    let mut received = Vec::new();
    for id in ["a", "bb", "c"] {
        received.push(number(&lake, &format!("SELECT CAST(updated AS BIGINT) FROM x_frames WHERE id = '{id}'")).await);
    }
    let closed = Frame { end: Some(noon(2)), ..open_frames[0].clone() };
    let written = upsert(&lake, &[closed.clone(), open_frames[1].clone()]).await;
    assert_eq!((counts(written), written.files), ((0, 1, 1), 2));
    let expected = [open_frames[1].clone(), open_frames[2].clone(), closed];
    assert_eq!(stored(&lake).await, expected);
    for (id, at) in ["a", "bb"].iter().zip(&received) {
        let sql = format!("SELECT CAST(updated AS BIGINT) FROM x_frames WHERE id = '{id}'");
        assert_eq!(number(&lake, &sql).await, *at, "a row that moved to another file was not received again");
    }
    let after = files(&lake).await;
    assert_eq!(after.iter().filter(|file| before.contains(file)).count(), 1, "the file of the other day stays");
    let log = std::fs::read_to_string(folder.path().join("bronze/x_frames/_delta_log/00000000000000000002.json"));
    let actions: Vec<serde_json::Value> =
        log.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = actions.iter().flat_map(|action| action.as_object().unwrap().keys().cloned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "txn").count(), 1, "{kinds:?}");
    let remove = actions.iter().find_map(|action| action.get("remove")).unwrap();
    assert_eq!((&remove["dataChange"], &remove["partitionValues"]["day"]), (&true.into(), &"1970-01-01".into()));
    assert!(remove["size"].as_i64().unwrap() > 0 && remove["deletionTimestamp"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn equal_records_commit_nothing_however_they_are_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let frames: Vec<_> =
        (0..60).map(|n| frame(&format!("{n:02}"), noon(n % 4) + n, (n % 2 == 0).then_some(noon(5)))).collect();
    upsert(&lake, &frames).await;
    let (before, version) = (files(&lake).await, table(&lake).await.version());
    let mut records = open(&lake).await;
    records.push(Some(batch(&frames, true)), vec![advance("template 2", 0, noon(9), 60)]).await.unwrap();
    assert_eq!(changes(records.finish().await.unwrap()), Written::default());
    assert_eq!((files(&lake).await, table(&lake).await.version()), (before, version));
    assert_eq!(stored(&lake).await, frames);
    let marks = lake.watermarks_of("x_frames").await.unwrap();
    assert_eq!(marks.iter().map(|m| (m.covered, m.rows)).collect::<Vec<_>>(), [(micros(0, noon(9)), 0)]);
}

#[tokio::test]
async fn every_column_counts_when_rows_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut now = frame("a", noon(0) + 1, Some(noon(0) + 2));
    upsert(&lake, &[now.clone(), frame("b", noon(0), None)]).await;
    let changes: [fn(&mut Frame); 8] = [
        |f| f.end = None,
        |f| f.name = Some("other".into()),
        |f| f.name = None,
        |f| f.series = "template 9".into(),
        |f| f.attributes = Some(BTreeMap::from([("lot".into(), None)])),
        |f| f.attributes = None,
        |f| f.elements = Some(vec![]),
        |f| f.elements = None,
    ];
    for (step, change) in changes.iter().enumerate() {
        change(&mut now);
        assert_eq!(counts(upsert(&lake, std::slice::from_ref(&now)).await), (0, 1, 1), "step {step}");
        assert_eq!(stored(&lake).await, [now.clone(), frame("b", noon(0), None)], "step {step}");
    }
}

#[tokio::test]
async fn of_a_key_that_comes_several_times_before_a_commit_the_last_row_counts() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut records = open(&lake).await;
    let last = frame("a", noon(1), Some(noon(3)));
    for frames in [
        vec![frame("a", noon(0), None), frame("b", noon(0), None), frame("a", noon(0), Some(noon(1)))],
        vec![frame("a", noon(2), None)],
        vec![last.clone()],
    ] {
        records.push(Some(batch(&frames, false)), vec![]).await.unwrap();
    }
    let written = records.finish().await.unwrap();
    assert_eq!((counts(written), written.files), ((2, 0, 1), 2));
    assert_eq!(stored(&lake).await, [last, frame("b", noon(0), None)]);
}

#[tokio::test]
async fn a_start_that_moves_to_another_day_moves_the_row_to_another_partition() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let stay = frame("stay", noon(3) + 1, None);
    upsert(&lake, &[frame("goes", noon(3), None), stay.clone()]).await;
    let moved = frame("goes", noon(1), Some(noon(4)));
    assert_eq!(counts(upsert(&lake, std::slice::from_ref(&moved)).await), (0, 1, 1));
    assert_eq!(stored(&lake).await, [moved.clone(), stay.clone()]);
    // And once more when it is the only one of its file: the file leaves and none takes its place.
    let again = frame("goes", noon(2), Some(noon(4)));
    assert_eq!(upsert(&lake, std::slice::from_ref(&again)).await.files, 1);
    assert_eq!(stored(&lake).await, [again, stay]);
    assert!(!files(&lake).await.iter().any(|file| file.starts_with("day=1970-01-02")));
}

#[tokio::test]
async fn a_file_is_sorted_by_series_and_start_also_after_it_was_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let frames: Vec<_> = (0..40).map(|n| frame(&"x".repeat(n + 1), noon(0) + (n as i64 * 17) % 40, None)).collect();
    let mut records = open(&lake).await;
    for part in frames.chunks(7) {
        records.push(Some(batch(part, false)), vec![]).await.unwrap();
    }
    assert_eq!(records.finish().await.unwrap().files, 1);
    upsert(&lake, &[Frame { end: Some(noon(1)), ..frames[20].clone() }]).await;
    let mut rows = 0;
    for batch in crate::scan::read_all(&table(&lake).await).await.unwrap() {
        let columns = crate::batch::Columns::new("x", &batch);
        let places: Vec<_> =
            columns.text("template").unwrap().into_iter().zip(columns.instants("start").unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
        rows += places.len();
    }
    assert_eq!(rows, 40);
}

#[tokio::test]
async fn random_records_over_many_runs_add_up_to_the_last_row_of_each_key() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let mut expected: BTreeMap<String, Frame> = BTreeMap::new();
        let mut inserted = 0;
        for _run in 0..5 {
            let policy = CommitPolicy { rows: 1 + dice.roll(60) as usize, ..HUGE };
            let mut records = lake.records(spec(), "live", RUN, policy).await.unwrap();
            for _push in 0..dice.roll(6) {
                let frames: Vec<_> = (0..dice.roll(25))
                    .map(|_| {
                        let id = format!("frame {}", dice.roll(60));
                        // A start belongs to its key, as a historian has it; ends and names change.
                        let start = noon(i64::from(id.as_bytes()[6] % 5)) + id.len() as i64;
                        let end = (dice.roll(3) > 0).then(|| start + dice.roll(4) as i64);
                        Frame { name: Some(dice.roll(3).to_string()), ..frame(&id, start, end) }
                    })
                    .collect();
                records.push(Some(batch(&frames, dice.roll(2) == 0)), vec![]).await.unwrap();
                expected.extend(frames.into_iter().map(|frame| (frame.id.clone(), frame)));
            }
            inserted += records.finish().await.unwrap().rows;
            assert_eq!(stored(&lake).await, expected.values().cloned().collect::<Vec<_>>(), "seed {seed}");
        }
        assert_eq!(inserted, expected.len() as u64, "seed {seed}");
    }
}

#[tokio::test]
async fn records_without_a_key_or_a_start_are_refused_and_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut records = open(&lake).await;
    let good = batch(&[frame("a", noon(0), None)], false);
    for column in ["id", "template", "start"] {
        let at = good.schema().index_of(column).unwrap();
        let mut columns = good.columns().to_vec();
        columns[at] = arrow::array::new_null_array(columns[at].data_type(), 1);
        let bad = RecordBatch::try_new(good.schema(), columns);
        let bad = bad.or_else(|_| {
            let mut columns = good.columns().to_vec();
            columns[at] = arrow::array::new_null_array(columns[at].data_type(), 1);
            let fields =
                good.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        });
        let error = records.push(Some(bad.unwrap()), vec![advance("t", 0, 5, 1)]).await.unwrap_err().to_string();
        assert!(error.contains(&format!("NULL as its {column}")), "{error}");
    }
    records.finish().await.unwrap();
    assert_eq!(stored(&lake).await, []);
    assert_eq!(lake.watermarks_of("x_frames").await.unwrap(), []);
}
