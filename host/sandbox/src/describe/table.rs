//! A table as its plugin declares it, and the rules that the declaration keeps.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::printable;
use crate::bindings::plugin as wit;
use crate::ipc;

/// Field metadata that marks a column as filled by the host.
const HOST: &str = "host";
/// The zone that every event time carries.
const UTC: &str = "UTC";
/// What an instant is called in a message.
const INSTANT: &str = "timestamp in microseconds, UTC";

/// How the rows of a table live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Events of many series over time.
    Events,
    /// Things that begin and may end, one row each.
    Records,
    /// The state of now: each refresh replaces all rows.
    Snapshot,
}

impl Shape {
    /// The key columns that a table of this shape has, by role.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Events => &["series", "time", "sequence"],
            Self::Records => &["series", "time", "key", "end"],
            Self::Snapshot => &[],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Records => "records",
            Self::Snapshot => "the state of now",
        })
    }
}

/// A table that a plugin fills.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Without the plugin's prefix.
    pub name: String,
    /// How its rows live.
    pub shape: Shape,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in order, those that the host fills included; field metadata as declared.
    pub schema: SchemaRef,
    /// The column that names the series; empty for a snapshot.
    pub series_column: String,
    /// The column of event time, or of a record's start; empty for a snapshot.
    pub time_column: String,
    /// The column that numbers events of one timestamp; empty but for events.
    pub sequence_column: String,
    /// The column that identifies a record; empty but for records.
    pub key_column: String,
    /// The column of a record's end; empty but for records.
    pub end_column: String,
    emitted: SchemaRef,
}

impl TableSpec {
    /// The columns that the plugin emits: all but those that the host fills, in order.
    #[must_use]
    pub fn emitted_schema(&self) -> SchemaRef {
        Arc::clone(&self.emitted)
    }

    pub(crate) fn check(said: wit::Table) -> Result<Self, String> {
        if !is_name(&said.name) {
            return Err(format!("the table name `{}` is no name (a-z, 0-9, _; a letter first)", printable(&said.name)));
        }
        let name = said.name;
        let wrong = |reason: String| format!("the table `{name}`: {reason}");
        let schema = ipc::decode_schema(said.schema).map_err(|reason| wrong(format!("its schema: {reason}")))?;
        for (position, field) in schema.fields().iter().enumerate() {
            check_field(field).map_err(wrong)?;
            if schema.fields().iter().take(position).any(|other| other.name() == field.name()) {
                return Err(wrong(format!("it has two columns `{}`", field.name())));
            }
        }
        let shape = match said.shape {
            wit::Shape::Events => Shape::Events,
            wit::Shape::Records => Shape::Records,
            wit::Shape::Snapshot => Shape::Snapshot,
        };
        let keys: &[(&str, &str, DataType, &str)] = &[
            ("series", &said.series_column, DataType::Utf8, "utf8"),
            ("time", &said.time_column, instant(), INSTANT),
            ("sequence", &said.sequence_column, DataType::Int32, "int32"),
            ("key", &said.key_column, DataType::Utf8, "utf8"),
            ("end", &said.end_column, instant(), INSTANT),
        ];
        for (role, column, wanted, shown) in keys {
            if shape.keys().contains(role) {
                check_key(&schema, role, column, wanted, shown).map_err(wrong)?;
            } else if !column.is_empty() {
                return Err(wrong(format!("a table of {shape} names no {role} column")));
            }
        }
        let emitted: Vec<_> = schema.fields().iter().filter(|field| !is_host(field)).map(Arc::clone).collect();
        if emitted.is_empty() {
            return Err(wrong("the plugin fills none of its columns".to_owned()));
        }
        Ok(Self {
            shape,
            comment: said.comment,
            emitted: Arc::new(Schema::new_with_metadata(emitted, schema.metadata().clone())),
            schema,
            series_column: said.series_column,
            time_column: said.time_column,
            sequence_column: said.sequence_column,
            key_column: said.key_column,
            end_column: said.end_column,
            name,
        })
    }
}

/// Whether `text` may stand as (a part of) the name of a table or a column: what every reader takes without quotes.
pub(super) fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(rest)
}

fn is_host(field: &Field) -> bool {
    field.metadata().contains_key(HOST)
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

fn check_field(field: &Field) -> Result<(), String> {
    let name = printable(field.name());
    if !is_name(field.name()) {
        return Err(format!("the column name `{name}` is no name (a-z, 0-9, _; a letter first)"));
    }
    if matches!(field.data_type(), DataType::Dictionary(..)) {
        return Err(format!(
            "the column `{name}` is declared as a dictionary; declare its values, a batch may encode them"
        ));
    }
    let Some(role) = field.metadata().get(HOST) else { return Ok(()) };
    let wanted = match role.as_str() {
        "ingested-at" => instant(),
        "delay-seconds" => DataType::Int32,
        "event-date" => DataType::Date32,
        other => {
            return Err(format!("the column `{name}` asks the host for `{}`, which it cannot fill", printable(other)));
        }
    };
    if *field.data_type() == wanted {
        Ok(())
    } else {
        Err(format!("the column `{name}` is `{}`, but `{role}` is `{wanted}`", field.data_type()))
    }
}

fn check_key(schema: &Schema, role: &str, column: &str, wanted: &DataType, shown: &str) -> Result<(), String> {
    let Ok(field) = schema.field_with_name(column) else {
        return Err(format!("its {role} column `{}` is not among its columns", printable(column)));
    };
    if is_host(field) {
        return Err(format!("its {role} column `{column}` is one that the host fills"));
    }
    if field.data_type() != wanted {
        return Err(format!("its {role} column `{column}` is `{}`, it must be {shown}", field.data_type()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::ipc::writer::StreamWriter;

    fn said(fields: Vec<Field>) -> wit::Table {
        let mut writer = StreamWriter::try_new(Vec::new(), &Schema::new(fields)).unwrap();
        writer.finish().unwrap();
        wit::Table {
            name: "timeseries".into(),
            shape: wit::Shape::Events,
            comment: String::new(),
            schema: writer.into_inner().unwrap(),
            series_column: "tag".into(),
            time_column: "timestamp".into(),
            sequence_column: "sequence".into(),
            key_column: String::new(),
            end_column: String::new(),
        }
    }

    fn fields() -> Vec<Field> {
        let host = |field: Field, role: &str| field.with_metadata([(HOST.to_owned(), role.to_owned())].into());
        vec![
            Field::new("tag", DataType::Utf8, false),
            Field::new("timestamp", instant(), false),
            host(Field::new("at", instant(), false), "ingested-at"),
            Field::new("sequence", DataType::Int32, false),
        ]
    }

    fn refusal(table: wit::Table) -> String {
        TableSpec::check(table).unwrap_err()
    }

    #[test]
    fn columns_of_the_host_are_declared_but_not_emitted() {
        let table = TableSpec::check(said(fields())).unwrap();
        let names: Vec<_> = table.emitted_schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["tag", "timestamp", "sequence"]);
        assert_eq!(table.schema.fields().len(), 4);
    }

    #[test]
    fn key_columns_must_exist_and_have_their_type() {
        let mut missing = said(fields());
        missing.series_column = "series".into();
        assert!(refusal(missing).contains("series column `series` is not among its columns"));
        let mut wrong = fields();
        wrong.remove(3);
        wrong.push(Field::new("sequence", DataType::Int64, false));
        assert!(refusal(said(wrong)).contains("sequence column `sequence` is `Int64`, it must be int32"));
        let mut host = said(fields());
        host.time_column = "at".into();
        assert!(refusal(host).contains("one that the host fills"));
    }

    #[test]
    fn each_shape_has_its_own_key_columns_and_no_other() {
        let mut records = said(fields());
        records.shape = wit::Shape::Records;
        assert!(refusal(records).contains("a table of records names no sequence column"));
        let mut records = said(fields());
        (records.shape, records.sequence_column) = (wit::Shape::Records, String::new());
        assert!(refusal(records.clone()).contains("key column `` is not among its columns"));
        (records.key_column, records.end_column) = ("tag".into(), "timestamp".into());
        assert_eq!(TableSpec::check(records).unwrap().shape, Shape::Records);
        let mut snapshot = said(fields());
        snapshot.shape = wit::Shape::Snapshot;
        assert!(refusal(snapshot).contains("a table of the state of now names no series column"));
    }

    #[test]
    fn an_unknown_role_of_the_host_and_doubled_or_strange_columns_are_refused() {
        let mut unknown = fields();
        unknown
            .push(Field::new("x", DataType::Utf8, true).with_metadata([(HOST.to_owned(), "moon".to_owned())].into()));
        assert!(refusal(said(unknown)).contains("asks the host for `moon`"));
        let mut doubled = fields();
        doubled.push(Field::new("tag", DataType::Utf8, true));
        assert!(refusal(said(doubled)).contains("two columns `tag`"));
        let mut strange = fields();
        strange.push(Field::new("../x", DataType::Utf8, true));
        assert!(refusal(said(strange)).contains("is no name"));
    }

    #[test]
    fn a_column_is_declared_by_its_values_and_not_by_how_they_are_encoded() {
        let mut encoded = fields();
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        encoded.push(Field::new("x", dictionary, true));
        assert!(refusal(said(encoded)).contains("`x` is declared as a dictionary"));
    }

    #[test]
    fn a_schema_that_is_no_arrow_stream_is_refused() {
        let mut table = said(fields());
        table.schema = b"no arrow".to_vec();
        assert!(refusal(table).contains("its schema: "));
    }
}
