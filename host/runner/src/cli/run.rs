//! `tidegate run`: one incremental run to the end, and its summary.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::{Global, load};
use crate::exit::{Exit, Failure};
use crate::pipeline::{self, RunOptions};
use crate::progress;
use crate::summary::Summary;

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
    let job = load::job(global).await?;
    let Arguments { tables, full_refresh, accept_shrink, retry_gaps } = arguments;
    let options = RunOptions {
        tables: tables.clone(),
        full_refresh: *full_refresh,
        accept_shrink: *accept_shrink,
        retry_gaps: *retry_gaps,
    };
    let progress = progress::choose(global.quiet);
    let work = pipeline::run(&job, &options, Arc::clone(&progress));
    to_the_end(global, work, "the next run goes on from there").await
}

/// Waits for `work` and prints its summary. An interrupt ends the process between two steps of the commit protocol or in
/// the middle of one; both are safe, so nothing is waited for.
pub(super) async fn to_the_end(
    global: &Global,
    work: impl Future<Output = Result<Summary>>,
    next: &str,
) -> Result<Exit> {
    let summary = tokio::select! {
        summary = work => summary,
        _ = tokio::signal::ctrl_c() => {
            Err(Failure::failed(format!("interrupted: what was committed stays, {next}")).into())
        }
    };
    let summary = summary.inspect_err(|_| progress::clear())?;
    summary.print(global.output)?;
    Ok(summary.exit())
}
