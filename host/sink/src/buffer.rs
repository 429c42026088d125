//! Rows that wait for their commit, by date. What they pin in memory is counted by allocation, so that a few rows cut
//! from a large page are counted as the page that they keep alive.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, RecordBatch};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};

use crate::batch::plain;
use crate::layout::Layout;
use crate::slices::Slice;
use crate::{Error, Result};

/// Rows received since the last commit.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pages: Vec<RecordBatch>,
    dates: BTreeMap<i32, Vec<Slice>>,
    pinned: Pinned,
    /// Rows held.
    pub rows: usize,
}

/// The memory that batches keep alive, each allocation counted once.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    allocations: HashSet<usize>,
    /// In all.
    pub bytes: usize,
}

impl Pinned {
    /// Counts what a batch keeps alive.
    pub(crate) fn count(&mut self, page: &RecordBatch) {
        for column in page.columns() {
            count_allocations(&column.to_data(), &mut self.allocations, &mut self.bytes);
        }
    }
}

impl Buffer {
    /// The number that the next page's slices must carry.
    pub(crate) fn next_page(&self) -> usize {
        self.pages.len()
    }

    /// Bytes that the rows keep alive.
    pub(crate) fn bytes(&self) -> usize {
        self.pinned.bytes
    }

    /// Takes a page and its slices.
    pub(crate) fn take(&mut self, page: RecordBatch, slices: Vec<(i32, Slice)>) {
        self.pinned.count(&page);
        self.pinned.bytes += slices.len() * size_of::<Slice>();
        self.rows += page.num_rows();
        self.pages.push(page);
        for (date, slice) in slices {
            self.dates.entry(date).or_default().push(slice);
        }
    }

    /// The first and the last microsecond of the rows of each series.
    pub(crate) fn spans(&self) -> HashMap<String, (i64, i64)> {
        let mut spans: HashMap<String, (i64, i64)> = HashMap::new();
        for slice in self.dates.values().flatten() {
            match spans.get_mut(&*slice.series) {
                Some((first, last)) => (*first, *last) = ((*first).min(slice.first.0), (*last).max(slice.last.0)),
                None => {
                    spans.insert(slice.series.to_string(), (slice.first.0, slice.last.0));
                }
            }
        }
        spans
    }

    /// The rows of each date, sorted by series, time and sequence; made batch by batch as they are asked for.
    pub(crate) fn into_dates(self, layout: &Layout, key: [usize; 2]) -> Vec<(i32, SortedRows)> {
        let pages = std::sync::Arc::new(self.pages);
        let sorted = |(date, mut slices): (i32, Vec<Slice>)| {
            // Stable and by position: slices of one series that arrived in order stay in order.
            slices.sort_by(|a, b| (&a.series, a.first).cmp(&(&b.series, b.first)));
            let pages = std::sync::Arc::clone(&pages);
            let table = layout.table.clone();
            (date, SortedRows { table, pages, slices: slices.into_iter().peekable(), key })
        };
        self.dates.into_iter().map(sorted).collect()
    }
}

fn count_allocations(data: &arrow::array::ArrayData, seen: &mut HashSet<usize>, bytes: &mut usize) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls) {
        if seen.insert(buffer.data_ptr().as_ptr() as usize) {
            *bytes += buffer.capacity();
        }
    }
    for child in data.child_data() {
        count_allocations(child, seen, bytes);
    }
}

/// The rows of one date in the order of the file.
pub(crate) struct SortedRows {
    table: String,
    pages: std::sync::Arc<Vec<RecordBatch>>,
    slices: std::iter::Peekable<std::vec::IntoIter<Slice>>,
    key: [usize; 2],
}

impl SortedRows {
    fn cut(&self, slice: &Slice) -> Result<RecordBatch> {
        let page = self.pages.get(slice.page);
        let page = page.ok_or_else(|| Error::contract(&self.table, "a slice refers to no page"))?;
        Ok(page.slice(slice.offset, slice.rows))
    }

    /// Rows of slices that overlap in time, by time and sequence. The rare case: only a plugin that reads one span
    /// twice, or out of order, leads here.
    fn merge(&self, slices: &[Slice]) -> Result<RecordBatch> {
        let refuse = |error: arrow::error::ArrowError| Error::contract(&self.table, error.to_string());
        let parts = slices.iter().map(|slice| self.cut(slice)).collect::<Result<Vec<_>>>()?;
        let parts = parts.iter().map(plain).collect::<Result<Vec<_>, _>>().map_err(refuse)?;
        let Some(first) = parts.first() else {
            return Err(Error::contract(&self.table, "nothing to merge"));
        };
        let all = concat_batches(&first.schema(), &parts).map_err(refuse)?;
        let columns = self.key.map(|index| SortColumn { values: all.column(index).clone(), options: None });
        let order = lexsort_to_indices(&columns, None).map_err(refuse)?;
        take_record_batch(&all, &order).map_err(refuse)
    }
}

impl Iterator for SortedRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.slices.next()?;
        let mut last = first.last;
        let mut group = vec![first];
        while let Some(next) =
            self.slices.next_if(|next| group.first().is_some_and(|g| g.series == next.series) && next.first <= last)
        {
            last = last.max(next.last);
            group.push(next);
        }
        match group.as_slice() {
            [one] => Some(self.cut(one)),
            several => Some(self.merge(several)),
        }
    }
}
