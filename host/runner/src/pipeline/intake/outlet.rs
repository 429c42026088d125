//! What one running call of a plugin delivers to: checks it against what was asked for, has what is read again compared
//! with what is stored, and sends rows and proof to the writer as one page.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use async_trait::async_trait;
use tidegate_model::{Cover, Domain, Fault, Gap, Instant, Interval, Retry, Span, Window};
use tidegate_sandbox::{Item, Outlet, Shape, TableSpec};
use tidegate_sink::{Advance, Reject, StoredKeys};

use super::mirror::{Changes, Fresh, Looked};
use super::{Intake, Page, past};
use crate::pipeline::rows::{Rows, contract, records};
use crate::secret::redact;

/// Bytes of rejects that wait for their page; beyond it they go ahead.
const REJECT_BYTES: usize = 1 << 20;

/// What one running call of a plugin delivers to.
pub(crate) struct PageOutlet {
    intake: Arc<Intake>,
    members: HashSet<String>,
    /// Rejects that wait for the page that covers them.
    rejects: std::sync::Mutex<Rejects>,
    looked: tokio::sync::Mutex<Option<Looked>>,
}

#[derive(Default)]
struct Rejects {
    rows: Vec<Reject>,
    bytes: usize,
}

/// What a page moves, worked out before it is sent.
pub(super) struct Checked {
    pub(super) covers: Vec<Cover>,
    pub(super) windows: HashMap<String, Window>,
}

impl PageOutlet {
    /// An outlet for the spans of one call.
    pub(crate) fn new(intake: Arc<Intake>, spans: &[Span]) -> Self {
        let members: HashSet<String> = spans.iter().map(|span| span.series.id.clone()).collect();
        let mut states = intake.states();
        for member in &members {
            if let Some(state) = states.get_mut(member) {
                state.fault = None;
            }
        }
        drop(states);
        Self { intake, members, rejects: std::sync::Mutex::default(), looked: tokio::sync::Mutex::default() }
    }

    /// Sends what was rejected and never covered. Call it when the plugin's call has ended.
    pub(crate) async fn flush(&self) -> Result<(), Fault> {
        let rejects = self.take_rejects();
        if rejects.is_empty() {
            return Ok(());
        }
        self.intake.send(Page { rejects, ..Page::default() }).await
    }

    /// Keeps an entry of the rejects table until a page goes.
    async fn keep(&self, entry: Reject) -> Result<(), Fault> {
        let full = {
            let mut rejects = self.rejects();
            rejects.bytes += entry.series.len() + entry.raw.len() + entry.reason.len();
            rejects.rows.push(entry);
            rejects.bytes >= REJECT_BYTES
        };
        if full { self.flush().await } else { Ok(()) }
    }

    fn take_rejects(&self) -> Vec<Reject> {
        std::mem::take(&mut *self.rejects()).rows
    }

    fn rejects(&self) -> std::sync::MutexGuard<'_, Rejects> {
        self.rejects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks covers against what was asked for and what has been delivered.
    fn check(&self, table: &str, covers: Vec<Cover>) -> Result<Checked, Fault> {
        let spec = &self.intake.table;
        if table != spec.name {
            return Err(contract(spec, format!("a page of table `{table}`")));
        }
        let states = self.intake.states();
        let mut windows = HashMap::with_capacity(covers.len());
        for cover in &covers {
            let state = states.get(&cover.series).filter(|_| self.members.contains(&cover.series));
            let state = state.ok_or_else(|| {
                contract(spec, format!("a cover of `{}`, which this partition does not hold,", cover.series))
            })?;
            let asked = Interval::new(state.reached, state.window.read.end);
            if cover.interval.start != state.reached || !asked.encloses(cover.interval) {
                let what = format!("the cover {:?} of `{}`, where {asked:?} is open,", cover.interval, cover.series);
                return Err(contract(spec, what));
            }
            if windows.insert(cover.series.clone(), state.window).is_some() {
                return Err(contract(spec, format!("two covers of `{}` in one page", cover.series)));
            }
        }
        Ok(Checked { covers, windows })
    }

    /// The rows stored already in the stretches that a page reads again. What a whole call reads again has no bound, so it
    /// is looked up in windows.
    async fn stored(&self, checked: &Checked, rows: usize) -> Result<Arc<StoredKeys>, Fault> {
        let Some(reader) = &self.intake.outputs.stored else { return Ok(Arc::default()) };
        let mut looked = self.looked.lock().await;
        if let Some(looked) = looked.as_ref().filter(|looked| looked.holds(checked)) {
            return Ok(Arc::clone(&looked.keys));
        }
        let windows = Looked::windows(looked.as_ref(), checked, rows);
        let keys = reader.stored(&windows).await.map_err(|error| sink_fault(&error))?;
        Ok(Arc::clone(&looked.insert(Looked { windows, keys: Arc::new(keys) }).keys))
    }

    /// What a page of events does to the table.
    async fn changes(&self, page: Option<(&RecordBatch, &Rows<'_>)>, checked: &Checked) -> Result<Changes, Fault> {
        let again = checked.covers.iter().any(|cover| checked.again(cover).is_some());
        let (stored, prints) = match &self.intake.outputs.stored {
            Some(reader) if again => {
                let prints = page.map(|(batch, _)| reader.fingerprints(batch)).transpose();
                let rows = page.map_or(0, |(batch, _)| batch.num_rows());
                (self.stored(checked, rows).await?, prints.map_err(|error| sink_fault(&error))?.unwrap_or_default())
            }
            _ => (Arc::default(), Vec::new()),
        };
        let before = {
            let states = self.intake.states();
            let known = |cover: &Cover| Some((cover.series.clone(), states.get(&cover.series)?.compared.clone()));
            checked.covers.iter().filter_map(known).collect()
        };
        let fresh = Fresh { rows: page.map(|(_, rows)| rows), prints: &prints, good_only: self.intake.good_only };
        let changes = Changes::of(&fresh, checked, &stored, &before, self.intake.mirror);
        let counts = &self.intake.counts;
        counts.late.fetch_add(changes.late, Ordering::Relaxed);
        counts.filtered.fetch_add(changes.filtered, Ordering::Relaxed);
        let unapplied = &changes.unapplied;
        if !unapplied.is_empty() {
            let (edited, deleted) = (unapplied.edited.len(), unapplied.deleted.len());
            counts.edited.fetch_add(edited as u64, Ordering::Relaxed);
            counts.deleted.fetch_add(deleted as u64, Ordering::Relaxed);
            tracing::warn!(table = self.intake.table.name, edited, deleted, "mirror: append_only leaves differences");
            for listed in unapplied.listed(&self.intake.table, page.map(|(batch, _)| batch))? {
                self.keep(listed).await?;
            }
        }
        Ok(changes)
    }

    /// Sends a checked page and moves what it proves.
    async fn send(&self, rows: Option<RecordBatch>, changes: Changes, checked: Checked) -> Result<(), Fault> {
        let count = rows.as_ref().map_or(0, RecordBatch::num_rows);
        let mut advances = Vec::with_capacity(checked.covers.len());
        let mut seconds = 0;
        let mut proven = Vec::with_capacity(checked.covers.len());
        {
            let states = self.intake.states();
            for cover in &checked.covers {
                let Some(state) = states.get(&cover.series) else { continue };
                let until = changes.proven_until(&cover.series, state.window).min(cover.interval.end);
                // What was not believed on an earlier page holds the cursor as well.
                let doubted = state.shrunk.as_ref().filter(|(stretch, _)| stretch.end > state.window.advance.start);
                let until = doubted.map_or(until, |(stretch, _)| until.min(stretch.start));
                let moves = Interval::new(state.proven, until).intersection(state.window.advance);
                proven.push((cover.series.clone(), until));
                seconds += past(state.window, cover.interval);
                advances.push(Advance {
                    series: Arc::clone(&state.series),
                    covered: (!moves.is_empty()).then_some(moves),
                    rows: changes.gain.get(&cover.series).copied().unwrap_or(0),
                });
            }
        }
        advances.retain(|advance| advance.covered.is_some() || advance.rows != 0);
        let (rejects, gone) = (self.take_rejects(), changes.gone);
        if rows.is_some() || !(advances.is_empty() && rejects.is_empty() && gone.is_empty()) {
            self.intake.send(Page { rows, gone, rejects, advances, ..Page::default() }).await?;
        }
        let mut states = self.intake.states();
        for cover in checked.covers {
            if let Some(state) = states.get_mut(&cover.series) {
                state.reached = cover.interval.end;
            }
        }
        for (series, until) in proven {
            if let Some(state) = states.get_mut(&series) {
                state.proven = state.proven.max(until);
            }
        }
        for (series, compared) in changes.compared {
            if let Some(state) = states.get_mut(&series) {
                state.compared = compared;
            }
        }
        for (series, stretch, fault) in changes.shrunk {
            if let Some(state) = states.get_mut(&series) {
                state.shrunk = Some((stretch, fault));
            }
        }
        drop(states);
        self.intake.outputs.progress.advanced(count as u64, seconds);
        Ok(())
    }
}

#[async_trait]
impl Outlet for PageOutlet {
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault> {
        self.intake.look_for_rows().await.map_err(|error| sink_fault(&error))?;
        let checked = self.check(table, covers)?;
        self.intake.counts.read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        if self.intake.table.shape == Shape::Records {
            let gain = records(&self.intake.table, &batch, &checked.covers)?;
            self.intake.remember(&batch)?;
            return self.send(Some(batch), Changes { gain, ..Changes::default() }, checked).await;
        }
        let rows = Rows::of(&self.intake.table, &batch)?;
        inside(&self.intake.table, &rows, &checked)?;
        let mut changes = self.changes(Some((&batch, &rows)), &checked).await?;
        let write = std::mem::take(&mut changes.write);
        let kept = if write.iter().all(|write| *write) {
            batch
        } else {
            filter_record_batch(&batch, &BooleanArray::from(write))
                .map_err(|error| Fault::internal("sink", format!("rows could not be selected: {error}")))?
        };
        self.send((kept.num_rows() > 0).then_some(kept), changes, checked).await
    }

    async fn cover(&self, table: &str, covers: Vec<Cover>) -> Result<(), Fault> {
        self.intake.look_for_rows().await.map_err(|error| sink_fault(&error))?;
        let checked = self.check(table, covers)?;
        let changes = self.changes(None, &checked).await?;
        self.send(None, changes, checked).await
    }

    async fn complete(&self, table: &str) -> Result<(), Fault> {
        Err(contract(&self.intake.table, format!("the snapshot `{table}` while it read a partition")))
    }

    async fn gap(&self, _table: &str, gap: Gap) {
        let mut states = self.intake.states();
        if let Some(state) = states.get_mut(&gap.series).filter(|_| self.members.contains(&gap.series)) {
            state.fault = Some(gap.fault);
        }
    }

    async fn reject(&self, _table: &str, series: &str, raw: &str, reason: &str) -> Result<(), Fault> {
        self.intake.counts.rejected.fetch_add(1, Ordering::Relaxed);
        // A server that echoes what it was sent must not bring a secret into the lake.
        let (raw, reason) = (redact(raw).into_owned(), redact(reason).into_owned());
        self.keep(Reject { series: series.to_owned(), raw, reason }).await
    }

    async fn found(&self, _items: Vec<Item>) {}
}

/// Every row lies inside the cover of its series.
fn inside(table: &TableSpec, rows: &Rows<'_>, checked: &Checked) -> Result<(), Fault> {
    let covers: HashMap<&str, Interval> =
        checked.covers.iter().map(|cover| (cover.series.as_str(), cover.interval)).collect();
    for run in &rows.runs {
        let ends = rows.times.values().get(run.rows.start).zip(rows.times.values().get(run.rows.end - 1));
        let cover = covers.get(run.series.as_str());
        let inside = ends.zip(cover).is_some_and(|((first, last), cover)| {
            cover.contains(Instant::from_micros(*first)) && cover.contains(Instant::from_micros(*last))
        });
        if !inside {
            return Err(contract(table, format!("rows of `{}` outside the interval it covers", run.series)));
        }
    }
    Ok(())
}

fn sink_fault(error: &tidegate_sink::Error) -> Fault {
    Fault {
        domain: Domain::External,
        retry: Retry::Later,
        code: "lake-read".to_owned(),
        message: format!("stored rows could not be read for comparison: {error}"),
    }
}
