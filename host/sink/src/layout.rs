//! The columns of a table: who fills each, how they are stored, and how a stored table grows when a plugin declares more.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{StructField, StructType};

use crate::fingerprint::is_comparable;
use crate::{Error, Result};

/// What the host fills by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// When the row was received.
    IngestedAt,
    /// Whole seconds from the event to its receipt.
    DelaySeconds,
    /// The UTC date of the event; also the partition column.
    EventDate,
}

/// A table's columns, read from its declaration.
#[derive(Debug)]
pub(crate) struct Layout {
    /// `schema.table`, for messages.
    pub table: String,
    /// All columns as stored: nullable, with no metadata but comments.
    pub columns: SchemaRef,
    /// Who fills each column of `columns`; `None`: the plugin.
    pub fills: Vec<Option<Fill>>,
    /// The columns that arrive, in order.
    pub emitted: SchemaRef,
    /// The columns inside a data file: all but the partition column.
    pub file: SchemaRef,
    /// The partition column.
    pub partition: Option<String>,
}

/// The type of every instant in the lake.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A declared type as it is stored. Lists and maps carry the inner names that Parquet's specification and the Delta
/// protocol give them, whatever the declaration calls them: some readers go by these names.
fn stored_type(declared: &DataType) -> DataType {
    let inner = |name: &str, field: &FieldRef, nullable| -> FieldRef {
        Arc::new(Field::new(name, stored_type(field.data_type()), nullable))
    };
    match declared {
        DataType::List(element) => DataType::List(inner("element", element, true)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                let names = [("key", false), ("value", true)];
                let fields = fields.iter().zip(names).map(|(field, (name, nullable))| inner(name, field, nullable));
                let entries = DataType::Struct(fields.collect::<Fields>());
                DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
            }
            _ => DataType::Map(Arc::clone(entries), *sorted),
        },
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| inner(field.name(), field, true)).collect())
        }
        other => other.clone(),
    }
}

impl Layout {
    /// Reads a declaration.
    ///
    /// # Errors
    /// A `host` annotation that is unknown, on the wrong type, or asks for a second partition column.
    pub(crate) fn new(table: String, declared: &Schema) -> Result<Self> {
        let refuse =
            |field: &Field, what: &str| Err(Error::contract(&table, format!("column {}: {what}", field.name())));
        let mut fills = Vec::new();
        let mut columns: Vec<FieldRef> = Vec::new();
        let mut partition = None;
        for field in declared.fields() {
            let (fill, data_type) = match field.metadata().get("host").map(String::as_str) {
                None => (None, stored_type(field.data_type())),
                Some("ingested-at") => (Some(Fill::IngestedAt), timestamp()),
                Some("delay-seconds") => (Some(Fill::DelaySeconds), DataType::Int32),
                Some("event-date") => (Some(Fill::EventDate), DataType::Date32),
                Some(other) => return refuse(field, &format!("the host does not know how to fill {other:?}")),
            };
            if fill.is_some() && *field.data_type() != data_type {
                return refuse(field, &format!("declared as {} but filled as {data_type}", field.data_type()));
            }
            if fill == Some(Fill::EventDate) && partition.replace(field.name().clone()).is_some() {
                return refuse(field, "a table has one partition column");
            }
            let comment = field.metadata().get("comment").map(|text| ("comment".to_owned(), text.clone()));
            let metadata: HashMap<_, _> = comment.into_iter().collect();
            columns.push(Arc::new(Field::new(field.name(), data_type, true).with_metadata(metadata)));
            fills.push(fill);
        }
        let pick = |keep: &dyn Fn(Option<Fill>) -> bool| -> SchemaRef {
            let fields = columns.iter().zip(&fills).filter(|(_, fill)| keep(**fill));
            Arc::new(Schema::new(fields.map(|(field, _)| Arc::clone(field)).collect::<Vec<_>>()))
        };
        let emitted = pick(&|fill| fill.is_none());
        let file = pick(&|fill| fill != Some(Fill::EventDate));
        Ok(Self { table, columns: Arc::new(Schema::new(columns.clone())), fills, emitted, file, partition })
    }

    /// Whether rows can be compared with stored ones, as those of events and of records are.
    ///
    /// # Errors
    /// A column that cannot be compared.
    pub(crate) fn comparable(&self) -> Result<()> {
        match self.emitted.fields().iter().find(|field| !is_comparable(field.data_type())) {
            Some(field) => {
                let what = format!("column {}: values of type {} cannot be compared", field.name(), field.data_type());
                Err(Error::contract(&self.table, what))
            }
            None => Ok(()),
        }
    }

    /// The index of an emitted column of the given type.
    pub(crate) fn emitted_index(&self, role: &str, column: &str, data_type: &DataType) -> Result<usize> {
        match self.emitted.column_with_name(column) {
            Some((index, field)) if field.data_type() == data_type => Ok(index),
            Some((_, field)) => {
                let what = format!("{role} column {column} is {}, must be {data_type}", field.data_type());
                Err(Error::contract(&self.table, what))
            }
            None => Err(Error::contract(&self.table, format!("{role} column {column:?} is not an emitted column"))),
        }
    }

    /// The index of a column inside a data file.
    pub(crate) fn file_index(&self, column: &str) -> Result<usize> {
        self.file.index_of(column).map_err(|error| Error::contract(&self.table, error.to_string()))
    }

    /// As the Delta log writes columns.
    pub(crate) fn delta_fields(&self) -> Result<Vec<StructField>> {
        let schema: StructType = self.columns.as_ref().try_into_kernel().map_err(|error| {
            Error::contract(&self.table, format!("a declared column has a type that Delta cannot store: {error}"))
        })?;
        Ok(schema.fields().cloned().collect())
    }

    /// The stored schema with what is new in this declaration added at its end; `None` when nothing is new.
    ///
    /// # Errors
    /// A column with another type, or another partition column, than stored.
    pub(crate) fn evolved(&self, stored: &StructType, partition: &[String]) -> Result<Option<StructType>> {
        let conflict = |column: &str, stored: String, declared: String| {
            Err(Error::SchemaConflict { table: self.table.clone(), column: column.to_owned(), stored, declared })
        };
        if partition != self.partition.iter().cloned().collect::<Vec<_>>() {
            let name = self.partition.as_deref().or(partition.first().map(String::as_str)).unwrap_or_default();
            let words = |yes| if yes { "partition column" } else { "ordinary column" }.to_owned();
            let stored = words(partition.iter().any(|p| p == name));
            return conflict(name, stored, words(self.partition.is_some()));
        }
        let mut new = Vec::new();
        for field in self.delta_fields()? {
            match stored.field(field.name()) {
                None => new.push(field),
                Some(old) if old.data_type() == field.data_type() => {}
                Some(old) => {
                    return conflict(field.name(), old.data_type().to_string(), field.data_type().to_string());
                }
            }
        }
        if new.is_empty() {
            return Ok(None);
        }
        let all = stored.fields().cloned().chain(new);
        let evolved = StructType::try_new(all)
            .map_err(|error| Error::contract(&self.table, format!("the new columns do not fit: {error}")))?;
        Ok(Some(evolved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, data_type: DataType, host: Option<&str>) -> Field {
        let metadata = host.map(|host| ("host".to_owned(), host.to_owned()));
        Field::new(name, data_type, false).with_metadata(metadata.into_iter().collect())
    }

    #[test]
    fn a_host_column_of_the_wrong_type_or_kind_is_refused() {
        for (data_type, host) in [(DataType::Utf8, "event-date"), (DataType::Int32, "magic")] {
            let schema = Schema::new(vec![field("c", data_type, Some(host))]);
            let error = Layout::new("bronze.t".into(), &schema).unwrap_err().to_string();
            assert!(error.starts_with("table bronze.t: column c: "), "{error}");
        }
    }

    #[test]
    fn a_column_that_cannot_be_compared_is_known_before_its_first_row() {
        let layout = |kind| Layout::new("bronze.t".into(), &Schema::new(vec![field("v", kind, None)])).unwrap();
        let list = |kind| DataType::List(Arc::new(Field::new("element", kind, true)));
        for kind in [DataType::Utf8, DataType::Date32, timestamp(), list(DataType::Float64)] {
            layout(kind).comparable().unwrap();
        }
        for kind in [DataType::Null, DataType::LargeUtf8, list(DataType::Null)] {
            let error = layout(kind).comparable().unwrap_err().to_string();
            assert!(error.contains("column v: values of type"), "{error}");
        }
    }

    #[test]
    fn a_type_conflict_names_table_column_and_both_types() {
        let stored = Layout::new("bronze.t".into(), &Schema::new(vec![field("v", DataType::Float64, None)])).unwrap();
        let stored = StructType::try_new(stored.delta_fields().unwrap()).unwrap();
        let schema = Schema::new(vec![field("v", DataType::Utf8, None)]);
        let error = Layout::new("bronze.t".into(), &schema).unwrap().evolved(&stored, &[]).unwrap_err().to_string();
        assert!(error.starts_with("column v of table bronze.t is stored as double but the plugin declares string"));
    }
}
