//! One Delta table: opened, created or grown to what is declared, and committed to with optimistic concurrency of our own.
//! Every attempt is made against the newest state that we have looked at ourselves, and a lost race is reported, not
//! hidden: only the caller knows what must still hold before trying again.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use deltalake::checkpoints;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::transaction::{CommitBuilder, CommitData, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, LogicalFileView, MetadataExt, Remove, StructField, StructType, Transaction};
use deltalake::logstore::CommitOrBytes;
use deltalake::operations::create::CreateBuilder;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError, ObjectStore};

use crate::error::is_lost_race;
use crate::fault_point::{Point, reach};
use crate::layout::Layout;
use crate::location::Root;
use crate::protocol::{check_rewritable, check_writable};
use crate::{Error, Result};

/// A log checkpoint, and clean-up of expired log entries, each this many versions: reading a table then costs one
/// checkpoint and at most this many small files.
const CHECKPOINT_EVERY: u64 = 100;

/// How often a commit that keeps losing races is tried.
pub(crate) const ATTEMPTS: u32 = 20;

/// What became of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It is part of the table.
    Done,
    /// Another writer took the version; nothing was written. Reload, check, try again.
    Lost,
}

/// A table that exists.
#[derive(Clone)]
pub(crate) struct Table {
    /// `schema.table`.
    pub name: String,
    pub delta: DeltaTable,
    /// The newest version that we know: appends move it on without loading what they have just written.
    head: u64,
    /// Whether replaced files are to be deleted once this run is done with the table.
    sweep_due: bool,
}

/// How a table is created.
pub(crate) struct Declaration<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    pub comment: &'a str,
    pub layout: &'a Layout,
    /// Table properties besides the defaults.
    pub properties: &'a [(&'a str, &'a str)],
}

impl Table {
    /// The table if it exists; creates nothing.
    pub(crate) async fn open(root: &Root, schema: &str, table: &str) -> Result<Option<Self>> {
        let name = format!("{schema}.{table}");
        let mut delta = root.table(schema, table)?;
        let failed = |error| Error::storage("open table", root.table_path(schema, table), error);
        if !delta.verify_deltatable_existence().await.map_err(failed)? {
            return Ok(None);
        }
        delta.load().await.map_err(failed)?;
        Ok(Some(Self::loaded(name, delta)))
    }

    fn loaded(name: String, delta: DeltaTable) -> Self {
        Self { name, head: delta.version().unwrap_or_default(), delta, sweep_due: false }
    }

    /// The table as declared: created when missing, grown when it lacks columns.
    ///
    /// # Errors
    /// A stored column with another type than declared; a store that refuses.
    pub(crate) async fn open_or_create(root: &Root, declared: &Declaration<'_>) -> Result<Self> {
        let place = || root.table_path(declared.schema, declared.table);
        for _ in 0..ATTEMPTS {
            if let Some(mut table) = Self::open(root, declared.schema, declared.table).await? {
                check_writable(&table.name, table.state()?)?;
                match table.grow(declared.layout).await? {
                    Attempt::Done => return Ok(table),
                    Attempt::Lost => continue,
                }
            }
            let delta = root.table(declared.schema, declared.table)?;
            let configuration = declared.properties.iter().map(|(key, value)| (*key, Some(*value)));
            let create = CreateBuilder::new()
                .with_log_store(delta.log_store())
                .with_table_name(declared.table)
                .with_comment(declared.comment)
                .with_columns(declared.layout.delta_fields()?)
                .with_partition_columns(declared.layout.partition.iter().cloned())
                .with_configuration(configuration)
                .with_save_mode(SaveMode::ErrorIfExists)
                .with_commit_properties(CommitProperties::default().with_max_retries(0));
            match create.await {
                Ok(delta) => {
                    tracing::info!(table = declared.table, location = place(), "table created");
                    reach(Point::TableCreated).await;
                    let name = format!("{}.{}", declared.schema, declared.table);
                    return Ok(Self::loaded(name, delta));
                }
                // Another writer may have created it meanwhile; the next attempt opens that one.
                Err(error) => {
                    if Self::open(root, declared.schema, declared.table).await?.is_none() {
                        return Err(Error::storage("create table", place(), error));
                    }
                }
            }
        }
        Err(Error::Contended { table: format!("{}.{}", declared.schema, declared.table), attempts: ATTEMPTS })
    }

    /// Adds the columns that the layout has and the table lacks.
    async fn grow(&mut self, layout: &Layout) -> Result<Attempt> {
        let state = self.state()?;
        let stored = state.schema();
        let Some(evolved) = layout.evolved(&stored, state.metadata().partition_columns())? else {
            return Ok(Attempt::Done);
        };
        let fields: Vec<StructField> = evolved.fields().skip(stored.fields().count()).cloned().collect();
        let metadata = state.metadata().clone().with_schema(&evolved);
        let metadata = metadata.map_err(|error| Error::storage("grow", &self.name, DeltaTableError::from(error)))?;
        let names: Vec<_> = fields.iter().map(|field| field.name().clone()).collect();
        tracing::info!(table = self.name, columns = ?names, "new columns added");
        self.commit(vec![Action::Metadata(metadata)], DeltaOperation::AddColumn { fields }, None).await
    }

    /// The newest state that we have loaded.
    pub(crate) fn state(&self) -> Result<&DeltaTableState> {
        self.delta.snapshot().map_err(|error| Error::storage("read the state of", &self.name, error))
    }

    /// The newest version that we know.
    pub(crate) fn version(&self) -> u64 {
        self.head
    }

    /// The columns in the newest state that we know.
    pub(crate) fn schema(&self) -> Result<Arc<StructType>> {
        Ok(self.state()?.schema())
    }

    /// The same as Arrow types.
    pub(crate) fn arrow_schema(&self) -> Result<Schema> {
        let schema: Result<Schema, _> = self.schema()?.as_ref().try_into_arrow();
        schema.map_err(|error| Error::storage("read the columns of", &self.name, error))
    }

    /// The live files.
    pub(crate) fn files(&self) -> Result<Vec<LogicalFileView>> {
        Ok(self.state()?.log_data().into_iter().collect())
    }

    /// Rows by the files' statistics; `None` when a file has none.
    pub(crate) fn rows(&self) -> Result<Option<u64>> {
        Ok(self.files()?.iter().map(|file| file.num_records().map(|rows| rows as u64)).sum())
    }

    /// Below the table's folder.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        self.delta.object_store()
    }

    /// The last transaction number that an application has committed here; 0 when none.
    pub(crate) async fn txn(&self, app_id: &str) -> Result<i64> {
        let version = self.state()?.transaction_version(&self.delta.log_store(), app_id).await;
        Ok(version.map_err(|error| Error::storage("read the log of", &self.name, error))?.unwrap_or(0))
    }

    /// Looks at what others have committed.
    pub(crate) async fn reload(&mut self) -> Result<()> {
        self.delta.update_state().await.map_err(|error| Error::storage("read the log of", &self.name, error))?;
        self.head = self.delta.version().unwrap_or_default();
        Ok(())
    }

    /// One attempt to commit on top of the newest state that we know.
    ///
    /// # Errors
    /// A store that refuses; then it is unknown whether the commit happened.
    pub(crate) async fn commit(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        txn: Option<Transaction>,
    ) -> Result<Attempt> {
        let failed = |name: &str, error| Error::storage("commit to", name, error);
        if self.delta.version() != Some(self.head) {
            // To what the caller has seen and no further: what others have committed since must be looked at first.
            let caught_up = self.delta.update_incremental(Some(self.head)).await;
            caught_up.map_err(|error| Error::storage("read the log of", &self.name, error))?;
        }
        let upkeep = (self.version() + 2).is_multiple_of(CHECKPOINT_EVERY);
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(true)
            .with_cleanup_expired_logs(Some(upkeep))
            .with_application_transactions(txn.into_iter().collect());
        let state = self.state()?.clone();
        let log_store = self.delta.log_store();
        let prepared = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(&state), log_store, operation)
            .into_prepared_commit_future();
        let committed = match prepared.await {
            Ok(prepared) => prepared.await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(post) => {
                reach(Point::LogWritten).await;
                // The commit stands; upkeep that fails is made up for by the next.
                match post.await {
                    Ok(done) => {
                        self.head = done.version;
                        self.delta.state = Some(done.snapshot);
                    }
                    Err(error) => {
                        tracing::warn!(table = self.name, %error, "log upkeep failed after a commit");
                        // To our own version and no further: what others commit must be looked at first.
                        self.head += 1;
                        let caught_up = self.delta.update_incremental(Some(self.head)).await;
                        caught_up.map_err(|error| Error::storage("read the log of", &self.name, error))?;
                    }
                }
                Ok(Attempt::Done)
            }
            Err(error) if is_lost_race(&error) => Ok(Attempt::Lost),
            Err(error) => Err(failed(&self.name, error)),
        }
    }

    /// Replaces all rows by the given files.
    pub(crate) async fn overwrite(&mut self, adds: Vec<Add>, txn: Option<Transaction>) -> Result<Attempt> {
        let mut actions: Vec<Action> = self.files()?.iter().map(|file| file.remove_action(true).into()).collect();
        actions.extend(adds.into_iter().map(Action::from));
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by: None, predicate: None };
        let attempt = self.commit(actions, operation, txn).await?;
        if attempt == Attempt::Done && (self.version() + 1).is_multiple_of(CHECKPOINT_EVERY) {
            self.sweep().await;
        }
        Ok(attempt)
    }

    /// Adds files.
    ///
    /// # Errors
    /// A store that refuses; then it is unknown whether the commit happened.
    pub(crate) async fn append(&mut self, adds: Vec<Add>, txn: Option<Transaction>) -> Result<Attempt> {
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        self.land(adds.into_iter().map(Into::into).collect(), operation, txn, true).await
    }

    /// Adds files and takes others out, as one. The caller has read `removes` at the newest version that we know.
    ///
    /// # Errors
    /// A table whose owner has ruled this out; a store that refuses: then it is unknown whether the commit happened.
    pub(crate) async fn rewrite(
        &mut self,
        removes: Vec<Remove>,
        adds: Vec<Add>,
        txn: Option<Transaction>,
    ) -> Result<Attempt> {
        check_rewritable(&self.name, self.state()?)?;
        let operation = DeltaOperation::Merge {
            predicate: None,
            merge_predicate: None,
            matched_predicates: Vec::new(),
            not_matched_predicates: Vec::new(),
            not_matched_by_source_predicates: Vec::new(),
        };
        let actions = removes.into_iter().map(Action::from).chain(adds.into_iter().map(Action::from));
        self.land(actions.collect(), operation, txn, false).await
    }

    /// Written to the log directly: the cost of a commit must not grow with the table. That is safe because the version
    /// after the newest one that the caller has seen must be free: nothing can have happened in between.
    async fn land(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        txn: Option<Transaction>,
        blind: bool,
    ) -> Result<Attempt> {
        let log_store = self.delta.log_store();
        if log_store.name() != "DefaultLogStore" {
            // Stores without conditional writes have a protocol of their own.
            return self.commit(actions, operation, txn).await;
        }
        let failed = |name: &str, error| Error::storage("commit to", name, error);
        let blind = HashMap::from([("isBlindAppend".to_owned(), blind.into())]);
        let data = CommitData::new(actions, operation, blind, txn.into_iter().collect());
        let bytes = data.get_bytes().map_err(|error| failed(&self.name, error))?;
        let next = self.head + 1;
        match log_store.write_commit_entry(next, CommitOrBytes::LogBytes(bytes), Default::default()).await {
            Ok(()) => {
                self.head = next;
                if (next + 1).is_multiple_of(CHECKPOINT_EVERY) {
                    self.checkpoint().await;
                    self.sweep_due = true;
                }
                Ok(Attempt::Done)
            }
            Err(TransactionError::VersionAlreadyExists(_)) => Ok(Attempt::Lost),
            Err(error) => Err(failed(&self.name, error)),
        }
    }

    /// Upkeep of the log. The commits stand; what fails here is made up for by the next.
    async fn checkpoint(&mut self) {
        // To our own version and no further: what others commit must be looked at before we build on it.
        let done = match self.delta.update_incremental(Some(self.head)).await {
            Ok(()) => checkpoints::create_checkpoint(&self.delta, None).await,
            Err(error) => Err(error),
        };
        reach(Point::LogCheckpointed).await;
        let done = match done {
            Ok(()) => checkpoints::cleanup_metadata(&self.delta, None).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(table = self.name, %error, "log upkeep failed after a commit");
        }
    }

    /// Deletes replaced files when that is due. Only at the end of a run: it commits to the log, on top of whatever others
    /// have committed, and so leaves the state that the run has looked at.
    pub(crate) async fn sweep_if_due(&mut self) {
        if std::mem::take(&mut self.sweep_due) {
            self.sweep().await;
        }
    }

    /// Deletes files that no reader can want any more, by the table's own retention. A table that is replaced often
    /// would else grow without bound.
    async fn sweep(&mut self) {
        // The vacuum commits as well, and would collide with our own commits since the state was loaded.
        if let Err(error) = self.reload().await {
            tracing::warn!(table = self.name, %error, "replaced files could not be deleted");
            return;
        }
        // Full: log checkpoints forget removed files once their time is over, and files of runs that died are in no log.
        match self.delta.clone().vacuum().with_mode(VacuumMode::Full).await {
            Ok((table, metrics)) => {
                tracing::debug!(table = self.name, files = metrics.files_deleted.len(), "replaced files deleted");
                reach(Point::FilesSwept).await;
                self.head = table.version().unwrap_or(self.head);
                self.delta = table;
            }
            Err(error) => tracing::warn!(table = self.name, %error, "replaced files could not be deleted"),
        }
    }
}
