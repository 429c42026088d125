//! Stored records that must leave with the next commit, by key and start: the same key may be stored under another start
//! by now, and that row is none of theirs.

use std::collections::HashMap;

use super::{RecordKey, RecordKeys};
use crate::outgoing::Tally;

/// Bytes that a key takes here, roughly.
const KEY_BYTES: usize = 256;

/// What is said of a stored row that must leave.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    pub series: String,
    start: i64,
    /// Another row has taken its place already.
    moved: bool,
}

/// Rows that must leave, by key.
#[derive(Debug, Default)]
pub(super) struct Gone {
    keys: HashMap<String, Vec<Leaving>>,
    rows: usize,
}

impl Gone {
    /// Adds rows.
    pub(super) fn extend(&mut self, gone: RecordKeys) {
        let RecordKeys { deleted, moved } = gone;
        let each = deleted.into_iter().map(|key| (key, false)).chain(moved.into_iter().map(|key| (key, true)));
        for (RecordKey { series, key, start }, moved) in each {
            let known = self.keys.entry(key).or_default();
            if !known.iter().any(|row| row.start == start) {
                known.push(Leaving { series, start, moved });
                self.rows += 1;
            }
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of memory that they take, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.rows * KEY_BYTES
    }

    /// Starts of all rows, in microseconds since the Unix epoch.
    pub(super) fn starts(&self) -> impl Iterator<Item = i64> {
        self.keys.values().flatten().map(|row| row.start)
    }

    /// What is said of the row of this key and start.
    pub(super) fn find(&self, key: &str, start: i64) -> Option<&Leaving> {
        self.keys.get(key)?.iter().find(|row| row.start == start)
    }
}

impl Leaving {
    /// Counts a row that leaves.
    pub(super) fn count(&self, tally: &mut Tally) {
        let count = if self.moved { &mut tally.edited } else { &mut tally.deleted };
        *count += 1;
    }
}
