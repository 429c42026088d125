//! `tidegate reconcile`: counts of events per tag and day, the lake's beside the historian's own.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{Global, load};
use crate::config::Start;
use crate::exit::{Exit, Failure};
use crate::glob::Glob;
use crate::output::{self, Format, Table};
use crate::pipeline::{self, Differing, Findings, Scope, Uncounted};
use crate::secret::redact;

/// Lines shown of each list; all of them with `-v`, and always as JSON.
const SHOWN: usize = 20;

#[derive(Args)]
pub(super) struct Arguments {
    /// Compare from here on, such as 2015-01-01T00:00:00Z or -90d; by default all that is covered
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Start>,
    /// Compare up to here; by default all whole days (UTC) that the next run does not read again anyway
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Start>,
    /// Only tags of such names, with * and ?
    #[arg(long, value_name = "GLOB")]
    tags: Option<String>,
    /// Only this table
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
}

/// What `--output json` prints: one object. Times are RFC 3339.
#[derive(Serialize)]
struct Report {
    /// `equal`, or `different` when a day differs or could not be counted.
    outcome: &'static str,
    /// From the first instant that was looked at; null when there was nothing to compare.
    from: Option<String>,
    /// Exclusive.
    to: Option<String>,
    /// Tags of which something was compared.
    tags: u64,
    /// Days of tags that were compared.
    days: u64,
    /// Of these, days that differ; each is in the gap ledger.
    differing_days: u64,
    /// Days of tags that could not be counted.
    uncounted_days: u64,
    requests: u64,
    differing: Vec<Line>,
    uncounted: Vec<Missing>,
}

#[derive(Serialize)]
struct Line {
    table: String,
    id: String,
    name: String,
    /// The UTC date.
    day: String,
    from: String,
    to: String,
    /// Events by the historian's count.
    server: u64,
    /// Rows in the lake.
    lake: u64,
    /// What the lake has more; negative where it has less.
    difference: i64,
    /// `all` or `good`: which events both count.
    counted: &'static str,
}

#[derive(Serialize)]
struct Missing {
    table: String,
    id: String,
    name: String,
    from: String,
    to: String,
    reason: String,
    message: String,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let now = pipeline::now().at;
    let scope = Scope {
        from: arguments.from.map(|from| from.resolve(now)),
        to: arguments.to.map(|to| to.resolve(now)),
        tags: arguments.tags.as_deref().map(Glob::new),
        table: arguments.table.clone(),
    };
    if let Some((from, to)) = scope.from.zip(scope.to).filter(|(from, to)| from >= to) {
        let (from, to) = (output::time(from), output::time(to));
        return Err(Failure::usage(format!("reconcile: --from {from} must lie before --to {to}")).into());
    }
    let findings = load::asking(global, async |job| pipeline::reconcile(job, &scope).await).await?;
    let exit = if findings.is_equal() { Exit::Done } else { Exit::Gaps };
    let report = report(findings);
    match global.output {
        Format::Json => output::json(&report)?,
        Format::Table => output::line(&text(&report, global.verbose > 0))?,
    }
    Ok(exit)
}

fn report(findings: Findings) -> Report {
    Report {
        outcome: if findings.is_equal() { "equal" } else { "different" },
        from: findings.range.map(|range| output::time(range.start)),
        to: findings.range.map(|range| output::time(range.end)),
        tags: findings.tags,
        days: findings.days,
        differing_days: findings.differing_days,
        uncounted_days: findings.uncounted_days,
        requests: findings.requests,
        differing: findings.differing.into_iter().map(line).collect(),
        uncounted: findings.uncounted.into_iter().map(missing).collect(),
    }
}

fn line(differing: Differing) -> Line {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let from = output::time(differing.interval.start);
    Line {
        table: differing.table,
        id: differing.id,
        name: differing.name,
        day: from.split('T').next().unwrap_or_default().to_owned(),
        from,
        to: output::time(differing.interval.end),
        server: differing.server,
        lake: differing.lake,
        difference: signed(differing.lake).saturating_sub(signed(differing.server)),
        counted: if differing.good_only { "good" } else { "all" },
    }
}

fn missing(uncounted: Uncounted) -> Missing {
    Missing {
        table: uncounted.table,
        id: uncounted.id,
        name: uncounted.name,
        from: output::time(uncounted.interval.start),
        to: output::time(uncounted.interval.end),
        reason: uncounted.code,
        message: redact(&uncounted.message).into_owned(),
    }
}

fn text(report: &Report, all: bool) -> String {
    let Some((from, to)) = report.from.as_ref().zip(report.to.as_ref()) else {
        return "nothing to compare: runs have covered and settled no day of such tags in this range yet".to_owned();
    };
    let mut parts = Vec::new();
    let shown = if all { usize::MAX } else { SHOWN };
    let more = |count: usize| {
        (count > shown).then(|| format!("… and {} more (-v shows all)", output::count((count - shown) as u64)))
    };
    if !report.differing.is_empty() {
        let mut table = Table::new(["table", "tag", "day", "server", "lake", "difference"].map(str::to_owned).to_vec());
        (3..6).for_each(|column| table.right(column));
        for line in report.differing.iter().take(shown) {
            let count = output::count;
            let difference = format!("{:+}", line.difference);
            table.row(vec![
                line.table.clone(),
                line.name.clone(),
                line.day.clone(),
                count(line.server),
                count(line.lake),
                difference,
            ]);
        }
        parts.push(table.to_string());
        parts.extend(more(report.differing.len()));
    }
    for missing in report.uncounted.iter().take(shown) {
        let Missing { name, from, to, message, .. } = missing;
        parts.push(format!("not counted: {name} from {from} to {to}: {message}"));
    }
    parts.extend(more(report.uncounted.len()));
    parts.push(format!(
        "{} tags × days of {} tags compared, {from} to {to}: {} differ, {} could not be counted ({} requests)",
        output::count(report.days),
        output::count(report.tags),
        output::count(report.differing_days),
        output::count(report.uncounted_days),
        output::count(report.requests),
    ));
    if report.differing_days > 0 {
        parts.push("the days that differ are in the gap ledger: the next run reads them again".to_owned());
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use tidegate_model::Interval;

    use tidegate_model::Instant;

    use super::*;

    const DAY: i64 = 86_400 * 1_000_000_000;

    fn findings(differing: usize) -> Findings {
        let interval = Interval::new(Instant(0), Instant(DAY));
        let one = Differing {
            table: "x_events".into(),
            id: "a".into(),
            name: "A".into(),
            interval,
            server: 1_441,
            lake: 1_440,
            good_only: false,
        };
        Findings {
            tags: 2,
            range: Some(interval),
            days: 2,
            differing_days: differing as u64,
            differing: vec![one; differing],
            ..Findings::default()
        }
    }

    #[test]
    fn a_difference_is_what_the_lake_has_more() {
        let report = report(findings(1));
        let line = &report.differing[0];
        assert_eq!((line.day.as_str(), line.difference, line.counted), ("1970-01-01", -1, "all"));
        let text = text(&report, false);
        assert!(text.contains("1970-01-01   1,441  1,440          -1"), "{text}");
        assert!(text.contains("1 differ, 0 could not be counted") && text.contains("gap ledger"), "{text}");
    }

    #[test]
    fn long_lists_are_cut_and_equal_counts_take_one_line() {
        let many = report(findings(25));
        assert!(text(&many, false).contains("… and 5 more") && !text(&many, true).contains("more"));
        assert_eq!(text(&report(findings(0)), false).lines().count(), 1);
        assert!(text(&report(Findings::default()), false).contains("nothing to compare"));
    }
}
