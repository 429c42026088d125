//! `tidegate backfill`: a range of time that no cursor covers, in its own lane beside the runs.

use anyhow::Result;
use clap::Args;
use tidegate_model::{Instant, Interval};

use super::{Global, run};
use crate::config::{self, Start};
use crate::exit::{Exit, Failure};
use crate::glob::Glob;
use crate::pipeline::{self, BackfillOptions, Job};
use crate::progress;
use crate::summary::Command;

#[derive(Args)]
pub(super) struct Arguments {
    /// Where it begins: a time such as 2015-01-01T00:00:00Z, or one before now such as -30d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = config::time)]
    from: Start,
    /// Where it ends, exclusive
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = config::time)]
    to: Start,
    /// Only tags with such a name; may hold `*` and `?`
    #[arg(long, value_name = "GLOB")]
    tags: Option<String>,
    /// Only this table; may be given more than once
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// Read from the end of the range to its start
    #[arg(long)]
    newest_first: bool,
    /// Read again what earlier backfills have covered; what is stored already is compared with it
    #[arg(long)]
    again: bool,
}

/// Backfills and prints the summary. Interrupted like a run, and just as safe.
pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let now = pipeline::now().at;
    let options = options(arguments, now)?;
    let work = async |job: &Job| {
        let progress = progress::choose(global.quiet);
        pipeline::backfill(job, &options, progress).await
    };
    run::load(global, Command::Backfill, work).await
}

fn options(arguments: &Arguments, now: Instant) -> Result<BackfillOptions, Failure> {
    let Arguments { from, to, tags, tables, newest_first, again } = arguments;
    let range = Interval::new(from.resolve(now).floor_micros(), to.resolve(now).floor_micros());
    if range.is_empty() {
        return Err(Failure::usage("--from must lie before --to: the range between them is empty"));
    }
    Ok(BackfillOptions {
        range,
        tables: tables.clone(),
        tags: tags.as_deref().map(Glob::new),
        newest_first: *newest_first,
        again: *again,
    })
}
