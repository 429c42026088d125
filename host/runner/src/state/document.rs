//! The state as a document: JSON that is the same for the same state, to keep, to compare and to bring back. What comes
//! back may have been edited, so everything in it is checked before anything is changed.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{Instant, Interval, Watermark};
use tidegate_sink::GapRow;

use super::{TableState, series_table};
use crate::exit::Failure;
use crate::pipeline::Job;

/// The form that this version writes, and the only one that it reads.
const VERSION: u64 = 1;

/// The whole state of a pipeline. Times are RFC 3339 in UTC with microseconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    version: u64,
    pipeline: String,
    /// By full name.
    tables: BTreeMap<String, Table>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// By identity.
    series: Vec<Series>,
    /// Those that are open, by series and time.
    gaps: Vec<Gap>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    id: String,
    name: String,
    first_timestamp: String,
    last_timestamp: String,
    /// Where the cursor stood before it was put back; null once it is there.
    stored_until: Option<String>,
    record_count: i64,
    last_run: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    series: String,
    /// Null where not even the interval is known.
    start: Option<String>,
    end: Option<String>,
    reason: String,
    attempts: i32,
    first_seen: String,
    last_attempt: String,
}

impl Document {
    /// The document of a state.
    pub(crate) fn of(pipeline: &str, states: &[TableState]) -> Self {
        let table = |state: &TableState| Table {
            series: state.marks.iter().map(Series::of).collect(),
            gaps: state.gaps.iter().map(Gap::of).collect(),
        };
        let tables = states.iter().map(|state| (state.table.clone(), table(state))).collect();
        Self { version: VERSION, pipeline: pipeline.to_owned(), tables }
    }

    /// As it is written, with a line break at its end.
    ///
    /// # Errors
    /// None that a state can cause.
    pub(crate) fn text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Reads a document; `from` names it in messages.
///
/// # Errors
/// Anything in it that is not as it must be: nothing of it may then be used.
pub(crate) fn parse(job: &Job, from: &str, text: &str) -> Result<Vec<TableState>, Failure> {
    let document = checked(from, text, &job.config().name)?;
    let mut states: Vec<TableState> = Vec::new();
    for (name, table) in &document.tables {
        let spec = series_table(job, name).map_err(|failure| refused(from, &failure.message))?;
        let full = job.full_name(spec);
        if states.iter().any(|state| state.table == full) {
            return Err(refused(from, &format!("table `{full}` stands in it twice")));
        }
        let state = table.state(full.clone()).map_err(|what| refused(from, &format!("{full}: {what}")))?;
        states.push(state);
    }
    Ok(states)
}

fn refused(from: &str, what: &str) -> Failure {
    Failure::usage(format!("state document {from}: {what}; nothing was changed"))
}

/// The document, of a version and a pipeline that are ours.
fn checked(from: &str, text: &str, pipeline: &str) -> Result<Document, Failure> {
    let json = |error: serde_json::Error| refused(from, &format!("not as `tidegate state export` writes it: {error}"));
    let value: Value = serde_json::from_str(text).map_err(json)?;
    match value.get("version") {
        Some(version) if version.as_u64() == Some(VERSION) => {}
        Some(other) => {
            let what = format!("its version is {other}, this tidegate reads version {VERSION}");
            return Err(refused(from, &what));
        }
        None => return Err(refused(from, "it has no `version`: `tidegate state export` writes such documents")),
    }
    let document: Document = serde_json::from_str(text).map_err(json)?;
    if document.pipeline != pipeline {
        let what = format!(
            "it is of pipeline `{}`, the configuration is of `{pipeline}`; if that is meant, change `pipeline` in it",
            document.pipeline
        );
        return Err(refused(from, &what));
    }
    Ok(document)
}

impl Table {
    fn state(&self, table: String) -> Result<TableState, String> {
        let mut marks: Vec<Watermark> = self.series.iter().map(Series::mark).collect::<Result<_, _>>()?;
        let mut gaps: Vec<GapRow> = self.gaps.iter().map(|gap| gap.row(&table)).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) = marks.iter().find(|mark| !seen.insert(mark.series.as_str())) {
            return Err(format!("series `{}` stands in it twice", twice.series));
        }
        marks.sort_by(|a, b| a.series.cmp(&b.series));
        gaps.sort_by(|a, b| (&a.series, a.interval).cmp(&(&b.series, b.interval)));
        gaps.dedup_by(|a, b| a.is_same(b));
        Ok(TableState { table, marks, gaps })
    }
}

impl Series {
    fn of(mark: &Watermark) -> Self {
        Self {
            id: mark.series.clone(),
            name: mark.name.clone(),
            first_timestamp: written(mark.covered.start),
            last_timestamp: written(mark.covered.end),
            stored_until: mark.stored_until.map(written),
            record_count: mark.rows,
            last_run: written(mark.last_run),
        }
    }

    fn mark(&self) -> Result<Watermark, String> {
        let at = |key: &str, text: &str| instant(text).map_err(|what| format!("series `{}`: {key} {what}", self.id));
        if self.id.is_empty() {
            return Err("a series without an `id`".to_owned());
        }
        if self.record_count < 0 {
            return Err(format!("series `{}`: record_count {} is below 0", self.id, self.record_count));
        }
        let first = at("first_timestamp", &self.first_timestamp)?;
        let last = at("last_timestamp", &self.last_timestamp)?;
        if last < first {
            let Self { id, first_timestamp, last_timestamp, .. } = self;
            return Err(format!(
                "series `{id}`: last_timestamp {last_timestamp} lies before first_timestamp {first_timestamp}"
            ));
        }
        let mut mark = Watermark {
            series: self.id.clone(),
            name: self.name.clone(),
            covered: Interval::new(first, last),
            rows: self.record_count,
            last_run: at("last_run", &self.last_run)?,
            stored_until: None,
        };
        if let Some(until) = &self.stored_until {
            mark.remember(at("stored_until", until)?);
        }
        Ok(mark)
    }
}

impl Gap {
    fn of(row: &GapRow) -> Self {
        Self {
            series: row.series.clone(),
            start: row.interval.map(|interval| written(interval.start)),
            end: row.interval.map(|interval| written(interval.end)),
            reason: row.reason.clone(),
            attempts: row.attempts,
            first_seen: written(row.first_seen),
            last_attempt: written(row.last_attempt),
        }
    }

    fn row(&self, table: &str) -> Result<GapRow, String> {
        let at =
            |key: &str, text: &str| instant(text).map_err(|what| format!("a gap of `{}`: {key} {what}", self.series));
        if self.series.is_empty() {
            return Err("a gap without a `series`".to_owned());
        }
        let interval = match (&self.start, &self.end) {
            (Some(start), Some(end)) => {
                let interval = Interval::new(at("start", start)?, at("end", end)?);
                if interval.is_empty() {
                    return Err(format!("a gap of `{}`: end {end} does not lie after start {start}", self.series));
                }
                Some(interval)
            }
            (None, None) => None,
            _ => return Err(format!("a gap of `{}` has only one of `start` and `end`", self.series)),
        };
        Ok(GapRow {
            table: table.to_owned(),
            series: self.series.clone(),
            interval,
            reason: self.reason.clone(),
            attempts: self.attempts,
            first_seen: at("first_seen", &self.first_seen)?,
            last_attempt: at("last_attempt", &self.last_attempt)?,
            resolved_at: None,
        })
    }
}

/// With all microseconds, so that equal instants are equal text.
fn written(instant: Instant) -> String {
    DateTime::from_timestamp_nanos(instant.0).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// On whole microseconds, as tables keep it.
fn instant(text: &str) -> Result<Instant, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| format!("`{text}` is not a time such as 2015-01-01T00:00:00.000000Z"))?;
    let nanos = time.timestamp_nanos_opt().ok_or_else(|| format!("`{text}` lies outside the years 1678 to 2261"))?;
    Ok(Instant(nanos).floor_micros())
}

#[cfg(test)]
mod tests;
