//! Differences that `mirror: append_only` leaves alone. They are counted, and listed in the rejects table: each once, as
//! the historian shows the event now.

use arrow::array::RecordBatch;
use serde_json::{Map, Value, json};
use tidegate_model::{Fault, Instant};
use tidegate_sandbox::TableSpec;
use tidegate_sink::{EventKey, Reject};

use crate::output;

const EDITED: &str = "the historian has changed this event; `mirror: append_only` keeps the stored one";
const DELETED: &str = "the historian has this event no more; `mirror: append_only` keeps the stored one";

/// What a page would have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unapplied {
    /// Rows of the page that differ from the stored ones, each with its series.
    pub(super) edited: Vec<(String, usize)>,
    /// Stored rows that the historian no longer shows.
    pub(super) deleted: Vec<EventKey>,
}

impl Unapplied {
    pub(super) fn is_empty(&self) -> bool {
        self.edited.is_empty() && self.deleted.is_empty()
    }

    /// One entry for each difference.
    ///
    /// # Errors
    /// A value that cannot be shown as JSON.
    pub(super) fn listed(&self, table: &TableSpec, page: Option<&RecordBatch>) -> Result<Vec<Reject>, Fault> {
        let rows = |page: &RecordBatch| -> Vec<RecordBatch> {
            self.edited.iter().map(|(_, row)| page.slice(*row, 1)).collect()
        };
        let rows = output::rows(&page.map(rows).unwrap_or_default())
            .map_err(|error| Fault::internal("sink", format!("a changed event cannot be shown: {error}")))?;
        let edited = self.edited.iter().zip(rows).map(|((series, _), row)| entry(series, row, EDITED));
        let deleted = self.deleted.iter().map(|key| {
            let at = output::time(Instant::from_micros(key.micros));
            let row = [(table.time_column.clone(), json!(at)), (table.sequence_column.clone(), json!(key.sequence))];
            entry(&key.series, row.into_iter().collect(), DELETED)
        });
        Ok(edited.chain(deleted).collect())
    }
}

fn entry(series: &str, row: Map<String, Value>, reason: &str) -> Reject {
    Reject { series: series.to_owned(), raw: Value::Object(row).to_string(), reason: reason.to_owned() }
}
