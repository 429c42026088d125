//! Where stored records are looked for, and what becomes of the files that hold them.

use super::*;
use crate::files::DataFile;

fn remove_day(folder: &tempfile::TempDir, day: &str) {
    std::fs::remove_dir_all(folder.path().join(format!("bronze/x_frames/day={day}"))).unwrap();
}

#[tokio::test]
async fn files_that_cannot_hold_a_record_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    // Four days of closed records, one of them with an open one.
    for day in 0..4 {
        let end = (day != 1).then_some(noon(day) + 50);
        upsert(&lake, &[frame(&format!("{day}"), noon(day), end), frame(&format!("{day}+"), noon(day) + 10, end)])
            .await;
    }
    // Without these the answers are the same, so they are not opened: one ended before, one begins after.
    remove_day(&folder, "1970-01-01");
    remove_day(&folder, "1970-01-04");
    let mut records = open(&lake).await;
    let again = [frame("2", noon(2), Some(noon(2) + 50)), frame("new", noon(2) + 20, Some(noon(2) + 60))];
    let covered = vec![advance("template 0", noon(2) + 15, noon(3) - 5, 0)];
    records.push(Some(batch(&again, false)), covered.clone()).await.unwrap();
    assert_eq!(counts(records.finish().await.unwrap()), (1, 0, 1));
    // The one with an open record is: it may live still.
    remove_day(&folder, "1970-01-02");
    let mut records = open(&lake).await;
    records.push(Some(batch(&again, false)), vec![]).await.unwrap();
    let error = records.finish().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read stored rows of bronze.x_frames"), "{error}");
}

#[tokio::test]
async fn a_record_whose_start_moved_is_found_where_it_lived_in_the_covered_stretch() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    upsert(&lake, &[frame("a", noon(0), Some(noon(2)))]).await;
    let mut records = open(&lake).await;
    let moved = frame("a", noon(1), Some(noon(4)));
    records
        .push(Some(batch(std::slice::from_ref(&moved), false)), vec![advance("t", noon(2), noon(5), 0)])
        .await
        .unwrap();
    assert_eq!(counts(records.finish().await.unwrap()), (0, 1, 1));
    assert_eq!(stored(&lake).await, [moved]);
}

#[tokio::test]
async fn the_statistics_hold_both_times_and_their_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    upsert(&lake, &[frame("a", 1_000, None), frame("bb", 5_000, Some(9_000)), frame("ccc", 2_000, Some(7_000))]).await;
    upsert(&lake, &[frame("all open", noon(1), None)]).await;
    let stats: Vec<serde_json::Value> = table(&lake)
        .await
        .files()
        .unwrap()
        .iter()
        .map(|file| serde_json::from_str(&file.stats().unwrap()).unwrap())
        .collect();
    let day = stats.iter().find(|stats| stats["numRecords"] == 3).unwrap();
    let at = |millis: u32| serde_json::Value::from(format!("1970-01-01T00:00:00.{millis:03}Z"));
    assert_eq!((&day["minValues"]["start"], &day["maxValues"]["start"]), (&at(1), &at(5)), "{day}");
    assert_eq!((&day["minValues"]["end"], &day["maxValues"]["end"]), (&at(7), &at(9)), "{day}");
    assert_eq!((&day["nullCount"]["start"], &day["nullCount"]["end"]), (&0.into(), &1.into()), "{day}");
    let open = stats.iter().find(|stats| stats["numRecords"] == 1).unwrap();
    assert_eq!(open["nullCount"]["end"], 1, "{open}");
}

#[tokio::test]
async fn a_file_without_statistics_may_hold_any_record() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    upsert(&lake, &[frame("a", noon(0), Some(noon(0) + 5)), frame("b", noon(0), None)]).await;
    // Another writer replaces the file by one that it keeps no statistics of.
    let mut table = table(&lake).await;
    let file = DataFile::Logged(table.files().unwrap().remove(0));
    let bare = Add {
        path: file.path().to_string(),
        partition_values: file.partition(),
        size: file.size() as i64,
        data_change: true,
        stats: None,
        modification_time: 0,
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    };
    assert_eq!(table.append(vec![bare], None).await.unwrap(), Attempt::Done);
    let later = frame("a", noon(7), None);
    assert_eq!(counts(upsert(&lake, std::slice::from_ref(&later)).await), (0, 1, 1));
    assert_eq!(stored(&lake).await, [later, frame("b", noon(0), None)]);
}

#[tokio::test]
async fn a_rewritten_file_keeps_columns_that_this_plugin_does_not_declare() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut wider = spec();
    let mut fields: Vec<_> = wider.schema.fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.insert(1, field("note", DataType::Utf8, None));
    wider.schema = Arc::new(Schema::new(fields));
    let frames = [frame("a", noon(0), None), frame("b", noon(0) + 1, None)];
    let narrow = batch(&frames, false);
    let mut columns = narrow.columns().to_vec();
    columns.insert(1, Arc::new(StringArray::from(vec!["on a", "on b"])));
    let mut records = lake.records(wider, "live", RUN, HUGE).await.unwrap();
    let rows =
        RecordBatch::try_new(Arc::clone(&records.shape.layout.emitted), records_columns(&records, columns)).unwrap();
    records.push(Some(rows), vec![]).await.unwrap();
    records.finish().await.unwrap();

    let closed = Frame { end: Some(noon(1)), ..frames[0].clone() };
    assert_eq!(counts(upsert(&lake, std::slice::from_ref(&closed)).await), (0, 1, 1));
    assert_eq!(stored(&lake).await, [closed, frames[1].clone()]);
    assert_eq!(number(&lake, "SELECT count(*) FROM x_frames WHERE note = 'on b' AND id = 'b'").await, 1);
    assert_eq!(number(&lake, "SELECT count(*) FROM x_frames WHERE note IS NULL AND id = 'a'").await, 1);
}

/// The columns in the types of the table, whose nested ones have other inner names.
fn records_columns(records: &Records, columns: Vec<ArrayRef>) -> Vec<ArrayRef> {
    let fields = records.shape.layout.emitted.fields().iter();
    fields.zip(columns).map(|(field, column)| cast(&column, field.data_type()).unwrap()).collect()
}

#[tokio::test]
async fn a_table_whose_owner_forbids_changes_takes_new_records_and_refuses_changed_ones() {
    for property in ["delta.appendOnly", "delta.enableChangeDataFeed"] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        drop(open(&lake).await);
        let first = folder.path().join("bronze/x_frames/_delta_log/00000000000000000000.json");
        let log = std::fs::read_to_string(&first).unwrap();
        let strict = log.replace("\"configuration\":{}", &format!("\"configuration\":{{\"{property}\":\"true\"}}"));
        assert_ne!(strict, log);
        std::fs::write(first, strict).unwrap();
        assert_eq!(counts(upsert(&lake, &[frame("a", noon(0), None)]).await), (1, 0, 1));
        let mut records = open(&lake).await;
        records.push(Some(batch(&[frame("a", noon(0), Some(noon(1)))], false)), vec![]).await.unwrap();
        let error = records.finish().await.unwrap_err().to_string();
        assert!(error.contains(&format!("uses the Delta feature {property}")), "{error}");
        assert_eq!(stored(&lake).await, [frame("a", noon(0), None)]);
    }
}

#[tokio::test]
async fn replaced_files_are_deleted_by_the_table_s_own_retention() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    drop(open(&lake).await);
    let first = folder.path().join("bronze/x_frames/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(&first).unwrap();
    let property = "\"configuration\":{\"delta.deletedFileRetentionDuration\":\"interval 0 seconds\"}";
    std::fs::write(first, log.replace("\"configuration\":{}", property)).unwrap();
    let mut records = lake.records(spec(), "live", RUN, CommitPolicy { rows: 1, ..HUGE }).await.unwrap();
    for end in 1..=102 {
        records.push(Some(batch(&[frame("a", noon(0), Some(noon(0) + end))], false)), vec![]).await.unwrap();
    }
    assert_eq!(records.finish().await.unwrap().commits, 102);
    assert_eq!(stored(&lake).await, [frame("a", noon(0), Some(noon(0) + 102))]);
    let left = std::fs::read_dir(folder.path().join("bronze/x_frames/day=1970-01-01")).unwrap().count();
    assert!(left <= 4, "{left} files for one row");
}
