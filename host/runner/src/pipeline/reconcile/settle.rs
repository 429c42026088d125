//! What a count means, where the historian does not say whether it holds events that are not good: a day is read, nothing of
//! it is stored, and its events are counted here. One day that holds both kinds tells it for all.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, RecordBatch};
use async_trait::async_trait;
use tidegate_model::{Cover, Fault, Gap, Instant, Span};
use tidegate_sandbox::{Counting, Item, Outlet, Partition, TableSpec};

use super::compare::Asked;
use super::{DAY, GOOD, Stored};
use crate::pipeline::job::Job;

/// Days that are read to find out.
const TRIES: usize = 3;

/// Which events the historian's counts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// All of them.
    All,
    /// Those that are good.
    Good,
}

/// A day that may tell, and the historian's count of it.
#[derive(Clone, Debug)]
struct Candidate {
    span: Span,
    count: u64,
}

/// Finds out what a count means; `None` where no day tells it, or where all counts say so themselves.
pub(super) async fn meaning(job: &Job, table: &TableSpec, asked: &[Asked], stored: &Stored) -> Option<Meaning> {
    for Candidate { span, count } in candidates(asked, stored, job.good_only()) {
        let counter = Arc::new(Counter::new(&table.name, span.interval.start));
        let end = span.interval.end;
        let partition = Partition { spans: vec![span], requests: 1 };
        let ended = job.connection().read(&table.name, &partition, Arc::clone(&counter) as _).await;
        let Some(found) = counter.whole(end) else {
            tracing::debug!(?ended, "a day that was read to compare counts could not be read whole");
            continue;
        };
        if let Some(meaning) = tells(found, count) {
            tracing::debug!(?meaning, "what the historian's counts hold");
            return Some(meaning);
        }
    }
    None
}

/// The days that can tell, those with the fewest events first: where events that are not good are stored, or may be missing
/// because they are not to be stored.
fn candidates(asked: &[Asked], stored: &Stored, stores_good: bool) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (span, answer) in asked {
        let Ok(tally) = answer.as_ref() else { continue };
        if tally.counting != Counting::Unknown {
            continue;
        }
        for (interval, count) in span.interval.buckets(DAY).zip(tally.buckets.iter().copied()) {
            let rows = stored.rows(&span.series.id, interval.start);
            if rows.all == rows.good && !(stores_good && count > u64::from(rows.good)) {
                continue;
            }
            candidates.push(Candidate { span: Span { series: Arc::clone(&span.series), interval }, count });
            if candidates.len() > TRIES {
                candidates.sort_by_key(|candidate| candidate.count);
                candidates.truncate(TRIES);
            }
        }
    }
    candidates.sort_by_key(|candidate| candidate.count);
    candidates
}

/// What a count says of a day that holds so many events, and so many good ones.
fn tells((all, good): (u64, u64), count: u64) -> Option<Meaning> {
    match count {
        _ if all == good => None,
        count if count == all => Some(Meaning::All),
        count if count == good => Some(Meaning::Good),
        _ => None,
    }
}

/// Counts the rows of one series and keeps none.
struct Counter {
    table: String,
    state: Mutex<State>,
}

struct State {
    /// Everything before it has been delivered.
    reached: Instant,
    all: u64,
    good: u64,
}

impl Counter {
    fn new(table: &str, start: Instant) -> Self {
        Self { table: table.to_owned(), state: Mutex::new(State { reached: start, all: 0, good: 0 }) }
    }

    /// All events and the good ones, once everything up to `end` has been delivered.
    fn whole(&self, end: Instant) -> Option<(u64, u64)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.reached >= end).then_some((state.all, state.good))
    }

    fn take(&self, table: &str, rows: Option<&RecordBatch>, covers: &[Cover]) {
        if table != self.table {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for Cover { interval, .. } in covers {
            if interval.start <= state.reached {
                state.reached = state.reached.max(interval.end);
            }
        }
        let Some(rows) = rows else { return };
        state.all += rows.num_rows() as u64;
        let flags = rows.column_by_name(GOOD).and_then(|column| column.as_boolean_opt());
        state.good +=
            flags.map_or(rows.num_rows(), |flags| flags.iter().filter(|flag| *flag == Some(true)).count()) as u64;
    }
}

#[async_trait]
impl Outlet for Counter {
    async fn emit(&self, table: &str, batch: RecordBatch, covers: Vec<Cover>) -> Result<(), Fault> {
        self.take(table, Some(&batch), &covers);
        Ok(())
    }

    async fn cover(&self, table: &str, covers: Vec<Cover>) -> Result<(), Fault> {
        self.take(table, None, &covers);
        Ok(())
    }

    async fn complete(&self, _table: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn gap(&self, _table: &str, _gap: Gap) {}

    /// What cannot be stored is not counted here: a day that holds such an event tells nothing.
    async fn reject(&self, _table: &str, _series: &str, _raw: &str, _reason: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn found(&self, _items: Vec<Item>) {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tidegate_model::{Interval, Series};
    use tidegate_sandbox::Tally;
    use tidegate_sink::RowCount;

    use super::*;

    #[test]
    fn only_a_day_with_both_kinds_of_events_tells() {
        assert_eq!(tells((10, 10), 10), None);
        assert_eq!(tells((10, 7), 10), Some(Meaning::All));
        assert_eq!(tells((10, 7), 7), Some(Meaning::Good));
        assert_eq!(tells((10, 7), 9), None);
    }

    #[test]
    fn days_that_cannot_tell_are_not_read_and_short_ones_come_first() {
        let day = |from: i64, to: i64| Interval::new(Instant(from * DAY as i64), Instant(to * DAY as i64));
        let series = Series { id: "a".into(), name: "A".into(), ahead: false, detail: String::new() };
        let span = Span { series: Arc::new(series), interval: day(0, 6) };
        let rows = [(9, 9), (8, 7), (3, 2), (7, 7), (6, 5), (5, 4)];
        let counts = rows.map(|(all, good)| RowCount { all, good }).to_vec();
        let stored =
            Stored { windows: HashMap::from([("a".into(), day(0, 6))]), counts: HashMap::from([("a".into(), counts)]) };
        let asked = |counting| vec![(span.clone(), Ok(Tally { counting, buckets: vec![9, 8, 3, 8, 6, 5] }))];
        let days = |counting, stores_good| -> Vec<i64> {
            let found = candidates(&asked(counting), &stored, stores_good);
            found.iter().map(|candidate| candidate.span.interval.start.0 / DAY as i64).collect()
        };
        assert_eq!(days(Counting::Unknown, false), [2, 5, 4]);
        assert!(days(Counting::All, false).is_empty());
        let stored_good = |stores_good| {
            let counts = [(9, 9), (8, 8)].map(|(all, good)| RowCount { all, good }).to_vec();
            let stored = Stored {
                windows: HashMap::from([("a".into(), day(0, 2))]),
                counts: HashMap::from([("a".into(), counts)]),
            };
            let asked = vec![(
                Span { interval: day(0, 2), ..span.clone() },
                Ok(Tally { counting: Counting::Unknown, buckets: vec![9, 11] }),
            )];
            candidates(&asked, &stored, stores_good).len()
        };
        assert_eq!((stored_good(true), stored_good(false)), (1, 0));
    }
}
