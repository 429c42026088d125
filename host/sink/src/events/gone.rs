//! Stored events that must leave with the next commit: which files hold them, and those files without them.

use std::collections::{HashMap, HashSet};

use arrow::array::{BooleanArray, RecordBatch};
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
#[derive(Debug, Default)]
pub(super) struct Gone {
    series: HashMap<String, HashMap<(i64, i32), bool>>,
    keys: usize,
}

impl Gone {
    /// Adds keys.
    pub(super) fn extend(&mut self, keys: Vec<(EventKey, bool)>) {
        for (key, replaced) in keys {
            let series = self.series.entry(key.series.to_string()).or_default();
            let place = (key.micros, key.sequence);
            self.keys += usize::from(!series.contains_key(&place));
            *series.entry(place).or_default() |= replaced;
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.keys
    }

    /// Bytes that they take, roughly: hash tables keep some room.
    pub(super) fn bytes(&self) -> usize {
        self.keys * 2 * size_of::<((i64, i32), bool)>()
    }

    /// The files that hold such a row, and what taking these rows out of them means.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn locate(&self, columns: &KeyColumns, files: &Listing) -> Result<(Vec<DataFile>, Tally)> {
        let (mut touched, mut tally) = (Vec::new(), Tally::default());
        let Some(wanted) = self.wanted() else { return Ok((touched, tally)) };
        for file in files.select(|date, file| wanted.file(columns, date, file)) {
            let mut here = 0;
            each_batch(files, columns, &wanted, &file, columns.names(), |batch| {
                for replaced in self.rows(&files.table, columns, batch)?.into_iter().flatten() {
                    here += 1;
                    let count = if replaced { &mut tally.edited } else { &mut tally.deleted };
                    *count += 1;
                }
                Ok(())
            })
            .await?;
            if here > 0 {
                touched.push(file);
            }
        }
        Ok((touched, tally))
    }

    /// A file without these rows.
    ///
    /// # Errors
    /// As [`copy_without`].
    pub(super) async fn strip(
        &self,
        columns: &KeyColumns,
        table: &Table,
        file: &DataFile,
    ) -> Result<Vec<deltalake::kernel::Add>> {
        let keep = |batch: &RecordBatch| -> Result<BooleanArray> {
            let rows = self.rows(&table.name, columns, batch)?;
            Ok(rows.into_iter().map(|gone| Some(gone.is_none())).collect())
        };
        copy_without(table, file, [&columns.series, &columns.time], keep).await
    }

    /// For each stored row: `None` when it stays, else whether it is replaced.
    fn rows(&self, table: &str, columns: &KeyColumns, batch: &RecordBatch) -> Result<Vec<Option<bool>>> {
        let stored = StoredBatch::new(table, columns, batch)?;
        let mut rows = Vec::with_capacity(batch.num_rows());
        for (series, stretch) in stored.stretches() {
            let gone = self.series.get(series);
            rows.extend(stretch.map(|row| gone?.get(&stored.place(row)).copied()));
        }
        Ok(rows)
    }

    fn wanted(&self) -> Option<Wanted> {
        let times = || self.series.values().flat_map(HashMap::keys).map(|(micros, _)| *micros);
        let (first, last) = times().min().zip(times().max())?;
        let window = Interval::new(Instant::from_micros(first), Instant::from_micros(last.saturating_add(1)));
        Some(Wanted::new(&self.series.keys().cloned().collect::<Vec<_>>(), window))
    }
}
