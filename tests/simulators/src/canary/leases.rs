//! Tokens that live as long as somebody uses them: user tokens and live data tokens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::frames::guid;
use crate::shared::hash::mix;

/// What became of the tokens of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Open now.
    pub open: usize,
    /// Handed out since the server started.
    pub issued: u64,
    /// Given back.
    pub revoked: u64,
    /// Lost by idling, or by a fault.
    pub expired: u64,
}

/// Tokens of one kind, each with what the server keeps for it.
#[derive(Debug)]
pub(crate) struct Leases<T> {
    idle: Duration,
    seed: u64,
    started: Instant,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    open: HashMap<String, (Duration, T)>,
    figures: Tokens,
    passed: Duration,
}

impl<T> Leases<T> {
    /// None yet; they expire after `idle` without use.
    pub(crate) fn new(idle: Duration, seed: u64) -> Leases<T> {
        let state = State { open: HashMap::new(), figures: Tokens::default(), passed: Duration::ZERO };
        Leases { idle, seed, started: Instant::now(), state: Mutex::new(state) }
    }

    /// The state without what has expired, and the time.
    fn state(&self) -> (MutexGuard<'_, State<T>>, Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.started.elapsed() + state.passed;
        let before = state.open.len();
        state.open.retain(|_, (used, _)| now.saturating_sub(*used) < self.idle);
        state.figures.expired += (before - state.open.len()) as u64;
        (state, now)
    }

    /// Hands out a token; `None`: as many are open as may be.
    pub(crate) fn issue(&self, kept: T, most: Option<usize>) -> Option<String> {
        let (mut state, now) = self.state();
        if most.is_some_and(|most| state.open.len() >= most) {
            return None;
        }
        state.figures.issued += 1;
        let token = guid(mix(self.seed) ^ state.figures.issued);
        state.open.insert(token.clone(), (now, kept));
        Some(token)
    }

    /// Uses a token; `None`: it is unknown or has expired.
    pub(crate) fn with<R>(&self, token: &str, use_it: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (mut state, now) = self.state();
        let (used, kept) = state.open.get_mut(token)?;
        *used = now;
        Some(use_it(kept))
    }

    /// Takes a token back; `false`: it is unknown or has expired.
    pub(crate) fn revoke(&self, token: &str) -> bool {
        let (mut state, _) = self.state();
        let known = state.open.remove(token).is_some();
        state.figures.revoked += u64::from(known);
        known
    }

    /// Loses all tokens at once.
    pub(crate) fn expire(&self) {
        let (mut state, _) = self.state();
        state.figures.expired += state.open.len() as u64;
        state.open.clear();
    }

    /// Lets time pass without waiting for it.
    pub(crate) fn pass(&self, time: Duration) {
        self.state().0.passed += time;
    }

    /// What became of them.
    pub(crate) fn figures(&self) -> Tokens {
        let (state, _) = self.state();
        Tokens { open: state.open.len(), ..state.figures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_while_it_is_used() {
        let leases: Leases<u8> = Leases::new(Duration::from_secs(300), 1);
        let token = leases.issue(7, Some(1)).unwrap();
        assert_eq!(leases.issue(8, Some(1)), None);
        for _ in 0..3 {
            leases.pass(Duration::from_secs(200));
            assert_eq!(leases.with(&token, |kept| *kept), Some(7));
        }
        leases.pass(Duration::from_secs(301));
        assert_eq!(leases.with(&token, |kept| *kept), None);
        assert_eq!(leases.figures(), Tokens { open: 0, issued: 1, revoked: 0, expired: 1 });
        let other = leases.issue(8, Some(1)).unwrap();
        assert_ne!(other, token);
        assert!(leases.revoke(&other) && !leases.revoke(&other));
    }
}
