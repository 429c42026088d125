//! Reads Delta tables without any code of the product: the log by deltalake, the files by parquet.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// One row of a time-series table, with values by their bits so that NaN and -0 compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub value: Option<u64>,
    pub good: Option<bool>,
    pub questionable: Option<bool>,
    pub substituted: Option<bool>,
    pub annotated: Option<bool>,
    pub units: Option<String>,
    pub text: Option<String>,
    pub kind: String,
}

/// `(tag_webid, timestamp in µs, sequence)`.
pub type Key = (String, i64, i32);

/// All rows of a time-series table, each key with every row that carries it.
pub type Rows = BTreeMap<Key, Vec<Row>>;

/// The live data files of a table, with its version.
pub async fn files(table: &Path) -> (i64, Vec<std::path::PathBuf>) {
    let url = url(table);
    let table = deltalake::open_table(url).await.unwrap();
    let files = table.get_file_uris().unwrap();
    let path = |uri: String| std::path::PathBuf::from(uri.trim_start_matches("file://").to_owned());
    (table.version().unwrap() as i64, files.map(path).collect())
}

/// A `file://` URL of a folder.
pub fn url(folder: &Path) -> url::Url {
    url::Url::from_directory_path(folder).unwrap()
}

/// All record batches of a table's live files (without its partition column).
pub async fn batches(table: &Path) -> Vec<RecordBatch> {
    let mut all = Vec::new();
    for file in files(table).await.1 {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap().build().unwrap();
        all.extend(reader.map(Result::unwrap));
    }
    all
}

/// All rows of a time-series table.
pub async fn timeseries(table: &Path) -> Rows {
    let mut rows = Rows::new();
    for batch in batches(table).await {
        let text = |name: &str| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let (ids, names, units) = (text("tag_webid"), text("tag_name"), text("units"));
        let (texts, kinds) = (text("value_text"), text("value_type"));
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(batch.column_by_name("timestamp").unwrap().data_type(), &micros);
        let times = batch.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
        let values = batch.column_by_name("value").unwrap().as_primitive::<Float64Type>();
        let sequences = batch.column_by_name("sequence").unwrap().as_primitive::<Int32Type>();
        let flag = |name: &str| batch.column_by_name(name).unwrap().as_boolean().clone();
        let flags = ["quality_good", "quality_questionable", "quality_substituted", "annotated"].map(flag);
        let optional = |array: &dyn Array, row: usize| {
            let array = array.as_string::<i32>();
            array.is_valid(row).then(|| array.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            let key = (ids.as_string::<i32>().value(row).to_owned(), times.value(row), sequences.value(row));
            rows.entry(key).or_default().push(Row {
                name: names.as_string::<i32>().value(row).to_owned(),
                value: values.is_valid(row).then(|| values.value(row).to_bits()),
                good: flags[0].is_valid(row).then(|| flags[0].value(row)),
                questionable: flags[1].is_valid(row).then(|| flags[1].value(row)),
                substituted: flags[2].is_valid(row).then(|| flags[2].value(row)),
                annotated: flags[3].is_valid(row).then(|| flags[3].value(row)),
                units: optional(&units, row),
                text: optional(&texts, row),
                kind: kinds.as_string::<i32>().value(row).to_owned(),
            });
        }
    }
    rows
}

/// One text column of a table as strings; NULL is the empty string.
pub async fn strings(table: &Path, column: &str) -> Vec<String> {
    let mut all = Vec::new();
    for batch in batches(table).await {
        let array = cast(batch.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
        let array = array.as_string::<i32>();
        all.extend(
            (0..array.len()).map(|row| if array.is_valid(row) { array.value(row).to_owned() } else { String::new() }),
        );
    }
    all
}

/// One integer column of a table.
pub async fn integers(table: &Path, column: &str) -> Vec<i64> {
    let mut all = Vec::new();
    for batch in batches(table).await {
        let array = cast(batch.column_by_name(column).unwrap(), &DataType::Int64).unwrap();
        all.extend(array.as_primitive::<Int64Type>().iter().flatten());
    }
    all
}

/// Some columns of a table as text, row by row; NULL is the empty string.
pub async fn cells(table: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches(table).await {
        let options = FormatOptions::new().with_null("");
        let column = |name: &&str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}")).clone();
        let arrays: Vec<_> = columns.iter().map(column).collect();
        let formats: Vec<_> = arrays.iter().map(|array| ArrayFormatter::try_new(array, &options).unwrap()).collect();
        rows.extend((0..batch.num_rows()).map(|row| formats.iter().map(|cell| cell.value(row).to_string()).collect()));
    }
    rows
}

/// An instant in microseconds as [`cells`] prints it.
pub fn time(micros: i64) -> String {
    let array = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    ArrayFormatter::try_new(&array, &FormatOptions::new()).unwrap().value(0).to_string()
}

/// A column of maps from text to text, each with the text in `key`.
pub async fn maps(table: &Path, key: &str, column: &str) -> Vec<(String, BTreeMap<String, Option<String>>)> {
    let mut rows = Vec::new();
    for batch in batches(table).await {
        let keys = batch.column_by_name(key).unwrap().as_string::<i32>();
        let maps = batch.column_by_name(column).unwrap().as_map();
        for row in 0..batch.num_rows() {
            let entries = maps.value(row);
            let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
            let map =
                names.iter().map(|name| name.unwrap().to_owned()).zip(values.iter().map(|v| v.map(str::to_owned)));
            rows.push((keys.value(row).to_owned(), map.collect()));
        }
    }
    rows
}
