//! `tidegate run`: one incremental run to the end, and its summary.

use anyhow::Result;
use clap::Args;

use super::{Global, load};
use crate::exit::Exit;
use crate::metrics::Metrics;
use crate::pipeline::{self, Job, RunOptions};
use crate::progress;
use crate::summary::{Command, Summary};

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this table; may be given more than once
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// Read everything from the configured start again; what is stored already is compared with it
    #[arg(long)]
    full_refresh: bool,
    /// Delete what the historian no longer shows, even where more than half of a tag's events would vanish
    #[arg(long)]
    accept_shrink: bool,
    /// Try every gap now, also those that wait because they have failed again and again
    #[arg(long)]
    retry_gaps: bool,
}

/// Runs and prints the summary.
pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let Arguments { tables, full_refresh, accept_shrink, retry_gaps } = arguments;
    let options = RunOptions {
        tables: tables.clone(),
        full_refresh: *full_refresh,
        accept_shrink: *accept_shrink,
        retry_gaps: *retry_gaps,
    };
    let work = async |job: &Job| {
        let progress = progress::choose(global.quiet);
        pipeline::run(job, &options, progress).await
    };
    load(global, Command::Run, work).await
}

/// Does the work of `command`, prints its summary, and leaves the figures where the configuration wants them, those of a
/// failure too.
pub(super) async fn load(
    global: &Global,
    command: Command,
    work: impl AsyncFnOnce(&Job) -> Result<Summary>,
) -> Result<Exit> {
    let job = load::job(global).await?;
    let metrics = job.config().metrics.as_deref();
    let metrics = metrics.map(|folder| Metrics::begin(folder, &job.config().name, command)).transpose()?;
    let summary = load::attend(&job, work).await.inspect_err(|_| progress::clear());
    if let Some(metrics) = metrics {
        metrics.keep(&summary);
    }
    let summary = summary?;
    summary.print(global.output)?;
    Ok(summary.exit())
}
