//! `tidegate plan`: what a run would read. Reads nothing but the catalogue.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_model::{Interval, Series};

use super::{Global, load};
use crate::exit::Exit;
use crate::output::{self, Format, Table};
use crate::pipeline::{self, Plan};
use crate::secret::redact;

/// Tags shown in a table; all of them with `-v`, and always as JSON.
const SHOWN: usize = 20;

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this table
    #[arg(long)]
    table: Option<String>,
}

/// What `--output json` prints: one object.
#[derive(Serialize)]
struct Report {
    table: String,
    /// Series that a run would read something of.
    series: usize,
    partitions: usize,
    /// Estimated by the plugin.
    requests: u64,
    /// All series, also those with nothing to read; a series that earlier runs owe something of has several.
    spans: Vec<Line>,
    unresolved: Vec<Unresolved>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    /// RFC 3339; null when there is nothing to read.
    start: Option<String>,
    /// Exclusive.
    end: Option<String>,
}

#[derive(Serialize)]
struct Unresolved {
    /// As configured.
    name: String,
    code: String,
    message: String,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let plan = load::asking(global, async |job| pipeline::plan(job, arguments.table.as_deref()).await).await?;
    let report = report(plan);
    match global.output {
        Format::Json => output::json(&report)?,
        Format::Table => output::line(&text(&report, global.verbose > 0))?,
    }
    Ok(Exit::Done)
}

fn report(plan: Plan) -> Report {
    let lines = |(series, intervals): &(Arc<Series>, Vec<Interval>)| -> Vec<Line> {
        let line = |interval: Option<Interval>| Line {
            id: series.id.clone(),
            name: series.name.clone(),
            start: interval.map(|interval| output::time(interval.start)),
            end: interval.map(|interval| output::time(interval.end)),
        };
        match intervals.as_slice() {
            [] => vec![line(None)],
            some => some.iter().map(|interval| line(Some(*interval))).collect(),
        }
    };
    let unresolved = plan.unresolved.into_iter();
    Report {
        table: plan.table,
        series: plan.series.iter().filter(|(_, intervals)| !intervals.is_empty()).count(),
        partitions: plan.partitions,
        requests: plan.requests,
        spans: plan.series.iter().flat_map(lines).collect(),
        unresolved: unresolved
            .map(|(name, fault)| Unresolved { name, code: fault.code, message: redact(&fault.message).into_owned() })
            .collect(),
    }
}

fn text(report: &Report, all: bool) -> String {
    let shown = if all { report.spans.len() } else { SHOWN };
    let mut table = Table::new(["tag", "from", "to"].map(str::to_owned).to_vec());
    for line in report.spans.iter().take(shown) {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "nothing to read".to_owned());
        table.row(vec![line.name.clone(), time(&line.start), line.end.clone().unwrap_or_default()]);
    }
    let mut text = table.to_string();
    if report.spans.len() > shown {
        text.push_str(&format!("\n… and {} more (-v shows all)", output::count((report.spans.len() - shown) as u64)));
    }
    for unresolved in &report.unresolved {
        text.push_str(&format!("\nnot found: {}: {}", unresolved.name, unresolved.message));
    }
    text.push_str(&format!(
        "\n{}: {} tags in {} partitions, about {} requests",
        report.table,
        output::count(report.series as u64),
        output::count(report.partitions as u64),
        output::count(report.requests),
    ));
    text
}
