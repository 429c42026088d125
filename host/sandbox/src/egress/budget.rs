//! The historian's budget, shared by everything that this host asks it: requests in flight, and requests a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Both halves of the budget.
#[derive(Debug)]
pub(super) struct Budget {
    in_flight: Arc<Semaphore>,
    pace: Mutex<Pace>,
    /// How long a request may wait for others to end. A guest that holds an answer it never reads, and asks on, would
    /// otherwise stand still for ever.
    patience: Duration,
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Budget {
    pub(super) fn new(in_flight: usize, per_second: f64, patience: Duration) -> Self {
        let in_flight = Arc::new(Semaphore::new(in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        Self { in_flight, pace: Mutex::new(Pace::new(per_second)), patience }
    }

    /// Waits for its turn; `None` when no request in flight ended for too long.
    pub(super) async fn enter(&self) -> Option<Permit> {
        let waiting = Arc::clone(&self.in_flight).acquire_owned();
        let permit = tokio::time::timeout(self.patience, waiting).await.ok()?.ok()?;
        // Taken only with the permit in hand, so that requests that queued cannot leave as a burst.
        loop {
            let turn = self.pace().take(Instant::now());
            match turn {
                None => return Some(Permit { _permit: permit }),
                Some(turn) => tokio::time::sleep_until(turn).await,
            }
        }
    }

    /// The server asked for a pause: nobody asks before it is over.
    pub(super) fn pause(&self, pause: Duration) {
        self.pace().pause(Instant::now() + pause);
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spaces requests evenly: no stretch of time ever holds more than its share.
#[derive(Debug)]
struct Pace {
    gap: Duration,
    next: Option<Instant>,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        Self { gap: Duration::try_from_secs_f64(1.0 / per_second).unwrap_or_default(), next: None }
    }

    /// Takes the turn at `now`, or says when to try again.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        match self.next {
            Some(next) if next > now => Some(next),
            next => {
                // A turn that is taken a little late does not move the ones after it, or the pace would never be reached.
                let start = next.filter(|next| now.duration_since(*next) < self.gap).unwrap_or(now);
                self.next = Some(start + self.gap);
                None
            }
        }
    }

    fn pause(&mut self, until: Instant) {
        self.next = self.next.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(pace: &mut Pace, from: Instant, step: Duration, steps: u32) -> usize {
        (0..steps).filter(|n| pace.take(from + step * *n).is_none()).count()
    }

    #[test]
    fn a_second_holds_its_budget_and_no_more() {
        let mut pace = Pace::new(20.0);
        let start = Instant::now();
        assert_eq!(turns(&mut pace, start, Duration::from_millis(1), 1_000), 20);
        let idle = start + Duration::from_secs(60);
        assert_eq!(turns(&mut pace, idle, Duration::from_millis(1), 1_000), 20, "idle time is not saved up");
    }

    #[test]
    fn a_turn_taken_late_does_not_slow_the_pace() {
        let mut pace = Pace::new(10.0);
        let start = Instant::now();
        assert_eq!(turns(&mut pace, start, Duration::from_millis(30), 334), 100);
    }

    #[test]
    fn a_pause_holds_everybody_back() {
        let mut pace = Pace::new(1_000.0);
        let start = Instant::now();
        assert_eq!(pace.take(start), None);
        pace.pause(start + Duration::from_secs(5));
        assert_eq!(pace.take(start + Duration::from_secs(4)), Some(start + Duration::from_secs(5)));
        assert_eq!(pace.take(start + Duration::from_secs(5)), None);
    }

    #[tokio::test]
    async fn a_permit_is_back_when_it_is_dropped_and_waiting_has_an_end() {
        let budget = Budget::new(1, 1e9, Duration::from_millis(5));
        let permit = budget.enter().await.unwrap();
        assert!(budget.enter().await.is_none());
        drop(permit);
        assert!(budget.enter().await.is_some());
    }
}
