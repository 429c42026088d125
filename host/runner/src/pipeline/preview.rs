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
    let outlet = Arc::new(Sample { wanted: n, taken: Mutex::default() });
    let mut first_fault = None;
    for partition in partitions {
        match connection.read(table, partition, outlet.clone()).await {
            Err(fault) if fault.code == ENOUGH => break,
            Err(fault) => first_fault = first_fault.or(Some(fault)),
            Ok(()) => {}
        }
    }
    let mut taken = outlet.taken.lock().await;
    let batches = std::mem::take(&mut taken.batches);
    match first_fault.or(taken.fault.take()) {
        Some(fault) if batches.is_empty() => Err(fault),
        _ => Ok(batches),
    }
}

/// The first `n` rows.
pub(crate) fn head(batches: Vec<RecordBatch>, n: usize) -> Vec<RecordBatch> {
    let mut left = n;
    let part = |batch: RecordBatch| {
        let part = batch.slice(0, batch.num_rows().min(left));
        left -= part.num_rows();
        part
    };
    batches.into_iter().map(part).filter(|batch| batch.num_rows() > 0).collect()
}

struct Sample {
    wanted: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    rows: usize,
    batches: Vec<RecordBatch>,
    fault: Option<Fault>,
}

#[async_trait]
impl Outlet for Sample {
    async fn emit(&self, _table: &str, batch: RecordBatch, _covers: Vec<Cover>) -> Result<(), Fault> {
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

    async fn gap(&self, _table: &str, gap: Gap) {
        self.taken.lock().await.fault.get_or_insert(gap.fault);
    }

    async fn reject(&self, table: &str, series: &str, raw: &str, reason: &str) -> Result<(), Fault> {
        tracing::warn!(table, series, raw, "a row could not be mapped: {reason}");
        Ok(())
    }

    async fn found(&self, _items: Vec<Item>) {}
}
