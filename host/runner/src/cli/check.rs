//! `tidegate check`: the server for real, one line for each thing that can be wrong.

use anyhow::Result;
use serde::Serialize;
use tidegate_sandbox::{Finding, Outcome};

use super::{Global, load};
use crate::exit::Exit;
use crate::output::{self, Format, Table};
use crate::secret::redact;

/// What `--output json` prints: an array of these.
#[derive(Serialize)]
struct Line {
    subject: String,
    /// `ok`, `warning` or `failed`.
    outcome: &'static str,
    detail: String,
    /// Empty when there is nothing to do.
    advice: String,
}

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let findings = load::asking(global, async |job| Ok(job.connection().check().await?)).await?;
    let failed = findings.iter().any(|finding| finding.outcome == Outcome::Failed);
    let lines: Vec<Line> = findings.into_iter().map(line).collect();
    match global.output {
        Format::Json => output::json(&lines)?,
        Format::Table => output::line(&table(&lines).to_string())?,
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn line(finding: Finding) -> Line {
    let outcome = match finding.outcome {
        Outcome::Ok => "ok",
        Outcome::Warning => "warning",
        Outcome::Failed => "failed",
    };
    let clean = |text: String| redact(&text).into_owned();
    Line { subject: clean(finding.subject), outcome, detail: clean(finding.detail), advice: clean(finding.advice) }
}

fn table(lines: &[Line]) -> Table {
    let mut table = Table::new(["outcome", "subject", "detail"].map(str::to_owned).to_vec());
    for line in lines {
        let detail =
            if line.advice.is_empty() { line.detail.clone() } else { format!("{} -> {}", line.detail, line.advice) };
        table.row(vec![line.outcome.to_owned(), line.subject.clone(), detail]);
    }
    table
}
