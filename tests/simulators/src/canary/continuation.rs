//! Continuations: what a page promises and what the next request must bring back, byte for byte.
//!
//! A real server knows what it has handed out, so this one does too: a list of entries that was never issued for these
//! very parameters, in this order, is answered `Errors`, however plausible it looks.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::answer::Refused;
use super::params::fold;

/// Every continuation that was handed out.
#[derive(Debug, Default)]
pub(crate) struct Continuations {
    issued: Mutex<HashSet<u64>>,
}

fn seal(binding: u64, entries: &[Option<String>]) -> u64 {
    entries.iter().fold(binding, |hash, entry| match entry {
        Some(text) => fold(fold(hash, &[1]), text.as_bytes()),
        None => fold(hash, &[0]),
    })
}

impl Continuations {
    /// Remembers what is handed out.
    pub(crate) fn issue(&self, binding: u64, entries: &[Option<String>]) {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).insert(seal(binding, entries));
    }

    /// Refuses what was not handed out for these parameters.
    pub(crate) fn check(&self, binding: u64, entries: &[Option<String>]) -> Result<(), Refused> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if issued.contains(&seal(binding, entries)) {
            return Ok(());
        }
        Err(Refused::errors("the continuation is invalid or does not belong to this request"))
    }

    /// Forgets them all, as a restart of the service does.
    pub(crate) fn forget(&self) {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
