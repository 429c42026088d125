//! Cuts a batch into runs of rows of one series on one date. Such a run is sorted already, so a commit sorts runs, never
//! rows. What the contract promises about order is checked here, because everything after relies on it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};

use crate::fill::{DAY_MICROS, event_date};
use crate::{Error, Result};

/// Rows of one series on one date, in time order.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// Which batch of the buffer.
    pub page: usize,
    /// First row in it.
    pub offset: usize,
    /// How many rows.
    pub rows: usize,
    /// The series.
    pub series: Arc<str>,
    /// Position of the first row: microseconds since the Unix epoch, and sequence.
    pub first: (i64, i32),
    /// Position of the last row.
    pub last: (i64, i32),
}

/// The three columns that place a row.
pub(crate) struct Keys<'a> {
    series: SeriesColumn<'a>,
    pub times: &'a TimestampMicrosecondArray,
    sequences: &'a Int32Array,
}

enum SeriesColumn<'a> {
    Plain(&'a StringArray),
    Dictionary(&'a [i32], &'a StringArray),
}

impl SeriesColumn<'_> {
    fn value(&self, row: usize) -> Option<&str> {
        match self {
            Self::Plain(array) => Some(array.value(row)),
            Self::Dictionary(keys, values) => {
                keys.get(row).and_then(|key| usize::try_from(*key).ok()).map(|key| values.value(key))
            }
        }
    }

    fn same(&self, a: usize, b: usize) -> bool {
        match self {
            Self::Plain(array) => array.value(a) == array.value(b),
            Self::Dictionary(keys, _) => keys.get(a) == keys.get(b) || self.value(a) == self.value(b),
        }
    }
}

impl<'a> Keys<'a> {
    /// The key columns of a batch whose types are known to fit.
    ///
    /// # Errors
    /// A NULL in one of them.
    pub(crate) fn new(table: &str, [series, times, sequences]: [&'a ArrayRef; 3]) -> Result<Self> {
        let unfit = || Error::contract(table, "a key column has another type than declared");
        let null = [series, times, sequences].iter().any(|column| column.logical_null_count() > 0);
        if null {
            return Err(Error::contract(table, "a row has NULL as its series, time or sequence"));
        }
        let series = match series.data_type() {
            DataType::Dictionary(_, _) => {
                let dictionary = series.as_dictionary_opt::<Int32Type>().ok_or_else(unfit)?;
                let values = dictionary.values().as_string_opt::<i32>().ok_or_else(unfit)?;
                SeriesColumn::Dictionary(dictionary.keys().values(), values)
            }
            _ => SeriesColumn::Plain(series.as_string_opt::<i32>().ok_or_else(unfit)?),
        };
        let times = times.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(unfit)?;
        let sequences = sequences.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?;
        Ok(Self { series, times, sequences })
    }

    /// All rows: series, microseconds since the Unix epoch, sequence.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, i64, i32)> {
        let places = self.times.values().iter().zip(self.sequences.values().iter()).enumerate();
        places.map(|(row, (micros, sequence))| (self.series.value(row).unwrap_or_default(), *micros, *sequence))
    }

    /// The runs of this batch with the date of each, in row order.
    ///
    /// # Errors
    /// Rows of one series that are not in order of time and sequence, or named twice.
    pub(crate) fn slices(&self, table: &str, page: usize) -> Result<Vec<(i32, Slice)>> {
        let mut slices: Vec<(i32, Slice)> = Vec::new();
        let mut day_end = i64::MIN;
        for (row, place) in self.times.values().iter().copied().zip(self.sequences.values().iter().copied()).enumerate()
        {
            let continues = row > 0 && self.series.same(row - 1, row);
            if let Some((_, slice)) = slices.last_mut().filter(|_| continues) {
                if place <= slice.last {
                    let series = &slice.series;
                    let what =
                        format!("rows of series {series} do not ascend by time and sequence, or one comes twice");
                    return Err(Error::contract(table, what));
                }
                if place.0 < day_end {
                    slice.rows += 1;
                    slice.last = place;
                    continue;
                }
            }
            let series = match slices.last().filter(|_| continues) {
                Some((_, previous)) => Arc::clone(&previous.series),
                None => Arc::from(self.series.value(row).unwrap_or_default()),
            };
            day_end = place.0.div_euclid(DAY_MICROS).saturating_add(1).saturating_mul(DAY_MICROS);
            let slice = Slice { page, offset: row, rows: 1, series, first: place, last: place };
            slices.push((event_date(place.0), slice));
        }
        Ok(slices)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::DictionaryArray;

    use super::*;

    fn slices(series: ArrayRef, times: Vec<i64>, sequences: Vec<i32>) -> Result<Vec<(i32, Slice)>> {
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times));
        let sequences: ArrayRef = Arc::new(Int32Array::from(sequences));
        Keys::new("t", [&series, &times, &sequences])?.slices("t", 0)
    }

    #[test]
    fn a_batch_is_cut_where_the_series_or_the_date_changes() {
        let plain: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "a", "b"]));
        let dictionary: ArrayRef =
            Arc::new(vec!["a", "a", "a", "b"].into_iter().collect::<DictionaryArray<Int32Type>>());
        for series in [plain, dictionary] {
            let cut = slices(series, vec![DAY_MICROS - 1, DAY_MICROS - 1, DAY_MICROS, 5], vec![0, 1, 0, 0]).unwrap();
            let cut: Vec<_> = cut.iter().map(|(date, s)| (*date, &*s.series, s.offset, s.rows)).collect();
            assert_eq!(cut, [(0, "a", 0, 2), (1, "a", 2, 1), (0, "b", 3, 1)]);
        }
    }

    #[test]
    fn rows_out_of_order_doubled_or_without_a_key_are_refused() {
        let series = || Arc::new(StringArray::from(vec!["a", "a"])) as ArrayRef;
        assert!(slices(series(), vec![2, 1], vec![0, 0]).unwrap_err().to_string().contains("do not ascend"));
        assert!(slices(series(), vec![1, 1], vec![0, 0]).unwrap_err().to_string().contains("comes twice"));
        let null = Arc::new(StringArray::from(vec![Some("a"), None])) as ArrayRef;
        assert!(slices(null, vec![1, 2], vec![0, 0]).unwrap_err().to_string().contains("NULL"));
    }
}
