//! Where the coverage of a lane ends up: a small table of the host's own, replaced as one file. Several lanes and pipelines
//! share it, so every change is merged into the newest state and tried again when another writer was faster.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use deltalake::kernel::Transaction;
use tidegate_model::{Instant, Intervals, Watermark};

use crate::backfills::{self, Backfills};
use crate::coverage::Coverage;
use crate::encode::{FileSpec, write_files};
use crate::events::Advance;
use crate::fault_point::{Point, reach};
use crate::layout::Layout;
use crate::location::Root;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::watermarks::{self, Restated};
use crate::{Error, Result};

/// Replaced files of the host's own tables are kept this long for readers that still hold an older version.
pub(crate) const SHORT_RETENTION: [(&str, &str); 1] = [("delta.deletedFileRetentionDuration", "interval 1 hours")];

/// What a lane's coverage is merged into.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// One stretch for each series, without a hole: its end is the cursor of runs.
    Watermarks,
    /// Any stretches of the series of one table, which is named here without its schema.
    Backfills(&'a str),
}

/// What is proven so far.
#[derive(Clone)]
pub(crate) enum Proven {
    Watermarks(HashMap<String, Watermark>),
    Backfills(Backfills),
}

/// The table and what it holds.
pub(crate) struct Checkpoint {
    table: Table,
    layout: Layout,
    proven: Proven,
    read_at: u64,
}

impl Kind<'_> {
    fn layout(self, table: String) -> Result<Layout> {
        match self {
            Self::Watermarks => watermarks::layout(table),
            Self::Backfills(_) => backfills::layout(table),
        }
    }

    fn comment(self) -> &'static str {
        match self {
            Self::Watermarks => "How far each series has been read without a hole, one row per series",
            Self::Backfills(_) => "What backfills have read: one row for each stretch of a series that is covered",
        }
    }

    async fn read(self, table: &Table) -> Result<Proven> {
        Ok(match self {
            Self::Watermarks => Proven::Watermarks(watermarks::read(table).await?),
            Self::Backfills(of) => Proven::Backfills(Backfills::new(of, backfills::read(table).await?)),
        })
    }
}

impl Proven {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Watermarks(_) => Kind::Watermarks,
            Self::Backfills(backfills) => Kind::Backfills(backfills.table()),
        }
    }

    /// Adds to `coverage` what a push proves.
    ///
    /// # Errors
    /// A stretch that would leave a hole where there must be none.
    pub(crate) fn take(&self, table: &str, coverage: &mut Coverage, advance: &Advance) -> Result<()> {
        match self {
            Self::Watermarks(marks) => {
                coverage.advance(table, marks.get(&advance.series.id).map(|mark| mark.covered), advance)
            }
            Self::Backfills(_) => {
                coverage.add(advance);
                Ok(())
            }
        }
    }

    /// Merges what a run has proven.
    pub(crate) fn apply(&mut self, coverage: &Coverage, run: Instant) {
        match self {
            Self::Watermarks(marks) => coverage.apply(marks, run),
            Self::Backfills(backfills) => backfills.apply(coverage, run),
        }
    }

    /// Watermarks by series; none in the lane of backfills.
    pub(crate) fn watermarks(&self) -> &HashMap<String, Watermark> {
        static NONE: LazyLock<HashMap<String, Watermark>> = LazyLock::new(HashMap::new);
        match self {
            Self::Watermarks(marks) => marks,
            Self::Backfills(_) => &NONE,
        }
    }

    /// What backfills have covered, by series; nothing in a lane of runs.
    pub(crate) fn backfilled(&self) -> HashMap<String, Intervals> {
        match self {
            Self::Watermarks(_) => HashMap::new(),
            Self::Backfills(backfills) => backfills.covered(),
        }
    }

    /// Puts changed watermarks in the place of those that were shown to whoever changes them. `false` when one of them is no
    /// longer what was shown.
    fn restate(&mut self, changes: &[Restated]) -> bool {
        let Self::Watermarks(marks) = self else { return changes.is_empty() };
        changes.iter().all(|Restated { before, after }| marks.insert(after.series.clone(), after.clone()) == *before)
    }

    fn rows(&self, layout: &Layout) -> Result<RecordBatch> {
        match self {
            Self::Watermarks(marks) => watermarks::rows(layout, marks),
            Self::Backfills(backfills) => backfills.rows(layout),
        }
    }
}

impl Checkpoint {
    /// Opens the table, creating it when missing.
    pub(crate) async fn open(root: &Root, schema: &str, table: &str, kind: Kind<'_>) -> Result<Self> {
        let layout = kind.layout(format!("{schema}.{table}"))?;
        let declared =
            Declaration { schema, table, comment: kind.comment(), layout: &layout, properties: &SHORT_RETENTION };
        let table = Table::open_or_create(root, &declared).await?;
        let proven = kind.read(&table).await?;
        Ok(Self { read_at: table.version(), table, layout, proven })
    }

    /// What the newest state that we know holds.
    pub(crate) fn proven(&self) -> &Proven {
        &self.proven
    }

    /// The last batch of a lane that was merged here.
    pub(crate) async fn txn(&self, app_id: &str) -> Result<i64> {
        self.table.txn(app_id).await
    }

    /// Merges what a lane proved, marked with the batch up to which it reaches. Changes nothing when that batch, or a
    /// later one, is merged already.
    ///
    /// # Errors
    /// A store that refuses, or others that win every race.
    pub(crate) async fn merge(
        &mut self,
        app_id: &str,
        batch: Option<i64>,
        run: Instant,
        coverage: &Coverage,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if let Some(batch) = batch
                && self.txn(app_id).await? >= batch
            {
                return Ok(());
            }
            self.renew().await?;
            let mut proven = self.proven.clone();
            proven.apply(coverage, run);
            match self.replace(proven, batch.map(|batch| Transaction::new(app_id, batch))).await? {
                Attempt::Done => return Ok(()),
                Attempt::Lost => self.table.reload().await?,
            }
        }
        Err(Error::Contended { table: self.table.name.clone(), attempts: ATTEMPTS })
    }

    /// Puts changed watermarks in the place of those that were shown to whoever changes them, as one, marked with a number
    /// that the lane has not had: a run that does not know the change does not merge past it unseen.
    ///
    /// # Errors
    /// [`Error::StateChanged`] when one of them is no longer what was shown; a store that refuses, or others that win every
    /// race.
    pub(crate) async fn restate(&mut self, app_id: &str, number: i64, changes: &[Restated]) -> Result<()> {
        for _ in 0..ATTEMPTS {
            self.table.reload().await?;
            self.renew().await?;
            let mut proven = self.proven.clone();
            if !proven.restate(changes) {
                return Err(Error::StateChanged { table: self.table.name.clone() });
            }
            if self.replace(proven, Some(Transaction::new(app_id, number))).await? == Attempt::Done {
                return Ok(());
            }
        }
        Err(Error::Contended { table: self.table.name.clone(), attempts: ATTEMPTS })
    }

    /// Reads what the table's newest version that we know holds.
    async fn renew(&mut self) -> Result<()> {
        if self.read_at != self.table.version() {
            self.proven = self.proven.kind().read(&self.table).await?;
            self.read_at = self.table.version();
        }
        Ok(())
    }

    /// One attempt to replace all that the table holds.
    async fn replace(&mut self, proven: Proven, txn: Option<Transaction>) -> Result<Attempt> {
        let rows = proven.rows(&self.layout)?;
        let spec = FileSpec::plain(Arc::clone(&self.layout.file));
        let adds = write_files(self.table.store(), &self.table.name, spec, std::iter::once(Ok(rows))).await?;
        reach(Point::WatermarksWritten).await;
        let attempt = self.table.overwrite(adds, txn).await?;
        if attempt == Attempt::Done {
            self.proven = proven;
            self.read_at = self.table.version();
        }
        Ok(attempt)
    }
}
