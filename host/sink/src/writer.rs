//! What every table with a lane does while a run writes to it: rows and what they prove come in together, wait in a
//! bounded buffer, and leave as one batch of the lane. One batch is encoded and committed in the background while the
//! next one fills; when that is full too, the caller waits, and with it the plugin.

use std::time::{Duration, Instant as Clock};

use tidegate_model::Instant;
use tokio::task::JoinHandle;

use crate::backfills;
use crate::checkpoint::{Checkpoint, Kind, Proven};
use crate::coverage::Coverage;
use crate::events::Advance;
use crate::fault_point::{Point, reach};
use crate::files::Listing;
use crate::lake::{Lake, RunStamp};
use crate::lane::Lane;
use crate::layout::Layout;
use crate::location::checked_name;
use crate::outgoing::{Decision, Outgoing};
use crate::rejects::{Reject, Rejects};
use crate::staged::Staging;
use crate::table::{Declaration, Table};
use crate::{Error, Result};

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

/// What a run wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows committed that were not stored before.
    pub rows: u64,
    /// Stored rows that were replaced.
    pub edited: u64,
    /// Stored rows that were taken out.
    pub deleted: u64,
    /// Data files, those included that hold the rest of a file that lost a row.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Data commits.
    pub commits: u64,
    /// Data files that were replaced, because they held a row that is replaced or taken out.
    pub files_rewritten: u64,
    /// Data files that were looked into, to compare what is stored with what was read again.
    pub files_compared: u64,
    /// Bytes read of them.
    pub bytes_compared: u64,
}

/// Rows that wait for their commit.
pub(crate) trait Batch: Outgoing + 'static {
    /// How many.
    fn rows(&self) -> usize;
    /// Bytes of memory that they keep alive.
    fn bytes(&self) -> usize;
    /// An empty one for the same table.
    fn successor(&self) -> Self;
}

/// Which table, which lane, who writes, and when to commit.
pub(crate) struct Opening<'a> {
    pub lake: &'a Lake,
    /// Without its schema.
    pub table: &'a str,
    pub comment: &'a str,
    pub layout: &'a Layout,
    pub lane: LaneOf<'a>,
    pub run: RunStamp,
    pub policy: CommitPolicy,
}

impl Opening<'_> {
    /// Creates the table or adds what its declaration has more, and takes the lane.
    pub(crate) async fn lane(&self) -> Result<Lane> {
        let (config, root, name, layout) = (&self.lake.config, &self.lake.root, self.table, self.layout);
        let backfills = self.lake.own_table("backfills");
        let (lane, checkpoint, kind) = match self.lane {
            LaneOf::Runs { lane, watermarks } => (lane, watermarks, Kind::Watermarks),
            LaneOf::Backfills => (backfills::LANE, backfills.as_str(), Kind::Backfills(name)),
        };
        checked_name("table", name)?;
        checked_name("lane", lane)?;
        let declared =
            Declaration { schema: &config.schema, table: name, comment: self.comment, layout, properties: &[] };
        let table = Table::open_or_create(root, &declared).await?;
        let checkpoint = Checkpoint::open(root, &config.checkpoint_schema, checkpoint, kind);
        let id = self.lake.lane_id(name, lane);
        let staging = Staging::new(root.store()?, &config.checkpoint_schema, &id.file_prefix());
        Lane::open(id, table, layout.partition.as_deref(), checkpoint, staging, self.run.at).await
    }
}

/// A lane, and where its coverage ends up.
#[derive(Clone, Copy)]
pub(crate) enum LaneOf<'a> {
    /// A lane of runs, which move this table of watermarks in the checkpoint schema.
    Runs { lane: &'a str, watermarks: &'a str },
    /// The lane of backfills.
    Backfills,
}

/// A table, open for one lane.
pub(crate) struct Writer<B> {
    table: String,
    policy: CommitPolicy,
    /// `None` while a batch is on its way, and for good after one has failed.
    outlets: Option<Outlets>,
    in_flight: Option<JoinHandle<Result<(Outlets, Decision)>>>,
    files: Listing,
    proven: Proven,
    run: Instant,
    /// What fills up.
    pub batch: B,
    coverage: Coverage,
    rejects: Vec<Reject>,
    reject_bytes: usize,
    oldest: Option<Clock>,
    written: Written,
}

/// Where a batch goes.
struct Outlets {
    lane: Lane,
    rejects: Rejects,
}

impl<B: Batch> Writer<B> {
    /// Creates the table or adds what its declaration has more, and takes the lane.
    pub(crate) async fn open(opening: Opening<'_>, batch: B) -> Result<Self> {
        let lane = opening.lane().await?;
        let Opening { lake, table: name, layout, run, policy, .. } = opening;
        Ok(Self {
            table: layout.table.clone(),
            policy,
            proven: lane.proven().clone(),
            files: lane.files().clone(),
            outlets: Some(Outlets { lane, rejects: Rejects::new(lake, name, run) }),
            in_flight: None,
            run: run.at,
            batch,
            coverage: Coverage::default(),
            rejects: Vec::new(),
            reject_bytes: 0,
            oldest: None,
            written: Written::default(),
        })
    }

    /// What is proven, moved by every batch that has been sent on its way.
    pub(crate) fn proven(&self) -> &Proven {
        &self.proven
    }

    /// The table's live files.
    pub(crate) fn files(&self) -> &Listing {
        &self.files
    }

    /// Fails once a commit has failed.
    pub(crate) fn check_alive(&self) -> Result<()> {
        if self.outlets.is_none() && self.in_flight.is_none() {
            return Err(Error::contract(&self.table, "a commit has failed; nothing more is taken"));
        }
        Ok(())
    }

    /// Takes rows that have no place in the table, before the push that covers them: they are stored no later than it.
    pub(crate) fn reject(&mut self, rejects: Vec<Reject>) {
        if !rejects.is_empty() {
            self.reject_bytes += rejects.iter().map(Reject::bytes).sum::<usize>();
            self.rejects.extend(rejects);
            self.oldest.get_or_insert_with(Clock::now);
        }
    }

    /// Takes what `put` adds to the batch and what it proves, as one, and commits when it is time.
    ///
    /// # Errors
    /// Advances that break the contract: then `put` is not called.
    pub(crate) async fn take(&mut self, advances: &[Advance], put: impl FnOnce(&mut B)) -> Result<()> {
        self.check_alive()?;
        let mut coverage = self.coverage.subset(advances.iter().map(|advance| advance.series.id.as_str()));
        for advance in advances {
            self.proven.take(&self.table, &mut coverage, advance)?;
        }
        // From here on nothing fails: rows and proof are taken together.
        self.coverage.put(coverage);
        put(&mut self.batch);
        self.oldest.get_or_insert_with(Clock::now);
        let full = self.batch.rows() >= self.policy.rows || self.batch.bytes() + self.reject_bytes >= self.policy.bytes;
        if full { self.start_commit().await } else { self.commit_if_due().await }
    }

    /// Starts a commit when the oldest buffered row has reached the policy's age.
    pub(crate) async fn commit_if_due(&mut self) -> Result<()> {
        self.check_alive()?;
        if self.oldest.is_some_and(|oldest| oldest.elapsed() >= self.policy.age) {
            self.start_commit().await?;
        }
        Ok(())
    }

    /// Commits the rest and merges what is proven.
    pub(crate) async fn finish(mut self) -> Result<Written> {
        self.check_alive()?;
        self.start_commit().await?;
        self.join().await?;
        if let Some(outlets) = &mut self.outlets {
            outlets.lane.finish().await?;
        }
        let reads = self.files.reads();
        Ok(Written { files_compared: reads.files(), bytes_compared: reads.bytes(), ..self.written })
    }

    /// Sends the batch on its way, once the one before it has arrived.
    pub(crate) async fn start_commit(&mut self) -> Result<()> {
        self.join().await?;
        if self.oldest.take().is_none() {
            return Ok(());
        }
        let Some(mut outlets) = self.outlets.take() else { return self.check_alive() };
        let empty = self.batch.successor();
        let mut batch = std::mem::replace(&mut self.batch, empty);
        let coverage = std::mem::take(&mut self.coverage);
        let rejects = std::mem::take(&mut self.rejects);
        self.reject_bytes = 0;
        self.proven.apply(&coverage, self.run);
        let commit = async move {
            // First: a run that dies in between meets them again, and keeps them once.
            reach(Point::RejectsDue).await;
            outlets.rejects.append(rejects).await?;
            reach(Point::RejectsStored).await;
            let decision = outlets.lane.write(&mut batch, coverage).await?;
            Ok((outlets, decision))
        };
        self.in_flight = Some(tokio::spawn(commit));
        Ok(())
    }

    /// Waits for the batch on its way. Safe to cancel: the batch goes on and is waited for by the next call.
    pub(crate) async fn join(&mut self) -> Result<()> {
        let Some(task) = &mut self.in_flight else { return Ok(()) };
        let ended = task.await;
        self.in_flight = None;
        let (outlets, decision) = ended.map_err(|error| Error::storage("commit to", &self.table, error)).flatten()?;
        self.outlets = Some(outlets);
        self.written.rows += decision.tally.new;
        self.written.edited += decision.tally.edited;
        self.written.deleted += decision.tally.deleted;
        self.written.files += decision.adds.len() as u64;
        self.written.bytes += decision.adds.iter().map(|add| u64::try_from(add.size).unwrap_or_default()).sum::<u64>();
        self.written.commits += u64::from(!decision.is_empty());
        self.written.files_rewritten += decision.removes.len() as u64;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn into_lane(self) -> Lane {
        self.outlets.expect("nothing was pushed").lane
    }
}
