//! The state of a table from outside a run: how far each series is read, as the next run will find it, and how an operator
//! changes it. A change takes the lane like a run does: it holds the lane's lock, finishes what a dead run left staged, and
//! moves the lane's number, so that a run on another machine stops instead of writing past a state that it does not know.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use arrow::datatypes::Schema;
use tidegate_model::{Interval, Watermark};

use crate::coverage::Coverage;
use crate::events::EventsSpec;
use crate::files::Listing;
use crate::lake::{Lake, RunStamp};
use crate::lane::Lane;
use crate::layout::Layout;
use crate::location::checked_name;
use crate::lock::LaneLock;
use crate::records::{RecordsSpec, watermarks_table};
use crate::staged::Staging;
use crate::stored::{KeyColumns, holding};
use crate::table::Table;
use crate::watermarks::{Restated, read};
use crate::writer::{CommitPolicy, LaneOf, Opening};
use crate::{Error, Result};

/// Nothing is buffered while a state is changed.
const UNBUFFERED: CommitPolicy = CommitPolicy { rows: 1, bytes: 1, age: Duration::ZERO };

/// A table that grows series by series.
#[derive(Clone, Debug)]
pub enum SeriesTable {
    /// Of events.
    Events(EventsSpec),
    /// Of records.
    Records(RecordsSpec),
}

impl SeriesTable {
    /// Its full name without schema.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Events(spec) => &spec.table,
            Self::Records(spec) => &spec.table,
        }
    }

    fn declared(&self) -> (&str, &Schema) {
        match self {
            Self::Events(spec) => (&spec.comment, &spec.schema),
            Self::Records(spec) => (&spec.comment, &spec.schema),
        }
    }

    fn keys(&self) -> KeyColumns {
        let (series, time, sequence) = match self {
            Self::Events(spec) => (&spec.series_column, &spec.time_column, &spec.sequence_column),
            Self::Records(spec) => (&spec.series_column, &spec.time_column, &spec.key_column),
        };
        KeyColumns { series: series.clone(), time: time.clone(), sequence: sequence.clone() }
    }
}

/// A lane that is held for a change of its state.
pub struct StateLane {
    lane: Lane,
    _lock: LaneLock,
}

impl std::fmt::Debug for StateLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateLane").field("lock", &self._lock).finish_non_exhaustive()
    }
}

impl Lake {
    /// The watermarks of a table by series, as the next run on `lane` will find them: what a dead run has committed and not
    /// merged is part of it. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn state(&self, table: &SeriesTable, lane: &str) -> Result<HashMap<String, Watermark>> {
        checked_name("table", table.name())?;
        checked_name("lane", lane)?;
        let (root, config) = (&self.root, &self.config);
        let id = self.lane_id(table.name(), lane);
        let (mut marks, merged) = match Table::open(root, &config.checkpoint_schema, &self.marks_table(table)).await? {
            Some(stored) => (read(&stored).await?, stored.txn(&id.app_id()).await?),
            None => (HashMap::new(), 0),
        };
        if let Some(data) = Table::open(root, &config.schema, table.name()).await? {
            let committed = data.txn(&id.app_id()).await?;
            let staging = Staging::new(root.store()?, &config.checkpoint_schema, &id.file_prefix());
            let staged = staging.list().await?.own.into_iter().find(|staged| staged.batch == committed);
            if let Some(staged) = staged.filter(|staged| staged.batch > merged) {
                staged.coverage.apply(&mut marks, staged.run());
            }
        }
        Ok(marks)
    }

    /// Which series have a row in their own window. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn holding(&self, table: &SeriesTable, windows: &HashMap<String, Interval>) -> Result<HashSet<String>> {
        checked_name("table", table.name())?;
        let (_, schema) = table.declared();
        let name = format!("{}.{}", self.config.schema, table.name());
        let date = Layout::new(name, schema)?.partition;
        let Some(data) = Table::open(&self.root, &self.config.schema, table.name()).await? else {
            return Ok(HashSet::new());
        };
        holding(&Listing::new(&data, date.as_deref(), Coverage::default())?, &table.keys(), windows).await
    }

    /// Takes a lane for a change of its state, and finishes what an interrupted run left behind. Creates the table if there
    /// is none.
    ///
    /// # Errors
    /// [`Error::LaneTaken`] while a run holds the lane; otherwise as [`Lake::events`].
    pub async fn take(&self, table: &SeriesTable, lane: &str, run: RunStamp) -> Result<StateLane> {
        let lock = self.lock(table.name(), lane)?;
        let (comment, schema) = table.declared();
        let layout = Layout::new(format!("{}.{}", self.config.schema, table.name()), schema)?;
        let opening = Opening {
            lake: self,
            table: table.name(),
            comment,
            layout: &layout,
            lane: LaneOf::Runs { lane, watermarks: &self.marks_table(table) },
            run,
            policy: UNBUFFERED,
        };
        Ok(StateLane { lane: opening.lane().await?, _lock: lock })
    }

    fn marks_table(&self, table: &SeriesTable) -> String {
        match table {
            SeriesTable::Events(_) => self.config.watermarks_table.clone(),
            SeriesTable::Records(spec) => watermarks_table(&spec.table),
        }
    }
}

impl StateLane {
    /// The watermarks by series.
    #[must_use]
    pub fn watermarks(&self) -> &HashMap<String, Watermark> {
        self.lane.proven().watermarks()
    }

    /// Changes watermarks, all in one commit or none.
    ///
    /// # Errors
    /// [`Error::StateChanged`] when one of them is no longer what it was before the change; [`Error::LaneTaken`] when a run
    /// elsewhere has just committed to this lane; a store that refuses.
    pub async fn restate(&mut self, changes: &[Restated]) -> Result<(), Error> {
        self.lane.restate(changes).await
    }
}

#[cfg(test)]
mod tests;
