//! What one running call of a plugin delivers to: checks it against what was asked for, leaves out what is stored
//! already, and sends rows and proof to the writer as one page.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use async_trait::async_trait;
use tidegate_model::{Cover, Domain, Fault, Gap, Instant, Interval, Retry, Span, Window};
use tidegate_sandbox::{Item, Outlet, Shape, TableSpec};
use tidegate_sink::{Advance, Reject, StoredKeys};

use super::{Intake, Page, past};
use crate::pipeline::rows::{Rows, contract, records};

/// Bytes of rejects that wait for their page; beyond it they go ahead.
const REJECT_BYTES: usize = 1 << 20;

/// What one running call of a plugin delivers to.
pub(crate) struct PageOutlet {
    intake: Arc<Intake>,
    members: HashSet<String>,
    /// Rejects that wait for the page that covers them.
    rejects: std::sync::Mutex<Rejects>,
}

#[derive(Default)]
struct Rejects {
    rows: Vec<Reject>,
    bytes: usize,
}

/// What a page moves, worked out before it is sent.
struct Checked {
    covers: Vec<Cover>,
    windows: HashMap<String, Window>,
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
        Self { intake, members, rejects: std::sync::Mutex::default() }
    }

    /// Sends what was rejected and never covered. Call it when the plugin's call has ended.
    pub(crate) async fn flush(&self) -> Result<(), Fault> {
        let rejects = self.take_rejects();
        if rejects.is_empty() {
            return Ok(());
        }
        self.intake.send(Page { rows: None, rejects, advances: Vec::new() }).await
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

    /// The keys stored already in the stretches of this page that are read again. Looked up page by page: what a whole
    /// call reads again has no bound.
    async fn stored(&self, checked: &Checked) -> Result<StoredKeys, Fault> {
        let again = checked.covers.iter().filter_map(|cover| {
            let settled = checked.windows.get(&cover.series)?.settled;
            let again = Interval::new(cover.interval.start, cover.interval.end.min(settled));
            (!again.is_empty()).then(|| (cover.series.clone(), again))
        });
        let (series, intervals): (Vec<String>, Vec<Interval>) = again.unzip();
        let Some(window) = intervals.into_iter().reduce(Interval::hull) else { return Ok(StoredKeys::default()) };
        match &self.intake.outputs.stored {
            Some(stored) => stored.stored(&series, window).await.map_err(|error| sink_fault(&error)),
            None => Ok(StoredKeys::default()),
        }
    }

    /// Which rows to keep; `None` for all of them. Counts the rest.
    async fn selection(&self, rows: &Rows<'_>, checked: &Checked) -> Result<Option<BooleanArray>, Fault> {
        let again = rows.runs.iter().any(|run| {
            let settled = checked.windows.get(&run.series).map(|window| window.settled.micros());
            let first = rows.times.values().get(run.rows.start);
            settled.zip(first).is_some_and(|(settled, first)| *first < settled)
        });
        let good_only = rows.good.filter(|_| self.intake.good_only);
        if !again && good_only.is_none() {
            return Ok(None);
        }
        let stored = if again { Some(self.stored(checked).await?) } else { None };
        let (mut late, mut filtered) = (0, 0);
        let mut keep = Vec::with_capacity(rows.times.len());
        for run in &rows.runs {
            let window = checked.windows.get(&run.series).copied();
            let (settled, cursor) =
                window.map_or((i64::MIN, i64::MIN), |window| (window.settled.micros(), window.advance.start.micros()));
            for row in run.rows.clone() {
                let time = rows.times.value(row);
                let known = time < settled
                    && stored
                        .as_ref()
                        .is_some_and(|stored| stored.contains(&run.series, time, rows.sequences.value(row)));
                let wanted = good_only.is_none_or(|good| good.value(row));
                late += u64::from(!known && wanted && time < cursor);
                filtered += u64::from(!known && !wanted);
                keep.push(!known && wanted);
            }
        }
        self.intake.counts.late.fetch_add(late, Ordering::Relaxed);
        self.intake.counts.filtered.fetch_add(filtered, Ordering::Relaxed);
        Ok(Some(BooleanArray::from(keep)))
    }

    /// Sends a checked page and moves what it proves.
    async fn send(
        &self,
        rows: Option<RecordBatch>,
        kept: &HashMap<String, i64>,
        checked: Checked,
    ) -> Result<(), Fault> {
        let count = rows.as_ref().map_or(0, RecordBatch::num_rows);
        let mut advances = Vec::with_capacity(checked.covers.len());
        let mut seconds = 0;
        {
            let states = self.intake.states();
            for cover in &checked.covers {
                let Some(state) = states.get(&cover.series) else { continue };
                let moves = cover.interval.intersection(state.window.advance);
                seconds += past(state.window, cover.interval);
                advances.push(Advance {
                    series: Arc::clone(&state.series),
                    covered: (!moves.is_empty()).then_some(moves),
                    rows: kept.get(&cover.series).copied().unwrap_or(0),
                });
            }
        }
        advances.retain(|advance| advance.covered.is_some() || advance.rows > 0);
        let rejects = self.take_rejects();
        if !advances.is_empty() || !rejects.is_empty() {
            self.intake.send(Page { rows, rejects, advances }).await?;
        }
        let mut states = self.intake.states();
        for cover in checked.covers {
            if let Some(state) = states.get_mut(&cover.series) {
                state.reached = cover.interval.end;
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
        let checked = self.check(table, covers)?;
        if self.intake.table.shape == Shape::Records {
            let kept = records(&self.intake.table, &batch, &checked.covers)?;
            return self.send(Some(batch), &kept, checked).await;
        }
        let rows = Rows::of(&self.intake.table, &batch)?;
        inside(&self.intake.table, &rows, &checked)?;
        let selection = self.selection(&rows, &checked).await?;
        let mut kept = HashMap::with_capacity(rows.runs.len());
        for run in &rows.runs {
            let count = match &selection {
                Some(keep) => keep.values().slice(run.rows.start, run.rows.len()).count_set_bits(),
                None => run.rows.len(),
            };
            kept.insert(run.series.clone(), i64::try_from(count).unwrap_or(i64::MAX));
        }
        let batch = match &selection {
            Some(keep) => filter_record_batch(&batch, keep)
                .map_err(|error| Fault::internal("sink", format!("rows could not be selected: {error}")))?,
            None => batch,
        };
        self.send((batch.num_rows() > 0).then_some(batch), &kept, checked).await
    }

    async fn cover(&self, table: &str, covers: Vec<Cover>) -> Result<(), Fault> {
        let checked = self.check(table, covers)?;
        self.send(None, &HashMap::new(), checked).await
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
        let full = {
            let mut rejects = self.rejects();
            rejects.bytes += series.len() + raw.len() + reason.len();
            rejects.rows.push(Reject { series: series.to_owned(), raw: raw.to_owned(), reason: reason.to_owned() });
            rejects.bytes >= REJECT_BYTES
        };
        if full { self.flush().await } else { Ok(()) }
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
