//! What time the server thinks it is, and up to which instant events have arrived.
//!
//! The two differ: a server whose history ended yesterday still answers `*` with now. Tests move the arrival of data by
//! hand and never wait for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// The server's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    end: AtomicI64,
    live_since: Option<Instant>,
    skew: i64,
}

/// Wall time in ticks since the Unix epoch.
fn wall() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_nanos() / 100).unwrap_or(i64::MAX)
}

impl Clock {
    /// A clock whose data end at `end`, or at start-up time.
    pub(crate) fn new(end: Option<i64>, live: bool, skew_seconds: i64) -> Clock {
        let end = end.unwrap_or_else(wall);
        Clock { end: AtomicI64::new(end), live_since: live.then(Instant::now), skew: skew_seconds * SECOND }
    }

    /// The server's idea of now.
    pub(crate) fn now(&self) -> i64 {
        wall() + self.skew
    }

    /// The last instant whose events have arrived.
    pub(crate) fn arrived(&self) -> i64 {
        let end = self.end.load(Ordering::Acquire);
        match self.live_since {
            Some(since) => end + i64::try_from(since.elapsed().as_nanos() / 100).unwrap_or(0),
            None => end,
        }
    }

    /// Lets data arrive (or vanish) up to `end`.
    pub(crate) fn set_end(&self, end: i64) {
        self.end.store(end, Ordering::Release);
    }
}
