//! Events on their way out: what their table looks like, and how a full buffer becomes files and one commit.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use deltalake::Path;
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};

use super::EventsSpec;
use super::fence::Fence;
use super::gone::Gone;
use crate::buffer::Buffer;
use crate::encode::{FileSpec, write_files};
use crate::fault_point::{Point, reach};
use crate::files::{DataFile, Listing};
use crate::layout::{Layout, timestamp};
use crate::outgoing::{Decision, Outgoing};
use crate::protocol::check_rewritable;
use crate::slices::Slice;
use crate::stored::{EventKey, KeyColumns};
use crate::stream::discard;
use crate::table::Table;
use crate::writer::Batch;
use crate::{Error, Result};

/// Files of one batch that are encoded at the same time.
const ENCODERS: usize = 2;

/// What background work needs to know of the table; fixed while it is open.
pub(super) struct Shape {
    pub layout: Arc<Layout>,
    pub keys: Arc<KeyColumns>,
    /// Emitted positions of series, time and sequence.
    emitted: [usize; 3],
    /// File positions of time and sequence.
    order: [usize; 2],
    file: FileSpec,
}

impl Shape {
    /// Reads a declaration.
    ///
    /// # Errors
    /// A key column that is missing, filled by the host, or of another type than the contract says; a column that cannot be
    /// compared.
    pub(super) fn new(table: String, spec: &EventsSpec) -> Result<Self> {
        let layout = Layout::new(table, &spec.schema)?;
        layout.comparable()?;
        let emitted = [
            layout.emitted_index("series", &spec.series_column, &DataType::Utf8)?,
            layout.emitted_index("time", &spec.time_column, &timestamp())?,
            layout.emitted_index("sequence", &spec.sequence_column, &DataType::Int32)?,
        ];
        let order = [layout.file_index(&spec.time_column)?, layout.file_index(&spec.sequence_column)?];
        let file = FileSpec::sorted(Arc::clone(&layout.file), [&spec.series_column, &spec.time_column]);
        let keys = KeyColumns {
            series: spec.series_column.clone(),
            time: spec.time_column.clone(),
            sequence: spec.sequence_column.clone(),
        };
        Ok(Self { layout: Arc::new(layout), keys: Arc::new(keys), emitted, order, file })
    }

    /// Series, time and sequence among the emitted columns.
    pub(super) fn key_columns<'a>(&self, columns: &'a [ArrayRef]) -> Result<[&'a ArrayRef; 3]> {
        let missing = || Error::contract(&self.layout.table, "a key column is missing");
        let [series, time, sequence] = self.emitted.map(|index| columns.get(index));
        Ok([series.ok_or_else(missing)?, time.ok_or_else(missing)?, sequence.ok_or_else(missing)?])
    }
}

/// What came together.
pub(super) struct Page {
    /// Rows as a data file holds them; and their runs of one series on one date, each with the date.
    pub rows: Option<(RecordBatch, Vec<(i32, Slice)>)>,
    /// Keys of stored rows that must leave, each with whether one of the rows replaces it.
    pub gone: Vec<(EventKey, bool)>,
}

/// Events that wait for their commit, and the stored ones that leave with it.
pub(super) struct EventBatch {
    shape: Arc<Shape>,
    pub buffer: Buffer,
    gone: Gone,
    /// The rows as files, once they are written.
    written: Option<Written>,
    /// What is left of files that lose a row, of the table or of `written`. What others do changes it.
    rewritten: Vec<Add>,
}

/// The rows of a batch as files. They stay until the batch has landed, also those that the last answer did not name: the
/// next one may.
struct Written {
    adds: Vec<Add>,
    rows: u64,
    fence: Fence,
    /// Files that the last answer did not name.
    spare: Vec<Add>,
}

impl EventBatch {
    pub(super) fn new(shape: Arc<Shape>) -> Self {
        Self { shape, buffer: Buffer::default(), gone: Gone::default(), written: None, rewritten: Vec::new() }
    }

    /// The number that the next page's slices must carry.
    pub(super) fn next_page(&self) -> usize {
        self.buffer.next_page()
    }

    /// Takes a page.
    pub(super) fn put(&mut self, page: Page) {
        if let Some((rows, slices)) = page.rows {
            self.buffer.take(rows, slices);
        }
        self.gone.extend(page.gone);
    }

    /// Encodes the buffer, date by date, once.
    async fn encode(&mut self, table: &Table) -> Result<Written> {
        if let Some(written) = self.written.take() {
            return Ok(written);
        }
        let shape = &self.shape;
        let buffer = std::mem::take(&mut self.buffer);
        let (rows, fence) = (buffer.rows as u64, Fence::new(buffer.spans()));
        let files = buffer.into_dates(&shape.layout, shape.order).into_iter().map(|(date, rows)| {
            let spec = shape.file.dated(shape.layout.partition.as_deref(), date);
            write_files(table.store(), &shape.layout.table, spec, rows)
        });
        let adds: Vec<Add> = futures::stream::iter(files).buffered(ENCODERS).try_concat().await?;
        Ok(Written { adds, rows, fence, spare: Vec::new() })
    }

    async fn answer(&self, written: &mut Written, table: &Table, files: &Listing) -> Result<Decision> {
        let shape = &self.shape;
        let mut decision = Decision { adds: written.adds.clone(), ..Decision::default() };
        written.spare.clear();
        let mut doubles = written.fence.doubles(shape, files, &written.adds).await?;
        if check_rewritable(&table.name, table.state()?).is_err() {
            // Where nothing may be replaced, the reading that was stored first stands.
            doubles.same.append(&mut doubles.other);
        }
        // What is to leave anyhow is found and replaced below.
        doubles.same.retain(|key| !self.gone.contains(key));
        if !doubles.same.is_empty() {
            written.drop_rows(shape, table, files, &doubles.same, &mut decision).await?;
        }
        if self.gone.len() > 0 || !doubles.other.is_empty() {
            let mut gone = Cow::Borrowed(&self.gone);
            if !doubles.other.is_empty() {
                gone.to_mut().add_all(&doubles.other, true);
            }
            take_out(shape, table, files, &gone, &mut decision).await?;
        }
        let stored = decision.tally.edited + doubles.same.len() as u64;
        decision.tally.new = written.rows.saturating_sub(stored);
        Ok(decision)
    }
}

impl Written {
    /// Names files without these rows in the place of those that hold them.
    async fn drop_rows(
        &mut self,
        shape: &Shape,
        table: &Table,
        files: &Listing,
        keys: &[EventKey],
        decision: &mut Decision,
    ) -> Result<()> {
        let mut rows = Gone::default();
        rows.add_all(keys, false);
        let touched = rows.locate_among(&shape.keys, files, &self.adds).await?;
        let paths: HashSet<Path> = touched.iter().map(DataFile::path).collect();
        let spare = |add: &Add| paths.contains(&DataFile::own(add.clone()).path());
        (self.spare, decision.adds) = self.adds.iter().cloned().partition(spare);
        for file in &touched {
            decision.adds.extend(rows.strip(&shape.keys, table, file).await?);
        }
        for key in keys {
            *decision.rows.entry(key.series.to_string()).or_default() -= 1;
        }
        Ok(())
    }
}

/// Takes stored rows out of the table.
async fn take_out(shape: &Shape, table: &Table, files: &Listing, gone: &Gone, decision: &mut Decision) -> Result<()> {
    let located = gone.locate(&shape.keys, files).await?;
    for file in &located.touched {
        decision.adds.extend(gone.strip(&shape.keys, table, file).await?);
    }
    decision.removes = located.touched;
    decision.tally = located.tally;
    // The advances count what was taken to be stored.
    for (series, expected) in &gone.expected {
        *decision.rows.entry(series.clone()).or_default() += expected;
    }
    for (series, rows) in located.rows {
        *decision.rows.entry(series).or_default() -= rows;
    }
    Ok(())
}

impl Outgoing for EventBatch {
    async fn decide(&mut self, table: &Table, files: &Listing) -> Result<Decision> {
        discard(&table.store(), std::mem::take(&mut self.rewritten)).await;
        let mut written = self.encode(table).await?;
        reach(Point::EventsWritten).await;
        let decision = self.answer(&mut written, table, files).await?;
        if !decision.removes.is_empty() {
            reach(Point::EventsRewritten).await;
        }
        let kept: HashSet<&str> = written.adds.iter().map(|add| add.path.as_str()).collect();
        self.rewritten = decision.adds.iter().filter(|add| !kept.contains(add.path.as_str())).cloned().collect();
        self.written = Some(written);
        Ok(decision)
    }

    async fn landed(&mut self, table: &Table) {
        let spare = self.written.take().map(|written| written.spare).unwrap_or_default();
        discard(&table.store(), spare).await;
    }
}

impl Batch for EventBatch {
    fn rows(&self) -> usize {
        self.buffer.rows + self.gone.len()
    }

    fn bytes(&self) -> usize {
        self.buffer.bytes() + self.gone.bytes()
    }

    fn successor(&self) -> Self {
        Self::new(Arc::clone(&self.shape))
    }
}
