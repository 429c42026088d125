//! What a run did, in figures: printed at its end and kept as a row of the runs table.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::exit::Exit;
use crate::output::{self, Format};

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything asked for is proven.
    #[default]
    Done,
    /// Some intervals are recorded as gaps.
    Gaps,
    /// Nothing could be read, or something could not be written.
    Failed,
}

impl Outcome {
    /// As stored and printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Gaps => "gaps",
            Self::Failed => "failed",
        }
    }
}

/// Which command a summary is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// From the cursors on.
    #[default]
    Run,
    /// A range of its own, which leaves the cursors alone.
    Backfill,
}

impl Command {
    /// As stored and printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Backfill => "backfill",
        }
    }
}

/// The figures of one run over all its tables. As JSON it is one object with these fields by these names; fields may be
/// added, none is renamed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// `run` or `backfill`.
    pub command: Command,
    /// `done`, `gaps` or `failed`.
    pub outcome: Outcome,
    /// Rows written.
    pub rows: u64,
    /// Of these, rows that lay before the cursor.
    pub late: u64,
    /// Rows rewritten because the historian changed them.
    pub edited: u64,
    /// Rows removed because the historian removed them.
    pub deleted: u64,
    /// Rows that could not be mapped and lie in the rejects table.
    pub rejected: u64,
    /// Rows left out because `quality: good` asks for it.
    pub filtered: u64,
    /// Intervals that could not be proven, unresolved names included.
    pub gaps: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Of these, repetitions.
    pub retries: u64,
    /// Bytes received from the historian, as they came over the wire.
    pub bytes: u64,
    /// Commits to data tables.
    pub commits: u64,
    /// Files written to data tables.
    pub files: u64,
    /// Files replaced, because they held a row that changed or left.
    pub files_rewritten: u64,
    /// Files of the lake looked into, to compare what was read again with what is stored.
    pub files_compared: u64,
    /// Bytes read of them.
    pub bytes_compared: u64,
    /// Series read.
    pub series: u64,
    /// Of these, series whose changes the historian told, so that less was read again.
    pub hinted: u64,
    /// Series that it should have told of and did not: their look-back was read as usual.
    pub fell_back: u64,
    /// Rows written by table; for a table of the state of now, all its rows.
    pub tables: BTreeMap<String, u64>,
    /// Wall time in seconds.
    pub duration_seconds: f64,
    /// How far the slowest series is behind now, in seconds; 0 for a backfill, which moves no cursor.
    pub lag_seconds: f64,
}

impl Summary {
    /// The exit code that the run ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.outcome {
            Outcome::Done => Exit::Done,
            Outcome::Gaps => Exit::Gaps,
            Outcome::Failed => Exit::Failed,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(&self, format: Format) -> std::io::Result<()> {
        match format {
            Format::Json => output::json(self),
            Format::Table => output::line(&self.text()),
        }
    }

    /// For people: four lines, and a fifth when there are gaps.
    #[must_use]
    pub fn text(&self) -> String {
        let seconds = |seconds: f64| output::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let rate = (self.rows as f64 / self.duration_seconds.max(0.001)) as u64;
        let count = output::count;
        let (lag, again) = match self.command {
            Command::Run => (
                format!(", lag {}", seconds(self.lag_seconds)),
                "the next run tries them again, or later what failed before",
            ),
            Command::Backfill => (String::new(), "the next run tries them again, and so does the same backfill"),
        };
        let mut text = format!(
            "{} rows of {} tags in {} ({} rows/s){}\n\
             late {}, edited {}, deleted {}, rejected {}, filtered {}, gaps {}\n\
             {} requests ({} retries), {} received, {} commits, {} files\n\
             compared with {} in {} files of the lake, {} rewritten",
            count(self.rows),
            count(self.series),
            seconds(self.duration_seconds),
            count(rate),
            lag,
            count(self.late),
            count(self.edited),
            count(self.deleted),
            count(self.rejected),
            count(self.filtered),
            count(self.gaps),
            count(self.requests),
            count(self.retries),
            output::bytes(self.bytes),
            count(self.commits),
            count(self.files),
            output::bytes(self.bytes_compared),
            count(self.files_compared),
            count(self.files_rewritten),
        );
        if self.hinted + self.fell_back > 0 {
            let (hinted, fell_back) = (count(self.hinted), count(self.fell_back));
            text.push_str(&format!(", {hinted} tags by what changed, {fell_back} fell back to the look-back"));
        }
        if self.outcome == Outcome::Gaps {
            text.push_str(&format!("\nsome intervals could not be proven; `tidegate gaps` lists them, {again}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_names_are_stable() {
        let value = serde_json::to_value(Summary::default()).unwrap();
        let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "command",
            "outcome",
            "rows",
            "late",
            "edited",
            "deleted",
            "rejected",
            "filtered",
            "gaps",
            "requests",
            "retries",
            "bytes",
            "commits",
            "files",
            "files_rewritten",
            "files_compared",
            "bytes_compared",
            "series",
            "hinted",
            "fell_back",
            "tables",
            "duration_seconds",
            "lag_seconds",
        ];
        let mut names = names;
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(value["outcome"], "done");
    }

    #[test]
    fn gaps_decide_the_exit_code_and_are_spoken_of() {
        let summary = Summary { outcome: Outcome::Gaps, rows: 1_200, duration_seconds: 2.0, ..Summary::default() };
        assert_eq!(summary.exit(), Exit::Gaps);
        let text = summary.text();
        assert!(
            text.starts_with("1,200 rows of 0 tags in 2.0s (600 rows/s)") && text.contains("tidegate gaps"),
            "{text}"
        );
        assert_eq!(Summary::default().text().lines().count(), 4);
    }
}
