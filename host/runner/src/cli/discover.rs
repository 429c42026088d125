//! `tidegate discover`: what the historian holds.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use tidegate_model::{Cover, Fault, Gap};
use tidegate_sandbox::{Item, Outlet};
use tokio::sync::Mutex;

use super::{Global, load};
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, Table};
use crate::pipeline::Job;

#[derive(Args)]
pub(super) struct Arguments {
    /// Names to list; `*` stands for anything, `?` for one character
    #[arg(long = "match", value_name = "GLOB", default_value = "*")]
    pattern: String,
    /// What to list: tags, assets, databases, or another kind that the plugin knows
    #[arg(long, default_value = "tags")]
    kind: String,
}

/// What `--output json` prints: an array of these, in the historian's order.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'a str,
    /// The historian's own identity of it; may be used under `tags`.
    id: &'a str,
    name: &'a str,
    path: &'a str,
    description: &'a str,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let items = load::asking(global, async |job| items(job, arguments).await).await?;
    let kind = &arguments.kind;
    match global.output {
        Format::Json => output::json(&items.iter().map(line).collect::<Vec<_>>())?,
        Format::Table => output::line(&table(&items).to_string())?,
    }
    if !global.quiet {
        output::aside(&format!("{} {kind}", output::count(items.len() as u64)));
    }
    Ok(Exit::Done)
}

async fn items(job: &Job, arguments: &Arguments) -> Result<Vec<Item>> {
    let (kind, kinds) = (arguments.kind.as_str(), &job.description().kinds);
    if !kinds.iter().any(|known| known == kind) {
        let name = &job.description().name;
        let text = format!("discover: plugin `{name}` lists no {kind}; it knows {}", kinds.join(", "));
        return Err(Failure::usage(text).into());
    }
    let found = Arc::new(Found::default());
    job.connection().discover(kind, &arguments.pattern, found.clone()).await?;
    let items = std::mem::take(&mut *found.0.lock().await);
    Ok(items)
}

fn line(item: &Item) -> Line<'_> {
    Line { kind: &item.kind, id: &item.id, name: &item.name, path: &item.path, description: &item.description }
}

fn table(items: &[Item]) -> Table {
    let mut table = Table::new(["name", "id", "path", "description"].map(str::to_owned).to_vec());
    for item in items {
        table.row(vec![item.name.clone(), item.id.clone(), item.path.clone(), item.description.clone()]);
    }
    table
}

/// Takes what is found; a plugin that emits rows here breaks the contract.
#[derive(Default)]
struct Found(Mutex<Vec<Item>>);

fn out_of_place(table: &str) -> Fault {
    Fault::internal("contract", format!("the plugin delivered rows of `{table}` while it was asked what there is"))
}

#[async_trait]
impl Outlet for Found {
    async fn emit(&self, table: &str, _batch: RecordBatch, _covers: Vec<Cover>) -> Result<(), Fault> {
        Err(out_of_place(table))
    }

    async fn cover(&self, table: &str, _covers: Vec<Cover>) -> Result<(), Fault> {
        Err(out_of_place(table))
    }

    async fn complete(&self, _table: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn gap(&self, table: &str, gap: Gap) {
        tracing::warn!(table, series = gap.series, "{}", gap.fault);
    }

    async fn reject(&self, table: &str, series: &str, _raw: &str, reason: &str) -> Result<(), Fault> {
        tracing::warn!(table, series, "left out: {reason}");
        Ok(())
    }

    async fn found(&self, items: Vec<Item>) {
        self.0.lock().await.extend(items);
    }
}
