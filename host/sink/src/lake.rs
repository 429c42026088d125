//! The lake as a whole: where it is, how its tables are named, and who writes.

use std::collections::HashMap;
use std::fmt;

use tidegate_model::{Instant, Watermark};

use crate::events::{Events, EventsSpec};
use crate::lane::LaneId;
use crate::location::{Root, checked_name};
use crate::records::{Records, RecordsSpec, watermarks_table};
use crate::table::Table;
use crate::writer::{CommitPolicy, LaneOf};
use crate::{Error, Result, watermarks};

/// Where the lake is and how the host's own tables in it are called.
#[derive(Clone)]
pub struct LakeConfig {
    /// An absolute path or a `file://` URL.
    pub location: String,
    /// Passed to the store; may hold credentials, so never shown.
    pub storage_options: HashMap<String, String>,
    /// The schema of the data tables; also the default schema of queries.
    pub schema: String,
    /// The schema of the host's own tables.
    pub checkpoint_schema: String,
    /// The name of the watermarks table in it.
    pub watermarks_table: String,
    /// The plugin's prefix: its gap ledger is `<prefix>_gaps`, its runs `<prefix>_runs`, its rejects `<prefix>_rejects`,
    /// its bookmarks `<prefix>_bookmarks`.
    pub prefix: String,
    /// The pipeline that writes; names its lanes.
    pub pipeline: String,
}

impl fmt::Debug for LakeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeConfig")
            .field("location", &self.location)
            .field("storage_options", &format_args!("{} redacted", self.storage_options.len()))
            .field("schema", &self.schema)
            .field("checkpoint_schema", &self.checkpoint_schema)
            .field("watermarks_table", &self.watermarks_table)
            .field("prefix", &self.prefix)
            .field("pipeline", &self.pipeline)
            .finish()
    }
}

/// Identifies a run in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStamp {
    /// When it began.
    pub at: Instant,
}

impl RunStamp {
    /// Names the run in the tables: when it began, in microseconds.
    #[must_use]
    pub fn id(self) -> String {
        self.at.micros().to_string()
    }
}

/// A lake that can be written and read. Opening it touches no disk: tables are created when first written.
pub struct Lake {
    pub(crate) config: LakeConfig,
    pub(crate) root: Root,
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lake").field(&self.config).finish()
    }
}

impl Lake {
    /// Checks the configuration.
    ///
    /// # Errors
    /// A location or name that cannot be used.
    pub fn open(config: LakeConfig) -> Result<Self> {
        let root = Root::parse(&config.location, config.storage_options.clone())?;
        checked_name("schema", &config.schema)?;
        checked_name("checkpoint schema", &config.checkpoint_schema)?;
        checked_name("watermarks table", &config.watermarks_table)?;
        checked_name("table prefix", &config.prefix)?;
        if config.pipeline.is_empty() {
            let reason = "a pipeline needs a name: its lanes carry it".to_owned();
            return Err(Error::Location { what: "pipeline name", value: String::new(), reason });
        }
        Ok(Self { config, root })
    }

    /// Opens a table of events for writing: creates it or adds what its declaration has more, takes the lane (`live`), and
    /// finishes what an interrupted run left behind.
    ///
    /// # Errors
    /// A declaration that conflicts with what is stored; a store that refuses; a lane that another run holds.
    pub async fn events(&self, spec: EventsSpec, lane: &str, run: RunStamp, policy: CommitPolicy) -> Result<Events> {
        let lane = LaneOf::Runs { lane, watermarks: &self.config.watermarks_table };
        Events::open(self, spec, lane, run, policy).await
    }

    /// Opens a table of records for writing, as [`Lake::events`] does a table of events.
    ///
    /// # Errors
    /// As [`Lake::events`].
    pub async fn records(&self, spec: RecordsSpec, lane: &str, run: RunStamp, policy: CommitPolicy) -> Result<Records> {
        let watermarks = watermarks_table(&spec.table);
        Records::open(self, spec, LaneOf::Runs { lane, watermarks: &watermarks }, run, policy).await
    }

    /// Opens a table of events for a backfill: a lane of its own beside the runs, which covers any stretches and leaves the
    /// watermarks alone.
    ///
    /// # Errors
    /// As [`Lake::events`].
    pub async fn backfill_events(&self, spec: EventsSpec, run: RunStamp, policy: CommitPolicy) -> Result<Events> {
        Events::open(self, spec, LaneOf::Backfills, run, policy).await
    }

    /// Opens a table of records for a backfill, as [`Lake::backfill_events`] does a table of events.
    ///
    /// # Errors
    /// As [`Lake::events`].
    pub async fn backfill_records(&self, spec: RecordsSpec, run: RunStamp, policy: CommitPolicy) -> Result<Records> {
        Records::open(self, spec, LaneOf::Backfills, run, policy).await
    }

    /// All watermarks of the tables of events, by series; empty when there is no such table. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn watermarks(&self) -> Result<Vec<Watermark>> {
        self.marks(&self.config.watermarks_table).await
    }

    /// The same for a table of records (its full name without schema), which keeps its own.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn watermarks_of(&self, table: &str) -> Result<Vec<Watermark>> {
        checked_name("table", table)?;
        self.marks(&watermarks_table(table)).await
    }

    async fn marks(&self, table: &str) -> Result<Vec<Watermark>> {
        let table = Table::open(&self.root, &self.config.checkpoint_schema, table).await?;
        let Some(table) = table else { return Ok(Vec::new()) };
        let mut marks: Vec<Watermark> = watermarks::read(&table).await?.into_values().collect();
        marks.sort_by(|a, b| a.series.cmp(&b.series));
        Ok(marks)
    }

    /// Names a lane of this pipeline; `table` is without its schema.
    pub(crate) fn lane_id(&self, table: &str, lane: &str) -> LaneId {
        LaneId { pipeline: self.config.pipeline.clone(), table: table.to_owned(), lane: lane.to_owned() }
    }

    /// The name of one of the host's own tables.
    pub(crate) fn own_table(&self, suffix: &str) -> String {
        format!("{}_{suffix}", self.config.prefix)
    }
}
