//! The historian's budget, shared by everything that this host asks it: requests in flight, and requests a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Local;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::concurrency::{Concurrency, Ended};
use super::pace::{Pace, QuietHours};

/// Both halves of the budget.
#[derive(Debug)]
pub(super) struct Budget {
    room: Arc<Room>,
    pace: Mutex<Pace>,
    /// How long a request may wait for others to end. A guest that holds an answer it never reads, and asks on, would
    /// otherwise stand still for ever.
    patience: Duration,
}

/// Requests in flight, and how many there may be.
#[derive(Debug)]
struct Room {
    state: Mutex<Occupied>,
    freed: Notify,
}

#[derive(Debug)]
struct Occupied {
    in_flight: usize,
    concurrency: Concurrency,
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    room: Arc<Room>,
}

impl Budget {
    pub(super) fn new(in_flight: usize, per_second: f64, quiet: Vec<QuietHours>, patience: Duration) -> Self {
        let state = Mutex::new(Occupied { in_flight: 0, concurrency: Concurrency::new(in_flight) });
        let room = Arc::new(Room { state, freed: Notify::new() });
        Self { room, pace: Mutex::new(Pace::new(per_second, quiet)), patience }
    }

    /// Waits for its turn; `None` when no request in flight ended for too long.
    pub(super) async fn enter(&self) -> Option<Permit> {
        // Whoever waits for the end of quiet hours must not hold a place meanwhile: others would give up behind it.
        while let Some(silence) = self.silence() {
            tracing::info!(seconds = silence.as_secs(), "quiet hours: nothing is asked until they end");
            tokio::time::sleep(silence).await;
        }
        let permit = tokio::time::timeout(self.patience, self.room.enter()).await.ok()?;
        // Taken only with the permit in hand, so that requests that queued cannot leave as a burst.
        loop {
            let turn = self.pace().take(Instant::now(), Local::now().time());
            match turn {
                None => return Some(permit),
                Some(turn) => tokio::time::sleep_until(turn).await,
            }
        }
    }

    /// The server asked for a pause: nobody asks before it is over.
    pub(super) fn pause(&self, pause: Duration) {
        self.pace().pause(Instant::now() + pause);
    }

    /// Takes in how a request ended; what it means for the others is decided in [`Concurrency`].
    pub(super) fn ended(&self, ended: Ended<'_>) {
        let mut state = self.room.state();
        let before = state.concurrency.limit();
        state.concurrency.ended(ended, Instant::now());
        let limit = state.concurrency.limit();
        drop(state);
        if limit < before {
            tracing::debug!(limit, "the server has enough to do: fewer requests at once");
        } else if limit > before {
            self.room.freed.notify_one();
        }
    }

    fn silence(&self) -> Option<Duration> {
        self.pace().silence(Local::now().time())
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    async fn enter(self: &Arc<Self>) -> Permit {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                let limit = state.concurrency.limit();
                if state.in_flight < limit {
                    state.in_flight += 1;
                    // Places that became free at the same moment woke one alone.
                    if state.in_flight < limit {
                        self.freed.notify_one();
                    }
                    return Permit { room: Arc::clone(self) };
                }
            }
            freed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, Occupied> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.state().in_flight -= 1;
        self.room.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_permit_is_back_when_it_is_dropped_and_waiting_has_an_end() {
        let budget = Budget::new(1, 1e9, Vec::new(), Duration::from_millis(5));
        let permit = budget.enter().await.unwrap();
        assert!(budget.enter().await.is_none());
        drop(permit);
        assert!(budget.enter().await.is_some());
    }

    #[tokio::test]
    async fn a_server_with_too_much_to_do_gets_fewer_requests_at_once() {
        let budget = Budget::new(4, 1e9, Vec::new(), Duration::from_millis(5));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(budget.enter().await.unwrap());
        }
        budget.ended(Ended::Overloaded);
        held.truncate(2);
        assert!(budget.enter().await.is_none(), "two are in flight and two are allowed");
        held.truncate(1);
        assert!(budget.enter().await.is_some());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_a_freed_place() {
        let budget = Arc::new(Budget::new(1, 1e9, Vec::new(), Duration::from_secs(60)));
        let permit = budget.enter().await.unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let budget = Arc::clone(&budget);
                tokio::spawn(async move { budget.enter().await.is_some() })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(permit);
        for waiter in waiting {
            assert!(waiter.await.unwrap());
        }
    }
}
