//! Which series have rows at all. Asked for series without a cursor: their rows are there although nothing says so when the
//! checkpoints were lost, or when a state was brought from elsewhere. Files and pages are skipped as for the look-back, two
//! columns are read of what is left, and a series that is found is not looked for any more.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use tidegate_model::{Instant, Interval};

use super::{KeyColumns, StoredReader, Wanted, each_batch};
use crate::Result;
use crate::files::Listing;
use crate::layout::timestamp;
use crate::scan::stored_column;

impl StoredReader {
    /// The series that have a committed row in their own window.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn holding(&self, windows: &HashMap<String, Interval>) -> Result<HashSet<String>> {
        holding(&self.files, &self.keys, windows).await
    }
}

/// The series that have a row in their own window. The sequence column is not read.
pub(crate) async fn holding(
    files: &Listing,
    keys: &KeyColumns,
    windows: &HashMap<String, Interval>,
) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let Some(mut wanted) = missing(windows, &found) else { return Ok(found) };
    for file in files.select(|date, file| wanted.file(keys, date, file)) {
        let before = found.len();
        let columns = [keys.series.as_str(), keys.time.as_str()];
        each_batch(files, keys, &wanted, &file, columns, |batch| look(&files.table, keys, batch, windows, &mut found))
            .await?;
        if found.len() > before {
            match missing(windows, &found) {
                Some(rest) => wanted = rest,
                None => break,
            }
        }
    }
    Ok(found)
}

/// What is still looked for; `None` when that is nothing.
fn missing(windows: &HashMap<String, Interval>, found: &HashSet<String>) -> Option<Wanted> {
    let open = || windows.iter().filter(|(series, window)| !window.is_empty() && !found.contains(*series));
    let hull = open().map(|(_, window)| *window).reduce(Interval::hull)?;
    Some(Wanted::new(&open().map(|(series, _)| series.clone()).collect::<Vec<_>>(), hull)).filter(|w| !w.is_empty())
}

fn look(
    table: &str,
    keys: &KeyColumns,
    batch: &RecordBatch,
    windows: &HashMap<String, Interval>,
    found: &mut HashSet<String>,
) -> Result<()> {
    let series = stored_column(table, batch, &keys.series, &DataType::Utf8)?;
    let times = stored_column(table, batch, &keys.time, &timestamp())?;
    let (series, times) = (series.as_string::<i32>(), times.as_primitive::<TimestampMicrosecondType>());
    // Rows of a series stand together: whatever is looked up by series is looked up once per run of them.
    let mut last: Option<(&str, Option<Interval>)> = None;
    for row in (0..batch.num_rows()).filter(|row| series.is_valid(*row) && times.is_valid(*row)) {
        let id = series.value(row);
        let window = match last {
            Some((known, window)) if known == id => window,
            _ => windows.get(id).copied().filter(|_| !found.contains(id)),
        };
        last = Some((id, window));
        if window.is_some_and(|window| window.contains(Instant::from_micros(times.value(row)))) {
            found.insert(id.to_owned());
            last = Some((id, None));
        }
    }
    Ok(())
}
