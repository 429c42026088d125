//! A table of records while a run writes to it: things with a life of their own, such as event frames, one row each. A
//! record may come again, open first and closed later; its row is replaced when it differs and left alone when it does not.

use std::collections::{BTreeSet, HashMap};

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidegate_model::{Instant, Intervals, Watermark};

use crate::Result;
use crate::events::Advance;
use crate::lake::{Lake, RunStamp};
use crate::rejects::Reject;
use crate::writer::{CommitPolicy, LaneOf, Opening, Writer, Written};

mod absent;
mod candidates;
mod fresh;
mod gone;
mod outgoing;
mod page;
mod unfinished;

pub use absent::{Absence, Absent, Emitted, Reading, RecordsReader};
use outgoing::RecordsBatch;
use page::Shape;

/// A table of records as a plugin declares it.
#[derive(Clone, Debug)]
pub struct RecordsSpec {
    /// Its full name without schema: `<prefix>_event_frames`.
    pub table: String,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in table order; see the contract for the metadata `comment` and `host`.
    pub schema: SchemaRef,
    /// The text column that names the series a record belongs to.
    pub series_column: String,
    /// The text column that identifies a record.
    pub key_column: String,
    /// The `timestamp(us, UTC)` column of its start; `event-date` is its date.
    pub time_column: String,
    /// The `timestamp(us, UTC)` column of its end; NULL while it is open.
    pub end_column: String,
}

/// A stored record: its row is the one of this key that has this start.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// `Series::id`
    pub series: String,
    /// Its identity.
    pub key: String,
    /// Microseconds since the Unix epoch.
    pub start: i64,
}

/// Stored records that leave with the next commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordKeys {
    /// They do not exist any more.
    pub deleted: Vec<RecordKey>,
    /// They have come with another start: what is stored under the old one is no record.
    pub moved: Vec<RecordKey>,
}

/// How many records the rows make, for the fuzz targets: all of [`Records::push`] that needs no lake.
pub(crate) fn rows_of(spec: &RecordsSpec, rows: &RecordBatch) -> Result<usize> {
    Ok(Shape::new(spec.table.clone(), spec)?.page(rows)?.rows.num_rows())
}

/// The table that holds how far the series of a records table have been read.
pub(crate) fn watermarks_table(table: &str) -> String {
    format!("{table}_watermarks")
}

/// A table of records, open for one lane.
pub struct Records {
    shape: Arc<Shape>,
    writer: Writer<RecordsBatch>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("table", &self.shape.layout.table).finish_non_exhaustive()
    }
}

impl Records {
    pub(crate) async fn open(
        lake: &Lake,
        spec: RecordsSpec,
        lane: LaneOf<'_>,
        run: RunStamp,
        policy: CommitPolicy,
    ) -> Result<Self> {
        let shape = Arc::new(Shape::new(format!("{}.{}", lake.config.schema, spec.table), &spec)?);
        let opening =
            Opening { lake, table: &spec.table, comment: &spec.comment, layout: &shape.layout, lane, run, policy };
        let writer = Writer::open(opening, RecordsBatch::new(Arc::clone(&shape))).await?;
        Ok(Self { shape, writer })
    }

    /// Watermarks by series: what was stored on opening, moved by every batch that this run has sent on its way since. None
    /// in the lane of backfills.
    #[must_use]
    pub fn watermarks(&self) -> &HashMap<String, Watermark> {
        self.writer.proven().watermarks()
    }

    /// What backfills had covered on opening, by series, moved in the same way; empty in a lane of runs.
    #[must_use]
    pub fn backfilled(&self) -> HashMap<String, Intervals> {
        self.writer.proven().backfilled()
    }

    /// When the stored records without an end began, by series.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn unfinished(&self) -> Result<HashMap<String, BTreeSet<Instant>>> {
        unfinished::starts(&self.shape, self.writer.files()).await
    }

    /// Tells which stored records have not come again, this run's own commits included.
    #[must_use]
    pub fn reader(&self) -> RecordsReader {
        RecordsReader::new(Arc::clone(&self.shape), self.writer.files().clone())
    }

    /// Takes records (emitted columns, in declared order, rows in any order) and what they prove, as one. Of a key that
    /// comes several times before a commit, the last row counts. How many rows of a series are new is found out at the
    /// commit, so [`Advance::rows`] is not read.
    ///
    /// The stored row of a key is looked for where it can be, by the statistics of the files: where a record has the same
    /// start, and where a record lived in the covered stretch, or while one of these records lived, or is open. So the start
    /// of a record may move as well, as long as its old life and its new one touch. Where they do not,
    /// [`RecordsReader::absent`] finds the old row, if it lies in what is read again, and [`Records::amend`] takes it out.
    ///
    /// # Errors
    /// As [`crate::Events::push`]; also a table whose owner has ruled out that rows are replaced.
    pub async fn push(&mut self, rows: Option<RecordBatch>, advances: Vec<Advance>) -> Result<()> {
        self.amend(rows, RecordKeys::default(), advances).await
    }

    /// As [`Records::push`], and takes out stored rows in the same commit. A key that comes again before that commit is
    /// replaced, whatever is said of it here. What is not stored under the key and start takes nothing out. The series of
    /// these rows must be among `advances` for its rows to be counted.
    ///
    /// # Errors
    /// As [`Records::push`].
    pub async fn amend(
        &mut self,
        rows: Option<RecordBatch>,
        gone: RecordKeys,
        mut advances: Vec<Advance>,
    ) -> Result<()> {
        self.writer.check_alive()?;
        let rows = rows.filter(|rows| rows.num_rows() > 0);
        let page = rows.map(|rows| self.shape.page(&rows)).transpose()?;
        let covered: Vec<_> = advances.iter().filter_map(|advance| advance.covered).collect();
        for advance in &mut advances {
            advance.rows = 0;
        }
        self.writer.take(&advances, |batch| batch.put(page, gone, &covered)).await
    }

    /// Takes rows that have no place in the table, before the push that covers them: they are stored no later than it.
    pub fn reject(&mut self, rejects: Vec<Reject>) {
        self.writer.reject(rejects);
    }

    /// Starts a commit when the oldest buffered row has reached the policy's age. For callers that wait long between
    /// pushes.
    ///
    /// # Errors
    /// As [`Records::push`].
    pub async fn commit_if_due(&mut self) -> Result<()> {
        self.writer.commit_if_due().await
    }

    /// Commits the rest and merges what is proven.
    ///
    /// # Errors
    /// As [`Records::push`].
    pub async fn finish(self) -> Result<Written> {
        self.writer.finish().await
    }
}

#[cfg(test)]
mod tests;
