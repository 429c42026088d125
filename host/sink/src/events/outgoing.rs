//! Events on their way out: what their table looks like, and how a full buffer becomes files and one commit.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};

use super::EventsSpec;
use super::gone::Gone;
use crate::buffer::Buffer;
use crate::encode::{FileSpec, write_files};
use crate::fault_point::{Point, reach};
use crate::files::Listing;
use crate::layout::{Layout, timestamp};
use crate::outgoing::{Decision, Outgoing};
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
    /// A key column that is missing, filled by the host, or of another type than the contract says.
    pub(super) fn new(table: String, spec: &EventsSpec) -> Result<Self> {
        let layout = Layout::new(table, &spec.schema)?;
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
    /// The rows as files, and how many there are, once they are written: what others do to the table does not change them.
    written: Option<(Vec<Add>, u64)>,
    /// What is left of the files that lose a row; another answer of others' making.
    rewritten: Vec<Add>,
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
    async fn encode(&mut self, table: &Table) -> Result<(Vec<Add>, u64)> {
        if let Some(written) = &self.written {
            return Ok(written.clone());
        }
        let shape = &self.shape;
        let buffer = std::mem::take(&mut self.buffer);
        let rows = buffer.rows as u64;
        let files = buffer.into_dates(&shape.layout, shape.order).into_iter().map(|(date, rows)| {
            let spec = shape.file.dated(shape.layout.partition.as_deref(), date);
            write_files(table.store(), &shape.layout.table, spec, rows)
        });
        let adds: Vec<Add> = futures::stream::iter(files).buffered(ENCODERS).try_concat().await?;
        self.written = Some((adds.clone(), rows));
        Ok((adds, rows))
    }
}

impl Outgoing for EventBatch {
    async fn decide(&mut self, table: &Table, files: &Listing) -> Result<Decision> {
        let (adds, rows) = self.encode(table).await?;
        reach(Point::EventsWritten).await;
        let mut decision = Decision { adds, ..Decision::default() };
        if self.gone.len() > 0 {
            discard(&table.store(), std::mem::take(&mut self.rewritten)).await;
            let (touched, tally) = self.gone.locate(&self.shape.keys, files).await?;
            for file in &touched {
                self.rewritten.extend(self.gone.strip(&self.shape.keys, table, file).await?);
            }
            reach(Point::EventsRewritten).await;
            decision.adds.extend(self.rewritten.iter().cloned());
            decision.removes = touched;
            decision.tally = tally;
        }
        decision.tally.new = rows.saturating_sub(decision.tally.edited);
        Ok(decision)
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
