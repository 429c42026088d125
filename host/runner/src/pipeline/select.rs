//! What the configuration selects: the series of a table, and the snapshot tables that come with them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidegate_model::{Cover, Fault, Gap};
use tidegate_sandbox::{Catalogue, Connection, Item, Outlet};
use tokio::sync::Mutex;

/// The answer of a plugin's `series`.
pub(crate) struct Selection {
    pub(crate) catalogue: Catalogue,
    /// Rows of snapshot tables, by the table's name.
    pub(crate) snapshots: HashMap<String, Vec<RecordBatch>>,
}

/// Asks the plugin which series `table` has.
///
/// # Errors
/// The plugin's fault: nothing is known then, so nothing may be replaced.
pub(crate) async fn series(connection: &Connection, table: &str) -> Result<Selection, Fault> {
    let outlet = Arc::new(SnapshotOutlet::default());
    let catalogue = connection.series(table, outlet.clone()).await?;
    let snapshots = std::mem::take(&mut *outlet.batches.lock().await);
    Ok(Selection { catalogue, snapshots })
}

/// Collects whole snapshots: they are replaced in one commit or not at all.
#[derive(Default)]
struct SnapshotOutlet {
    batches: Mutex<HashMap<String, Vec<RecordBatch>>>,
}

#[async_trait]
impl Outlet for SnapshotOutlet {
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault> {
        if !covers.is_empty() {
            return self.cover(table, covers).await;
        }
        self.batches.lock().await.entry(table.to_owned()).or_default().push(batch);
        Ok(())
    }

    async fn cover(&self, table: &str, _covers: Vec<Cover>) -> Result<(), Fault> {
        Err(Fault::internal(
            "contract",
            format!("the plugin covered intervals of `{table}` while it listed its series"),
        ))
    }

    async fn gap(&self, table: &str, gap: Gap) {
        tracing::warn!(table, series = gap.series, "{}", gap.fault);
    }

    async fn reject(&self, table: &str, series: &str, _raw: &str, reason: &str) -> Result<(), Fault> {
        tracing::warn!(table, series, "a row of the catalogue was left out: {reason}");
        Ok(())
    }

    async fn found(&self, _items: Vec<Item>) {}
}
