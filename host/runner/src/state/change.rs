//! From a wish to a changed state: looks, takes the lanes, and applies what was looked at or nothing.

use std::collections::HashMap;

use anyhow::Result;
use tidegate_model::{Instant, Interval};
use tidegate_sandbox::{Shape, TableSpec};
use tidegate_sink::{GapRow, Lake, Observation, Restated, RunStamp, StateLane};

use super::difference::Unmarked;
use super::{Difference, Selection, TableState, declared, read};
use crate::pipeline::{Job, LANE, RunOptions};

/// What an operator wants.
pub(crate) enum Wish {
    /// Cursors that lie beyond this instant go back to it.
    Reset(Instant),
    /// Series and gaps become as a document says.
    Import(Vec<TableState>),
}

/// What `wish` would change of the selected tables and series. Writes nothing.
///
/// # Errors
/// A table that cannot be read.
pub(crate) async fn look(
    job: &Job,
    lake: &Lake,
    selection: &Selection,
    wish: &Wish,
    now: RunStamp,
) -> Result<Vec<Difference>> {
    let policy = job.window_policy(now, &RunOptions::default());
    let mut differences = Vec::new();
    for (state, spec) in read(job, lake, selection).await?.into_iter().zip(selection.specs(job)?) {
        differences.push(match wish {
            Wish::Reset(to) => Difference::reset(&state, *to, &policy),
            Wish::Import(document) => {
                let named = document.iter().find(|document| document.table == state.table);
                let document = selection.of(named.cloned().unwrap_or_default());
                let unmarked = unmarked(job, lake, spec, &state, &document).await?;
                Difference::import(&state, &document, &unmarked, &policy)
            }
        });
    }
    Ok(differences)
}

/// What is stored of the series that the document knows and the state does not.
async fn unmarked(
    job: &Job,
    lake: &Lake,
    spec: &TableSpec,
    state: &TableState,
    document: &TableState,
) -> Result<Unmarked> {
    let known = |id: &str| state.marks.binary_search_by(|mark| mark.series.as_str().cmp(id)).is_ok();
    let new = || document.marks.iter().filter(|mark| !known(&mark.series));
    let windows = |window: &dyn Fn(Interval) -> Interval| -> HashMap<String, Interval> {
        new().map(|mark| (mark.series.clone(), window(mark.covered))).collect()
    };
    let table = declared(job, spec);
    let below = lake.holding(&table, &windows(&|covered| covered)).await?;
    // Records are known by their key: those beyond a cursor are found when they come again.
    let beyond = match spec.shape {
        Shape::Records => Default::default(),
        _ => lake.holding(&table, &windows(&|covered| Interval::new(covered.end, Instant(i64::MAX)))).await?,
    };
    Ok(Unmarked { below, beyond })
}

/// Holds the lanes of all tables that something would change of, by full name.
///
/// # Errors
/// A lane that a run holds.
pub(crate) async fn take(
    job: &Job,
    lake: &Lake,
    differences: &[Difference],
    now: RunStamp,
) -> Result<HashMap<String, StateLane>> {
    let mut held = HashMap::new();
    for difference in differences.iter().filter(|difference| !difference.is_empty()) {
        let spec = job.table(&difference.table)?;
        held.insert(difference.table.clone(), lake.take(&declared(job, spec), LANE, now).await?);
    }
    Ok(held)
}

/// Applies `differences`. Gaps are opened before the cursors move and closed after: whoever dies in between owes too much,
/// never too little.
///
/// # Errors
/// A state that is no longer what was looked at; a lane that is not held; a store that refuses.
pub(crate) async fn apply(
    lake: &Lake,
    differences: &[Difference],
    held: &mut HashMap<String, StateLane>,
    now: RunStamp,
) -> Result<()> {
    let changed = || differences.iter().filter(|difference| !difference.is_empty());
    if let Some(Difference { table, .. }) = changed().find(|difference| !held.contains_key(&difference.table)) {
        return Err(tidegate_sink::Error::StateChanged { table: table.clone() }.into());
    }
    let entered = differences.iter().flat_map(|difference| difference.opens.iter().cloned()).collect();
    observe(lake, Observation { entered, ..Observation::default() }, now).await?;
    for difference in changed() {
        let changes: Vec<Restated> = difference.changes.iter().map(|change| change.restated.clone()).collect();
        if let Some(lane) = held.get_mut(&difference.table).filter(|_| !changes.is_empty()) {
            lane.restate(&changes).await?;
        }
    }
    let closed: Vec<GapRow> = differences.iter().flat_map(|difference| difference.closes.iter().cloned()).collect();
    observe(lake, Observation { closed, ..Observation::default() }, now).await
}

async fn observe(lake: &Lake, observation: Observation, now: RunStamp) -> Result<()> {
    if observation.entered.is_empty() && observation.closed.is_empty() {
        return Ok(());
    }
    let mut ledger = lake.gaps().await?;
    ledger.observe(now, observation);
    Ok(ledger.save().await?)
}
