//! The functions that a guest may call. Each one first proves that what it is given keeps the contract; what does not
//! ends the call, so that nothing half-right reaches a table.

use std::sync::Arc;

use tidegate_model::{Fault, Gap};

use crate::bindings::host::{Host, Item, Level};
use crate::bindings::types::{self, Cover, Interval};
use crate::convert;
use crate::describe::{Shape, TableSpec, printable};
use crate::ipc;
use crate::outlet::Outlet;
use crate::state::State;
use crate::stop::Stop;

/// Log lines that a guest may write for each one that is kept, before its call is ended.
const PATIENCE: u64 = 10;
/// Bytes of a rejected row and of a reason that are kept.
const RAW_BYTES: usize = 64 << 10;

impl State {
    /// Counts a call of the guest. Where it hands something over, the guest has made progress.
    fn called(&mut self, progress: bool) -> Result<(), Stop> {
        self.calls += 1;
        if progress {
            self.busy.progress();
        }
        if self.calls > self.limits.host_calls { Err(Stop::calls(self.limits.host_calls)) } else { Ok(()) }
    }

    fn outlet(&self, function: &str) -> Result<Arc<dyn Outlet>, Stop> {
        self.scene
            .outlet
            .clone()
            .ok_or_else(|| Stop::contract(format!("it called `{function}` where it has nothing to hand over")))
    }

    fn declared(&self, table: &str) -> Result<&TableSpec, Stop> {
        let tables = self.scene.description.as_ref();
        tables.and_then(|description| description.table(table)).ok_or_else(|| {
            Stop::contract(format!("it named the table `{}`, which it does not declare", printable(table)))
        })
    }

    /// Covers of a table that has any.
    fn covers(&self, table: &TableSpec, covers: Vec<Cover>) -> Result<Vec<tidegate_model::Cover>, Stop> {
        if table.shape == Shape::Snapshot && !covers.is_empty() {
            return Err(Stop::contract(format!("it covered intervals of `{}`, which is a snapshot", table.name)));
        }
        convert::covers(covers).map_err(|reason| Stop::contract(format!("table `{}`: {reason}", table.name)))
    }

    fn gap_of(&self, table: &str, series: String, interval: Interval, fault: types::Fault) -> Result<Gap, Stop> {
        let table = self.declared(table)?;
        let wrong =
            |reason| Stop::contract(format!("table `{}`: the gap of `{}`: {reason}", table.name, printable(&series)));
        let interval = convert::interval(interval).map_err(wrong)?;
        let fault: Fault = self.trail.complete(convert::fault(fault));
        Ok(Gap { series, interval: Some(interval), fault })
    }
}

impl types::Host for State {}

impl Host for State {
    fn settings(&mut self) -> wasmtime::Result<String> {
        self.called(false)?;
        Ok(self.scene.settings.as_ref().to_owned())
    }

    async fn emit(&mut self, table: String, batch: Vec<u8>, covers: Vec<Cover>) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("emit")?;
        let spec = self.declared(&table)?;
        if batch.len() > self.limits.emit_bytes {
            let text = format!(
                "a batch of {} bytes for `{table}`, {} are allowed; emit smaller pages",
                batch.len(),
                self.limits.emit_bytes
            );
            return Err(Stop::contract(text).into());
        }
        let covers = self.covers(spec, covers)?;
        let rows = ipc::decode_batch(batch, &spec.emitted_schema())
            .map_err(|reason| Stop::contract(format!("a batch for the table `{table}` is wrong: {reason}")))?;
        outlet.emit(&table, rows, covers).await.map_err(Stop::host)?;
        self.busy.progress();
        Ok(())
    }

    async fn covered(&mut self, table: String, covers: Vec<Cover>) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("covered")?;
        let covers = self.covers(self.declared(&table)?, covers)?;
        outlet.cover(&table, covers).await.map_err(Stop::host)?;
        Ok(())
    }

    async fn complete(&mut self, table: String) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("complete")?;
        if self.declared(&table)?.shape != Shape::Snapshot {
            return Err(Stop::contract(format!("it completed `{table}`, which is no snapshot")).into());
        }
        outlet.complete(&table).await.map_err(Stop::host)?;
        Ok(())
    }

    async fn gap(
        &mut self,
        table: String,
        series: String,
        interval: Interval,
        fault: types::Fault,
    ) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("gap")?;
        let gap = self.gap_of(&table, series, interval, fault)?;
        outlet.gap(&table, gap).await;
        Ok(())
    }

    async fn reject(&mut self, table: String, series: String, raw: String, reason: String) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("reject")?;
        self.declared(&table)?;
        let (raw, reason) = (convert::clip(raw, RAW_BYTES), convert::clip(reason, RAW_BYTES));
        outlet.reject(&table, &series, &raw, &reason).await.map_err(Stop::host)?;
        Ok(())
    }

    async fn found(&mut self, items: Vec<Item>) -> wasmtime::Result<()> {
        self.called(true)?;
        let outlet = self.outlet("found")?;
        outlet.found(items.into_iter().map(convert::item).collect()).await;
        Ok(())
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.called(false)?;
        self.log_lines += 1;
        let (kept, plugin) = (self.limits.log_lines, self.scene.plugin.as_ref());
        if self.log_lines > kept {
            if self.log_lines == kept + 1 {
                tracing::warn!(plugin, "more than {kept} log lines in one call; the rest of them is dropped");
            }
            let limit = kept.saturating_mul(PATIENCE);
            return if self.log_lines > limit { Err(Stop::log(limit).into()) } else { Ok(()) };
        }
        let message = convert::clip(message, self.limits.log_line_bytes).replace(char::is_control, " ");
        match level {
            Level::Error => tracing::error!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Trace => tracing::trace!(plugin, "{message}"),
        }
        Ok(())
    }
}
