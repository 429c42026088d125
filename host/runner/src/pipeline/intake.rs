//! Takes what running plugins deliver: checks it against what was asked for, leaves out what is stored already, and hands
//! rows and proof to the writer as one page.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use async_trait::async_trait;
use tidegate_model::{Cover, Domain, Fault, Gap, Instant, Interval, Retry, Series, Span, Window};
use tidegate_sandbox::{Item, Outlet, TableSpec};
use tidegate_sink::{Advance, StoredKeys, StoredReader};
use tokio::sync::{Mutex, OnceCell, mpsc};

use super::rows::{Rows, contract};
use crate::progress::Progress;

/// Rows and the proof that belongs to them, on their way to the writer.
pub(crate) struct Page {
    pub(crate) rows: Option<RecordBatch>,
    pub(crate) advances: Vec<Advance>,
}

/// What the run counts while it takes pages.
#[derive(Default)]
pub(crate) struct Counts {
    /// Rows before the cursor that were not stored yet.
    pub(crate) late: AtomicU64,
    /// Rows left out because `quality: good` asks for it.
    pub(crate) filtered: AtomicU64,
    pub(crate) rejected: AtomicU64,
}

/// A row that the plugin could not map.
pub(crate) struct Rejected {
    pub(crate) series: String,
    pub(crate) raw: String,
    pub(crate) reason: String,
}

/// One series of this run.
struct Progressed {
    series: Arc<Series>,
    window: Window,
    /// Everything before this instant has been delivered.
    reached: Instant,
    /// Why it stopped there.
    fault: Option<Fault>,
}

/// The receiving end of one table's read.
pub(crate) struct Intake {
    table: TableSpec,
    good_only: bool,
    states: std::sync::Mutex<HashMap<String, Progressed>>,
    stored: StoredReader,
    pages: mpsc::Sender<Page>,
    broken: AtomicBool,
    rejects: Mutex<Vec<Rejected>>,
    progress: Arc<dyn Progress>,
    pub(crate) counts: Counts,
}

impl Intake {
    /// An intake for `windows`, which sends its pages to `pages`.
    pub(crate) fn new(
        table: TableSpec,
        good_only: bool,
        windows: &[(Arc<Series>, Window)],
        stored: StoredReader,
        pages: mpsc::Sender<Page>,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let state = |(series, window): &(Arc<Series>, Window)| {
            let state =
                Progressed { series: Arc::clone(series), window: *window, reached: window.read.start, fault: None };
            (series.id.clone(), state)
        };
        Self {
            table,
            good_only,
            states: std::sync::Mutex::new(windows.iter().map(state).collect()),
            stored,
            pages,
            broken: AtomicBool::new(false),
            rejects: Mutex::default(),
            progress,
            counts: Counts::default(),
        }
    }

    pub(crate) fn table(&self) -> &TableSpec {
        &self.table
    }

    /// Whether the writer has ended: reading on would be in vain.
    pub(crate) fn broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// What of `spans` is still open after a call that ended with `ended`, and why.
    pub(crate) fn settle(&self, spans: &[Span], ended: Option<&Fault>) -> Vec<(Span, Fault)> {
        let mut states = self.states();
        let mut open = Vec::new();
        for span in spans {
            let Some(state) = states.get_mut(&span.series.id) else { continue };
            if state.reached >= state.window.read.end {
                state.fault = None;
                continue;
            }
            let fault = state.fault.take().or_else(|| ended.cloned()).unwrap_or_else(|| {
                Fault::internal("not-covered", "the plugin ended without covering the interval or saying why")
            });
            state.fault = Some(fault.clone());
            let rest = Interval::new(state.reached, state.window.read.end);
            open.push((Span { series: Arc::clone(&span.series), interval: rest }, fault));
        }
        open
    }

    /// Every interval that this run did not prove.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let states = self.states();
        let open = states.values().filter(|state| state.reached < state.window.read.end);
        let gap = |state: &Progressed| Gap {
            series: state.series.id.clone(),
            interval: Some(Interval::new(state.reached, state.window.read.end)),
            fault: state
                .fault
                .clone()
                .unwrap_or_else(|| Fault::internal("not-read", "the run ended before reading it")),
        };
        open.map(gap).collect()
    }

    /// How far each series has been delivered in this run.
    pub(crate) fn covered(&self) -> Vec<Cover> {
        let cover = |state: &Progressed| Cover {
            series: state.series.id.clone(),
            interval: Interval::new(state.window.read.start, state.reached),
        };
        self.states().values().map(cover).collect()
    }

    /// The cursor that is furthest behind, as this run leaves it.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let cursor = |state: &Progressed| state.reached.min(state.window.advance.end).max(state.window.advance.start);
        self.states().values().map(cursor).min()
    }

    /// The rejected rows so far.
    pub(crate) async fn take_rejects(&self) -> Vec<Rejected> {
        std::mem::take(&mut *self.rejects.lock().await)
    }

    fn states(&self) -> std::sync::MutexGuard<'_, HashMap<String, Progressed>> {
        // Nothing panics while the lock is held; a poisoned one still holds whole states.
        self.states.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What one running call of a plugin delivers to.
pub(crate) struct PageOutlet {
    intake: Arc<Intake>,
    members: Vec<String>,
    /// Keys of the rows that are stored already, read when the first row asks.
    stored: OnceCell<StoredKeys>,
}

/// What a page moves, worked out before it is sent.
struct Checked {
    covers: Vec<Cover>,
    windows: HashMap<String, Window>,
}

impl PageOutlet {
    /// An outlet for the spans of one call.
    pub(crate) fn new(intake: Arc<Intake>, spans: &[Span]) -> Self {
        let members: Vec<String> = spans.iter().map(|span| span.series.id.clone()).collect();
        let mut states = intake.states();
        for member in &members {
            if let Some(state) = states.get_mut(member) {
                state.fault = None;
            }
        }
        drop(states);
        Self { intake, members, stored: OnceCell::new() }
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

    /// The keys stored already in the stretches that this call reads again.
    async fn stored(&self) -> Result<&StoredKeys, Fault> {
        self.stored
            .get_or_try_init(|| async {
                let window = {
                    let states = self.intake.states();
                    let again = self.members.iter().filter_map(|member| states.get(member));
                    let again = again.map(|state| Interval::new(state.window.read.start, state.window.settled));
                    let again = again.filter(|interval| !interval.is_empty());
                    again.reduce(|a, b| Interval::new(a.start.min(b.start), a.end.max(b.end)))
                };
                let window = window.unwrap_or(Interval::new(Instant(0), Instant(0)));
                self.intake.stored.stored(&self.members, window).await
            })
            .await
            .map_err(|error| sink_fault(&error))
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
        let stored = if again { Some(self.stored().await?) } else { None };
        let (mut late, mut filtered) = (0, 0);
        let mut keep = Vec::with_capacity(rows.times.len());
        for run in &rows.runs {
            let window = checked.windows.get(&run.series).copied();
            let (settled, cursor) =
                window.map_or((i64::MIN, i64::MIN), |window| (window.settled.micros(), window.advance.start.micros()));
            for row in run.rows.clone() {
                let time = rows.times.value(row);
                let known = time < settled
                    && stored.is_some_and(|stored| stored.contains(&run.series, time, rows.sequences.value(row)));
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
        if !advances.is_empty() {
            let page = Page { rows, advances };
            self.intake.pages.send(page).await.map_err(|_closed| {
                self.intake.broken.store(true, Ordering::Relaxed);
                Fault::internal("sink", "the lake could not be written; see the error of the run")
            })?;
        }
        let mut states = self.intake.states();
        for cover in checked.covers {
            if let Some(state) = states.get_mut(&cover.series) {
                state.reached = cover.interval.end;
            }
        }
        drop(states);
        self.intake.progress.advanced(count as u64, seconds);
        Ok(())
    }
}

#[async_trait]
impl Outlet for PageOutlet {
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault> {
        let checked = self.check(table, covers)?;
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

    async fn gap(&self, _table: &str, gap: Gap) {
        let mut states = self.intake.states();
        if let Some(state) = states.get_mut(&gap.series).filter(|_| self.members.contains(&gap.series)) {
            state.fault = Some(gap.fault);
        }
    }

    async fn reject(&self, _table: &str, series: &str, raw: &str, reason: &str) {
        self.intake.counts.rejected.fetch_add(1, Ordering::Relaxed);
        self.intake.rejects.lock().await.push(Rejected {
            series: series.to_owned(),
            raw: raw.to_owned(),
            reason: reason.to_owned(),
        });
    }

    async fn found(&self, _items: Vec<Item>) {}
}

/// Seconds of `interval` up to now: what lies ahead of it says nothing about how far a run has come.
pub(crate) fn past(window: Window, interval: Interval) -> i64 {
    let past = interval.intersection(Interval::new(window.read.start, window.advance.end));
    past.end.0.saturating_sub(past.start.0).max(0) / 1_000_000_000
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
