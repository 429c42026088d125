//! The rows of one page as the pipeline sees them: runs of rows of one series. Checks what the contract promises of them,
//! because nothing that a plugin says is believed.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use tidegate_model::{Cover, Fault};
use tidegate_sandbox::TableSpec;

/// Consecutive rows of one series, in time order.
pub(crate) struct Run {
    /// `Series::id`
    pub(crate) series: String,
    /// Which rows of the page.
    pub(crate) rows: Range<usize>,
}

/// The columns of a page that decide about its rows.
pub(crate) struct Rows<'a> {
    pub(crate) runs: Vec<Run>,
    /// Microseconds since the epoch.
    pub(crate) times: &'a TimestampMicrosecondArray,
    pub(crate) sequences: &'a Int32Array,
    /// `None` where the table has no such column.
    pub(crate) good: Option<&'a BooleanArray>,
}

impl<'a> Rows<'a> {
    /// Finds the runs of a page and checks their order.
    ///
    /// # Errors
    /// A `contract` fault when a key is NULL, or when the rows of a series do not stand together or do not ascend by time
    /// and sequence: two rows with one key would be one event twice.
    pub(crate) fn of(table: &TableSpec, page: &'a RecordBatch) -> Result<Self, Fault> {
        let column = |name: &str| {
            page.column_by_name(name).ok_or_else(|| contract(table, format!("a page without the column `{name}`")))
        };
        let times = column(&table.time_column)?.as_primitive_opt::<TimestampMicrosecondType>();
        let times = times.ok_or_else(|| contract(table, "a time column that is not timestamp(us)"))?;
        let sequences = column(&table.sequence_column)?.as_primitive_opt::<Int32Type>();
        let sequences = sequences.ok_or_else(|| contract(table, "a sequence column that is not int32"))?;
        let series = column(&table.series_column)?;
        if times.null_count() + sequences.null_count() + series.logical_null_count() > 0 {
            return Err(contract(table, "a row with NULL as its series, time or sequence"));
        }
        let runs = runs(table, series)?;
        for run in &runs {
            let place = |row: usize| (times.value(row), sequences.value(row));
            if !run.rows.clone().map(place).is_sorted_by(|a, b| a < b) {
                let what = format!("rows of `{}` that do not ascend by time and sequence", run.series);
                return Err(contract(table, what));
            }
        }
        let good = page.column_by_name("quality_good").and_then(|column| column.as_boolean_opt());
        Ok(Self { runs, times, sequences, good })
    }
}

/// Rows of each series in a page of records. A record may have begun long before the interval that it came with.
///
/// # Errors
/// A `contract` fault when a series, key or start is NULL, or a row belongs to a series that the page does not cover.
pub(crate) fn records(table: &TableSpec, page: &RecordBatch, covers: &[Cover]) -> Result<HashMap<String, i64>, Fault> {
    for name in [&table.series_column, &table.key_column, &table.time_column] {
        let column = page.column_by_name(name);
        if column.is_none_or(|column| column.logical_null_count() > 0) {
            return Err(contract(table, format!("a row without its `{name}`")));
        }
    }
    let series = page.column_by_name(&table.series_column).map(|column| runs(table, column)).transpose()?;
    let covered: HashSet<&str> = covers.iter().map(|cover| cover.series.as_str()).collect();
    let mut rows = HashMap::new();
    for run in series.unwrap_or_default() {
        if !covered.contains(run.series.as_str()) {
            return Err(contract(table, format!("rows of `{}`, which the page does not cover,", run.series)));
        }
        rows.insert(run.series, i64::try_from(run.rows.len()).unwrap_or(i64::MAX));
    }
    Ok(rows)
}

/// The fault of a plugin that broke the contract.
pub(crate) fn contract(table: &TableSpec, what: impl std::fmt::Display) -> Fault {
    Fault::internal(
        "contract",
        format!(
            "the plugin delivered {what} for table `{}`: it breaks the contract; report it to its author",
            table.name
        ),
    )
}

fn runs(table: &TableSpec, column: &dyn Array) -> Result<Vec<Run>, Fault> {
    let runs = match column.data_type() {
        DataType::Dictionary(_, _) => {
            let typed = column
                .as_dictionary_opt::<Int32Type>()
                .and_then(|keys| keys.downcast_dict::<arrow::array::StringArray>());
            let names = typed.ok_or_else(|| contract(table, "a series column that is not text"))?;
            let (keys, values) = (names.keys().values(), names.values());
            split(
                keys.len(),
                |row| keys.get(row),
                |key| {
                    usize::try_from(**key)
                        .ok()
                        .filter(|key| *key < values.len())
                        .map(|key| values.value(key).to_owned())
                },
            )
        }
        _ => {
            let names =
                column.as_string_opt::<i32>().ok_or_else(|| contract(table, "a series column that is not text"))?;
            split(names.len(), |row| (row < names.len()).then(|| names.value(row)), |name| Some((*name).to_owned()))
        }
    };
    let runs = runs.ok_or_else(|| contract(table, "a series column with keys out of range"))?;
    let mut seen = HashSet::new();
    match runs.iter().find(|run| !seen.insert(run.series.as_str())) {
        Some(twice) => Err(contract(table, format!("rows of `{}` in more than one place of a page", twice.series))),
        None => Ok(runs),
    }
}

/// Splits `len` rows where their key changes; `None` when a key has no name.
fn split<K: PartialEq>(
    len: usize,
    key: impl Fn(usize) -> Option<K>,
    name: impl Fn(&K) -> Option<String>,
) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    while start < len {
        let first = key(start)?;
        let mut end = start + 1;
        while end < len && key(end)? == first {
            end += 1;
        }
        let series = name(&first)?;
        match runs.last_mut() {
            // A dictionary may hold one name twice.
            Some(run) if run.series == series => run.rows.end = end,
            _ => runs.push(Run { series, rows: start..end }),
        }
        start = end;
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, StringArray};

    use super::*;

    #[test]
    fn a_name_that_a_dictionary_holds_twice_is_one_series() {
        let values = Arc::new(StringArray::from(vec!["a", "a", "b"]));
        let column = |keys: Vec<i32>| {
            DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::clone(&values) as _).unwrap()
        };
        let spec = &*crate::pipeline::fuzzing::EVENTS;
        let found = runs(spec, &column(vec![0, 1, 1, 2])).unwrap();
        let found: Vec<_> = found.into_iter().map(|run| (run.series, run.rows)).collect();
        assert_eq!(found, [("a".to_owned(), 0..3), ("b".to_owned(), 3..4)]);
        assert!(runs(spec, &column(vec![0, 2, 1])).is_err_and(|fault| fault.message.contains("more than one place")));
    }
}
