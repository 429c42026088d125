//! Takes what running plugins deliver: how far each series of a round has come, and why it stopped there. What one call
//! hands over is checked in `outlet` and leaves for the writer as pages.

mod absent;
mod mirror;
mod outlet;
mod unapplied;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use arrow::array::RecordBatch;
use tidegate_model::{Cover, Fault, Gap, Instant, Interval, Retry, Series, Span, Window};
use tidegate_sandbox::TableSpec;
use tidegate_sink::{Advance, Emitted, EventKey, RecordKeys, Reject, StoredReader};
use tokio::sync::{OnceCell, mpsc};

use crate::audit::UNRECORDED;
use crate::progress::Progress;

pub(crate) use self::absent::Absentees;
use self::mirror::Compared;
pub(crate) use self::mirror::MirrorPolicy;
pub(crate) use self::outlet::PageOutlet;

/// Series whose cursors differ by less are looked up together, in nanoseconds.
const UP_TO_DATE: i64 = 3_600 * 1_000_000_000;

/// Whether nothing more is asked after this fault: the server does not know who we are, or no request can be logged.
pub(crate) fn locks_out(fault: &Fault) -> bool {
    matches!(fault.code.as_str(), LOCKED_OUT | "login-refused" | UNRECORDED)
}

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
    /// Rows that the plugin delivered.
    pub(crate) read: AtomicU64,
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
    /// The same, save for what must wait until more is known.
    proven: Instant,
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
    /// Set once it is known which series have rows beyond their cursor.
    known: OnceCell<()>,
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
                proven: window.read.start,
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
            known: OnceCell::new(),
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

    /// Whether nothing of this round was delivered although asking again might help.
    pub(crate) fn in_vain(&self) -> bool {
        let passing = |fault: &Fault| fault.retry == Retry::Later;
        let stuck =
            |state: &Progressed| state.reached == state.window.read.start && state.fault.as_ref().is_some_and(passing);
        self.states().values().all(stuck)
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
            if locks_out(&fault) {
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
            interval: Some(Interval::new(state.proven, state.window.read.end)),
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
            let whole = state.reached >= state.window.read.end;
            let all = Interval::new(state.window.read.start, if whole { state.reached } else { state.proven });
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
        moving.map(|state| state.proven.min(state.window.advance.end).max(state.window.advance.start)).min()
    }

    /// Rows may be stored beyond a cursor, or without one, all the same; see [`Window::unsettled`]. Looked up once for all
    /// series, when the first of them delivers. Mostly the statistics of the files say that there are none; where there
    /// are, all that is read of the series is compared.
    async fn look_for_rows(&self) -> Result<(), tidegate_sink::Error> {
        let Some(reader) = &self.outputs.stored else { return Ok(()) };
        let look = async || {
            for windows in self.unsettled() {
                let holding = reader.holding(&windows).await?;
                tracing::debug!(series = windows.len(), holding = holding.len(), "looked for rows beyond the cursors");
                let mut states = self.states();
                for series in holding {
                    if let Some(state) = states.get_mut(&series) {
                        state.window.settled = state.window.read.end;
                    }
                }
            }
            Ok(())
        };
        self.known.get_or_try_init(look).await.map(|_known| ())
    }

    /// Where to look: the many series that are up to date apart from those that lag, so that one of these does not widen
    /// the search for all.
    fn unsettled(&self) -> [HashMap<String, Interval>; 2] {
        let states = self.states();
        let open = states.iter().map(|(series, state)| (series.clone(), state.window.unsettled()));
        let open: Vec<_> = open.filter(|(_, window)| !window.is_empty()).collect();
        let newest = open.iter().map(|(_, window)| window.start).max().unwrap_or(Instant(0)).plus_nanos(-UP_TO_DATE);
        let (lagging, up_to_date) = open.into_iter().partition(|(_, window)| window.start < newest);
        [up_to_date, lagging]
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
