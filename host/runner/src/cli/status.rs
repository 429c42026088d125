//! `tidegate status`: how far each tag is loaded. Reads the checkpoints only.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tidegate_model::{Instant, Watermark};

use super::{Global, load};
use crate::exit::Exit;
use crate::output::{self, Format, Table};

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
    let report = report(job.config().name.clone(), &job.lake()?.watermarks().await?, now());
    match global.output {
        Format::Json => output::json(&report)?,
        Format::Table => output::line(&text(&report))?,
    }
    Ok(Exit::Done)
}

fn now() -> Instant {
    Instant(chrono::Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX))
}

fn report(pipeline: String, marks: &[Watermark], now: Instant) -> Report {
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
    }
}

fn text(report: &Report) -> String {
    if report.tags == 0 {
        return format!("{}: nothing is loaded yet; `tidegate run` starts", report.pipeline);
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
    format!("{table}\n{total}")
}

#[cfg(test)]
mod tests {
    use tidegate_model::Interval;

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
        let report = report("p".into(), &[mark("B", 940, 1_500), mark("A", 1_000, 1)], Instant(1_000 * SECOND));
        assert_eq!((report.tags, report.rows, report.lag_seconds), (2, 1_501, Some(60.0)));
        assert_eq!(report.series[0].name, "A");
        let text = text(&report);
        assert!(text.ends_with("p: 2 tags, 1,501 rows, at most 1m 0s behind"), "{text}");
    }

    #[test]
    fn an_empty_lake_says_so() {
        let report = report("p".into(), &[], Instant(0));
        assert!(text(&report).contains("nothing is loaded yet"));
    }
}
