//! How a state is printed.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use tidegate_sink::GapRow;

use crate::output::{self, Format, Table};
use crate::state::TableState;

/// What `--output json` prints: an array of these. Times are RFC 3339.
#[derive(Serialize)]
struct Line<'a> {
    table: &'a str,
    id: &'a str,
    name: &'a str,
    /// The low end of what is covered; null, as the rest, where nothing is.
    first_timestamp: Option<String>,
    /// The cursor: everything before it is proven complete.
    last_timestamp: Option<String>,
    /// Where the cursor stood before it was put back; null once it is there.
    stored_until: Option<String>,
    record_count: Option<i64>,
    last_run: Option<String>,
    /// Intervals that are owed.
    gaps: Vec<Gap<'a>>,
}

/// An open gap.
#[derive(Serialize)]
pub(super) struct Gap<'a> {
    series: &'a str,
    /// Null where not even the interval is known.
    start: Option<String>,
    /// Exclusive.
    end: Option<String>,
    reason: &'a str,
}

impl<'a> Gap<'a> {
    pub(super) fn of(row: &'a GapRow) -> Self {
        Self {
            series: &row.series,
            start: row.interval.map(|interval| output::time(interval.start)),
            end: row.interval.map(|interval| output::time(interval.end)),
            reason: &row.reason,
        }
    }
}

/// Prints a state.
pub(super) fn print(format: Format, pipeline: &str, states: &[TableState]) -> Result<()> {
    let lines: Vec<Line<'_>> = states.iter().flat_map(lines).collect();
    match format {
        Format::Json => output::json(&lines)?,
        Format::Table if lines.is_empty() => {
            output::line(&format!("{pipeline}: nothing is loaded yet; `tidegate run` starts"))?;
        }
        Format::Table => output::line(&table(&lines).to_string())?,
    }
    Ok(())
}

fn lines(state: &TableState) -> Vec<Line<'_>> {
    let mut owed: HashMap<&str, Vec<Gap<'_>>> = HashMap::new();
    for gap in &state.gaps {
        owed.entry(&gap.series).or_default().push(Gap::of(gap));
    }
    let mut lines: Vec<Line<'_>> = state
        .marks
        .iter()
        .map(|mark| Line {
            table: &state.table,
            id: &mark.series,
            name: &mark.name,
            first_timestamp: Some(output::time(mark.covered.start)),
            last_timestamp: Some(output::time(mark.covered.end)),
            stored_until: mark.stored_until.map(output::time),
            record_count: Some(mark.rows),
            last_run: Some(output::time(mark.last_run)),
            gaps: owed.remove(mark.series.as_str()).unwrap_or_default(),
        })
        .collect();
    lines.sort_by(|a, b| (a.name, a.id).cmp(&(b.name, b.id)));
    // Owed, and nothing read yet: by identity or, where nothing was found under it, by the configured name.
    let mut unread: Vec<_> = owed.into_iter().collect();
    unread.sort_by_key(|(id, _)| *id);
    lines.extend(unread.into_iter().map(|(id, gaps)| Line {
        table: &state.table,
        id,
        name: id,
        first_timestamp: None,
        last_timestamp: None,
        stored_until: None,
        record_count: None,
        last_run: None,
        gaps,
    }));
    lines
}

fn table(lines: &[Line<'_>]) -> Table {
    let headings = ["table", "tag", "from", "cursor", "rows", "last run", "gaps"];
    let mut table = Table::new(headings.map(str::to_owned).to_vec());
    [4, 6].into_iter().for_each(|column| table.right(column));
    for line in lines {
        table.row(vec![
            line.table.to_owned(),
            line.name.to_owned(),
            line.first_timestamp.clone().unwrap_or_default(),
            line.last_timestamp.clone().unwrap_or_default(),
            line.record_count.map(|rows| output::count(rows.max(0).unsigned_abs())).unwrap_or_default(),
            line.last_run.clone().unwrap_or_default(),
            line.gaps.len().to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Instant, Interval, Watermark};

    use super::*;

    #[test]
    fn each_tag_is_a_line_with_what_it_owes_and_so_is_one_that_only_owes() {
        let covered = Interval::new(Instant(0), Instant(1_500_000_000));
        let mark = Watermark {
            series: "a".into(),
            name: "A".into(),
            covered,
            rows: 1_200,
            last_run: Instant(2_000_000_000),
            stored_until: Some(Instant(3_000_000_000)),
        };
        let gap = |series: &str, interval| GapRow {
            table: "t".into(),
            series: series.into(),
            interval,
            reason: "http-503".into(),
            attempts: 1,
            first_seen: Instant(0),
            last_attempt: Instant(0),
            resolved_at: None,
        };
        let gaps = vec![gap("a", Some(covered)), gap("b", None)];
        let state = TableState { table: "t".into(), marks: vec![mark], gaps };
        let lines = lines(&state);
        let json = serde_json::to_value(&lines).unwrap();
        assert_eq!(json[0]["stored_until"], "1970-01-01T00:00:03Z");
        assert_eq!(json[0]["gaps"][0]["end"], "1970-01-01T00:00:01.500Z");
        assert_eq!((&json[1]["id"], &json[1]["record_count"]), (&"b".into(), &serde_json::Value::Null));
        let text = table(&lines).to_string();
        assert!(text.contains("t      A    1970-01-01T00:00:00Z  1970-01-01T00:00:01.500Z  1,200"), "{text}");
    }
}
