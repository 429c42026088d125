//! Tables that hold the state of now: every refresh replaces all rows in one commit, so that a reader sees the old state
//! or the new one and nothing between. Rows are encoded and uploaded as they arrive; until the commit no table names the
//! files.
//!
//! A refresh commits even when nothing has changed: its one small file says in its `ingested-at` column when the state was
//! last confirmed, and what it replaces is deleted by the table's own retention.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use deltalake::kernel::Add;
use tidegate_model::Instant;

use crate::batch::fitted;
use crate::encode::FileSpec;
use crate::fault_point::{Point, reach};
use crate::fill::file_batch;
use crate::lake::{Lake, RunStamp};
use crate::layout::{Fill, Layout};
use crate::location::checked_name;
use crate::stream::{FileStream, discard};
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::{Error, Result};

/// A table of the state of now, as a plugin declares it.
#[derive(Clone, Debug)]
pub struct SnapshotSpec {
    /// Its full name without schema: `<prefix>_points`.
    pub table: String,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in table order; of the `host` columns only `ingested-at` is known here.
    pub schema: SchemaRef,
}

/// A refresh under way. Dropped without a commit it leaves the old rows; so does a process that dies.
pub struct Snapshot {
    layout: Layout,
    table: Table,
    files: FileStream,
    rows: u64,
    run: Instant,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("table", &self.layout.table).field("rows", &self.rows).finish()
    }
}

impl Lake {
    /// Begins to replace all rows of a table; creates it when missing. Until [`Snapshot::commit`] readers see the old rows.
    ///
    /// # Errors
    /// A declaration that conflicts with what is stored; a store that refuses.
    pub async fn snapshot(&self, spec: SnapshotSpec, run: RunStamp) -> Result<Snapshot> {
        checked_name("table", &spec.table)?;
        let schema = &self.config.schema;
        let layout = Layout::new(format!("{schema}.{}", spec.table), &spec.schema)?;
        if layout.fills.iter().flatten().any(|fill| *fill != Fill::IngestedAt) {
            return Err(Error::contract(&layout.table, "a snapshot has no event time to fill columns from"));
        }
        let declared =
            Declaration { schema, table: &spec.table, comment: &spec.comment, layout: &layout, properties: &[] };
        let table = Table::open_or_create(&self.root, &declared).await?;
        let files = FileStream::open(table.store(), &table.name, FileSpec::plain(Arc::clone(&layout.file)));
        Ok(Snapshot { layout, table, files, rows: 0, run: run.at })
    }
}

impl Snapshot {
    /// Takes rows (emitted columns, in declared order); waits while earlier ones are being encoded.
    ///
    /// # Errors
    /// Rows that do not fit the declaration: then nothing of this batch is taken. A store that refuses: then nothing more
    /// is taken. The old rows stand.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = fitted(&self.layout.table, &self.layout.emitted, &batch)?;
        let rows = file_batch(&self.layout, columns, None, self.run)?;
        self.rows += rows.num_rows() as u64;
        self.files.write(rows).await
    }

    /// Makes the rows pushed the rows of the table, in one commit; none leave an empty table. Returns their number.
    ///
    /// # Errors
    /// A store that refuses, or others that win every race; the old rows then stand.
    pub async fn commit(self) -> Result<u64> {
        let Self { files, mut table, rows, .. } = self;
        let adds = files.finish().await?;
        reach(Point::SnapshotWritten).await;
        for _ in 0..ATTEMPTS {
            match table.overwrite(adds.clone(), None).await? {
                Attempt::Done => {
                    reach(Point::SnapshotCommitted).await;
                    return Ok(rows);
                }
                Attempt::Lost => table.reload().await?,
            }
        }
        discard(&table.store(), adds).await;
        Err(Error::Contended { table: table.name, attempts: ATTEMPTS })
    }

    /// Gives up: the old rows stand, and what was uploaded is deleted as far as the store lets it.
    pub async fn discard(self) {
        let uploaded: Result<Vec<Add>> = self.files.finish().await;
        match uploaded {
            Ok(adds) => discard(&self.table.store(), adds).await,
            Err(error) => tracing::debug!(table = self.table.name, %error, "a refresh was given up half-way"),
        }
    }
}

#[cfg(test)]
mod tests;
