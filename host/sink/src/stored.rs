//! What is stored of a window, row by row. The look-back asks this for every event it reads again, so the answer must not
//! cost a table scan: files are skipped by date and statistics, pages by the Parquet page index, and what is left is read
//! without the SQL engine. Of each row only its place and a fingerprint are kept.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::parquet::arrow::arrow_reader::RowSelection;
use futures::{StreamExt, TryStreamExt};
use tidegate_model::{Instant, Interval};

use crate::batch::fitted;
use crate::files::{DataFile, Listing};
use crate::fingerprint::fingerprints;
use crate::layout::Layout;
use crate::scan::{project, stored_columns, unreadable};
use crate::{Error, Result};

mod compare;
mod counts;
mod holding;
mod keys;
mod prune;

pub use compare::{Comparison, EventKey};
pub use counts::{Counting, RowCount};
pub(crate) use holding::holding;
pub(crate) use keys::{KeyColumns, StoredBatch};
pub(crate) use prune::Wanted;

/// Files read at the same time.
const FILES_AT_ONCE: usize = 4;

/// Reads committed rows. Cheap to clone; sees the commits of the run it belongs to.
#[derive(Clone)]
pub struct StoredReader {
    files: Listing,
    layout: Arc<Layout>,
    keys: Arc<KeyColumns>,
}

impl std::fmt::Debug for StoredReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredReader").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The keys of stored rows, each with the fingerprint of its row: 24 bytes a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredKeys {
    /// Microseconds since the Unix epoch, sequence and fingerprint, ascending.
    series: HashMap<String, Vec<(i64, i32, u64)>>,
}

impl StoredKeys {
    /// Whether the row of `series` at `micros` (since the Unix epoch) with this sequence is stored.
    #[must_use]
    pub fn contains(&self, series: &str, micros: i64, sequence: i32) -> bool {
        self.fingerprint(series, micros, sequence).is_some()
    }

    /// The fingerprint of that row, to compare with those of [`StoredReader::fingerprints`].
    #[must_use]
    pub fn fingerprint(&self, series: &str, micros: i64, sequence: i32) -> Option<u64> {
        let rows = self.series.get(series)?;
        let at = rows.binary_search_by_key(&(micros, sequence), |(micros, sequence, _)| (*micros, *sequence)).ok()?;
        rows.get(at).map(|(_, _, fingerprint)| *fingerprint)
    }

    /// How many rows of a series are stored in an interval.
    #[must_use]
    pub fn count(&self, series: &str, interval: Interval) -> usize {
        self.within(series, interval).len()
    }

    /// How many rows are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.values().map(Vec::len).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn extend(&mut self, more: Self) {
        for (series, rows) in more.series {
            self.series.entry(series).or_default().extend(rows);
        }
    }

    /// To be done once all rows are there: they are looked up by bisection.
    pub(crate) fn sort(&mut self) {
        for rows in self.series.values_mut() {
            rows.sort_unstable();
            rows.shrink_to_fit();
        }
    }

    fn add(&mut self, series: &str, rows: impl Iterator<Item = (i64, i32, u64)>) {
        match self.series.get_mut(series) {
            Some(known) => known.extend(rows),
            None => {
                self.series.insert(series.to_owned(), rows.collect());
            }
        }
    }
}

impl StoredReader {
    pub(crate) fn new(files: Listing, layout: Arc<Layout>, keys: Arc<KeyColumns>) -> Self {
        Self { files, layout, keys }
    }

    /// The fingerprints of fresh rows (emitted columns, in declared order), one a row: equal to the stored row's when all
    /// emitted columns are. They hold within this process.
    ///
    /// # Errors
    /// Rows that do not fit the declaration.
    pub fn fingerprints(&self, rows: &RecordBatch) -> Result<Vec<u64>> {
        let columns = fitted(&self.layout.table, &self.layout.emitted, rows)?;
        fingerprints(&self.layout.table, rows.num_rows(), &columns)
    }

    /// All committed rows of each of these series in its own window. Rows that wait for their commit are not among them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn stored(&self, windows: &HashMap<String, Interval>) -> Result<StoredKeys> {
        let hull = windows.values().copied().filter(|window| !window.is_empty()).reduce(Interval::hull);
        let Some(hull) = hull else { return Ok(StoredKeys::default()) };
        let series: Vec<String> = windows.keys().cloned().collect();
        // Files and pages are skipped by the hull; rows are kept by the window of their series.
        let wanted = Arc::new(Wanted::new(&series, hull));
        if wanted.is_empty() {
            return Ok(StoredKeys::default());
        }
        let files = self.files.select(|date, file| wanted.file(&self.keys, date, file));
        tracing::debug!(table = &*self.files.table, files = files.len(), "reading stored rows");
        let reads: Vec<_> =
            files.into_iter().map(|file| self.clone().read(file, Arc::clone(&wanted), windows)).collect();
        let mut stored = StoredKeys::default();
        let mut parts = futures::stream::iter(reads).buffer_unordered(FILES_AT_ONCE);
        while let Some(part) = parts.try_next().await? {
            stored.extend(part);
        }
        stored.sort();
        Ok(stored)
    }

    /// The rows of one file. Within a series they come as they stand in the file.
    pub(crate) async fn read(
        self,
        file: DataFile,
        wanted: Arc<Wanted>,
        windows: &HashMap<String, Interval>,
    ) -> Result<StoredKeys> {
        let layout = &self.layout;
        let mut stored = StoredKeys::default();
        let names = layout.emitted.fields().iter().map(|field| field.name().as_str());
        each_batch(&self.files, &self.keys, &wanted, &file, names, |batch| {
            let columns = stored_columns(&layout.table, batch, &layout.emitted)?;
            let prints = fingerprints(&layout.table, batch.num_rows(), &columns)?;
            let rows = StoredBatch::new(&layout.table, &self.keys, batch)?;
            for (series, stretch) in rows.stretches() {
                let Some(window) = windows.get(series) else { continue };
                let places = stretch.map(|row| (rows.place(row), prints.get(row).copied().unwrap_or_default()));
                let inside = places.filter(|((micros, _), _)| window.contains(Instant::from_micros(*micros)));
                stored.add(series, inside.map(|((micros, sequence), print)| (micros, sequence, print)));
            }
            Ok(())
        })
        .await?;
        Ok(stored)
    }
}

/// Shows the named columns of the pages of a file that may hold a wanted row, batch by batch.
pub(crate) async fn each_batch<'a>(
    files: &Listing,
    keys: &KeyColumns,
    wanted: &Wanted,
    file: &DataFile,
    columns: impl IntoIterator<Item = &'a str>,
    mut show: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let failed = |error| -> Error { unreadable(&files.table, error) };
    let opened = files.open(file).await?;
    let (groups, selection) = wanted.pages(keys, opened.metadata());
    let opened = project(opened, columns).with_row_groups(groups);
    let opened = match selection {
        Some(selection) => opened.with_row_selection(RowSelection::from(selection)),
        None => opened,
    };
    let mut rows = opened.build().map_err(failed)?;
    while let Some(batch) = rows.try_next().await.map_err(failed)? {
        show(&batch)?;
    }
    Ok(())
}
