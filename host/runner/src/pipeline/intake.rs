//! Takes what running plugins deliver: how far each series of a round has come, and why it stopped there. What one call
//! hands over is checked in `outlet` and leaves for the writer as pages.

mod absent;
mod mirror;
mod outlet;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use arrow::array::RecordBatch;
use tidegate_model::{Cover, Fault, Gap, Instant, Interval, Series, Span, Window};
use tidegate_sandbox::TableSpec;
use tidegate_sink::{Advance, Emitted, EventKey, RecordKeys, Reject, StoredReader};
use tokio::sync::mpsc;

use crate::progress::Progress;

pub(crate) use self::absent::Absentees;
use self::mirror::Compared;
pub(crate) use self::mirror::MirrorPolicy;
pub(crate) use self::outlet::PageOutlet;

/// The code of a fault after which nothing more is asked: the server does not know who we are.
pub(crate) const LOCKED_OUT: &str = "http-401";

/// Rows and the proof that belongs to them, on their way to the writer.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) rows: Option<RecordBatch>,
    /// Stored rows that leave in the same commit.
    pub(crate) gone: Vec<EventKey>,
    /// As `gone`, of a table of records.
    pub(crate) records: RecordKeys,
    /// Rows that the plugin could not map: stored no later than what covers them.
    pub(crate) rejects: Vec<Reject>,
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
    /// Differences that `mirror: append_only` leaves alone.
    pub(crate) edited: AtomicU64,
    pub(crate) deleted: AtomicU64,
}

/// One series of this run.
struct Progressed {
    series: Arc<Series>,
    window: Window,
    /// Everything before this instant has been delivered.
    reached: Instant,
    /// Why it stopped there.
    fault: Option<Fault>,
    compared: Compared,
    /// The records that came, where stored ones are missed that do not come again.
    emitted: Option<Emitted>,
    /// Where stored rows are missing on the historian, too many to believe it.
    shrunk: Option<(Interval, Fault)>,
}

/// The receiving end of one table's read.
pub(crate) struct Intake {
    table: TableSpec,
    good_only: bool,
    mirror: MirrorPolicy,
    states: std::sync::Mutex<HashMap<String, Progressed>>,
    outputs: Outputs,
    broken: AtomicBool,
    locked_out: AtomicBool,
    /// Records that are remembered, of all series.
    remembered: AtomicUsize,
    pub(crate) counts: Counts,
}

/// What stands behind an intake.
pub(crate) struct Outputs {
    /// What is stored already; `None` where the table itself compares.
    pub(crate) stored: Option<StoredReader>,
    /// The writer.
    pub(crate) pages: mpsc::Sender<Page>,
    pub(crate) progress: Arc<dyn Progress>,
}

impl Intake {
    /// An intake for `windows`.
    pub(crate) fn new(
        table: TableSpec,
        good_only: bool,
        mirror: MirrorPolicy,
        windows: &[(Arc<Series>, Window)],
        outputs: Outputs,
    ) -> Self {
        let state = |(series, window): &(Arc<Series>, Window)| {
            let state = Progressed {
                series: Arc::clone(series),
                window: *window,
                reached: window.read.start,
                fault: None,
                compared: Compared::default(),
                emitted: absent::missed(&table, window).then(Emitted::default),
                shrunk: None,
            };
            (series.id.clone(), state)
        };
        Self {
            states: std::sync::Mutex::new(windows.iter().map(state).collect()),
            table,
            good_only,
            mirror,
            outputs,
            broken: AtomicBool::new(false),
            locked_out: AtomicBool::new(false),
            remembered: AtomicUsize::new(0),
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

    /// Whether the server no longer knows who we are: asking on would only lock the account.
    pub(crate) fn locked_out(&self) -> bool {
        self.locked_out.load(Ordering::Relaxed)
    }

    /// What of `spans` is still open after a call that ended with `ended`, and why.
    pub(crate) fn settle(&self, spans: &[Span], ended: Option<&Fault>) -> Vec<(Span, Fault)> {
        let mut states = self.states();
        let mut open = Vec::new();
        for span in spans {
            let Some(state) = states.get_mut(&span.series.id) else { continue };
            if state.reached >= span.interval.end {
                state.fault = None;
                continue;
            }
            let fault = state.fault.take().or_else(|| ended.cloned()).unwrap_or_else(|| {
                Fault::internal("not-covered", "the plugin ended without covering the interval or saying why")
            });
            state.fault = Some(fault.clone());
            if fault.code == LOCKED_OUT {
                self.locked_out.store(true, Ordering::Relaxed);
            }
            let rest = Interval::new(state.reached, span.interval.end);
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
        let shrunk = states.values().filter_map(|state| {
            let (stretch, fault) = state.shrunk.clone()?;
            Some(Gap { series: state.series.id.clone(), interval: Some(stretch), fault })
        });
        open.map(gap).chain(shrunk).collect()
    }

    /// How far each series has been delivered in this run, save what it cannot be believed about.
    pub(crate) fn covered(&self) -> Vec<Cover> {
        let covers = |state: &Progressed| {
            let all = Interval::new(state.window.read.start, state.reached);
            let parts = match &state.shrunk {
                Some((stretch, _)) => [Interval::new(all.start, stretch.start), Interval::new(stretch.end, all.end)],
                None => [all, Interval::new(all.end, all.end)],
            };
            let series = state.series.id.clone();
            parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(move |interval| Cover { series: series.clone(), interval })
        };
        self.states().values().flat_map(covers).collect()
    }

    /// The cursor that is furthest behind, as this round leaves it; `None` where it moves none.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let states = self.states();
        let moving = states.values().filter(|state| !state.window.advance.is_empty());
        moving.map(|state| state.reached.min(state.window.advance.end).max(state.window.advance.start)).min()
    }

    async fn send(&self, page: Page) -> Result<(), Fault> {
        self.outputs.pages.send(page).await.map_err(|_closed| {
            self.broken.store(true, Ordering::Relaxed);
            Fault::internal("sink", "the lake could not be written; see the error of the run")
        })
    }

    fn states(&self) -> std::sync::MutexGuard<'_, HashMap<String, Progressed>> {
        // Nothing panics while the lock is held; a poisoned one still holds whole states.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds of `interval` up to now: what lies ahead of it says nothing about how far a run has come.
pub(crate) fn past(window: Window, interval: Interval) -> i64 {
    let past = interval.intersection(Interval::new(window.read.start, window.advance.end));
    past.end.0.saturating_sub(past.start.0).max(0) / 1_000_000_000
}
