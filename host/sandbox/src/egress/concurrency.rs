//! How many requests a server can bear at once, found out while asking: one more for each round that goes well, half as
//! many after a sign of overload (429, 503, a time-out), a little fewer when answers begin later than they used to.
//! Decided from its arguments, so that the rules can be tested.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Requests in flight at the start: what the server's makers advise to begin with (protocol reference §12, 12).
const FIRST: f64 = 4.0;
/// What is left of the limit after overload, and after slowness.
const OVERLOADED: f64 = 0.5;
const SLOWER: f64 = 0.8;
/// One cause makes many requests fail at once and must not count many times.
const RECOVERY: Duration = Duration::from_secs(1);
/// An answer is late when recent ones of its kind began this much later than usual, and not by a trifle.
const LATE: f64 = 3.0;
const TRIFLE: f64 = 0.25;
/// Kinds of request that are told apart.
const KINDS: usize = 64;

/// The limit and what it rests on.
#[derive(Debug)]
pub(super) struct Concurrency {
    most: f64,
    limit: f64,
    steady_from: Option<Instant>,
    kinds: HashMap<String, Latency>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ended<'a> {
    /// It was answered; the answer began after this time.
    Answered { kind: &'a str, after: Duration },
    /// The server shows that it has too much to do.
    Overloaded,
}

/// Seconds until answers of one kind begin: lately, and usually.
#[derive(Clone, Copy, Debug)]
struct Latency {
    lately: f64,
    usually: f64,
}

impl Concurrency {
    /// `most` is what the operator allows.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { most, limit: FIRST.min(most), steady_from: None, kinds: HashMap::new() }
    }

    /// Requests that may be in flight now; at least 1.
    pub(super) fn limit(&self) -> usize {
        // Between 1 and `most`, which came from a usize.
        self.limit as usize
    }

    /// Takes in how a request ended.
    pub(super) fn ended(&mut self, ended: Ended<'_>, now: Instant) {
        match ended {
            Ended::Overloaded => self.shrink(OVERLOADED, now),
            Ended::Answered { kind, after } if self.late(kind, after.as_secs_f64()) => self.shrink(SLOWER, now),
            // A whole round of requests makes one more.
            Ended::Answered { .. } => self.limit = (self.limit + 1.0 / self.limit).min(self.most),
        }
    }

    fn shrink(&mut self, factor: f64, now: Instant) {
        if self.steady_from.is_none_or(|steady| now >= steady) {
            self.limit = (self.limit * factor).max(1.0);
            self.steady_from = Some(now + RECOVERY);
        }
    }

    fn late(&mut self, kind: &str, seconds: f64) -> bool {
        let Some(latency) = self.kinds.get_mut(kind) else {
            if self.kinds.len() < KINDS {
                self.kinds.insert(kind.to_owned(), Latency { lately: seconds, usually: seconds });
            }
            return false;
        };
        latency.lately += (seconds - latency.lately) / 4.0;
        latency.usually += (seconds - latency.usually) / 64.0;
        latency.lately > latency.usually * LATE && latency.lately > latency.usually + TRIFLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(ms: u64) -> Ended<'static> {
        Ended::Answered { kind: "GET recorded", after: Duration::from_millis(ms) }
    }

    #[test]
    fn what_goes_well_adds_one_a_round_up_to_what_is_allowed() {
        let mut concurrency = Concurrency::new(8);
        let now = Instant::now();
        assert_eq!(concurrency.limit(), 4);
        for _round in 0..20 {
            let before = concurrency.limit();
            (0..before + 1).for_each(|_| concurrency.ended(answered(50), now));
            assert!(concurrency.limit() <= before + 1);
        }
        assert_eq!(concurrency.limit(), 8);
        assert_eq!(Concurrency::new(2).limit(), 2);
        assert_eq!(Concurrency::new(0).limit(), 1);
    }

    #[test]
    fn overload_halves_once_for_all_that_fail_together_and_never_below_one() {
        let mut concurrency = Concurrency::new(8);
        let start = Instant::now();
        (0..50).for_each(|_| concurrency.ended(answered(50), start));
        assert_eq!(concurrency.limit(), 8);
        (0..8).for_each(|_| concurrency.ended(Ended::Overloaded, start));
        assert_eq!(concurrency.limit(), 4);
        for second in 1..20 {
            concurrency.ended(Ended::Overloaded, start + Duration::from_secs(second));
        }
        assert_eq!(concurrency.limit(), 1);
    }

    #[test]
    fn answers_that_come_later_and_later_lower_the_limit() {
        let mut concurrency = Concurrency::new(8);
        let start = Instant::now();
        (0..100).for_each(|_| concurrency.ended(answered(100), start));
        (0..5).for_each(|_| concurrency.ended(answered(2_000), start));
        assert!(concurrency.limit() < 8, "{}", concurrency.limit());
    }

    #[test]
    fn a_slow_kind_of_request_is_no_sign_and_neither_is_a_trifle() {
        let mut concurrency = Concurrency::new(8);
        let now = Instant::now();
        (0..100).for_each(|_| concurrency.ended(answered(10), now));
        let batch = Ended::Answered { kind: "POST batch", after: Duration::from_secs(3) };
        (0..100).for_each(|_| concurrency.ended(batch, now));
        (0..100).for_each(|_| concurrency.ended(answered(100), now));
        assert_eq!(concurrency.limit(), 8);
    }
}
