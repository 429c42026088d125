//! The first rows of a table, read for real and written nowhere.

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidegate_model::{Cover, Fault, Gap};
use tidegate_sandbox::{Connection, Item, Outlet, Partition};
use tokio::sync::Mutex;

/// The code of the fault that ends a read when enough rows have come.
const ENOUGH: &str = "enough";

/// Reads partitions until `n` rows have come.
///
/// # Errors
/// The first fault of a partition, or of a series in it, when there are no rows to show.
pub(crate) async fn rows(
    connection: &Connection,
    table: &str,
    partitions: &[Partition],
    n: usize,
) -> Result<Vec<RecordBatch>, Fault> {
    let outlet = Arc::new(Sample::of(table, n));
    let mut first_fault = None;
    for partition in partitions {
        match connection.read(table, partition, outlet.clone()).await {
            Err(fault) if fault.code == ENOUGH => break,
            Err(fault) => first_fault = first_fault.or(Some(fault)),
            Ok(()) => {}
        }
    }
    outlet.taken(first_fault).await
}

/// Has a snapshot refreshed until `n` rows have come.
///
/// # Errors
/// The plugin's fault, when there are no rows to show.
pub(crate) async fn snapshot(connection: &Connection, table: &str, n: usize) -> Result<Vec<RecordBatch>, Fault> {
    let outlet = Arc::new(Sample::of(table, n));
    let ended = connection.refresh(&[table.to_owned()], outlet.clone()).await;
    outlet.taken(ended.err().filter(|fault| fault.code != ENOUGH)).await
}

/// Takes the first rows of one table, and none of any other.
pub(crate) struct Sample {
    table: String,
    wanted: usize,
    taken: Mutex<Taken>,
}

impl Sample {
    pub(crate) fn of(table: &str, wanted: usize) -> Self {
        Self { table: table.to_owned(), wanted, taken: Mutex::default() }
    }

    async fn taken(&self, fault: Option<Fault>) -> Result<Vec<RecordBatch>, Fault> {
        let mut taken = self.taken.lock().await;
        let batches = std::mem::take(&mut taken.batches);
        match fault.or(taken.fault.take()) {
            Some(fault) if batches.is_empty() => Err(fault),
            _ => Ok(batches),
        }
    }
}

#[derive(Default)]
struct Taken {
    rows: usize,
    batches: Vec<RecordBatch>,
    fault: Option<Fault>,
}

#[async_trait]
impl Outlet for Sample {
    async fn emit(&self, table: &str, batch: RecordBatch, _covers: Vec<Cover>) -> Result<(), Fault> {
        if table != self.table {
            return Ok(());
        }
        let mut taken = self.taken.lock().await;
        let left = self.wanted.saturating_sub(taken.rows);
        let part = batch.slice(0, batch.num_rows().min(left));
        taken.rows += part.num_rows();
        if part.num_rows() > 0 {
            taken.batches.push(part);
        }
        if taken.rows >= self.wanted { Err(Fault::internal(ENOUGH, "enough rows for a preview")) } else { Ok(()) }
    }

    async fn cover(&self, _table: &str, _covers: Vec<Cover>) -> Result<(), Fault> {
        Ok(())
    }

    async fn complete(&self, _table: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn gap(&self, _table: &str, gap: Gap) {
        self.taken.lock().await.fault.get_or_insert(gap.fault);
    }

    async fn reject(&self, table: &str, series: &str, raw: &str, reason: &str) -> Result<(), Fault> {
        tracing::warn!(table, series, raw, "a row could not be mapped: {reason}");
        Ok(())
    }

    async fn found(&self, _items: Vec<Item>) {}
}
