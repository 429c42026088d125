//! The figures of a pipeline's last run, as a file that node_exporter's textfile collector reads: runs are processes that
//! end, so that nobody could ask them.
//!
//! A file that can no longer be written costs no run its success: what it says grows old, and that is what its readers
//! watch (`tidegate_last_run_end_timestamp_seconds`).

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Error, Result};
use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::exit::{Exit, Failure};
use crate::summary::{Command, Summary};

type Number = Gauge<f64, AtomicU64>;

/// Where the figures of one run go.
pub struct Metrics {
    path: PathBuf,
    pipeline: String,
    command: Command,
}

impl Metrics {
    /// The file of `command` in `folder`; what it holds of an earlier run stays until [`Self::keep`].
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(folder: &Path, pipeline: &str, command: Command) -> Result<Self, Failure> {
        let path = folder.join(format!("tidegate-{pipeline}-{}.prom", command.as_str()));
        let metrics = Self { path, pipeline: pipeline.to_owned(), command };
        let probe = metrics.draft();
        let probed = File::create(&probe).and_then(|_| std::fs::remove_file(&probe));
        let unwritable = |error| format!("metrics.folder: cannot write {}: {error}", probe.display());
        probed.map_err(|error| Failure::usage(unwritable(error)))?;
        Ok(metrics)
    }

    /// Replaces the file in one step by what became of the run. One that found its lane held was none: the run that holds
    /// it will tell.
    pub fn keep(&self, ended: &Result<Summary>) {
        let held = |error: &Error| matches!(error.downcast_ref(), Some(tidegate_sink::Error::LaneTaken { .. }));
        if ended.as_ref().is_err_and(held) {
            return;
        }
        if let Err(error) = self.replace(&self.text(ended)) {
            let _ = std::fs::remove_file(self.draft());
            tracing::warn!("metrics.folder: {} was not written: {error}", self.path.display());
        }
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        File::create(self.draft())?.write_all(text.as_bytes())?;
        std::fs::rename(self.draft(), &self.path)
    }

    /// The collector reads `*.prom` only.
    fn draft(&self) -> PathBuf {
        self.path.with_extension(format!("{}.new", std::process::id()))
    }

    fn text(&self, ended: &Result<Summary>) -> String {
        let labels = [("pipeline", self.pipeline.clone()), ("command", self.command.as_str().to_owned())];
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        let mut registry = Registry::with_prefix_and_labels("tidegate_last_run", labels);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let exit = ended.as_ref().map_or_else(Exit::of, Summary::exit);
        gauge(&mut registry, "end_timestamp_seconds", "When it ended, in Unix time", now.as_secs_f64());
        gauge(&mut registry, "exit_code", "0 done, 1 failed, 2 usage, 3 gaps, 4 refused", f64::from(exit.code()));
        if let Ok(summary) = ended {
            for (name, help, value) in figures(summary) {
                gauge(&mut registry, name, help, value);
            }
            let tables = Family::<[(&str, String); 1], Number>::default();
            for (table, rows) in &summary.tables {
                tables.get_or_create(&[("table", table.clone())]).set(*rows as f64);
            }
            registry.register(
                "table_rows",
                "Rows written, by table; of a table of the state of now, all its rows",
                tables,
            );
        }
        let mut text = String::new();
        // Text can always be written into a string.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Number::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

/// Every number of a summary by its name there.
fn figures(of: &Summary) -> Vec<(&'static str, &'static str, f64)> {
    let mut figures = vec![
        ("rows", "Rows written", of.rows as f64),
        ("late", "Rows written that lay before the cursor", of.late as f64),
        ("edited", "Rows that the historian changed", of.edited as f64),
        ("deleted", "Rows that the historian removed", of.deleted as f64),
        ("rejected", "Rows that could not be mapped", of.rejected as f64),
        ("filtered", "Rows left out by their quality", of.filtered as f64),
        ("gaps", "Intervals that could not be proven", of.gaps as f64),
        ("requests", "Requests sent, retries included", of.requests as f64),
        ("retries", "Requests that were repetitions", of.retries as f64),
        ("bytes", "Bytes received from the historian", of.bytes as f64),
        ("commits", "Commits to data tables", of.commits as f64),
        ("files", "Files written to data tables", of.files as f64),
        ("files_rewritten", "Files replaced for a row that changed or left", of.files_rewritten as f64),
        ("files_compared", "Files of the lake looked into", of.files_compared as f64),
        ("bytes_compared", "Bytes read of them", of.bytes_compared as f64),
        ("series", "Series read", of.series as f64),
        ("hinted", "Series whose changes the historian told", of.hinted as f64),
        ("fell_back", "Series that it should have told of and did not", of.fell_back as f64),
        ("duration_seconds", "Wall time", of.duration_seconds),
    ];
    if of.command == Command::Run {
        figures.push(("lag_seconds", "How far the slowest series was behind", of.lag_seconds));
    }
    figures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use anyhow::anyhow;

    use super::*;

    fn kept(command: Command, ended: &Result<Summary>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::begin(folder.path(), "plant-a", command).unwrap();
        metrics.keep(ended);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let expected = format!("tidegate-plant-a-{}.prom", command.as_str());
        assert_eq!(names, [expected.as_str()]);
        std::fs::read_to_string(folder.path().join(expected)).unwrap()
    }

    #[test]
    fn every_number_of_a_summary_is_a_gauge() {
        let mut summary = Summary { rows: 7, gaps: 1, lag_seconds: 2.5, ..Summary::default() };
        summary.outcome = crate::summary::Outcome::Gaps;
        summary.tables.insert("acme_points".to_owned(), 3);
        let text = kept(Command::Run, &Ok(summary.clone()));
        let json = serde_json::to_value(&summary).unwrap();
        let numbers = json.as_object().unwrap().iter().filter(|(_, value)| value.is_number());
        let missing: BTreeSet<_> = numbers
            .map(|(name, value)| (name, value.as_f64().unwrap()))
            .filter(|(name, value)| {
                let line = format!("tidegate_last_run_{name}{{pipeline=\"plant-a\",command=\"run\"}} {value:?}");
                !text.lines().any(|written| written == line)
            })
            .map(|(name, _)| name)
            .collect();
        assert!(missing.is_empty(), "{missing:?} of {text}");
        assert!(text.contains("\ntidegate_last_run_exit_code{pipeline=\"plant-a\",command=\"run\"} 3.0\n"), "{text}");
        let table = "tidegate_last_run_table_rows{pipeline=\"plant-a\",command=\"run\",table=\"acme_points\"} 3.0";
        assert!(text.contains(table), "{text}");
    }

    #[test]
    fn a_failure_has_an_exit_code_and_no_figures_and_a_backfill_no_lag() {
        let text = kept(Command::Run, &Err(anyhow!("the server does not answer")));
        assert!(text.contains("exit_code{pipeline=\"plant-a\",command=\"run\"} 1.0"), "{text}");
        assert!(text.contains("end_timestamp_seconds{") && !text.contains("last_run_rows"), "{text}");
        let summary = Summary { command: Command::Backfill, ..Summary::default() };
        let text = kept(Command::Backfill, &Ok(summary));
        assert!(text.contains("last_run_rows{") && !text.contains("lag_seconds"), "{text}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_before_anything_is_asked() {
        let failure = Metrics::begin(Path::new("/proc"), "p", Command::Run).err().unwrap();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.starts_with("metrics.folder: cannot write /proc/tidegate-p-run."), "{failure}");
    }
}
