//! What a lane asks of a batch: what the commit must do to the table. The answer may depend on what is stored, so it is
//! asked again when another writer was faster; rows that the other has written or taken out meanwhile are seen then.

use std::collections::HashMap;
use std::future::Future;

use deltalake::kernel::Add;

use crate::Result;
use crate::files::{DataFile, Listing};
use crate::table::Table;

/// A batch on its way out.
pub(crate) trait Outgoing: Send {
    /// What the commit must do to `table`, whose live files are `files`. Writes the data files that it names, and deletes
    /// those that an earlier answer named in vain.
    fn decide(&mut self, table: &Table, files: &Listing) -> impl Future<Output = Result<Decision>> + Send;

    /// The last answer is part of the table, or asked for nothing: data files that it does not name are deleted.
    fn landed(&mut self, _table: &Table) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// What one commit does.
#[derive(Clone, Default)]
pub(crate) struct Decision {
    /// Files that enter.
    pub adds: Vec<Add>,
    /// Files that leave.
    pub removes: Vec<DataFile>,
    /// What that means in rows.
    pub tally: Tally,
    /// By how many rows each series grows beyond what the advances say.
    pub rows: HashMap<String, i64>,
}

/// Rows that a commit changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Rows that were not stored before.
    pub new: u64,
    /// Stored rows that were replaced.
    pub edited: u64,
    /// Stored rows that were taken out.
    pub deleted: u64,
}

impl Decision {
    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.adds.is_empty() && self.removes.is_empty()
    }
}
