//! The lake: every Delta table that Tidegate writes or reads, and the only crate that names `deltalake`.
//!
//! [`Lake`] opens a location. [`Events`] takes rows together with the coverage they prove and commits both exactly once
//! (module `lane` states the protocol). [`StoredReader`] tells which rows of a window are stored already, and what of them
//! has changed. [`Records`] does the same for things with a life of their own, one row each. A [`Snapshot`] replaces all
//! rows of a table in one commit, the gap ledger is merged, runs and rejects are appended, [`Lake::take`] holds a lane for an
//! operator who changes cursors, and [`Lake::query`] reads it all with SQL.
//!
//! Nothing here knows a historian: table names, columns and comments come from the caller. Tables stay on Delta reader
//! version 1 and writer version 2, so that every engine reads them.

mod backfills;
mod batch;
mod begun;
mod bookmarks;
mod buffer;
mod checkpoint;
mod coverage;
mod encode;
mod error;
mod events;
pub mod fault_point;
mod files;
mod fill;
mod fingerprint;
#[doc(hidden)]
pub mod fuzzing;
mod gaps;
mod journal;
mod lake;
mod lane;
mod layout;
mod location;
mod lock;
mod outgoing;
mod protocol;
mod query;
mod reader;
mod records;
mod rejects;
mod rewrite;
mod scan;
mod slices;
mod snapshot;
mod staged;
mod state;
mod stats;
#[cfg(debug_assertions)]
mod store_fault;
mod stored;
mod stream;
mod table;
mod upload;
mod watermarks;
mod writer;

pub use backfills::Backfilled;
pub use bookmarks::Bookmark;
pub use error::{Error, Result};
pub use events::{Advance, Events, EventsSpec};
pub use gaps::{GapLedger, GapRow, Observation};
pub use journal::RunRow;
pub use lake::{Lake, LakeConfig, RunStamp};
pub use location::check_location;
pub use lock::LaneLock;
pub use query::TableInfo;
pub use records::{Absence, Absent, Emitted, Reading, RecordKey, RecordKeys, Records, RecordsReader, RecordsSpec};
pub use rejects::Reject;
pub use snapshot::{Snapshot, SnapshotSpec};
pub use state::{SeriesTable, StateLane};
pub use stored::{Comparison, Counting, EventKey, RowCount, StoredKeys, StoredReader};
pub use watermarks::Restated;
pub use writer::{CommitPolicy, Written};

#[cfg(test)]
mod testing;
