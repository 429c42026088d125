//! Records on their way out. Before a commit every record is looked up in the table as it then stands: equal rows stay,
//! differing ones leave with their file, as do those that do not exist any more, and what is new or replaced enters, all in
//! one commit. When another writer was faster, all of it is looked up again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};
use tidegate_model::Interval;

use super::RecordKeys;
use super::candidates::Candidates;
use super::fresh::{Fresh, Hits};
use super::gone::{Gone, Leaving};
use super::page::{Page, Shape};
use crate::Result;
use crate::buffer::Pinned;
use crate::fault_point::{Point, reach};
use crate::files::{DataFile, Listing};
use crate::outgoing::{Decision, Outgoing, Tally};
use crate::rewrite::copy_without;
use crate::scan::stored_column;
use crate::stream::discard;
use crate::table::Table;
use crate::writer::Batch;

/// Files whose keys are read at the same time.
const FILES_AT_ONCE: usize = 4;

/// Records that wait for their commit.
pub(super) struct RecordsBatch {
    shape: Arc<Shape>,
    pages: Vec<Page>,
    gone: Gone,
    /// From the start of the earliest stretch covered to the end of the latest.
    covered: Option<Interval>,
    pinned: Pinned,
    rows: usize,
    /// Files of the last answer.
    written: Vec<Add>,
}

impl RecordsBatch {
    pub(super) fn new(shape: Arc<Shape>) -> Self {
        let (pages, gone, pinned, written) = (Vec::new(), Gone::default(), Pinned::default(), Vec::new());
        Self { shape, pages, gone, covered: None, pinned, rows: 0, written }
    }

    /// Takes records, stored ones that leave, and the stretches that the records cover.
    pub(super) fn put(&mut self, page: Option<Page>, gone: RecordKeys, covered: &[Interval]) {
        self.gone.extend(gone);
        self.covered = self.covered.into_iter().chain(covered.iter().copied()).reduce(Interval::hull);
        if let Some(page) = page {
            self.rows += page.rows.num_rows();
            self.pinned.count(&page.rows);
            // The fingerprint, and the record's place in the two look-up tables of the commit.
            self.pinned.bytes += page.rows.num_rows() * 128;
            self.pages.push(page);
        }
    }

    /// A file without the rows of these keys, and without those that leave.
    async fn strip(&self, table: &Table, file: &DataFile, fresh: &Fresh<'_>, keys: &HashSet<&str>) -> Result<Vec<Add>> {
        let shape = &self.shape;
        let keep = |batch: &RecordBatch| -> Result<BooleanArray> {
            let stored = stored_column(&table.name, batch, &shape.key, &DataType::Utf8)?;
            let leaving = fresh.leaving(shape, &table.name, &self.gone, batch)?;
            let rows = stored.as_string::<i32>().iter().zip(leaving);
            let keep = |(key, leaving): (Option<&str>, Option<&Leaving>)| {
                Some(leaving.is_none() && !key.is_some_and(|key| keys.contains(key)))
            };
            Ok(rows.map(keep).collect())
        };
        copy_without(table, file, [&shape.series, &shape.time], keep).await
    }
}

/// The files that hold what the batch is about.
async fn look_up(
    shape: &Shape,
    fresh: &Fresh<'_>,
    covered: Option<Interval>,
    gone: &Gone,
    files: &Listing,
) -> Result<Vec<Hits>> {
    let candidates = Candidates::new(fresh, covered, gone);
    let candidates = files.select(|_date, file| candidates.file(shape, file));
    tracing::debug!(table = &*files.table, files = candidates.len(), "looking for stored records");
    let reads: Vec<_> = candidates.into_iter().map(|file| fresh.find(shape, files, gone, file)).collect();
    let hits: Vec<Hits> = futures::stream::iter(reads).buffered(FILES_AT_ONCE).try_collect().await?;
    Ok(hits.into_iter().filter(|hits| !hits.is_empty()).collect())
}

impl Outgoing for RecordsBatch {
    async fn decide(&mut self, table: &Table, files: &Listing) -> Result<Decision> {
        discard(&table.store(), std::mem::take(&mut self.written)).await;
        let fresh = Fresh::new(&self.pages);
        if fresh.rows.is_empty() && self.gone.is_empty() {
            return Ok(Decision::default());
        }
        let hits = look_up(&self.shape, &fresh, self.covered, &self.gone, files).await?;
        let counts = fresh.counts(&hits);
        // A key that is stored twice is none that this crate has written; replacing it leaves one row.
        let twice = counts.iter().enumerate().filter(|(_, count)| **count > 1).map(|(record, _)| record);
        let mut replaced: HashSet<usize> = twice.collect();
        for hits in &hits {
            replaced.extend(fresh.differing(&self.shape, files, hits).await?);
        }
        let keys = fresh.keys_of(&replaced);
        let new: Vec<usize> = (0..counts.len()).filter(|record| counts.get(*record) == Some(&0)).collect();
        let mut decision = Decision { rows: by_series(&fresh, &new), ..Decision::default() };
        decision.tally = Tally { new: new.len() as u64, edited: replaced.len() as u64, deleted: 0 };
        for hits in hits.into_iter().filter(|hits| hits.any(&replaced) || !hits.leaving.is_empty()) {
            decision.adds.extend(self.strip(table, &hits.file, &fresh, &keys).await?);
            decision.removes.push(hits.file);
            reach(Point::RecordsStripped).await;
            for leaving in hits.leaving {
                leaving.count(&mut decision.tally);
                *decision.rows.entry(leaving.series).or_default() -= 1;
            }
        }
        decision.adds.extend(fresh.write(&self.shape, table, new.into_iter().chain(replaced).collect()).await?);
        self.written.clone_from(&decision.adds);
        Ok(decision)
    }
}

fn by_series(fresh: &Fresh<'_>, records: &[usize]) -> HashMap<String, i64> {
    let mut counts: HashMap<String, i64> = HashMap::new();
    for row in records.iter().filter_map(|record| fresh.rows.get(*record)) {
        match counts.get_mut(row.series) {
            Some(count) => *count += 1,
            None => {
                counts.insert(row.series.to_owned(), 1);
            }
        }
    }
    counts
}

impl Batch for RecordsBatch {
    fn rows(&self) -> usize {
        self.rows + self.gone.len()
    }

    fn bytes(&self) -> usize {
        self.pinned.bytes + self.gone.bytes()
    }

    fn successor(&self) -> Self {
        Self::new(Arc::clone(&self.shape))
    }
}
