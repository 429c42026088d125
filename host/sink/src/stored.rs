//! Which rows of a window are stored already. The look-back asks this for every event it reads again, so the answer must
//! not cost a table scan: files are skipped by date and statistics, pages by the Parquet page index, and of what is left
//! only the three key columns are read, without the SQL engine.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use deltalake::parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection};
use deltalake::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use deltalake::parquet::file::metadata::PageIndexPolicy;
use futures::{StreamExt, TryStreamExt};
use tidegate_model::Interval;

use crate::files::Listing;
use crate::layout::timestamp;
use crate::reader::FileReader;
use crate::{Error, Result};

mod prune;

use prune::Wanted;

/// Files read at the same time.
const FILES_AT_ONCE: usize = 4;

/// The columns that identify a row.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumns {
    pub series: String,
    pub time: String,
    pub sequence: String,
}

/// Reads keys of committed rows. Cheap to clone; sees the commits of the run it belongs to.
#[derive(Clone)]
pub struct StoredReader {
    listing: Arc<RwLock<Listing>>,
    keys: KeyColumns,
}

impl std::fmt::Debug for StoredReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredReader").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The keys of stored rows: 16 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredKeys {
    series: HashMap<String, Vec<(i64, i32)>>,
}

impl StoredKeys {
    /// Whether the row of `series` at `micros` (since the Unix epoch) with this sequence is stored.
    #[must_use]
    pub fn contains(&self, series: &str, micros: i64, sequence: i32) -> bool {
        self.series.get(series).is_some_and(|keys| keys.binary_search(&(micros, sequence)).is_ok())
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
}

impl StoredReader {
    pub(crate) fn new(listing: Arc<RwLock<Listing>>, keys: KeyColumns) -> Self {
        Self { listing, keys }
    }

    /// The keys of all committed rows of these series in the window. Rows that wait for their commit are not among them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn stored(&self, series: &[String], window: Interval) -> Result<StoredKeys> {
        let wanted = Arc::new(Wanted::new(series, window));
        if wanted.is_empty() {
            return Ok(StoredKeys::default());
        }
        let (table, store, files) = {
            let listing = self.listing.read().unwrap_or_else(PoisonError::into_inner);
            let files = listing.select(|date, file| wanted.file(&self.keys, date, file));
            (Arc::<str>::from(listing.table.as_str()), Arc::clone(&listing.store), files)
        };
        tracing::debug!(%table, files = files.len(), "reading stored keys");
        let reads: Vec<_> = files
            .iter()
            .map(|file| FileReader::new(Arc::clone(&store), file))
            .map(|file| read_file(Arc::clone(&table), self.keys.clone(), Arc::clone(&wanted), file))
            .collect();
        let mut keys = StoredKeys::default();
        let mut parts = futures::stream::iter(reads).buffer_unordered(FILES_AT_ONCE);
        while let Some(part) = parts.try_next().await? {
            for (series, rows) in part.series {
                keys.series.entry(series).or_default().extend(rows);
            }
        }
        for rows in keys.series.values_mut() {
            rows.sort_unstable();
            rows.shrink_to_fit();
        }
        Ok(keys)
    }
}

async fn read_file(
    table: Arc<str>,
    columns: KeyColumns,
    wanted: Arc<Wanted>,
    reader: FileReader,
) -> Result<StoredKeys> {
    let failed = |error| Error::storage("read stored rows of", &*table, error);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await.map_err(failed)?;
    let (groups, selection) = wanted.pages(&columns, builder.metadata());
    let names = [columns.series.as_str(), columns.time.as_str(), columns.sequence.as_str()];
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let builder = builder.with_row_groups(groups).with_projection(mask);
    let builder = match selection {
        Some(selection) => builder.with_row_selection(RowSelection::from(selection)),
        None => builder,
    };
    let mut stream = builder.build().map_err(failed)?;
    let mut keys = StoredKeys::default();
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        collect(&table, &columns, &wanted, &batch, &mut keys)?;
    }
    Ok(keys)
}

/// Adds the wanted rows of a batch.
fn collect(
    table: &str,
    columns: &KeyColumns,
    wanted: &Wanted,
    batch: &RecordBatch,
    keys: &mut StoredKeys,
) -> Result<()> {
    let column = |name: &str, data_type: DataType| {
        let damaged = |what: String| Error::Damaged { place: format!("a data file of table {table}"), what };
        let array = batch.column_by_name(name).ok_or_else(|| damaged(format!("column {name} is missing")))?;
        cast(array, &data_type).map_err(|error| damaged(format!("column {name} has another type: {error}")))
    };
    let series = column(&columns.series, DataType::Utf8)?;
    let series = series.as_string::<i32>();
    let times = column(&columns.time, timestamp())?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let sequences = column(&columns.sequence, DataType::Int32)?;
    let sequences = sequences.as_primitive::<Int32Type>();
    let mut row = 0;
    while row < series.len() {
        // Rows of a series stand together: look it up once per stretch.
        let id = series.value(row);
        let stretch = (row..series.len()).take_while(|next| series.value(*next) == id).count();
        if wanted.series(id) {
            let inside = (row..row + stretch).filter(|row| wanted.time(times.value(*row)));
            let rows = inside.map(|row| (times.value(row), sequences.value(row)));
            match keys.series.get_mut(id) {
                Some(known) => known.extend(rows),
                None => {
                    keys.series.insert(id.to_owned(), rows.collect());
                }
            }
        }
        row += stretch;
    }
    Ok(())
}
