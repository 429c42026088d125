//! A table of events while a run writes to it. Rows are appended; what the historian has changed or deleted since is taken
//! out in the same commit in which its rows enter.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidegate_model::{Instant, Interval, Intervals, Series, Watermark};

use crate::Result;
use crate::batch::fitted;
use crate::coverage::Coverage;
use crate::files::Listing;
use crate::fill::file_batch;
use crate::lake::{Lake, RunStamp};
use crate::rejects::Reject;
use crate::slices::Keys;
use crate::stored::{EventKey, StoredReader};
use crate::table::Table;
use crate::writer::{CommitPolicy, LaneOf, Opening, Writer, Written};

mod fence;
mod gone;
mod outgoing;

use outgoing::{EventBatch, Page, Shape};

/// A table of events as a plugin declares it.
#[derive(Clone, Debug)]
pub struct EventsSpec {
    /// Its full name without schema: `<prefix>_timeseries`.
    pub table: String,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in table order; see the contract for the metadata `comment` and `host`.
    pub schema: SchemaRef,
    /// The text column that names the series.
    pub series_column: String,
    /// The `timestamp(us, UTC)` column of event time.
    pub time_column: String,
    /// The int column that numbers events of one series at one instant.
    pub sequence_column: String,
}

/// What one series gains by a push.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Which series.
    pub series: Arc<Series>,
    /// The stretch that is covered; in a lane of runs it must join what is covered. `None`: rows alone.
    pub covered: Option<Interval>,
    /// By how many rows this series grows: those that come in less those that are taken out. What the commit then finds
    /// stored otherwise, because others have written too, is made up for there.
    pub rows: i64,
}

impl Lake {
    /// Reads what is stored of a table of events, as it is now; `None` when there is no such table yet. Writes nothing and
    /// takes no lane.
    ///
    /// # Errors
    /// A declaration that breaks the contract, or a table that cannot be read.
    pub async fn stored(&self, spec: &EventsSpec) -> Result<Option<StoredReader>> {
        let shape = Shape::new(format!("{}.{}", self.config.schema, spec.table), spec)?;
        let Some(table) = Table::open(&self.root, &self.config.schema, &spec.table).await? else { return Ok(None) };
        let files = Listing::new(&table, shape.layout.partition.as_deref(), Coverage::default())?;
        Ok(Some(StoredReader::new(files, shape.layout, shape.keys)))
    }
}

/// A table of events, open for one lane.
pub struct Events {
    shape: Arc<Shape>,
    writer: Writer<EventBatch>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("table", &self.shape.layout.table).finish_non_exhaustive()
    }
}

impl Events {
    pub(crate) async fn open(
        lake: &Lake,
        spec: EventsSpec,
        lane: LaneOf<'_>,
        run: RunStamp,
        policy: CommitPolicy,
    ) -> Result<Self> {
        let shape = Arc::new(Shape::new(format!("{}.{}", lake.config.schema, spec.table), &spec)?);
        let opening =
            Opening { lake, table: &spec.table, comment: &spec.comment, layout: &shape.layout, lane, run, policy };
        let writer = Writer::open(opening, EventBatch::new(Arc::clone(&shape))).await?;
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

    /// Reads what is stored, this run's own commits included.
    #[must_use]
    pub fn reader(&self) -> StoredReader {
        StoredReader::new(self.writer.files().clone(), Arc::clone(&self.shape.layout), Arc::clone(&self.shape.keys))
    }

    /// Takes rows (emitted columns, in declared order) and what they prove, as one. Waits while an earlier batch is being
    /// committed and the buffer is full.
    ///
    /// Rows must not be stored already, by what [`Events::reader`] or the watermarks tell. What other lanes store from then
    /// on, or have stored and not merged, is found at the commit: a row that is stored as it is is not stored again, one with
    /// other content is replaced.
    ///
    /// # Errors
    /// Rows or advances that break the contract: then nothing of this push is taken. A batch that could not be committed:
    /// then nothing more is taken, and the next run continues where the last commit stands.
    pub async fn push(&mut self, rows: Option<RecordBatch>, advances: Vec<Advance>) -> Result<()> {
        self.amend(rows, &[], advances).await
    }

    /// As [`Events::push`], and takes out the stored rows of the keys in `gone` in the same commit: those whose key comes
    /// again among `rows` are replaced, the others are deleted. Only files that hold such a row are rewritten. A key that
    /// is not stored takes nothing out; rows that still wait for their commit are not stored.
    ///
    /// # Errors
    /// As [`Events::push`]; also a table whose owner has ruled out that rows are replaced.
    pub async fn amend(&mut self, rows: Option<RecordBatch>, gone: &[EventKey], advances: Vec<Advance>) -> Result<()> {
        self.writer.check_alive()?;
        let rows = rows.filter(|rows| rows.num_rows() > 0);
        let page = self.page(rows.as_ref(), gone)?;
        self.writer.take(&advances, |batch| batch.put(page)).await
    }

    /// Takes rows that have no place in the table, before the push that covers them: they are stored no later than it.
    pub fn reject(&mut self, rejects: Vec<Reject>) {
        self.writer.reject(rejects);
    }

    /// Starts a commit when the oldest buffered row has reached the policy's age. For callers that wait long between
    /// pushes.
    ///
    /// # Errors
    /// As [`Events::push`].
    pub async fn commit_if_due(&mut self) -> Result<()> {
        self.writer.commit_if_due().await
    }

    /// Commits the rest and merges what is proven.
    ///
    /// # Errors
    /// As [`Events::push`].
    pub async fn finish(self) -> Result<Written> {
        self.writer.finish().await
    }

    /// What a push brings, as the batch takes it.
    fn page(&self, rows: Option<&RecordBatch>, gone: &[EventKey]) -> Result<Page> {
        let layout = &self.shape.layout;
        let Some(rows) = rows else {
            return Ok(Page { rows: None, gone: gone.iter().map(|key| (key.clone(), false)).collect() });
        };
        let columns = fitted(&layout.table, &layout.emitted, rows)?;
        let keys = Keys::new(&layout.table, self.shape.key_columns(&columns)?)?;
        let slices = keys.slices(&layout.table, self.writer.batch.next_page())?;
        let gone = gone::replaced(&keys, gone);
        let times = keys.times.clone();
        Ok(Page { rows: Some((file_batch(layout, columns, Some(&times), now())?, slices)), gone })
    }
}

#[cfg(test)]
impl Events {
    pub(crate) fn into_lane(self) -> crate::lane::Lane {
        self.writer.into_lane()
    }
}

/// When a row is received: now, in whole microseconds.
pub(crate) fn now() -> Instant {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default();
    Instant(i64::try_from(nanos).unwrap_or(i64::MAX)).floor_micros()
}

#[cfg(test)]
mod tests;
