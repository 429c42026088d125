//! How many rows are stored, by series and bucket of time. Reads the key columns and one flag, and keeps two numbers for each
//! bucket, so that ten years can be counted in the memory of their days.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use futures::{StreamExt, TryStreamExt};
use tidegate_model::{Instant, Interval};

use super::{FILES_AT_ONCE, StoredBatch, StoredReader, Wanted, each_batch};
use crate::Result;
use crate::files::DataFile;
use crate::scan::stored_column;

/// The rows of one series in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCount {
    /// All of them.
    pub all: u32,
    /// Those whose flag is true.
    pub good: u32,
}

/// How a span of time is cut, and which column tells good rows.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// Windows are cut at the whole multiples of it since the Unix epoch, in nanoseconds.
    pub width: u64,
    /// A boolean column; without it every row is good.
    pub good: Option<&'a str>,
}

/// Rows of a series in the bucket of this number, the first of its window being 0.
type Part = (String, usize, RowCount);

impl StoredReader {
    /// Counts the committed rows of each of these series, one number for each of the
    /// [buckets](Interval::buckets) of its own window.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn counts(
        &self,
        windows: &HashMap<String, Interval>,
        counting: Counting<'_>,
    ) -> Result<HashMap<String, Vec<RowCount>>> {
        let empty = |(series, window): (&String, &Interval)| {
            (series.clone(), vec![RowCount::default(); window.buckets(counting.width).count()])
        };
        let mut counts: HashMap<String, Vec<RowCount>> = windows.iter().map(empty).collect();
        let hull = windows.values().copied().filter(|window| !window.is_empty()).reduce(Interval::hull);
        let Some(hull) = hull else { return Ok(counts) };
        let series: Vec<String> = windows.keys().cloned().collect();
        let wanted = Arc::new(Wanted::new(&series, hull));
        let files = self.files.select(|date, file| wanted.file(&self.keys, date, file));
        tracing::debug!(table = &*self.files.table, files = files.len(), "counting stored rows");
        let reads: Vec<_> =
            files.into_iter().map(|file| self.count_file(file, Arc::clone(&wanted), windows, counting)).collect();
        let mut parts = futures::stream::iter(reads).buffer_unordered(FILES_AT_ONCE);
        while let Some(part) = parts.try_next().await? {
            for (series, bucket, rows) in part {
                if let Some(count) = counts.get_mut(&series).and_then(|counts| counts.get_mut(bucket)) {
                    count.all = count.all.saturating_add(rows.all);
                    count.good = count.good.saturating_add(rows.good);
                }
            }
        }
        Ok(counts)
    }

    async fn count_file(
        &self,
        file: DataFile,
        wanted: Arc<Wanted>,
        windows: &HashMap<String, Interval>,
        counting: Counting<'_>,
    ) -> Result<Vec<Part>> {
        let table = &self.layout.table;
        let mut parts: Vec<Part> = Vec::new();
        let names = self.keys.names().into_iter().chain(counting.good);
        each_batch(&self.files, &self.keys, &wanted, &file, names, |batch| {
            let rows = StoredBatch::new(table, &self.keys, batch)?;
            let flags = counting.good.map(|good| stored_column(table, batch, good, &DataType::Boolean)).transpose()?;
            let flags = flags.as_ref().map(|flags| flags.as_boolean());
            for (series, stretch) in rows.stretches() {
                let Some(window) = windows.get(series) else { continue };
                for row in stretch {
                    let at = Instant::from_micros(rows.place(row).0);
                    let Some(bucket) = bucket(*window, counting.width, at) else { continue };
                    let good = flags.is_none_or(|flags| flags.is_valid(row) && flags.value(row));
                    // Rows are sorted: nearly all go to where the one before went.
                    match parts.last_mut().filter(|part| part.0 == series && part.1 == bucket) {
                        Some(part) => {
                            part.2.all = part.2.all.saturating_add(1);
                            part.2.good = part.2.good.saturating_add(u32::from(good));
                        }
                        None => parts.push((series.to_owned(), bucket, RowCount { all: 1, good: u32::from(good) })),
                    }
                }
            }
            Ok(())
        })
        .await?;
        Ok(parts)
    }
}

/// The number of the bucket that an instant falls in.
fn bucket(window: Interval, width: u64, at: Instant) -> Option<usize> {
    if !window.contains(at) {
        return None;
    }
    let width = i64::try_from(width).ok().filter(|width| *width > 0);
    let number = width.map_or(0, |width| at.0.div_euclid(width) - window.start.0.div_euclid(width));
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::micros;

    #[test]
    fn an_instant_falls_into_the_bucket_that_holds_it() {
        let window = micros(5, 25);
        let buckets: Vec<Interval> = window.buckets(10_000).collect();
        assert_eq!(buckets, [micros(5, 10), micros(10, 20), micros(20, 25)]);
        for at in 0..30 {
            let at = Instant::from_micros(at);
            let holds = buckets.iter().position(|bucket| bucket.contains(at));
            assert_eq!(bucket(window, 10_000, at), holds, "{at:?}");
        }
        assert_eq!(bucket(window, 0, Instant::from_micros(24)), Some(0));
    }
}
