//! The table of runs: one row each, with every figure of its summary.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use tidegate_model::Instant;

use crate::batch::{instants, texts};
use crate::encode::{FileSpec, write_files};
use crate::fault_point::{Point, reach};
use crate::lake::Lake;
use crate::layout::{Layout, timestamp};
use crate::location::Root;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::watermarks::column;
use crate::{Error, Result};

/// Every figure of a run's summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRow {
    /// The pipeline.
    pub pipeline: String,
    /// Unique among runs.
    pub run_id: String,
    /// `run` or `backfill`.
    pub command: String,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How it ended, in a word.
    pub outcome: String,
    /// The process's exit code.
    pub exit_code: i32,
    /// Rows written.
    pub rows: i64,
    /// Of these, events that came late.
    pub late: i64,
    /// Stored events that were changed.
    pub edited: i64,
    /// Stored events that were removed.
    pub deleted: i64,
    /// Rows that could not be mapped.
    pub rejected: i64,
    /// Rows left out by their quality.
    pub filtered: i64,
    /// Intervals that could not be proven.
    pub gaps: i64,
    /// HTTP requests.
    pub requests: i64,
    /// Of these, repeated ones.
    pub retries: i64,
    /// Bytes received.
    pub bytes: i64,
    /// Data commits.
    pub commits: i64,
    /// Data files.
    pub files: i64,
    /// Data files that were replaced.
    pub files_rewritten: i64,
    /// Data files that were looked into.
    pub files_compared: i64,
    /// Bytes read of them.
    pub bytes_compared: i64,
    /// Series read.
    pub series: i64,
    /// Of these, series whose changes the historian told.
    pub hinted: i64,
    /// Series whose bookmark was lost or could not be asked for.
    pub fell_back: i64,
    /// Wall time in seconds.
    pub duration_seconds: f64,
    /// From the newest covered instant to the end of the run, in seconds; the worst series.
    pub lag_seconds: Option<f64>,
    /// The plugin's name.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// The version of Tidegate.
    pub tidegate_version: String,
}

impl Lake {
    /// Appends a run.
    ///
    /// # Errors
    /// A store that refuses.
    pub async fn append_run(&self, row: RunRow) -> Result<()> {
        let (fields, columns) = run_columns(&row).into_iter().unzip();
        let comment = "One row per run with every figure of its summary";
        append(&self.root, &self.config.checkpoint_schema, &self.own_table("runs"), comment, fields, columns).await
    }
}

/// Appends rows to one of the host's own tables, in one commit.
///
/// # Errors
/// A store that refuses.
pub(crate) async fn append(
    root: &Root,
    schema: &str,
    name: &str,
    comment: &str,
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
) -> Result<()> {
    let layout = Layout::new(format!("{schema}.{name}"), &Schema::new(fields))?;
    let batch = RecordBatch::try_new(Arc::clone(&layout.file), columns)
        .map_err(|error| Error::contract(&layout.table, error.to_string()))?;
    let declared = Declaration { schema, table: name, comment, layout: &layout, properties: &[] };
    let mut table = Table::open_or_create(root, &declared).await?;
    let file = FileSpec::plain(Arc::clone(&layout.file));
    let adds = write_files(table.store(), &table.name, file, std::iter::once(Ok(batch))).await?;
    reach(Point::JournalWritten).await;
    for _ in 0..ATTEMPTS {
        match table.append(adds.clone(), None).await? {
            Attempt::Done => return Ok(()),
            Attempt::Lost => table.reload().await?,
        }
    }
    Err(Error::Contended { table: table.name, attempts: ATTEMPTS })
}

fn run_columns(row: &RunRow) -> Vec<(Field, ArrayRef)> {
    let text = |name, value: &str, comment| (column(name, DataType::Utf8, comment), texts(std::iter::once(value)));
    let instant = |name, value, comment| (column(name, timestamp(), comment), instants(std::iter::once(value)));
    let count = |name, value, comment| -> (Field, ArrayRef) {
        (column(name, DataType::Int64, comment), Arc::new(Int64Array::from(vec![value])))
    };
    let seconds = |name, value: Option<f64>, comment| -> (Field, ArrayRef) {
        (column(name, DataType::Float64, comment), Arc::new(Float64Array::from(vec![value])))
    };
    let exit_code: ArrayRef = Arc::new(Int32Array::from(vec![row.exit_code]));
    vec![
        text("pipeline", &row.pipeline, "The pipeline"),
        text("run_id", &row.run_id, "Unique among runs"),
        instant("started_at", row.started_at, "When the run began (UTC)"),
        instant("ended_at", row.ended_at, "When it ended (UTC)"),
        text("outcome", &row.outcome, "How it ended, in a word"),
        (column("exit_code", DataType::Int32, "Exit code of the process"), exit_code),
        count("rows", row.rows, "Rows written"),
        count("late", row.late, "Of these, events that came late"),
        count("edited", row.edited, "Stored events that were changed"),
        count("deleted", row.deleted, "Stored events that were removed"),
        count("rejected", row.rejected, "Rows that could not be mapped"),
        count("filtered", row.filtered, "Rows left out by their quality"),
        count("gaps", row.gaps, "Intervals that could not be proven"),
        count("requests", row.requests, "HTTP requests"),
        count("retries", row.retries, "Of these, repeated ones"),
        count("bytes", row.bytes, "Bytes received from the historian"),
        count("commits", row.commits, "Data commits"),
        count("files", row.files, "Data files"),
        count("files_rewritten", row.files_rewritten, "Data files replaced, because a row of theirs changed"),
        count("files_compared", row.files_compared, "Data files looked into to compare what was read again"),
        count("bytes_compared", row.bytes_compared, "Bytes read of them"),
        count("series", row.series, "Series read"),
        count("hinted", row.hinted, "Of these, series whose changes the historian told"),
        count("fell_back", row.fell_back, "Series that it should have told of and did not: read by look-back"),
        seconds("duration_seconds", Some(row.duration_seconds), "Wall time"),
        seconds("lag_seconds", row.lag_seconds, "How far the slowest series is behind the end of the run"),
        text("plugin", &row.plugin, "The plugin"),
        text("plugin_version", &row.plugin_version, "Version of the plugin"),
        text("tidegate_version", &row.tidegate_version, "Version of Tidegate"),
        text("command", &row.command, "What it was asked for: run or backfill"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{RUN, lake, number};

    #[tokio::test]
    async fn runs_are_appended_with_every_figure() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        for n in 0..2 {
            let run =
                RunRow { run_id: n.to_string(), rows: 7, exit_code: 3, started_at: Some(RUN.at), ..RunRow::default() };
            lake.append_run(run).await.unwrap();
        }
        let sql = "SELECT sum(rows * exit_code) FROM checkpoints.x_runs WHERE lag_seconds IS NULL AND ended_at IS NULL";
        assert_eq!(number(&lake, sql).await, 42);
    }
    #[tokio::test]
    async fn a_table_of_an_older_version_gets_the_new_column_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let (fields, columns): (Vec<_>, Vec<_>) =
            run_columns(&RunRow::default()).into_iter().filter(|(field, _)| field.name() != "command").unzip();
        append(&lake.root, "checkpoints", "x_runs", "", fields, columns).await.unwrap();
        lake.append_run(RunRow { command: "backfill".into(), ..RunRow::default() }).await.unwrap();
        let sql = "SELECT sum(CASE WHEN command IS NULL THEN 10 WHEN command = 'backfill' THEN 1 END) FROM \
                   checkpoints.x_runs";
        assert_eq!(number(&lake, sql).await, 11);
    }
}
