//! `tidegate status`: how far each tag is loaded. Reads the checkpoints only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tidegate_model::{Instant, Interval, Watermark};
use tidegate_sink::Backfilled;

use super::{Global, load};
use crate::exit::Exit;
use crate::output::{self, Format, Table};
use crate::pipeline;

/// What `--output json` prints: one object. Times are RFC 3339, durations seconds.
#[derive(Serialize)]
struct Report {
    pipeline: String,
    /// Tags with a cursor.
    tags: usize,
    /// Rows loaded so far, over all tags.
    rows: i64,
    /// Of the tag that is the furthest behind; null without tags.
    lag_seconds: Option<f64>,
    series: Vec<Line>,
    /// What backfills have covered, which moves no cursor.
    backfills: Vec<Stretch>,
}

#[derive(Serialize)]
struct Stretch {
    #[serde(skip)]
    covered: Interval,
    table: String,
    id: String,
    name: String,
    start: String,
    /// Exclusive.
    end: String,
    rows: i64,
    last_run: String,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    /// The low end of what is covered.
    first_timestamp: String,
    /// The cursor: everything before it is proven complete.
    cursor: String,
    lag_seconds: f64,
    rows: i64,
    last_run: String,
}

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let job = load::job(global).await?;
    let lake = job.lake()?;
    let (marks, backfills) = (lake.watermarks().await?, lake.backfills().await?);
    let report = report(job.config().name.clone(), &marks, backfills, pipeline::now().at);
    match global.output {
        Format::Json => output::json(&report)?,
        Format::Table => output::line(&text(&report))?,
    }
    Ok(Exit::Done)
}

fn report(pipeline: String, marks: &[Watermark], backfills: Vec<Backfilled>, now: Instant) -> Report {
    let stretch = |row: Backfilled| Stretch {
        covered: row.covered,
        start: output::time(row.covered.start),
        end: output::time(row.covered.end),
        last_run: output::time(row.last_run),
        table: row.table,
        id: row.series,
        name: row.name,
        rows: row.rows,
    };
    let line = |mark: &Watermark| Line {
        id: mark.series.clone(),
        name: mark.name.clone(),
        first_timestamp: output::time(mark.covered.start),
        cursor: output::time(mark.covered.end),
        lag_seconds: now.0.saturating_sub(mark.covered.end.0).max(0) as f64 / 1e9,
        rows: mark.rows,
        last_run: output::time(mark.last_run),
    };
    let mut series: Vec<Line> = marks.iter().map(line).collect();
    series.sort_by(|a, b| a.name.cmp(&b.name));
    Report {
        pipeline,
        tags: series.len(),
        rows: series.iter().map(|line| line.rows).sum(),
        lag_seconds: series.iter().map(|line| line.lag_seconds).reduce(f64::max),
        series,
        backfills: backfills.into_iter().map(stretch).collect(),
    }
}

/// One line for each table that was backfilled.
fn backfilled(stretches: &[Stretch]) -> String {
    let mut tables: BTreeMap<&str, Vec<&Stretch>> = BTreeMap::new();
    for stretch in stretches {
        tables.entry(&stretch.table).or_default().push(stretch);
    }
    let line = |(table, all): (&str, Vec<&Stretch>)| {
        let tags: BTreeSet<&str> = all.iter().map(|stretch| stretch.id.as_str()).collect();
        let rows: i64 = all.iter().map(|stretch| stretch.rows).sum();
        let hull = all.iter().map(|stretch| stretch.covered).reduce(Interval::hull);
        let range = hull.map(|hull| format!(", from {} to {}", output::time(hull.start), output::time(hull.end)));
        format!(
            "\nbackfilled: {table}, {} tags in {} stretches, {} rows{}",
            output::count(tags.len() as u64),
            output::count(all.len() as u64),
            output::count(rows.max(0).unsigned_abs()),
            range.unwrap_or_default(),
        )
    };
    tables.into_iter().map(line).collect()
}

fn text(report: &Report) -> String {
    let backfilled = backfilled(&report.backfills);
    if report.tags == 0 {
        return format!("{}: nothing is loaded yet; `tidegate run` starts{backfilled}", report.pipeline);
    }
    let mut table = Table::new(["tag", "from", "cursor", "lag", "rows"].map(str::to_owned).to_vec());
    [3, 4].into_iter().for_each(|column| table.right(column));
    let lag = |seconds: f64| output::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let count = |rows: i64| output::count(rows.max(0).unsigned_abs());
    for line in &report.series {
        table.row(vec![
            line.name.clone(),
            line.first_timestamp.clone(),
            line.cursor.clone(),
            lag(line.lag_seconds),
            count(line.rows),
        ]);
    }
    let total = format!(
        "{}: {} tags, {} rows, at most {} behind",
        report.pipeline,
        output::count(report.tags as u64),
        count(report.rows),
        lag(report.lag_seconds.unwrap_or_default()),
    );
    format!("{table}\n{total}{backfilled}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn mark(name: &str, last: i64, rows: i64) -> Watermark {
        let at = |seconds: i64| Instant(seconds * SECOND);
        Watermark {
            series: name.to_lowercase(),
            name: name.into(),
            covered: Interval::new(at(0), at(last)),
            rows,
            last_run: at(last),
            stored_until: None,
        }
    }

    #[test]
    fn lag_counts_from_the_cursor_and_the_worst_tag_stands_for_all() {
        let report =
            report("p".into(), &[mark("B", 940, 1_500), mark("A", 1_000, 1)], Vec::new(), Instant(1_000 * SECOND));
        assert_eq!((report.tags, report.rows, report.lag_seconds), (2, 1_501, Some(60.0)));
        assert_eq!(report.series[0].name, "A");
        let text = text(&report);
        assert!(text.ends_with("p: 2 tags, 1,501 rows, at most 1m 0s behind"), "{text}");
    }

    #[test]
    fn an_empty_lake_says_so() {
        let report = report("p".into(), &[], Vec::new(), Instant(0));
        assert!(text(&report).contains("nothing is loaded yet"));
    }

    #[test]
    fn backfilled_ranges_are_one_line_a_table() {
        let stretch = |series: &str, start: i64, end: i64| Backfilled {
            table: "pi_timeseries".into(),
            series: series.into(),
            name: series.into(),
            covered: Interval::new(Instant(start * SECOND), Instant(end * SECOND)),
            rows: 700,
            last_run: Instant(0),
        };
        let backfills = vec![stretch("a", 0, 60), stretch("a", 120, 180), stretch("b", 0, 180)];
        let report = report("p".into(), &[mark("A", 1_000, 1)], backfills, Instant(1_000 * SECOND));
        let text = text(&report);
        let line = "backfilled: pi_timeseries, 2 tags, 2,100 rows, from 1970-01-01T00:00:00Z to 1970-01-01T00:03:00Z";
        assert!(text.ends_with(line), "{text}");
        assert_eq!(report.backfills[1].start, "1970-01-01T00:02:00Z");
    }
}
