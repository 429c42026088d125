//! What goes to standard output: tables for people, JSON for programs; and lines beside it on standard error.
//!
//! A stream that its reader has closed is no error: `tidegate query … | head` has seen enough, and how a command ends does
//! not depend on who listens.

mod human;
mod json;
mod table;

use std::io::{self, ErrorKind, Write};

use arrow::array::RecordBatch;
use clap::ValueEnum;
use serde::Serialize;

pub use self::human::{bytes, count, duration, time};
pub use self::json::rows;
pub use self::table::Table;

use crate::secret::redact;

/// In which form data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
}

/// Prints text and a line break.
///
/// # Errors
/// Standard output cannot be written.
pub fn line(text: &str) -> io::Result<()> {
    raw(format!("{text}\n").as_bytes())
}

/// Prints bytes in one piece.
///
/// # Errors
/// Standard output cannot be written.
pub fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Writes a line to standard error, through the redactor.
pub fn aside(text: &str) {
    // Nobody is left to tell when standard error cannot be written.
    let _ = io::stderr().write_all(format!("{}\n", redact(text)).as_bytes());
}

/// Prints `value` as indented JSON.
///
/// # Errors
/// Standard output cannot be written.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints record batches: as a table, or as a JSON array with one object a line (names → values; times as RFC 3339).
///
/// # Errors
/// Standard output cannot be written, or a value cannot be shown.
pub fn batches(format: Format, batches: &[RecordBatch]) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let rows = rows(batches)?.into_iter().map(|row| serde_json::to_string(&row));
            let rows = rows.collect::<Result<Vec<String>, _>>()?;
            line(&if rows.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", rows.join(",\n")) })?;
        }
        Format::Table => {
            let Some(first) = batches.first() else { return Ok(line("no rows")?) };
            let schema = first.schema();
            let mut table = Table::new(schema.fields().iter().map(|field| field.name().clone()).collect());
            for (column, field) in schema.fields().iter().enumerate() {
                if field.data_type().is_numeric() {
                    table.right(column);
                }
            }
            for batch in batches {
                let columns = batch.columns().iter().map(json::cells).collect::<Result<Vec<_>, _>>()?;
                for row in 0..batch.num_rows() {
                    let cell = |column: &Vec<Option<String>>| column.get(row).cloned().flatten();
                    table.row(columns.iter().map(|column| cell(column).unwrap_or_else(|| "NULL".to_owned())).collect());
                }
            }
            line(&table.to_string())?;
        }
    }
    Ok(())
}
