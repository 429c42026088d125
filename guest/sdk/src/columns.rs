//! Columns of a table other than the shared one of events: lists, maps and instants among them.
//!
//! Rows are gathered as the plugin likes; a batch is made from one array a column, in the order in which the table
//! declares them. Lists and maps carry the names that Delta gives their parts, so that a batch read back from a table
//! has the very same schema.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int32Array, ListBuilder, MapBuilder, MapFieldNames, RecordBatch,
        StringArray, StringBuilder, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};

use crate::{Fault, ipc};

/// Metadata key that says what the host fills a column with.
pub(crate) const HOST: &str = "host";

const ELEMENT: &str = "element";
const ENTRY: &str = "key_value";
const KEY: &str = "key";
const VALUE: &str = "value";

/// `timestamp(us, UTC)`: how tables store instants.
#[must_use]
pub fn utc_micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// `ARRAY<STRING>`.
#[must_use]
pub fn text_list() -> DataType {
    DataType::List(element())
}

/// `MAP<STRING, STRING>`; a key may stand without a value.
#[must_use]
pub fn text_map() -> DataType {
    let entry = Fields::from(vec![Field::new(KEY, DataType::Utf8, false), Field::new(VALUE, DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new(ENTRY, DataType::Struct(entry), false)), false)
}

fn element() -> Arc<Field> {
    Arc::new(Field::new(ELEMENT, DataType::Utf8, true))
}

/// A column of texts.
#[must_use]
pub fn texts<'a>(rows: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(rows.into_iter().collect::<StringArray>())
}

/// A column of booleans.
#[must_use]
pub fn flags(rows: impl IntoIterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(rows.into_iter().collect::<BooleanArray>())
}

/// A column of doubles.
#[must_use]
pub fn numbers(rows: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(rows.into_iter().collect::<Float64Array>())
}

/// A column of whole numbers.
#[must_use]
pub fn integers(rows: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(rows.into_iter().collect::<Int32Array>())
}

/// A column of instants in microseconds since the Unix epoch.
#[must_use]
pub fn instants(rows: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(rows.into_iter().collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// A column of lists of texts.
#[must_use]
pub fn lists<'a, T: AsRef<str> + 'a>(rows: impl IntoIterator<Item = Option<&'a [T]>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element());
    for row in rows {
        for text in row.unwrap_or_default() {
            lists.values().append_value(text.as_ref());
        }
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
}

/// A column of maps from text to text. The keys of one map must differ.
///
/// # Errors
/// A fault `ipc` when Arrow cannot hold so much text in one batch.
pub fn maps<'a>(rows: impl IntoIterator<Item = Option<&'a [(String, Option<String>)]>>) -> Result<ArrayRef, Fault> {
    let names = MapFieldNames { entry: ENTRY.to_owned(), key: KEY.to_owned(), value: VALUE.to_owned() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row.unwrap_or_default() {
            maps.keys().append_value(key);
            maps.values().append_option(value.as_deref());
        }
        maps.append(row.is_some()).map_err(|error| unfit(&error))?;
    }
    Ok(Arc::new(maps.finish()))
}

/// Gathers the columns that a plugin emits of a table, in the order of its schema; those that the host fills are left
/// out.
///
/// ```
/// use tidegate_sdk::{arrow::datatypes::{DataType, Schema}, columns::{Columns, lists, text_list, texts}, events::field};
///
/// let schema = Schema::new(vec![
///     field("id", DataType::Utf8, false, "Identity"),
///     field("labels", text_list(), true, "Labels"),
/// ]);
/// let labels = [vec!["a", "b"], vec![]];
/// let stream = Columns::new(&schema)
///     .push(texts([Some("1"), Some("2")]))
///     .push(lists(labels.iter().map(|labels| Some(labels.as_slice()))))
///     .encode();
/// assert!(stream.is_ok());
/// ```
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    columns: Vec<ArrayRef>,
}

impl Columns {
    /// No column yet of a table with this schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let emitted = schema
            .fields()
            .iter()
            .filter(|field| !field.metadata().contains_key(HOST))
            .map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()));
        Self { schema: Arc::new(Schema::new(emitted.collect::<Vec<_>>())), columns: Vec::new() }
    }

    /// Adds the next column.
    #[must_use]
    pub fn push(mut self, column: ArrayRef) -> Self {
        self.columns.push(column);
        self
    }

    /// The rows as a batch.
    ///
    /// # Errors
    /// A fault `ipc` when the columns are not those of the schema, or differ in length.
    pub fn finish(self) -> Result<RecordBatch, Fault> {
        RecordBatch::try_new(self.schema, self.columns).map_err(|error| unfit(&error))
    }

    /// The rows as a stream for [`crate::host::emit`].
    ///
    /// # Errors
    /// As [`Columns::finish`].
    pub fn encode(self) -> Result<Vec<u8>, Fault> {
        ipc::batch(&self.finish()?)
    }
}

fn unfit(error: &ArrowError) -> Fault {
    Fault::internal("ipc", format!("rows do not fit the columns of their table: {error}; report this plugin's defect"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{field, host_field};
    use arrow::array::{Array, AsArray};

    #[test]
    fn lists_and_maps_keep_null_apart_from_empty() {
        let schema = Schema::new(vec![
            field("labels", text_list(), true, ""),
            field("values", text_map(), true, ""),
            host_field("at", utc_micros(), true, "ingested-at", ""),
            field("since", utc_micros(), true, ""),
        ]);
        let labels = [Some(vec!["a", "b"]), Some(vec![]), None];
        let values = [Some(vec![("k".to_owned(), None), ("l".to_owned(), Some("v".to_owned()))]), None, Some(vec![])];
        let batch = Columns::new(&schema)
            .push(lists(labels.iter().map(Option::as_deref)))
            .push(maps(values.iter().map(Option::as_deref)).unwrap())
            .push(instants([Some(1), None, Some(3)]))
            .finish()
            .unwrap();
        let list = batch.column(0).as_list::<i32>();
        assert_eq!((list.value_length(0), list.value_length(1), list.is_null(2)), (2, 0, true));
        let map = batch.column(1).as_map();
        assert_eq!((map.value_length(0), map.is_null(1), map.is_null(2)), (2, true, false));
        assert!(map.values().is_null(0));
        assert_eq!(batch.schema().field(2).name(), "since");
    }

    #[test]
    fn a_column_that_is_left_out_is_a_fault_and_no_panic() {
        let schema = Schema::new(vec![field("id", DataType::Utf8, false, "")]);
        assert_eq!(Columns::new(&schema).finish().unwrap_err().code, "ipc");
        assert_eq!(Columns::new(&schema).push(texts([None])).finish().unwrap_err().code, "ipc");
    }
}
