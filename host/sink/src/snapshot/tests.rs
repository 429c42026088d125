//! The life of a snapshot: invisible until it is committed, gone without a trace when it is not; and nested columns as
//! every reader expects them.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapBuilder, MapFieldNames, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

use super::*;
use crate::layout::timestamp;
use crate::testing::{RUN, field, lake, number};

fn spec() -> SnapshotSpec {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let fields = vec![
        field("id", DataType::Utf8, None),
        field("tags", list, None),
        field("updated", timestamp(), Some("ingested-at")),
    ];
    SnapshotSpec { table: "x_points".into(), comment: "points".into(), schema: Arc::new(Schema::new(fields)) }
}

fn rows(ids: &[&str]) -> RecordBatch {
    let mut tags = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for id in ids {
        tags.append_value([Some(*id), None]);
    }
    let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
    let tags: ListArray = tags.finish();
    RecordBatch::try_from_iter([("id", ids), ("tags", Arc::new(tags) as ArrayRef)]).unwrap()
}

async fn replace(lake: &Lake, batches: Vec<RecordBatch>) -> Result<u64> {
    let mut snapshot = lake.snapshot(spec(), RUN).await?;
    for batch in batches {
        snapshot.push(batch).await?;
    }
    snapshot.commit().await
}

fn data_files(folder: &tempfile::TempDir) -> usize {
    let all = std::fs::read_dir(folder.path().join("bronze/x_points")).unwrap();
    all.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".parquet")).count()
}

#[tokio::test]
async fn each_refresh_replaces_all_rows_in_one_commit_and_none_leave_an_empty_table() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    assert_eq!(replace(&lake, vec![]).await.unwrap(), 0);
    assert_eq!(number(&lake, "SELECT count(*) FROM x_points").await, 0);
    assert_eq!(replace(&lake, vec![rows(&["a", "b"]), rows(&["c"])]).await.unwrap(), 3);
    let before = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap().version();
    assert_eq!(replace(&lake, vec![rows(&["d"])]).await.unwrap(), 1);
    let table = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap();
    assert_eq!(table.version(), before + 1);
    let sql =
        "SELECT count(*) FROM x_points WHERE id = 'd' AND tags[1] = 'd' AND updated = to_timestamp_seconds(1700000000)";
    assert_eq!((number(&lake, sql).await, number(&lake, "SELECT count(*) FROM x_points").await), (1, 1));
    let infos = lake.tables().await.unwrap();
    assert_eq!((infos[0].name.as_str(), infos[0].files, infos[0].rows), ("x_points", 1, Some(1)));
}

#[tokio::test]
async fn a_lake_that_does_not_exist_has_no_tables_and_reading_it_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::LakeConfig {
        location: folder.path().join("none").display().to_string(),
        ..crate::testing::config(&folder)
    };
    let lake = Lake::open(config).unwrap();
    assert_eq!(lake.tables().await.unwrap(), []);
    assert_eq!(lake.watermarks().await.unwrap(), []);
    assert_eq!(lake.gaps().await.unwrap().rows(), []);
    let error = lake.query("SELECT * FROM x_points").await.unwrap_err().to_string();
    assert!(error.contains("x_points"), "{error}");
    assert!(!folder.path().join("none").exists());
}

#[tokio::test]
async fn rows_that_do_not_fit_leave_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    replace(&lake, vec![rows(&["a"])]).await.unwrap();
    let wrong: ArrayRef = Arc::new(arrow::array::PrimitiveArray::<Int32Type>::from(vec![1]));
    let wrong = RecordBatch::try_from_iter([("id", wrong.clone()), ("tags", wrong)]).unwrap();
    let error = replace(&lake, vec![rows(&["b"]), wrong]).await.unwrap_err().to_string();
    assert!(error.contains("column id comes as Int32, declared is Utf8"), "{error}");
    assert_eq!(number(&lake, "SELECT count(*) FROM x_points WHERE id = 'a'").await, 1);
}

#[tokio::test]
async fn nothing_shows_before_the_commit_and_a_refresh_given_up_leaves_the_old_rows_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    replace(&lake, vec![rows(&["old"])]).await.unwrap();
    let count = "SELECT count(*) FROM x_points WHERE id = 'old'";
    for give_up in [true, false] {
        let mut snapshot = lake.snapshot(spec(), RUN).await.unwrap();
        for _ in 0..50 {
            snapshot.push(rows(&["new"])).await.unwrap();
        }
        assert_eq!(number(&lake, count).await, 1);
        if give_up {
            snapshot.discard().await;
            assert_eq!(data_files(&folder), 1);
        } else {
            drop(snapshot);
        }
        assert_eq!(number(&lake, count).await, 1);
        let table = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap();
        assert_eq!((table.version(), table.rows().unwrap()), (1, Some(1)));
    }
}

#[tokio::test]
async fn of_two_refreshes_at_once_the_one_that_is_committed_last_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    replace(&lake, vec![rows(&["old"])]).await.unwrap();
    let (mut first, mut second) =
        (lake.snapshot(spec(), RUN).await.unwrap(), lake.snapshot(spec(), RUN).await.unwrap());
    first.push(rows(&["a", "b"])).await.unwrap();
    second.push(rows(&["c"])).await.unwrap();
    assert_eq!((first.commit().await.unwrap(), second.commit().await.unwrap()), (2, 1));
    assert_eq!(number(&lake, "SELECT count(*) FROM x_points").await, 1);
    assert_eq!(number(&lake, "SELECT count(*) FROM x_points WHERE id = 'c'").await, 1);
}

#[tokio::test]
async fn a_refresh_whose_files_cannot_be_written_says_so_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    replace(&lake, vec![rows(&["old"])]).await.unwrap();
    let mut snapshot = lake.snapshot(spec(), RUN).await.unwrap();
    let wrong = rows(&["a"]).project(&[0]).unwrap();
    assert!(snapshot.push(wrong.clone()).await.unwrap_err().to_string().contains("1 columns, declared are 2"));
    // What the checks let through and the encoder does not take.
    let unfit = RecordBatch::try_from_iter([("id", wrong.column(0).clone())]).unwrap();
    let mut failure = snapshot.files.write(unfit.clone()).await;
    while failure.is_ok() {
        failure = snapshot.files.write(unfit.clone()).await;
    }
    assert!(failure.unwrap_err().to_string().starts_with("cannot encode rows of bronze.x_points"));
    let again = snapshot.push(rows(&["b"])).await.unwrap_err().to_string();
    assert!(again.contains("nothing more is taken"), "{again}");
    assert!(snapshot.commit().await.is_err());
    assert_eq!(number(&lake, "SELECT count(*) FROM x_points WHERE id = 'old'").await, 1);
}

/// Lists and maps with names and flags of their own, through Arrow IPC as a plugin sends them.
fn nested() -> RecordBatch {
    let names = MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    let mut lists = arrow::array::ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("x"), None, Some("")]);
    lists.append_value::<[Option<&str>; 0], _>([]);
    lists.append_null();
    for (key, value) in [("unit", Some("m³/h")), ("none", None)] {
        maps.keys().append_value(key);
        maps.values().append_option(value);
    }
    maps.append(true).unwrap();
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["full", "empty", "null"]));
    let columns: [(&str, ArrayRef); 3] =
        [("id", ids), ("tags", Arc::new(lists.finish())), ("attributes", Arc::new(maps.finish()))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap()
}

#[tokio::test]
async fn lists_and_maps_are_stored_under_the_names_that_readers_expect() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let batch = nested();
    let fields: Vec<_> = batch.schema().fields().iter().map(|f| field(f.name(), f.data_type().clone(), None)).collect();
    let spec = SnapshotSpec { schema: Arc::new(Schema::new(fields)), ..spec() };
    let mut snapshot = lake.snapshot(spec, RUN).await.unwrap();
    snapshot.push(batch).await.unwrap();
    assert_eq!(snapshot.commit().await.unwrap(), 3);

    let table = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap();
    let schema = table.schema().unwrap();
    let types: Vec<_> = schema.fields().map(|f| serde_json::to_value(f.data_type()).unwrap()).collect();
    let list = serde_json::json!({ "type": "array", "elementType": "string", "containsNull": true });
    let map =
        serde_json::json!({ "type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": true });
    assert_eq!(types, [serde_json::json!("string"), list, map]);

    let file = crate::files::DataFile::Logged(table.files().unwrap().remove(0));
    let opened = crate::scan::open(&table.store(), "t", &file, &Arc::default()).await.unwrap();
    let leaves: Vec<_> = opened.parquet_schema().columns().iter().map(|leaf| leaf.path().string()).collect();
    let expected = ["id", "tags.list.element", "attributes.key_value.key", "attributes.key_value.value"];
    assert_eq!(leaves, expected);
    let root = opened.parquet_schema().root_schema().get_fields();
    let key = &root[2].get_fields()[0].get_fields()[0];
    assert_eq!(key.get_basic_info().repetition(), deltalake::parquet::basic::Repetition::REQUIRED);

    let answer = lake.query("SELECT id, tags, attributes FROM x_points ORDER BY id").await.unwrap();
    let answer = arrow::compute::concat_batches(&answer[0].schema(), &answer).unwrap();
    let printed: Vec<Vec<String>> = (0..3)
        .map(|row| {
            let cell = |column: usize| arrow::util::display::array_value_to_string(answer.column(column), row).unwrap();
            (0..3).map(cell).collect()
        })
        .collect();
    assert_eq!(printed, [["empty", "[]", "{}"], ["full", "[x, , ]", "{unit: m³/h, none: }"], ["null", "", ""]]);
    assert!(answer.column(2).is_null(2) && answer.column(1).is_null(2));
    assert!(answer.column(1).as_list::<i32>().value(1).is_null(1), "a NULL inside a list is not empty text");
    let sql = "SELECT count(*) FROM x_points WHERE attributes['unit'] = 'm³/h' AND tags[1] = 'x'";
    assert_eq!(number(&lake, sql).await, 1);
}
