//! How a difference is printed.

use anyhow::Result;
use serde::Serialize;
use tidegate_model::{Interval, Watermark};

use super::show::Gap;
use crate::output::{self, Format, Table};
use crate::state::{Change, Difference};

/// What `--output json` prints: one object. Times are RFC 3339.
#[derive(Serialize)]
struct Report<'a> {
    pipeline: &'a str,
    /// Whether the difference is to be applied: `--yes`.
    apply: bool,
    tables: Vec<Changes<'a>>,
}

#[derive(Serialize)]
struct Changes<'a> {
    table: &'a str,
    changes: Vec<Line<'a>>,
    /// Selected tags that stay as they are.
    stay: Vec<Mark<'a>>,
    gaps_opened: Vec<Gap<'a>>,
    gaps_closed: Vec<Gap<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    name: &'a str,
    /// Null where nothing is known of the tag.
    before: Option<Mark<'a>>,
    after: Mark<'a>,
    /// What the next run reads if it begins now; null when that is nothing.
    next_run_reads: Option<Span>,
    /// What the cursor would move over although it was not read here; null when nothing.
    skips: Option<Span>,
}

#[derive(Serialize)]
struct Mark<'a> {
    id: &'a str,
    first_timestamp: String,
    last_timestamp: String,
    stored_until: Option<String>,
    record_count: i64,
}

#[derive(Serialize)]
struct Span {
    start: String,
    /// Exclusive.
    end: String,
}

impl<'a> Changes<'a> {
    fn of(difference: &'a Difference) -> Self {
        Self {
            table: &difference.table,
            changes: difference.changes.iter().map(Line::of).collect(),
            stay: difference.stay.iter().map(Mark::of).collect(),
            gaps_opened: difference.opens.iter().map(Gap::of).collect(),
            gaps_closed: difference.closes.iter().map(Gap::of).collect(),
        }
    }
}

impl<'a> Mark<'a> {
    fn of(mark: &'a Watermark) -> Self {
        Self {
            id: &mark.series,
            first_timestamp: output::time(mark.covered.start),
            last_timestamp: output::time(mark.covered.end),
            stored_until: mark.stored_until.map(output::time),
            record_count: mark.rows,
        }
    }
}

impl<'a> Line<'a> {
    fn of(change: &'a Change) -> Self {
        let after = &change.restated.after;
        let span = |interval: Interval| Span { start: output::time(interval.start), end: output::time(interval.end) };
        Self {
            id: &after.series,
            name: &after.name,
            before: change.restated.before.as_ref().map(Mark::of),
            after: Mark::of(after),
            next_run_reads: change.reads.map(span),
            skips: change.skips.map(span),
        }
    }
}

/// Prints what would change.
pub(super) fn print(format: Format, pipeline: &str, differences: &[Difference], apply: bool) -> Result<()> {
    match format {
        Format::Json => {
            output::json(&Report { pipeline, apply, tables: differences.iter().map(Changes::of).collect() })?;
        }
        Format::Table => {
            for difference in
                differences.iter().filter(|difference| !difference.is_empty() || !difference.stay.is_empty())
            {
                output::line(&text(difference))?;
            }
        }
    }
    Ok(())
}

fn text(difference: &Difference) -> String {
    let mut table = Table::new(["tag", "cursor", "becomes", "next run reads from"].map(str::to_owned).to_vec());
    for change in &difference.changes {
        let (before, after) = (&change.restated.before, &change.restated.after);
        let cursor = before.as_ref().map_or_else(|| "none".to_owned(), |mark| output::time(mark.covered.end));
        let mut becomes = output::time(after.covered.end);
        if before.as_ref().is_none_or(|mark| mark.covered.start != after.covered.start) {
            becomes.push_str(&format!(", from {}", output::time(after.covered.start)));
        }
        if let Some(skips) = change.skips {
            becomes.push_str(&format!(", over what was not read from {} on", output::time(skips.start)));
        }
        let reads = change.reads.map_or_else(|| "nothing to read".to_owned(), |reads| output::time(reads.start));
        table.row(vec![after.name.clone(), cursor, becomes, reads]);
    }
    for mark in &difference.stay {
        table.row(vec![mark.name.clone(), output::time(mark.covered.end), "stays".to_owned(), String::new()]);
    }
    let mut text = format!("{}\n{table}", difference.table);
    for (verb, gaps) in [("opens", &difference.opens), ("closes", &difference.closes)] {
        for gap in gaps {
            let span = gap.interval.map(|gap| format!(" {} to {}", output::time(gap.start), output::time(gap.end)));
            text.push_str(&format!("\ngap {verb}: {}{}, {}", gap.series, span.unwrap_or_default(), gap.reason));
        }
    }
    let count = |number: usize| output::count(number as u64);
    let (changes, stay) = (count(difference.changes.len()), count(difference.stay.len()));
    let (opens, closes) = (count(difference.opens.len()), count(difference.closes.len()));
    text.push_str(&format!(
        "\n{}: {changes} tags change, {stay} stay as they are; {opens} gaps open, {closes} close",
        difference.table
    ));
    text
}

/// What became of the difference, for people.
pub(super) fn ending(differences: &[Difference], applied: bool) -> &'static str {
    match (differences.iter().all(Difference::is_empty), applied) {
        (true, _) => "nothing to change",
        (false, true) => "applied",
        (false, false) => "nothing was written; --yes applies it",
    }
}
