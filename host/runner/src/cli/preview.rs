//! `tidegate preview`: real rows on standard output; nothing is written.

use anyhow::Result;
use clap::Args;

use super::{Global, load};
use crate::exit::Exit;
use crate::output;
use crate::pipeline::{self, Job};

#[derive(Args)]
pub(super) struct Arguments {
    /// Which table
    #[arg(long)]
    table: Option<String>,
    /// How many rows
    #[arg(short = 'n', long = "rows", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
}

/// Prints the rows; as JSON an array of objects, column → value.
pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let Arguments { table, rows } = arguments;
    let preview = async |job: &Job| pipeline::preview(job, table.as_deref(), *rows as usize).await;
    let rows = load::asking(global, preview).await?;
    output::batches(global.output, &rows)?;
    Ok(Exit::Done)
}
