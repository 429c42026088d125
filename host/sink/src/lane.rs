//! A lane: the one sequence of batches that a pipeline commits to a table, and the protocol that makes each of them land
//! exactly once.
//!
//! 1. **stage**: what the batch proves, and what earlier batches proved that the checkpoint table does not hold yet, is put
//!    as one file beside it, named after batch N.
//! 2. **commit**: the rows and `txn(lane, N)` enter the table in one Delta commit, which also takes out what they
//!    replace. This is the one atomic point.
//! 3. **merge**: the coverage enters the lane's checkpoint table (the watermarks, or what backfills have covered) with
//!    `txn(lane, N)`. It may wait, because the staged file of the newest batch carries all of it; at the latest the end of
//!    the run does it.
//! 4. **unstage**: the file is deleted.
//!
//! Batch numbers ascend and are drawn so that two runs never draw the same. Therefore a staged file whose N is the table's
//! transaction number was committed, by the run that staged it, and any other was not. On opening, a committed one is
//! merged. One that is ahead of the table may belong to a run that died or to one that lives: the lane is first fenced with
//! a higher number, so that its batch can never land, and then it is discarded. Whoever finds that its lane has another
//! number than it left there stops: another run has taken it.
//!
//! Lanes do not wait for each other. Every attempt is made on the version that the lane has looked at; when another lane
//! has taken it, the batch is decided again, with the files that the other has added. What another lane had committed but
//! not merged when this one was opened is known from its staged file.
//!
//! Coverage without rows needs none of this: merging it alone is atomic, so an idle run makes no data commit.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltalake::kernel::Transaction;
use tidegate_model::Instant;

use crate::checkpoint::{Checkpoint, Proven};
use crate::coverage::Coverage;
use crate::fault_point::{Point, merge_every, reach};
use crate::files::Listing;
use crate::outgoing::{Decision, Outgoing};
use crate::staged::{Staged, Staging};
use crate::table::{ATTEMPTS, Attempt, Table};
use crate::watermarks::Restated;
use crate::{Error, Result};

/// The checkpoint table is rewritten at most this often within a run; what is in between is safe in the staged file.
const MERGE_EVERY: Duration = Duration::from_secs(30);

/// Who writes.
#[derive(Clone, Debug)]
pub(crate) struct LaneId {
    pub pipeline: String,
    /// The table without its schema.
    pub table: String,
    pub lane: String,
}

impl LaneId {
    /// The application id in the Delta log.
    pub(crate) fn app_id(&self) -> String {
        format!("tidegate/{}/{}/{}", self.pipeline, self.table, self.lane)
    }

    /// The start of its staged files' names.
    pub(crate) fn file_prefix(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        // `+` is left alone by every object store and is itself escaped, so that no two pipelines share a file.
        let escape = |c: char| if plain(c) { c.to_string() } else { format!("+{:x}+", u32::from(c)) };
        let pipeline: String = self.pipeline.chars().map(escape).collect();
        format!("{pipeline}.{}.{}", self.table, self.lane)
    }
}

/// A lane that this run holds.
pub(crate) struct Lane {
    id: LaneId,
    table: Table,
    /// Its live files at the version that `table` has.
    files: Listing,
    checkpoint: Checkpoint,
    staging: Staging,
    run: Instant,
    /// The number that the table must have for this lane: the last batch or fence.
    last: i64,
    /// The number that the checkpoint table must have for this lane.
    merged: i64,
    /// Committed but not merged.
    unmerged: Coverage,
    /// The file that carries `unmerged`.
    staged: Option<i64>,
    merged_at: std::time::Instant,
}

impl Lane {
    /// Takes the lane and finishes or discards what an earlier run left; `date` is the table's partition column. What is
    /// staged is looked at after the table was loaded and before the watermarks are: what others had committed by then is
    /// either still staged or merged already.
    pub(crate) async fn open(
        id: LaneId,
        table: Table,
        date: Option<&str>,
        checkpoint: impl Future<Output = Result<Checkpoint>>,
        staging: Staging,
        run: Instant,
    ) -> Result<Self> {
        let last = table.txn(&id.app_id()).await?;
        let left = staging.list().await?;
        let checkpoint = checkpoint.await?;
        let merged = checkpoint.txn(&id.app_id()).await?;
        let mut lane = Self {
            id,
            files: Listing::new(&table, date, left.others)?,
            table,
            checkpoint,
            staging,
            run,
            last,
            merged,
            unmerged: Coverage::default(),
            staged: None,
            merged_at: std::time::Instant::now(),
        };
        lane.recover(left.own).await?;
        Ok(lane)
    }

    async fn recover(&mut self, left: Vec<Staged>) -> Result<()> {
        if let Some(committed) = left.iter().find(|staged| staged.batch == self.last) {
            tracing::info!(lane = self.id.app_id(), batch = committed.batch, "finishing an interrupted commit");
            let app_id = self.id.app_id();
            self.checkpoint.merge(&app_id, Some(self.last), committed.run(), &committed.coverage).await?;
            self.merged = self.last;
            reach(Point::RecoveryMerged).await;
        }
        if let Some(ahead) = left.iter().map(|staged| staged.batch).filter(|batch| *batch > self.last).max() {
            tracing::info!(lane = self.id.app_id(), batch = ahead, "discarding a batch that was never committed");
            let fence = next_number(ahead);
            self.fence(fence).await?;
            reach(Point::RecoveryFenced).await;
        }
        for staged in left {
            self.staging.remove(staged.batch).await?;
            reach(Point::RecoveryUnstaged).await;
        }
        Ok(())
    }

    /// The table's live files, which every commit of this lane moves on.
    pub(crate) fn files(&self) -> &Listing {
        &self.files
    }

    /// What is proven, as this lane last saw it.
    pub(crate) fn proven(&self) -> &Proven {
        self.checkpoint.proven()
    }

    /// One batch through steps 1 and 2, and, when it is time, 3 and 4.
    ///
    /// # Errors
    /// A store that refuses, or another run on this lane; whatever was staged is sorted out when the lane is next opened.
    pub(crate) async fn write(&mut self, batch: &mut impl Outgoing, coverage: Coverage) -> Result<Decision> {
        let decision = self.land(batch, coverage).await?;
        if self.merged_at.elapsed() >= merge_every(MERGE_EVERY) {
            self.settle().await?;
        }
        Ok(decision)
    }

    async fn land(&mut self, batch: &mut impl Outgoing, coverage: Coverage) -> Result<Decision> {
        let mut staged: Option<(i64, Coverage)> = None;
        for _ in 0..ATTEMPTS {
            let decision = batch.decide(&self.table, &self.files).await?;
            reach(Point::BatchDecided).await;
            let mut all = self.unmerged.clone();
            all.extend(coverage.counting(&decision.rows));
            if decision.is_empty() {
                // Another writer has done all of it meanwhile, or there was nothing to do.
                if let Some((number, _)) = staged {
                    self.staging.remove(number).await?;
                }
                self.unmerged = all;
                batch.landed(&self.table).await;
                return Ok(decision);
            }
            let number = match staged.take() {
                Some((number, same)) if same == all => number,
                old => {
                    let older = old.map(|(number, _)| number);
                    let number = self.stage(older.unwrap_or(self.last), &all).await?;
                    if let Some(older) = older {
                        self.staging.remove(older).await?;
                    }
                    number
                }
            };
            reach(Point::BatchStaged).await;
            match self.commit(number, &decision).await? {
                Attempt::Done => {
                    reach(Point::BatchCommitted).await;
                    self.unmerged = all;
                    if let Some(older) = self.staged.replace(number) {
                        self.staging.remove(older).await?;
                        reach(Point::BatchSucceeded).await;
                    }
                    batch.landed(&self.table).await;
                    return Ok(decision);
                }
                Attempt::Lost => staged = Some((number, all)),
            }
        }
        Err(Error::Contended { table: self.table.name.clone(), attempts: ATTEMPTS })
    }

    /// Steps 3 and 4 for all that was committed.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.merge().await?;
        reach(Point::BatchMerged).await;
        self.unstage().await?;
        reach(Point::BatchUnstaged).await;
        Ok(())
    }

    /// Steps 3 and 4 at the end of the run, and upkeep of the table.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        self.settle().await?;
        self.table.sweep_if_due().await;
        Ok(())
    }

    /// Step 1, under a number above `last`.
    pub(crate) async fn stage(&self, last: i64, coverage: &Coverage) -> Result<i64> {
        let batch = next_number(last);
        let staged = Staged { batch, run: self.run.0, coverage: coverage.clone() };
        if self.staging.put(&staged).await? { Ok(batch) } else { Err(self.taken()) }
    }

    /// Step 2, one attempt. When another writer was faster, its commit has been looked at: what was decided before must be
    /// decided again.
    pub(crate) async fn commit(&mut self, batch: i64, decision: &Decision) -> Result<Attempt> {
        let before = self.table.schema()?;
        let txn = Some(Transaction::new_with_last_update(self.id.app_id(), batch, Some(now_millis())));
        let adds = decision.adds.clone();
        let attempt = if decision.removes.is_empty() {
            self.table.append(adds, txn).await?
        } else {
            let now = now_millis();
            let removes = decision.removes.iter().map(|file| file.remove(now)).collect();
            self.table.rewrite(removes, adds, txn).await?
        };
        match attempt {
            Attempt::Done => {
                self.last = batch;
                self.files.follow(&decision.adds, &decision.removes);
            }
            Attempt::Lost => {
                self.table.reload().await?;
                if self.table.txn(&self.id.app_id()).await? != self.last {
                    return Err(self.taken());
                }
                self.check_schema(&before)?;
                self.files.renew(&self.table)?;
            }
        }
        Ok(attempt)
    }

    /// Moves the lane's number and nothing else, so that a batch with a lower one can never land.
    async fn fence(&mut self, number: i64) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.commit(number, &Decision::default()).await? == Attempt::Done {
                return Ok(());
            }
        }
        Err(Error::Contended { table: self.table.name.clone(), attempts: ATTEMPTS })
    }

    /// Changes watermarks from outside a run. The lane's number moves first, so that a run which holds the lane elsewhere
    /// stops at its next commit and does not write past a state that it does not know.
    ///
    /// # Errors
    /// Another run that has just committed to this lane; otherwise as [`Checkpoint::restate`].
    pub(crate) async fn restate(&mut self, changes: &[Restated]) -> Result<()> {
        self.fence(next_number(self.last)).await?;
        self.checkpoint.restate(&self.id.app_id(), self.last, changes).await?;
        self.merged = self.last;
        Ok(())
    }

    /// The files are written already: what others did to the columns meanwhile must not change their meaning.
    fn check_schema(&self, before: &deltalake::kernel::StructType) -> Result<()> {
        let now = self.table.schema()?;
        let changed =
            before.fields().find(|old| now.field(old.name()).map(|new| new.data_type()) != Some(old.data_type()));
        match changed {
            None => Ok(()),
            Some(old) => Err(Error::SchemaConflict {
                table: self.table.name.clone(),
                column: old.name().clone(),
                stored: now.field(old.name()).map_or_else(|| "nothing".to_owned(), |new| new.data_type().to_string()),
                declared: old.data_type().to_string(),
            }),
        }
    }

    /// Step 3.
    pub(crate) async fn merge(&mut self) -> Result<()> {
        self.merged_at = std::time::Instant::now();
        if self.unmerged.is_empty() {
            return Ok(());
        }
        let app_id = self.id.app_id();
        if self.checkpoint.txn(&app_id).await? != self.merged {
            return Err(self.taken());
        }
        self.checkpoint.merge(&app_id, self.staged, self.run, &self.unmerged).await?;
        self.merged = self.staged.unwrap_or(self.merged);
        self.unmerged = Coverage::default();
        Ok(())
    }

    /// Step 4.
    pub(crate) async fn unstage(&mut self) -> Result<()> {
        match self.staged.take() {
            Some(batch) => self.staging.remove(batch).await,
            None => Ok(()),
        }
    }

    #[cfg(test)]
    pub(crate) fn landed(&mut self, batch: i64, coverage: Coverage) {
        self.unmerged = coverage;
        self.staged = Some(batch);
    }

    fn taken(&self) -> Error {
        Error::LaneTaken {
            pipeline: self.id.pipeline.clone(),
            table: self.table.name.clone(),
            lane: self.id.lane.clone(),
        }
    }
}

fn now_millis() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or_default();
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// A number above `last` that no other run draws: the time with a random tail, below 2^53 for readers that keep numbers
/// as doubles.
fn next_number(last: i64) -> i64 {
    let tail = i64::try_from(RandomState::new().hash_one(last) % 1_000).unwrap_or_default();
    let drawn = now_millis().saturating_mul(1_000).saturating_add(tail);
    if drawn > last { drawn } else { last.saturating_add(1 + tail) }
}

#[cfg(test)]
mod tests;
