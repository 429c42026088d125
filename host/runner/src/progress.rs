//! How a run shows that it moves: a bar on a terminal, a line now and then elsewhere, nothing with `--quiet`.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What a run tells about itself. Called from many tasks; must be cheap and never block.
pub trait Progress: Send + Sync + 'static {
    /// A table's work is known: so many series, units of work (0 when these are not known yet), and seconds of event time
    /// over all series. Adds up.
    fn planned(&self, series: usize, partitions: usize, seconds_of_data: i64);
    /// So many rows more, and so many seconds of event time more are read.
    fn advanced(&self, rows: u64, seconds_of_data: i64);
    /// A remark worth a line of its own.
    fn note(&self, text: &str);
    /// There is no more to come.
    fn finished(&self);
}

/// The bar that is on the screen, so that other lines are written above it and not through it.
static ON_SCREEN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Runs `write` while no bar is drawn.
pub fn suspended<T>(write: impl FnOnce() -> T) -> T {
    let bar = ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Takes the bar off the screen, for an error that ends the run.
pub fn clear() {
    if let Some(bar) = ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

/// The progress that fits where standard error goes.
#[must_use]
pub fn choose(quiet: bool) -> Arc<dyn Progress> {
    if quiet {
        Arc::new(Silent)
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bar::show())
    } else {
        Arc::new(Lines::new())
    }
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn planned(&self, _series: usize, _partitions: usize, _seconds_of_data: i64) {}
    fn advanced(&self, _rows: u64, _seconds_of_data: i64) {}
    fn note(&self, _text: &str) {}
    fn finished(&self) {}
}

/// What has been planned and done so far.
#[derive(Default)]
struct Tally {
    series: AtomicU64,
    partitions: AtomicU64,
    planned: AtomicI64,
    done: AtomicI64,
    rows: AtomicU64,
}

impl Tally {
    fn plan(&self, series: usize, partitions: usize, seconds: i64) {
        self.series.fetch_add(series as u64, Ordering::Relaxed);
        self.partitions.fetch_add(partitions as u64, Ordering::Relaxed);
        self.planned.fetch_add(seconds.max(0), Ordering::Relaxed);
    }

    fn advance(&self, rows: u64, seconds: i64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.done.fetch_add(seconds.max(0), Ordering::Relaxed);
    }

    /// Parts of a thousand.
    fn permille(&self) -> u64 {
        let (planned, done) = (self.planned.load(Ordering::Relaxed), self.done.load(Ordering::Relaxed));
        if planned <= 0 { 0 } else { (i128::from(done) * 1_000 / i128::from(planned)).clamp(0, 1_000) as u64 }
    }

    /// `1,234 rows, 56 rows/s, lag 3d 4h, ETA 12m 5s`; lag is what is left to read, of an average series.
    fn text(&self, elapsed: Duration) -> String {
        let rows = self.rows.load(Ordering::Relaxed);
        let rate = (rows as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
        let left = self.planned.load(Ordering::Relaxed).saturating_sub(self.done.load(Ordering::Relaxed)).max(0);
        let series = self.series.load(Ordering::Relaxed).max(1);
        let lag = Duration::from_secs(left.unsigned_abs() / series);
        let permille = self.permille();
        let eta = match permille {
            0 => "unknown".to_owned(),
            done => output::duration(elapsed.mul_f64((1_000 - done) as f64 / done as f64)),
        };
        format!(
            "{} rows, {} rows/s, lag {}, ETA {eta}",
            output::count(rows),
            output::count(rate),
            output::duration(lag)
        )
    }
}

fn work(series: usize, partitions: usize) -> String {
    let series = output::count(series as u64);
    match partitions {
        0 => format!("{series} tags"),
        _ => format!("{series} tags in {} partitions", output::count(partitions as u64)),
    }
}

/// A bar on a terminal.
struct Bar {
    bar: ProgressBar,
    tally: Tally,
    began: Instant,
}

impl Bar {
    fn show() -> Self {
        let bar = ProgressBar::new(1_000);
        // A template that does not parse leaves the plain style.
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:30}] {percent:>3}%  {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("resolving tags");
        bar.enable_steady_tick(Duration::from_millis(200));
        *ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Self { bar, tally: Tally::default(), began: Instant::now() }
    }
}

impl Progress for Bar {
    fn planned(&self, series: usize, partitions: usize, seconds_of_data: i64) {
        self.tally.plan(series, partitions, seconds_of_data);
        self.bar.set_position(self.tally.permille());
        self.bar.set_message(work(series, partitions));
    }

    fn advanced(&self, rows: u64, seconds_of_data: i64) {
        self.tally.advance(rows, seconds_of_data);
        self.bar.set_position(self.tally.permille());
        self.bar.set_message(self.tally.text(self.began.elapsed()));
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| output::aside(text));
    }

    fn finished(&self) {
        clear();
    }
}

/// Lines where there is no terminal.
struct Lines {
    tally: Tally,
    began: Instant,
    last: Mutex<Instant>,
}

impl Lines {
    fn new() -> Self {
        let now = Instant::now();
        Self { tally: Tally::default(), began: now, last: Mutex::new(now) }
    }

    fn due(&self) -> bool {
        // Another task that holds it is writing the line already.
        let Ok(mut last) = self.last.try_lock() else { return false };
        let due = last.elapsed() >= LINE_EVERY;
        if due {
            *last = Instant::now();
        }
        due
    }

    fn line(&self) {
        let percent = self.tally.permille() / 10;
        output::aside(&format!("progress: {percent}%, {}", self.tally.text(self.began.elapsed())));
    }
}

impl Progress for Lines {
    fn planned(&self, series: usize, partitions: usize, seconds_of_data: i64) {
        self.tally.plan(series, partitions, seconds_of_data);
        output::aside(&format!("progress: reading {}", work(series, partitions)));
    }

    fn advanced(&self, rows: u64, seconds_of_data: i64) {
        self.tally.advance(rows, seconds_of_data);
        if self.due() {
            self.line();
        }
    }

    fn note(&self, text: &str) {
        output::aside(text);
    }

    fn finished(&self) {
        self.line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_is_done_counts_seconds_of_data_over_all_tables() {
        let tally = Tally::default();
        assert_eq!(tally.permille(), 0);
        tally.plan(10, 2, 3_000);
        tally.plan(10, 2, 1_000);
        tally.advance(500, 1_000);
        assert_eq!(tally.permille(), 250);
        assert_eq!(tally.text(Duration::from_secs(10)), "500 rows, 50 rows/s, lag 2m 30s, ETA 30.0s");
        tally.advance(0, i64::MAX - 1_000);
        assert_eq!(tally.permille(), 1_000);
    }
}
