//! Stored events that must leave with the next commit: which files hold them, and those files without them.

use std::collections::{HashMap, HashSet};

use arrow::array::{BooleanArray, RecordBatch};
use deltalake::kernel::Add;
use tidegate_model::{Instant, Interval};

use crate::Result;
use crate::files::{DataFile, Listing};
use crate::outgoing::Tally;
use crate::rewrite::copy_without;
use crate::slices::Keys;
use crate::stored::{EventKey, KeyColumns, StoredBatch, Wanted, each_batch};
use crate::table::Table;

/// Each key with whether a row of the same key comes in.
pub(super) fn replaced(rows: &Keys<'_>, gone: &[EventKey]) -> Vec<(EventKey, bool)> {
    if gone.is_empty() {
        return Vec::new();
    }
    let coming: HashSet<(&str, i64, i32)> = rows.rows().collect();
    let replaces = |key: &EventKey| coming.contains(&(&*key.series, key.micros, key.sequence));
    gone.iter().map(|key| (key.clone(), replaces(key))).collect()
}

/// Keys by series, each with whether its row is replaced.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone {
    series: HashMap<String, HashMap<(i64, i32), bool>>,
    keys: usize,
    /// How many rows of each series whoever asked for this takes to be stored.
    pub expected: HashMap<String, i64>,
}

/// The files that hold rows which must leave, and what taking them out means.
#[derive(Default)]
pub(super) struct Located {
    pub touched: Vec<DataFile>,
    pub tally: Tally,
    /// Rows by series.
    pub rows: HashMap<String, i64>,
}

impl Gone {
    /// Adds keys.
    pub(super) fn extend(&mut self, keys: Vec<(EventKey, bool)>) {
        for (key, replaced) in keys {
            match self.expected.get_mut(&*key.series) {
                Some(expected) => *expected += 1,
                None => {
                    self.expected.insert(key.series.to_string(), 1);
                }
            }
            self.add(&key, replaced);
        }
    }

    /// Adds keys whose rows nobody has counted.
    pub(super) fn add_all(&mut self, keys: &[EventKey], replaced: bool) {
        for key in keys {
            self.add(key, replaced);
        }
    }

    fn add(&mut self, key: &EventKey, replaced: bool) {
        let series = self.series.entry(key.series.to_string()).or_default();
        let place = (key.micros, key.sequence);
        self.keys += usize::from(!series.contains_key(&place));
        *series.entry(place).or_default() |= replaced;
    }

    /// Whether a key is among them.
    pub(super) fn contains(&self, key: &EventKey) -> bool {
        self.series.get(&*key.series).is_some_and(|keys| keys.contains_key(&(key.micros, key.sequence)))
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.keys
    }

    /// Bytes that they take, roughly: hash tables keep some room.
    pub(super) fn bytes(&self) -> usize {
        self.keys * 2 * size_of::<((i64, i32), bool)>()
    }

    /// The live files that hold such a row.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn locate(&self, columns: &KeyColumns, files: &Listing) -> Result<Located> {
        let Some(wanted) = self.wanted() else { return Ok(Located::default()) };
        let candidates = files.select(|date, file| wanted.file(columns, date, file));
        self.locate_in(columns, files, &wanted, candidates).await
    }

    /// Which files that are not in the table yet hold such a row.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn locate_among(
        &self,
        columns: &KeyColumns,
        files: &Listing,
        written: &[Add],
    ) -> Result<Vec<DataFile>> {
        let Some(wanted) = self.wanted() else { return Ok(Vec::new()) };
        let fits = |file: &DataFile| wanted.file(columns, files.date(file).as_deref(), file);
        let candidates = written.iter().cloned().map(DataFile::own).filter(fits).collect();
        Ok(self.locate_in(columns, files, &wanted, candidates).await?.touched)
    }

    async fn locate_in(
        &self,
        columns: &KeyColumns,
        files: &Listing,
        wanted: &Wanted,
        candidates: Vec<DataFile>,
    ) -> Result<Located> {
        let mut located = Located::default();
        for file in candidates {
            let mut held = false;
            each_batch(files, columns, wanted, &file, columns.names(), |batch| {
                let stored = StoredBatch::new(&files.table, columns, batch)?;
                for (series, stretch) in stored.stretches() {
                    let Some(gone) = self.series.get(series) else { continue };
                    let mut here = 0;
                    for replaced in stretch.filter_map(|row| gone.get(&stored.place(row))) {
                        here += 1;
                        let count = if *replaced { &mut located.tally.edited } else { &mut located.tally.deleted };
                        *count += 1;
                    }
                    if here > 0 {
                        held = true;
                        *located.rows.entry(series.to_owned()).or_default() += here;
                    }
                }
                Ok(())
            })
            .await?;
            if held {
                located.touched.push(file);
            }
        }
        Ok(located)
    }

    /// A file without these rows.
    ///
    /// # Errors
    /// As [`copy_without`].
    pub(super) async fn strip(&self, columns: &KeyColumns, table: &Table, file: &DataFile) -> Result<Vec<Add>> {
        let keep = |batch: &RecordBatch| -> Result<BooleanArray> {
            let stored = StoredBatch::new(&table.name, columns, batch)?;
            let mut keep = Vec::with_capacity(batch.num_rows());
            for (series, stretch) in stored.stretches() {
                let gone = self.series.get(series);
                keep.extend(stretch.map(|row| !gone.is_some_and(|gone| gone.contains_key(&stored.place(row)))));
            }
            Ok(keep.into())
        };
        copy_without(table, file, [&columns.series, &columns.time], keep).await
    }

    fn wanted(&self) -> Option<Wanted> {
        let times = || self.series.values().flat_map(HashMap::keys).map(|(micros, _)| *micros);
        let (first, last) = times().min().zip(times().max())?;
        let window = Interval::new(Instant::from_micros(first), Instant::from_micros(last.saturating_add(1)));
        Some(Wanted::new(&self.series.keys().cloned().collect::<Vec<_>>(), window))
    }
}
