//! What one running plugin may take, and the two meters that hold it to that: memory while it grows, and time while
//! the guest itself runs. Waiting for the host is free: a slow historian or a slow sink is no offence.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::stop::Stop;

/// How often the engine looks at running guests.
pub(crate) const TICK: Duration = Duration::from_millis(10);

const MIB: usize = 1 << 20;

/// The limits of one call into a plugin; every call runs in an instance of its own.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Linear memory, all memories together, in bytes.
    pub memory_bytes: usize,
    /// Entries of all tables of functions together.
    pub table_elements: usize,
    /// How long the guest may compute without making progress (a call to the host that hands something over, a request,
    /// a piece of a response), in steps of 10 ms.
    pub busy: Duration,
    /// Log lines of one call that are kept; the rest is dropped. Ten times as many end the call.
    pub log_lines: u64,
    /// Bytes of one log line that are kept.
    pub log_line_bytes: usize,
    /// Bytes of one emitted batch.
    pub emit_bytes: usize,
    /// Calls to the host in one call of the plugin.
    pub host_calls: u64,
    /// Bytes of one request body.
    pub request_bytes: u64,
    /// Bytes of one response body, after decompression.
    pub response_bytes: u64,
    /// Live resources (requests, bodies, streams) that the guest may hold.
    pub handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 * MIB,
            table_elements: 100_000,
            busy: Duration::from_secs(30),
            log_lines: 1_000,
            log_line_bytes: 4_096,
            emit_bytes: 64 * MIB,
            host_calls: 1_000_000,
            request_bytes: 16 << 20,
            response_bytes: 256 << 20,
            handles: 10_000,
        }
    }
}

/// Keeps the memory and the tables of one store inside the limits. A guest that asks for more is ended with the
/// reason, rather than told "no" and left to abort without one.
#[derive(Debug)]
pub(crate) struct Guard {
    memory_left: usize,
    tables_left: usize,
    limits: Limits,
}

impl Guard {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { memory_left: limits.memory_bytes, tables_left: limits.table_elements, limits: limits.clone() }
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        match self.memory_left.checked_sub(more) {
            Some(left) => {
                self.memory_left = left;
                Ok(true)
            }
            None => Err(Stop::memory(self.limits.memory_bytes).into()),
        }
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        match self.tables_left.checked_sub(desired.saturating_sub(current)) {
            Some(left) => {
                self.tables_left = left;
                Ok(true)
            }
            None => Err(Stop::tables(self.limits.table_elements).into()),
        }
    }

    // A component made of an adapter and a module needs a handful of each.
    fn instances(&self) -> usize {
        100
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        10
    }
}

/// Counts the ticks in which a guest ran since it last made progress.
#[derive(Clone, Debug, Default)]
pub(crate) struct Busy(Arc<AtomicU64>);

impl Busy {
    /// The guest handed something over or got something: it is not lost in a loop.
    pub(crate) fn progress(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// One more tick in which the guest ran; false when that was too many.
    fn tick(&self, allowed: u64) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < allowed
    }

    /// Has the engine ask this meter at every tick in which the guest of `store` runs. The deadline is moved from the
    /// moment at which the guest runs again, so ticks that pass while it waits are not counted.
    pub(crate) fn watch<T: 'static>(&self, store: &mut Store<T>, limit: Duration) {
        let busy = self.clone();
        let allowed = ticks(limit);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if busy.tick(allowed) {
                Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
            } else {
                Err(Stop::time(limit).into())
            }
        });
    }
}

fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(memory_bytes: usize, table_elements: usize) -> Guard {
        Guard::new(&Limits { memory_bytes, table_elements, ..Limits::default() })
    }

    #[test]
    fn memory_grows_to_the_limit_and_not_one_byte_further() {
        let mut guard = guard(100, 0);
        assert!(guard.memory_growing(0, 60, None).unwrap());
        assert!(guard.memory_growing(60, 100, None).unwrap());
        let error = guard.memory_growing(100, 101, None).unwrap_err();
        assert_eq!(error.downcast_ref::<Stop>().unwrap().fault().code, "limit-memory");
    }

    #[test]
    fn two_memories_share_one_limit() {
        let mut guard = guard(100, 0);
        assert!(guard.memory_growing(0, 60, None).unwrap());
        assert!(guard.memory_growing(0, 60, None).is_err());
    }

    #[test]
    fn a_module_that_exceeds_its_own_maximum_is_told_so_and_not_ended() {
        assert!(!guard(100, 0).memory_growing(0, 60, Some(50)).unwrap());
    }

    #[test]
    fn tables_are_counted_over_all_of_them() {
        let mut guard = guard(0, 10);
        assert!(guard.table_growing(0, 10, None).unwrap());
        assert!(guard.table_growing(0, 1, None).is_err());
    }

    #[test]
    fn progress_gives_the_guest_its_time_again() {
        let busy = Busy::default();
        assert!(busy.tick(2) && busy.tick(2));
        assert!(!busy.tick(2));
        busy.progress();
        assert!(busy.tick(2));
    }

    #[test]
    fn a_limit_is_at_least_one_tick() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_secs(1)), 100);
    }
}
