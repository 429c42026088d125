//! Tables that hold the state of now: what a plugin emits is written as it comes, and becomes visible when the plugin says
//! that it was all. A table without that word stays as it was. One that the lake refuses is noted, and the call goes on: it
//! may bring other tables, or series.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidegate_model::{Cover, Domain, Fault, Gap, Retry};
use tidegate_sandbox::{Item, Outlet};
use tidegate_sink::{Lake, RunStamp, Snapshot, SnapshotSpec};
use tokio::sync::Mutex;

use super::Run;
use super::intake::LOCKED_OUT;
use super::report::Report;

/// The code of a fault that is the lake's and not the plugin's.
pub(crate) const SINK: &str = "sink";

/// Asks the plugin for the snapshot tables that the run wants and that came with no series.
///
/// # Errors
/// What kept a table from being complete; the others are replaced all the same.
pub(crate) async fn refresh(run: &Run<'_>, report: &mut Report) -> Result<()> {
    let tables = run.lacking(report);
    if tables.is_empty() {
        return Ok(());
    }
    if report.is_locked_out() {
        return Err(locked_out().into());
    }
    let snapshots = Arc::new(Snapshots::new(run));
    let ended = run.job.connection().refresh(&tables, Arc::clone(&snapshots) as _).await;
    report.refreshed(run.job, snapshots.finish().await);
    ended?;
    match run.lacking(report).first() {
        Some(table) => {
            let text = format!("the plugin ended without completing the table `{table}` or saying why");
            Err(Fault::internal("not-complete", text).into())
        }
        None => Ok(()),
    }
}

/// Why tables are not asked for after the server has refused to know us.
pub(crate) fn locked_out() -> Fault {
    let message = "not asked for: the server has refused the credentials before, or no request can be logged; asking on \
                   could lock the account; check `auth`";
    Fault { domain: Domain::User, retry: Retry::Later, code: LOCKED_OUT.to_owned(), message: message.to_owned() }
}

/// What a plugin does to a snapshot.
enum Change {
    Push(RecordBatch),
    Commit,
}

type SinkResult = Result<(), tidegate_sink::Error>;

/// Takes the snapshots that one call of a plugin emits.
pub(crate) struct Snapshots {
    lake: Arc<Lake>,
    stamp: RunStamp,
    /// Tables that may be replaced, by declared name; rows of others are dropped.
    specs: HashMap<String, SnapshotSpec>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<String, Snapshot>,
    ended: Ended,
}

/// What became of the tables, by declared name.
#[derive(Default)]
pub(crate) struct Ended {
    /// Their rows.
    pub(crate) replaced: HashMap<String, u64>,
    /// Why the lake did not take them.
    pub(crate) failed: HashMap<String, Fault>,
}

impl Snapshots {
    pub(crate) fn new(run: &Run<'_>) -> Self {
        let wanted = run.job.snapshot_tables().filter(|table| run.wants(&table.name));
        let specs = wanted.map(|table| (table.name.clone(), run.job.snapshot_spec(table))).collect();
        Self { lake: Arc::clone(&run.lake), stamp: run.stamp, specs, state: Mutex::default() }
    }

    /// Does one thing with the snapshot of a table, begun if need be. What is complete is complete: a second time would
    /// replace it by less.
    async fn change(&self, table: &str, change: Change) -> Result<(), Fault> {
        let Some(spec) = self.specs.get(table) else { return Ok(()) };
        let mut state = self.state.lock().await;
        if state.ended.replaced.contains_key(table) {
            let text = format!("the plugin went on with the table `{table}` after it had completed it");
            return Err(Fault::internal("contract", text));
        }
        if state.ended.failed.contains_key(table) {
            return Ok(());
        }
        if let Err(error) = self.apply(&mut state, table, spec, change).await {
            state.ended.failed.insert(table.to_owned(), Fault::internal(SINK, error.to_string()));
        }
        Ok(())
    }

    async fn apply(&self, state: &mut State, table: &str, spec: &SnapshotSpec, change: Change) -> SinkResult {
        let mut snapshot = match state.open.remove(table) {
            Some(snapshot) => snapshot,
            None => self.lake.snapshot(spec.clone(), self.stamp).await?,
        };
        match change {
            Change::Push(batch) => {
                snapshot.push(batch).await?;
                state.open.insert(table.to_owned(), snapshot);
            }
            Change::Commit => {
                let rows = snapshot.commit().await?;
                state.ended.replaced.insert(table.to_owned(), rows);
            }
        }
        Ok(())
    }

    /// The call is over: what is not complete is discarded.
    pub(crate) async fn finish(&self) -> Ended {
        let State { open, ended } = std::mem::take(&mut *self.state.lock().await);
        for snapshot in open.into_values() {
            snapshot.discard().await;
        }
        ended
    }
}

#[async_trait]
impl Outlet for Snapshots {
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault> {
        if !covers.is_empty() {
            return self.cover(table, covers).await;
        }
        self.change(table, Change::Push(batch)).await
    }

    async fn cover(&self, table: &str, _covers: Vec<Cover>) -> Result<(), Fault> {
        let text = format!("the plugin covered intervals of `{table}` where it was asked for snapshots");
        Err(Fault::internal("contract", text))
    }

    async fn complete(&self, table: &str) -> Result<(), Fault> {
        self.change(table, Change::Commit).await
    }

    async fn gap(&self, table: &str, gap: Gap) {
        tracing::warn!(table, series = gap.series, "{}", gap.fault);
    }

    async fn reject(&self, table: &str, series: &str, _raw: &str, reason: &str) -> Result<(), Fault> {
        tracing::warn!(table, series, "a row was left out: {reason}");
        Ok(())
    }

    async fn found(&self, _items: Vec<Item>) {}
}
