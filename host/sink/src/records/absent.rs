//! Stored records of a stretch that was read again without them. That proves nothing yet: the historian has to be asked
//! for each. A record that came with another start needs no asking: what is stored under the old start is left over.
//!
//! Only files whose statistics allow a record that was alive there are read, and of these four columns. Memory is bounded
//! by what is asked for: records are compared with hashes of what came, and only those that did not come are kept.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use futures::TryStreamExt;
use tidegate_model::Interval;

use super::RecordKey;
use super::page::Shape;
use crate::Result;
use crate::files::{DataFile, Listing};
use crate::layout::timestamp;
use crate::scan::{project, stored_column, unreadable};
use crate::stats::FileStats;

/// The records that came, each by a hash of its key with the start that it came with last.
#[derive(Clone, Debug, Default)]
pub struct Emitted {
    starts: HashMap<u64, i64>,
}

/// What was read again of one series.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Every record that was alive in it came.
    pub window: Interval,
    /// Those that came.
    pub emitted: Emitted,
}

/// Stored records that did not come again, as they are stored.
#[derive(Clone, Debug, Default)]
pub struct Absent {
    /// Their key did not come. Where there are too many, these are some of them.
    pub absent: Vec<RecordKey>,
    /// Their key came with another start.
    pub moved: Vec<RecordKey>,
    /// What was counted of each series.
    pub series: HashMap<String, Absence>,
}

/// How much of a series did not come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// Stored records that were alive in what was read again.
    pub alive: usize,
    /// Of these, those whose key did not come.
    pub absent: usize,
}

/// Reads committed records. Cheap to clone; sees the commits of the run it belongs to.
#[derive(Clone)]
pub struct RecordsReader {
    shape: Arc<Shape>,
    files: Listing,
}

impl std::fmt::Debug for RecordsReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordsReader").field("table", &self.shape.layout.table).finish_non_exhaustive()
    }
}

impl Emitted {
    /// Adds a record; returns whether its key is new. `start` in microseconds since the Unix epoch.
    pub fn insert(&mut self, key: &str, start: i64) -> bool {
        self.starts.insert(hash(&key), start).is_none()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether none came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl RecordsReader {
    pub(super) fn new(shape: Arc<Shape>, files: Listing) -> Self {
        Self { shape, files }
    }

    /// The stored records of each series that were alive in its window and did not come, at most `most` of either kind.
    /// Which ones that are, where there are more, depends on `salt`: with another one each has the same chance again.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn absent(&self, readings: &HashMap<String, Reading>, most: usize, salt: u64) -> Result<Absent> {
        let mut found =
            Found { absent: Sample::new(most, salt), moved: Sample::new(most, salt), series: HashMap::new() };
        let files =
            self.files.select(|_date, file| readings.iter().any(|(id, reading)| self.may_hold(id, reading, file)));
        tracing::debug!(table = &*self.files.table, files = files.len(), "looking for records that did not come again");
        for file in files {
            self.read(&file, readings, &mut found).await?;
        }
        Ok(Absent { absent: found.absent.rows(), moved: found.moved.rows(), series: found.series })
    }

    async fn read(&self, file: &DataFile, readings: &HashMap<String, Reading>, found: &mut Found) -> Result<()> {
        let (files, shape) = (&self.files, &self.shape);
        let failed = |error| unreadable(&files.table, error);
        let opened = files.open(file).await?;
        let opened = project(opened, [&*shape.series, &*shape.key, &*shape.time, &*shape.end]);
        let mut batches = opened.build().map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            let lives = Lives::new(shape, &files.table, &batch)?;
            for row in 0..batch.num_rows() {
                let Some(reading) = lives.series(row).and_then(|series| readings.get(series)) else { continue };
                if let Some(record) = lives.alive(row, reading.window) {
                    found.take(record, &reading.emitted);
                }
            }
        }
        Ok(())
    }

    /// Whether a file may hold a record of this series that was alive then. A statistic that is missing rules nothing out.
    fn may_hold(&self, series: &str, reading: &Reading, file: &DataFile) -> bool {
        let Some(stats) = file.stats().and_then(|text| FileStats::parse(&text)) else { return true };
        let window = reading.window;
        // An upper bound that was cut short bounds whatever begins with it.
        let between = |(min, max): (&str, &str)| min <= series && (series <= max || series.starts_with(max));
        let named = stats.texts(&self.shape.series).is_none_or(between);
        let alive = stats.micros(&self.shape.time).is_none_or(|(first, last)| {
            let open = stats.nulls(&self.shape.end) != Some(0);
            let ends_after = || stats.micros(&self.shape.end).is_none_or(|(_, end)| end > window.start.micros());
            first < window.end.micros() && (last >= window.start.micros() || open || ends_after())
        });
        named && alive
    }
}

/// The columns that place stored records.
struct Lives {
    series: StringArray,
    keys: StringArray,
    starts: TimestampMicrosecondArray,
    ends: TimestampMicrosecondArray,
}

impl Lives {
    fn new(shape: &Shape, table: &str, batch: &RecordBatch) -> Result<Self> {
        let text = |name: &str| stored_column(table, batch, name, &DataType::Utf8);
        let instants = |name: &str| stored_column(table, batch, name, &timestamp());
        Ok(Self {
            series: text(&shape.series)?.as_string::<i32>().clone(),
            keys: text(&shape.key)?.as_string::<i32>().clone(),
            starts: instants(&shape.time)?.as_primitive::<TimestampMicrosecondType>().clone(),
            ends: instants(&shape.end)?.as_primitive::<TimestampMicrosecondType>().clone(),
        })
    }

    fn series(&self, row: usize) -> Option<&str> {
        self.series.is_valid(row).then(|| self.series.value(row))
    }

    /// The record of a row, if it was alive in the window. One that began and ended at the same time was, too.
    fn alive(&self, row: usize, window: Interval) -> Option<RecordKey> {
        if self.keys.is_null(row) || self.starts.is_null(row) {
            return None;
        }
        let (from, to) = (window.start.micros(), window.end.micros());
        let start = self.starts.value(row);
        let ends_after = || self.ends.is_null(row) || self.ends.value(row) > from;
        let alive = start < to && (start >= from || ends_after());
        let key = || self.keys.value(row).to_owned();
        alive.then(|| RecordKey { series: self.series.value(row).to_owned(), key: key(), start })
    }
}

struct Found {
    absent: Sample,
    moved: Sample,
    series: HashMap<String, Absence>,
}

impl Found {
    fn take(&mut self, record: RecordKey, emitted: &Emitted) {
        if !self.series.contains_key(&record.series) {
            self.series.insert(record.series.clone(), Absence::default());
        }
        let Some(count) = self.series.get_mut(&record.series) else { return };
        count.alive += 1;
        match emitted.starts.get(&hash(&record.key.as_str())) {
            Some(start) if *start == record.start => {}
            Some(_) => self.moved.take(record),
            None => {
                count.absent += 1;
                self.absent.take(record);
            }
        }
    }
}

/// Some of many records, chosen without regard to their order.
struct Sample {
    most: usize,
    salt: u64,
    rows: Vec<(u64, RecordKey)>,
}

impl Sample {
    fn new(most: usize, salt: u64) -> Self {
        Self { most, salt, rows: Vec::new() }
    }

    fn take(&mut self, record: RecordKey) {
        self.rows.push((hash(&(self.salt, &record.key)), record));
        if self.rows.len() >= self.most.saturating_mul(2).max(16) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.rows.len() > self.most {
            self.rows.select_nth_unstable_by_key(self.most, |(drawn, _)| *drawn);
            self.rows.truncate(self.most);
        }
    }

    fn rows(mut self) -> Vec<RecordKey> {
        self.shrink();
        let mut rows: Vec<_> = self.rows.into_iter().map(|(_, record)| record).collect();
        rows.sort_unstable();
        rows
    }
}
