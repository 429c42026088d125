//! The records of a batch, the last row of each key, and how they compare with what is stored.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use deltalake::kernel::Add;
use deltalake::parquet::arrow::arrow_reader::RowSelection;
use futures::TryStreamExt;

use super::gone::{Gone, Leaving};
use super::page::{Page, Shape};
use crate::encode::write_files;
use crate::files::{DataFile, Listing};
use crate::fill::event_date;
use crate::fingerprint::fingerprints;
use crate::layout::timestamp;
use crate::scan::{project, stored_column, stored_columns, unreadable};
use crate::table::Table;
use crate::{Error, Result};

/// Rows of a batch that is made for the encoder.
const BATCH_ROWS: usize = 8_192;

/// A fresh record.
pub(super) struct FreshRow<'a> {
    page: usize,
    row: usize,
    pub series: &'a str,
    pub key: &'a str,
    /// Microseconds since the Unix epoch.
    pub start: i64,
    pub end: Option<i64>,
    pub fingerprint: u64,
}

/// The records of a batch.
pub(super) struct Fresh<'a> {
    pages: &'a [Page],
    /// One for each key.
    pub rows: Vec<FreshRow<'a>>,
    keys: HashMap<&'a str, usize>,
}

/// Stored rows of fresh records in one file, and those that leave.
pub(super) struct Hits {
    pub file: DataFile,
    /// Which record, and where its row is; ascending by place.
    rows: Vec<(usize, usize)>,
    /// Rows that leave, and whose record is not among the fresh ones.
    pub leaving: Vec<Leaving>,
}

impl<'a> Fresh<'a> {
    pub(super) fn new(pages: &'a [Page]) -> Self {
        let mut fresh = Self { pages, rows: Vec::new(), keys: HashMap::new() };
        for (number, page) in pages.iter().enumerate() {
            for (row, fingerprint) in page.fingerprints.iter().enumerate() {
                let record = FreshRow {
                    page: number,
                    row,
                    series: page.series.value(row),
                    key: page.keys.value(row),
                    start: page.starts.value(row),
                    end: page.ends.is_valid(row).then(|| page.ends.value(row)),
                    fingerprint: *fingerprint,
                };
                let next = fresh.rows.len();
                let at = *fresh.keys.entry(record.key).or_insert(next);
                match fresh.rows.get_mut(at) {
                    Some(earlier) => *earlier = record,
                    None => fresh.rows.push(record),
                }
            }
        }
        fresh
    }

    /// Which rows of a file are stored under keys of this batch, and which of it leave; reads one column, or two.
    pub(super) async fn find(&self, shape: &Shape, files: &Listing, gone: &Gone, file: DataFile) -> Result<Hits> {
        let failed = |error| -> Error { unreadable(&files.table, error) };
        let columns = std::iter::once(&*shape.key).chain((!gone.is_empty()).then_some(&*shape.time));
        let opened = project(files.open(&file).await?, columns);
        let mut stored = opened.build().map_err(failed)?;
        let (mut place, mut rows, mut leaving) = (0, Vec::new(), Vec::new());
        while let Some(batch) = stored.try_next().await.map_err(failed)? {
            let keys = stored_column(&files.table, &batch, &shape.key, &DataType::Utf8)?;
            for key in keys.as_string::<i32>() {
                rows.extend(key.and_then(|key| self.keys.get(key)).map(|record| (*record, place)));
                place += 1;
            }
            if !gone.is_empty() {
                leaving.extend(self.leaving(shape, &files.table, gone, &batch)?.into_iter().flatten().cloned());
            }
        }
        Ok(Hits { file, rows, leaving })
    }

    /// For each stored row what is said of it, if it leaves. A record that comes again is replaced instead.
    pub(super) fn leaving<'g>(
        &self,
        shape: &Shape,
        table: &str,
        gone: &'g Gone,
        batch: &RecordBatch,
    ) -> Result<Vec<Option<&'g Leaving>>> {
        let keys = stored_column(table, batch, &shape.key, &DataType::Utf8)?;
        let starts = stored_column(table, batch, &shape.time, &timestamp())?;
        let rows = keys.as_string::<i32>().iter().zip(starts.as_primitive::<TimestampMicrosecondType>());
        let leaves = |(key, start): (Option<&str>, Option<i64>)| {
            let key = key.filter(|key| !self.keys.contains_key(key))?;
            gone.find(key, start?)
        };
        Ok(rows.map(leaves).collect())
    }

    /// The records whose row in this file differs from the fresh one; reads the rows of the hits.
    pub(super) async fn differing(&self, shape: &Shape, files: &Listing, hits: &Hits) -> Result<Vec<usize>> {
        if hits.rows.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error| -> Error { unreadable(&files.table, error) };
        let opened = files.open(&hits.file).await?;
        let total = usize::try_from(opened.metadata().file_metadata().num_rows()).unwrap_or_default();
        let places = hits.rows.iter().map(|(_, place)| *place..*place + 1);
        let selection = RowSelection::from_consecutive_ranges(places, total);
        let names = shape.layout.emitted.fields().iter().map(|field| field.name().as_str());
        let mut stored = project(opened, names).with_row_selection(selection).build().map_err(failed)?;
        let (mut hits, mut differing) = (hits.rows.iter(), Vec::new());
        while let Some(batch) = stored.try_next().await.map_err(failed)? {
            let columns = stored_columns(&files.table, &batch, &shape.layout.emitted)?;
            let prints = fingerprints(&files.table, batch.num_rows(), &columns)?;
            for (print, (record, _)) in prints.into_iter().zip(hits.by_ref()) {
                if self.rows.get(*record).is_some_and(|fresh| fresh.fingerprint != print) {
                    differing.push(*record);
                }
            }
        }
        Ok(differing)
    }

    /// How often each record is stored.
    pub(super) fn counts(&self, hits: &[Hits]) -> Vec<usize> {
        let mut counts = vec![0; self.rows.len()];
        for (record, _) in hits.iter().flat_map(|hits| &hits.rows) {
            if let Some(count) = counts.get_mut(*record) {
                *count += 1;
            }
        }
        counts
    }

    /// The keys of some records.
    pub(super) fn keys_of(&self, records: &HashSet<usize>) -> HashSet<&'a str> {
        records.iter().filter_map(|record| self.rows.get(*record)).map(|row| row.key).collect()
    }

    /// Writes records as files, sorted by series, start and key, a date each.
    pub(super) async fn write(&self, shape: &Shape, table: &Table, records: Vec<usize>) -> Result<Vec<Add>> {
        let mut dates: BTreeMap<i32, Vec<&FreshRow<'a>>> = BTreeMap::new();
        for row in records.into_iter().filter_map(|record| self.rows.get(record)) {
            dates.entry(event_date(row.start)).or_default().push(row);
        }
        let pages: Arc<Vec<RecordBatch>> = Arc::new(self.pages.iter().map(|page| page.rows.clone()).collect());
        let mut adds = Vec::new();
        for (date, mut rows) in dates {
            rows.sort_by_key(|row| (row.series, row.start, row.key));
            let places: Vec<(usize, usize)> = rows.iter().map(|row| (row.page, row.row)).collect();
            let spec = shape.file.dated(shape.layout.partition.as_deref(), date);
            let batches = gathered(table.name.clone(), Arc::clone(&pages), places);
            adds.extend(write_files(table.store(), &table.name, spec, batches).await?);
        }
        Ok(adds)
    }
}

impl Hits {
    /// Whether the file holds nothing that the batch is about.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.leaving.is_empty()
    }

    /// Whether the file holds one of these records.
    pub(super) fn any(&self, records: &HashSet<usize>) -> bool {
        self.rows.iter().any(|(record, _)| records.contains(record))
    }
}

/// Rows of many pages in the order of `places` (page, row), batch by batch.
fn gathered(
    table: String,
    pages: Arc<Vec<RecordBatch>>,
    places: Vec<(usize, usize)>,
) -> impl Iterator<Item = Result<RecordBatch>> + Send + 'static {
    let mut done = 0;
    std::iter::from_fn(move || {
        let next = places.get(done..places.len().min(done + BATCH_ROWS)).filter(|next| !next.is_empty())?;
        done += next.len();
        let pages: Vec<&RecordBatch> = pages.iter().collect();
        let batch = interleave_record_batch(&pages, next);
        Some(batch.map_err(|error| Error::contract(&table, error.to_string())))
    })
}
