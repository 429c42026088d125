//! What a running plugin says to the host, and the words of its answers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use tidegate_model::{Cover, Fault, Gap, Interval, Series, Span};

/// Takes what a plugin hands over while a call runs.
#[async_trait]
pub trait Outlet: Send + Sync + 'static {
    /// Rows of a table with what they prove. The columns are those of `TableSpec::emitted_schema`; a string column may
    /// be dictionary-encoded. The plugin waits until this returns.
    ///
    /// # Errors
    /// A fault ends the plugin's call, which returns it.
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault>;

    /// Intervals that hold no event.
    ///
    /// # Errors
    /// A fault ends the plugin's call, which returns it.
    async fn cover(&self, table: &str, covers: Vec<Cover>) -> Result<(), Fault>;

    /// All rows of a snapshot table have been emitted by this call.
    ///
    /// # Errors
    /// A fault ends the plugin's call, which returns it.
    async fn complete(&self, table: &str) -> Result<(), Fault>;

    /// An interval that could not be read.
    async fn gap(&self, table: &str, gap: Gap);

    /// A row that could not be mapped, with its raw text. The plugin waits until this returns.
    ///
    /// # Errors
    /// A fault ends the plugin's call, which returns it.
    async fn reject(&self, table: &str, series: &str, raw: &str, reason: &str) -> Result<(), Fault>;

    /// Things that the historian holds.
    async fn found(&self, items: Vec<Item>);
}

/// One thing that the historian holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// One of `Description::kinds`.
    pub kind: String,
    /// The historian's identity of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// What it is.
    pub description: String,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Failed,
}

/// One line of `tidegate check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub advice: String,
}

/// What the configuration selects for a table.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The series found.
    pub series: Vec<Arc<Series>>,
    /// What the configuration names and the historian does not show, by that name.
    pub unresolved: Vec<(String, Fault)>,
}

/// Which events a count holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// All of them.
    All,
    /// Those that are good.
    Good,
    /// The historian does not say.
    Unknown,
}

/// How many events a span holds by the historian's own count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which events these are.
    pub counting: Counting,
    /// One number for each bucket, in the order of time.
    pub buckets: Vec<u64>,
}

/// What came of a request to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Nobody can count the events of this table without reading them, and why.
    Unsupported(String),
    /// For each span in turn its tally, or why there is none.
    Counted(Vec<Result<Tally, Fault>>),
}

/// A unit of work, read by one call.
#[derive(Clone, Debug)]
pub struct Partition {
    /// What to read.
    pub spans: Vec<Span>,
    /// Requests that it will take, as far as the plugin can tell.
    pub requests: u32,
}

/// A series, and up to where its changes are known.
#[derive(Clone, Debug)]
pub struct Bookmarked {
    /// Which.
    pub series: Arc<Series>,
    /// What the plugin last gave for it; empty for nothing.
    pub bookmark: String,
}

/// What has happened to a series since its bookmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `Series::id`.
    pub series: String,
    /// Where it stands now; empty for nowhere.
    pub bookmark: String,
    /// Where something changed, as far as that is known.
    pub dirty: Vec<Interval>,
    /// Whether every change lies there.
    pub complete: bool,
}
