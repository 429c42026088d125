//! `tidegate gaps`: the ledger of intervals that could not be proven.

use std::collections::HashMap;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_model::Instant;
use tidegate_sink::GapRow;

use super::{Global, load};
use crate::exit::Exit;
use crate::glob::Glob;
use crate::output::{self, Format, Table};
use crate::pipeline::{self, Job};

#[derive(Args)]
pub(super) struct Arguments {
    /// Resolved gaps as well
    #[arg(long)]
    all: bool,
    /// Only tags with such a name; `*` and `?` stand for any letters
    #[arg(long, value_name = "GLOB")]
    tags: Option<String>,
    /// Only this table
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
}

/// What `--output json` prints: an array of these. Times are RFC 3339.
#[derive(Serialize)]
struct Line {
    table: String,
    /// The series, or the name as configured where nothing was found under it.
    series: String,
    /// Null where nothing of it was ever read.
    name: Option<String>,
    /// Null where not even the interval is known.
    start: Option<String>,
    /// Exclusive.
    end: Option<String>,
    /// The code of the last attempt's fault.
    reason: String,
    /// Runs that have tried.
    attempts: i32,
    first_seen: String,
    last_attempt: String,
    /// No run tries it again before; the next one does where that is past. Null once it is resolved.
    next_attempt: Option<String>,
    #[serde(skip)]
    due: Option<Instant>,
    /// Null while open.
    resolved_at: Option<String>,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let job = load::job(global).await?;
    let (gaps, names) = (pipeline::gaps(&job).await?, names(&job).await?);
    let table_name = arguments.table.as_deref().map(|name| job.table(name)).transpose()?.map(|it| job.full_name(it));
    let tags = arguments.tags.as_deref().map(Glob::new);
    let wanted = |line: &Line| {
        let named = |tags: &Glob| tags.matches(line.name.as_deref().unwrap_or(&line.series));
        (arguments.all || line.resolved_at.is_none())
            && table_name.as_ref().is_none_or(|table| *table == line.table)
            && tags.as_ref().is_none_or(named)
    };
    let lines = gaps.iter().map(|(row, next)| line(row, names.get(&row.series), *next));
    let lines: Vec<Line> = lines.filter(wanted).collect();
    match global.output {
        Format::Json => output::json(&lines)?,
        Format::Table if lines.is_empty() && (tags.is_some() || table_name.is_some()) => {
            output::line("no such gaps")?;
        }
        Format::Table if lines.is_empty() => output::line("no gaps: everything that was read is proven complete")?,
        Format::Table => output::line(&table(&lines, pipeline::now().at).to_string())?,
    }
    Ok(Exit::Done)
}

/// The names of all series that were ever read, by their identity.
async fn names(job: &Job) -> Result<HashMap<String, String>> {
    let lake = job.lake()?;
    let read = lake.watermarks().await?.into_iter().map(|mark| (mark.series, mark.name));
    let backfilled = lake.backfills().await?.into_iter().map(|row| (row.series, row.name));
    Ok(backfilled.chain(read).collect())
}

fn line(row: &GapRow, name: Option<&String>, next: Option<Instant>) -> Line {
    Line {
        name: name.cloned(),
        table: row.table.clone(),
        series: row.series.clone(),
        start: row.interval.map(|interval| output::time(interval.start)),
        end: row.interval.map(|interval| output::time(interval.end)),
        reason: row.reason.clone(),
        attempts: row.attempts,
        first_seen: output::time(row.first_seen),
        last_attempt: output::time(row.last_attempt),
        next_attempt: next.map(output::time),
        due: next,
        resolved_at: row.resolved_at.map(output::time),
    }
}

fn table(lines: &[Line], now: Instant) -> Table {
    let headings = ["table", "tag", "from", "to", "reason", "attempts", "last attempt", "next attempt", "resolved"];
    let mut table = Table::new(headings.map(str::to_owned).to_vec());
    table.right(5);
    for line in lines {
        let unknown = || "unknown".to_owned();
        let next = |next: Instant| if next <= now { "next run".to_owned() } else { output::time(next) };
        table.row(vec![
            line.table.clone(),
            line.name.as_ref().unwrap_or(&line.series).clone(),
            line.start.clone().unwrap_or_else(unknown),
            line.end.clone().unwrap_or_else(unknown),
            line.reason.clone(),
            line.attempts.to_string(),
            line.last_attempt.clone(),
            line.due.map(next).unwrap_or_default(),
            line.resolved_at.clone().unwrap_or_default(),
        ]);
    }
    table
}
