//! A table of events while a run writes to it: rows and what they prove come in together, wait in a bounded buffer, and
//! leave as one batch of the lane. One batch is encoded and committed in the background while the next one fills; when
//! that is full too, `push` waits, and with it the plugin.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidegate_model::{Instant, Interval, Series, Watermark};
use tokio::task::JoinHandle;

use crate::batch::fitted;
use crate::files::{DataFile, Listing};
use crate::fill::file_batch;
use crate::lake::{Lake, RunStamp};
use crate::lane::{Lane, LaneId};
use crate::location::checked_name;
use crate::rejects::{Reject, Rejects};
use crate::slices::Keys;
use crate::staged::Staging;
use crate::stored::{KeyColumns, StoredReader};
use crate::table::{Declaration, Table};
use crate::watermarks::Watermarks;
use crate::{Error, Result};

mod outgoing;

use outgoing::{Arrived, Batch, Outlets, Shape, commit};

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

/// When buffered rows are committed: as soon as one of these is reached.
#[derive(Clone, Copy, Debug)]
pub struct CommitPolicy {
    /// Rows in the buffer.
    pub rows: usize,
    /// Bytes of memory that they keep alive. A second buffer of this size may be on its way out.
    pub bytes: usize,
    /// Age of the oldest.
    pub age: Duration,
}

/// What one series gains by a push.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Which series.
    pub series: Arc<Series>,
    /// The stretch that its watermark grows by; must join what is covered. `None`: rows alone.
    pub covered: Option<Interval>,
    /// Rows of this series in the push.
    pub rows: i64,
}

/// What a run wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows committed.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Data commits.
    pub commits: u64,
}

/// A table of events, open for one lane.
pub struct Events {
    shape: Arc<Shape>,
    policy: CommitPolicy,
    /// `None` while a batch is on its way, and for good after one has failed.
    outlets: Option<Outlets>,
    in_flight: Option<JoinHandle<Result<Arrived>>>,
    marks: HashMap<String, Watermark>,
    run: Instant,
    batch: Batch,
    oldest: Option<Clock>,
    written: Written,
    listing: Arc<RwLock<Listing>>,
    keys: KeyColumns,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let buffered = (self.batch.buffer.rows, self.batch.buffer.bytes);
        f.debug_struct("Events").field("table", &self.shape.layout.table).field("buffered", &buffered).finish()
    }
}

impl Events {
    pub(crate) async fn open(
        lake: &Lake,
        spec: EventsSpec,
        lane: &str,
        run: RunStamp,
        policy: CommitPolicy,
    ) -> Result<Self> {
        checked_name("table", &spec.table)?;
        checked_name("lane", lane)?;
        let config = &lake.config;
        let shape = Shape::new(format!("{}.{}", config.schema, spec.table), &spec)?;
        let declared = Declaration {
            schema: &config.schema,
            table: &spec.table,
            comment: &spec.comment,
            layout: &shape.layout,
            properties: &[],
        };
        let table = Table::open_or_create(&lake.root, &declared).await?;
        let listing = Listing::new(&table, shape.layout.partition.as_deref())?;
        let watermarks = Watermarks::open(&lake.root, &config.checkpoint_schema, &config.watermarks_table).await?;
        let id = LaneId { pipeline: config.pipeline.clone(), table: spec.table.clone(), lane: lane.to_owned() };
        let staging = Staging::new(lake.root.store()?, &config.checkpoint_schema, &id.file_prefix());
        let lane = Lane::open(id, table, watermarks, staging, run.at).await?;
        let rejects = Rejects::new(lake, &spec.table, run);
        let keys = KeyColumns { series: spec.series_column, time: spec.time_column, sequence: spec.sequence_column };
        Ok(Self {
            shape: Arc::new(shape),
            policy,
            marks: lane.watermarks().marks().clone(),
            listing: Arc::new(RwLock::new(listing)),
            outlets: Some(Outlets { lane, rejects }),
            in_flight: None,
            run: run.at,
            batch: Batch::default(),
            oldest: None,
            written: Written::default(),
            keys,
        })
    }

    /// Watermarks by series: what was stored on opening, moved by every batch that this run has sent on its way since.
    #[must_use]
    pub fn watermarks(&self) -> &HashMap<String, Watermark> {
        &self.marks
    }

    /// Reads what is stored, this run's own commits included.
    #[must_use]
    pub fn reader(&self) -> StoredReader {
        StoredReader::new(Arc::clone(&self.listing), self.keys.clone())
    }

    /// Takes rows that have no place in the table, before the push that covers them: they are stored no later than it.
    pub fn reject(&mut self, rejects: Vec<Reject>) {
        if !rejects.is_empty() {
            self.batch.take_rejects(rejects);
            self.oldest.get_or_insert_with(Clock::now);
        }
    }

    /// Takes rows (emitted columns, in declared order) and what they prove, as one. Waits while an earlier batch is being
    /// committed and the buffer is full.
    ///
    /// # Errors
    /// Rows or advances that break the contract: then nothing of this push is taken. A batch that could not be committed:
    /// then nothing more is taken, and the next run continues where the last commit stands.
    pub async fn push(&mut self, rows: Option<RecordBatch>, advances: Vec<Advance>) -> Result<()> {
        self.check_alive()?;
        let page = rows.filter(|rows| rows.num_rows() > 0).map(|rows| self.page(&rows)).transpose()?;
        let mut coverage = self.batch.coverage.subset(advances.iter().map(|advance| advance.series.id.as_str()));
        for advance in &advances {
            let known = self.marks.get(&advance.series.id).map(|mark| mark.covered);
            coverage.advance(&self.shape.layout.table, known, advance)?;
        }
        // From here on nothing fails: rows and proof are taken together.
        self.batch.coverage.put(coverage);
        if let Some((page, slices)) = page {
            self.batch.buffer.take(page, slices);
        }
        self.oldest.get_or_insert_with(Clock::now);
        let full = self.batch.buffer.rows >= self.policy.rows || self.batch.bytes() >= self.policy.bytes;
        if full { self.start_commit().await } else { self.commit_if_due().await }
    }

    /// Starts a commit when the oldest buffered row has reached the policy's age. For callers that wait long between
    /// pushes.
    ///
    /// # Errors
    /// As [`Events::push`].
    pub async fn commit_if_due(&mut self) -> Result<()> {
        self.check_alive()?;
        if self.oldest.is_some_and(|oldest| oldest.elapsed() >= self.policy.age) {
            self.start_commit().await?;
        }
        Ok(())
    }

    /// Commits the rest and moves the watermarks.
    ///
    /// # Errors
    /// As [`Events::push`].
    pub async fn finish(mut self) -> Result<Written> {
        self.check_alive()?;
        self.start_commit().await?;
        self.join().await?;
        if let Some(outlets) = &mut self.outlets {
            outlets.lane.settle().await?;
        }
        Ok(self.written)
    }

    #[cfg(test)]
    pub(crate) fn into_lane(self) -> Lane {
        self.outlets.expect("nothing was pushed").lane
    }

    fn check_alive(&self) -> Result<()> {
        if self.outlets.is_none() && self.in_flight.is_none() {
            return Err(Error::contract(&self.shape.layout.table, "a commit has failed; nothing more is taken"));
        }
        Ok(())
    }

    fn page(&self, rows: &RecordBatch) -> Result<(RecordBatch, Vec<(i32, crate::slices::Slice)>)> {
        let layout = &self.shape.layout;
        let columns = fitted(&layout.table, &layout.emitted, rows)?;
        let column =
            |index: usize| columns.get(index).ok_or_else(|| Error::contract(&layout.table, "a key column is missing"));
        let [series, time, sequence] = self.shape.emitted;
        let key_columns = [column(series)?.clone(), column(time)?.clone(), column(sequence)?.clone()];
        let keys = Keys::new(&layout.table, key_columns.each_ref())?;
        let slices = keys.slices(&layout.table, self.batch.buffer.next_page())?;
        Ok((file_batch(layout, columns, Some(keys.times), now())?, slices))
    }

    /// Sends the buffer on its way, once the batch before it has arrived.
    async fn start_commit(&mut self) -> Result<()> {
        self.join().await?;
        if self.oldest.take().is_none() {
            return Ok(());
        }
        let Some(outlets) = self.outlets.take() else { return self.check_alive() };
        let batch = std::mem::take(&mut self.batch);
        batch.coverage.apply(&mut self.marks, self.run);
        self.in_flight = Some(tokio::spawn(commit(Arc::clone(&self.shape), outlets, batch)));
        Ok(())
    }

    /// Waits for the batch on its way. Safe to cancel: the batch goes on and is waited for by the next call.
    async fn join(&mut self) -> Result<()> {
        let Some(task) = &mut self.in_flight else { return Ok(()) };
        let ended = task.await;
        self.in_flight = None;
        let Arrived { outlets, adds, rows } =
            ended.map_err(|error| Error::storage("commit to", &self.shape.layout.table, error)).flatten()?;
        self.outlets = Some(outlets);
        self.written.rows += rows;
        self.written.files += adds.len() as u64;
        self.written.bytes += adds.iter().map(|add| u64::try_from(add.size).unwrap_or_default()).sum::<u64>();
        self.written.commits += u64::from(!adds.is_empty());
        let own = adds.into_iter().map(|add| DataFile::Own(Arc::new(add)));
        self.listing.write().unwrap_or_else(PoisonError::into_inner).extend(own);
        Ok(())
    }
}

fn now() -> Instant {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default();
    Instant(i64::try_from(nanos).unwrap_or(i64::MAX)).floor_micros()
}

#[cfg(test)]
mod tests;
