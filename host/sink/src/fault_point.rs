//! Where a test can stop a run to kill it: one point before and one after each durable effect.
//!
//! A debug build that finds `TIDEGATE_FAULT_POINT=name` in its environment, or `name:n` for the n-th time, says on stderr
//! when it gets there, and waits there for ever, or until the file exists that `TIDEGATE_FAULT_RELEASE` names. The kill
//! itself comes from outside, as it does in life. `TIDEGATE_MERGE_MILLIS` lets the watermarks be merged more often than a
//! test could wait for. A release build has no such switch: [`reach`] is empty there.

use std::time::Duration;

/// Declares the points with their names, so that none can be left out of the list of all.
macro_rules! points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal,)+) => {
        /// A place between two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[doc = $doc])+ $point,)+
        }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// As the environment names it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// A run: it is known which tables are asked for.
    RunBegun = "run-begun",
    /// A run: the tables that grow are done.
    RunSeriesDone = "run-series-done",
    /// A run: the snapshots are done.
    RunSnapshotsDone = "run-snapshots-done",
    /// A run: the ledger knows what became of whole tables.
    RunTablesRecorded = "run-tables-recorded",
    /// A run: its own row is stored.
    RunRecorded = "run-recorded",
    /// A table that grows: its series are known.
    SeriesResolved = "series-resolved",
    /// A table that grows: its lane is open.
    SeriesOpened = "series-opened",
    /// A table that grows: it is known what to read.
    SeriesPlanned = "series-planned",
    /// A table that grows: a round of reading has ended.
    SeriesRead = "series-read",
    /// A table that grows: the last commit is done.
    SeriesCommitted = "series-committed",
    /// A table that grows: the ledger knows what is missing.
    SeriesRecorded = "series-recorded",
    /// A table was created, and holds nothing yet.
    TableCreated = "table-created",
    /// A version of a table that is replaced as a whole is in the log; what follows a commit is not done.
    LogWritten = "log-written",
    /// The log of a table has a checkpoint; old entries are not cleaned up.
    LogCheckpointed = "log-checkpointed",
    /// Replaced files were deleted.
    FilesSwept = "files-swept",
    /// A batch is next, and its rejects come first.
    RejectsDue = "rejects-due",
    /// The rejects of a batch are stored.
    RejectsStored = "rejects-stored",
    /// Rows of a journal (rejects, runs) are a file that no table names.
    JournalWritten = "journal-written",
    /// The new rows of a batch of events are files that no table names.
    EventsWritten = "events-written",
    /// So is what is left of the files that lose events.
    EventsRewritten = "events-rewritten",
    /// What is left of the files that lose records is written; their new rows are not.
    RecordsStripped = "records-stripped",
    /// All that a batch does to its table is written and decided; nothing is staged.
    BatchDecided = "batch-decided",
    /// Step 1: the coverage of a batch is staged.
    BatchStaged = "batch-staged",
    /// Step 2: the batch is committed.
    BatchCommitted = "batch-committed",
    /// The staged file of the batch before it is gone.
    BatchSucceeded = "batch-succeeded",
    /// The watermarks are a file that no table names.
    WatermarksWritten = "watermarks-written",
    /// Step 3: the coverage is merged.
    BatchMerged = "batch-merged",
    /// Step 4: the staged file is deleted.
    BatchUnstaged = "batch-unstaged",
    /// On opening: what an earlier run committed is merged.
    RecoveryMerged = "recovery-merged",
    /// On opening: the lane has a higher number than what was staged in vain.
    RecoveryFenced = "recovery-fenced",
    /// On opening: a staged file is deleted.
    RecoveryUnstaged = "recovery-unstaged",
    /// A snapshot is files that no table names.
    SnapshotWritten = "snapshot-written",
    /// A snapshot has replaced its table.
    SnapshotCommitted = "snapshot-committed",
    /// The gap ledger is a file that no table names.
    GapsWritten = "gaps-written",
    /// The gap ledger is saved.
    GapsSaved = "gaps-saved",
}

/// Passes, or stays when the environment says so.
#[cfg(debug_assertions)]
pub async fn reach(point: Point) {
    if stop::is_here(point) {
        eprintln!("fault point {} reached", point.name());
        stop::until_released().await;
    }
}

/// Passes.
#[cfg(not(debug_assertions))]
#[inline]
pub async fn reach(_point: Point) {}

/// How often the watermarks are merged: `usual`, or as the environment says.
#[cfg(debug_assertions)]
pub(crate) fn merge_every(usual: Duration) -> Duration {
    let millis = std::env::var("TIDEGATE_MERGE_MILLIS").ok().and_then(|text| text.parse().ok());
    millis.map_or(usual, Duration::from_millis)
}

/// How often the watermarks are merged: `usual`.
#[cfg(not(debug_assertions))]
pub(crate) fn merge_every(usual: Duration) -> Duration {
    usual
}

#[cfg(debug_assertions)]
mod stop {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::Point;

    struct Stop {
        name: String,
        /// Times that the point is passed before.
        left: AtomicU64,
    }

    static STOP: LazyLock<Option<Stop>> = LazyLock::new(|| {
        let text = std::env::var("TIDEGATE_FAULT_POINT").ok()?;
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        let nth: u64 = nth.parse().ok()?;
        Some(Stop { name: name.to_owned(), left: AtomicU64::new(nth.saturating_sub(1)) })
    });

    pub(super) async fn until_released() {
        let Some(file) = std::env::var_os("TIDEGATE_FAULT_RELEASE") else { return std::future::pending().await };
        while !std::path::Path::new(&file).exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn is_here(point: Point) -> bool {
        let Some(stop) = STOP.as_ref().filter(|stop| stop.name == point.name()) else { return false };
        // Whoever comes when none is left stays, and so does everybody after.
        stop.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn every_point_has_a_name_of_its_own_and_is_passed_without_a_word() {
        let names: HashSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
        for point in Point::ALL {
            reach(*point).await;
        }
    }
}
