//! Reads all partitions: several plugin instances side by side, each failure kept to what it concerns.
//!
//! A call that ends with a fault of the network is repeated for what it left open. A call that crashed is split in two
//! until the series that crashes it stands alone: one poisoned tag must not hold back the others. What got no answer in
//! time is asked for in halves.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tidegate_model::{Domain, Fault, Interval, Retry, Span};
use tidegate_sandbox::{Connection, Partition};

use super::intake::{Intake, PageOutlet};

/// How often one span is asked for in one run; the gap ledger brings it back in the next.
pub(super) const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The code of a request that got no answer in time. To ask for the same again would keep the server as busy.
pub(super) const TIMEOUT: &str = "timeout";

struct Unit {
    partition: Partition,
    attempt: u32,
    /// What of its one series follows, once this has been read.
    rest: Option<Span>,
}

/// Reads every partition to the end, as far as that goes; what stays open has its fault noted in `intake`.
pub(crate) async fn all(connection: &Connection, intake: &Arc<Intake>, partitions: Vec<Partition>, parallel: usize) {
    let unit = |partition| Unit { partition, attempt: 1, rest: None };
    let mut queue: VecDeque<Unit> = partitions.into_iter().map(unit).collect();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < parallel.max(1) && !intake.broken() && !intake.locked_out() {
            let Some(unit) = queue.pop_front() else { break };
            running.push(one(connection, intake, unit));
        }
        match running.next().await {
            Some(again) => queue.extend(again),
            None => break,
        }
    }
}

/// Reads one unit and returns what is to be read next.
async fn one(connection: &Connection, intake: &Arc<Intake>, unit: Unit) -> Vec<Unit> {
    pause(unit.attempt).await;
    let outlet = Arc::new(PageOutlet::new(Arc::clone(intake), &unit.partition.spans));
    let mut ended = connection.read(&intake.table().name, &unit.partition, Arc::clone(&outlet) as _).await;
    ended = ended.and(outlet.flush().await);
    if let Err(fault) = &ended {
        tracing::debug!(code = fault.code, "a read ended early: {}", fault.message);
    }
    let open = intake.settle(&unit.partition.spans, ended.as_ref().err());
    next(unit, open, ended.err())
}

/// Waits before an attempt, the longer the more there have been.
pub(super) async fn pause(attempt: u32) {
    if attempt > 1 {
        tokio::time::sleep(FIRST_PAUSE * 4_u32.saturating_pow(attempt - 2)).await;
    }
}

/// What follows a unit that left `open` behind.
fn next(unit: Unit, open: Vec<(Span, Fault)>, ended: Option<Fault>) -> Vec<Unit> {
    let requests = unit.partition.requests;
    let again = |spans, attempt, rest| Unit { partition: Partition { spans, requests }, attempt, rest };
    if open.is_empty() {
        return unit.rest.map(|rest| again(vec![rest], 1, None)).into_iter().collect();
    }
    if ended.as_ref().is_some_and(splits) && open.len() > 1 {
        let [left, right] = halves(open.into_iter().map(|(span, _)| span).collect());
        return [left, right].into_iter().map(|spans| again(spans, unit.attempt, None)).collect();
    }
    let (slow, late): (Vec<_>, Vec<_>) = open
        .into_iter()
        .filter(|(_, fault)| fault.retry == Retry::Later && unit.attempt < ATTEMPTS)
        .partition(|(_, fault)| fault.code == TIMEOUT);
    let [slow, late] = [slow, late].map(|spans| spans.into_iter().map(|(span, _)| span).collect::<Vec<Span>>());
    let mut units = Vec::new();
    match <[Span; 1]>::try_from(slow) {
        // The server is at its limit: half of the time, and then the other half.
        Ok([span]) => {
            let (first, second) = in_two(span);
            let rest = match unit.rest.clone() {
                Some(rest) => Some(Span { interval: second.interval.hull(rest.interval), ..rest }),
                None => Some(second).filter(|second| !second.interval.is_empty()),
            };
            units.push(again(vec![first], unit.attempt + 1, rest));
        }
        // Or half of the series.
        Err(spans) if !spans.is_empty() => {
            units.extend(halves(spans).map(|spans| again(spans, unit.attempt + 1, None)));
        }
        Err(_) => {}
    }
    if !late.is_empty() {
        units.push(again(late, unit.attempt + 1, unit.rest));
    }
    units
}

/// Each half of some spans.
pub(super) fn halves(mut left: Vec<Span>) -> [Vec<Span>; 2] {
    let right = left.split_off(left.len() / 2);
    [left, right]
}

/// The two halves of a span, cut on a whole microsecond; the second is empty where there is nothing to cut.
fn in_two(span: Span) -> (Span, Span) {
    let Interval { start, end } = span.interval;
    let middle = start.plus_nanos(end.0.saturating_sub(start.0) / 2).floor_micros();
    let middle = if middle > start { middle } else { end };
    let part = |start, end| Span { series: Arc::clone(&span.series), interval: Interval::new(start, end) };
    (part(start, middle), part(middle, end))
}

/// Whether a smaller unit may do better: the plugin crashed or ran out of memory. Not so for an endless loop: each half
/// would cost its whole time again.
pub(super) fn splits(fault: &Fault) -> bool {
    fault.domain == Domain::Internal
        && fault.retry == Retry::Never
        && !matches!(fault.code.as_str(), "limit-time" | "sink")
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Instant, Series};

    use super::*;

    fn span(id: &str, start: i64, end: i64) -> Span {
        let series = Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() };
        let interval = Interval::new(Instant::from_micros(start), Instant::from_micros(end));
        Span { series: Arc::new(series), interval }
    }

    fn unit(spans: Vec<Span>, attempt: u32) -> Unit {
        Unit { partition: Partition { spans, requests: 1 }, attempt, rest: None }
    }

    fn fault(code: &str) -> Fault {
        Fault { domain: Domain::External, retry: Retry::Later, code: code.into(), message: String::new() }
    }

    /// Series and interval of each span, unit by unit, and of what follows.
    fn shown(units: &[Unit]) -> Vec<String> {
        let text = |span: &Span| {
            let Interval { start, end } = span.interval;
            format!("{}[{},{})", span.series.id, start.micros(), end.micros())
        };
        let unit = |unit: &Unit| {
            let spans: Vec<_> = unit.partition.spans.iter().map(text).collect();
            let rest = unit.rest.as_ref().map(|rest| format!(" then {}", text(rest))).unwrap_or_default();
            format!("{} {}{rest}", unit.attempt, spans.join(" "))
        };
        units.iter().map(unit).collect()
    }

    fn open(spans: &[Span], code: &str) -> Vec<(Span, Fault)> {
        spans.iter().map(|span| (span.clone(), fault(code))).collect()
    }

    #[test]
    fn what_got_no_answer_in_time_is_asked_for_in_halves_of_series_and_then_of_time() {
        let spans = [span("a", 0, 100), span("b", 0, 100), span("c", 0, 100)];
        let halved = next(unit(spans.to_vec(), 1), open(&spans, TIMEOUT), Some(fault(TIMEOUT)));
        assert_eq!(shown(&halved), ["2 a[0,100)", "2 b[0,100) c[0,100)"]);
        let alone = [span("a", 0, 100)];
        let halved = next(unit(alone.to_vec(), 1), open(&alone, TIMEOUT), None);
        assert_eq!(shown(&halved), ["2 a[0,50) then a[50,100)"]);
        let again = halved.into_iter().next().unwrap();
        let quarter = next(again, open(&[span("a", 0, 50)], TIMEOUT), None).into_iter().next().unwrap();
        assert_eq!(shown(std::slice::from_ref(&quarter)), ["3 a[0,25) then a[25,100)"]);
        assert_eq!(shown(&next(quarter, Vec::new(), None)), ["1 a[25,100)"]);
    }

    #[test]
    fn attempts_have_an_end_and_a_passing_fault_is_asked_for_again_whole() {
        let spans = [span("a", 0, 100), span("b", 0, 100)];
        let again = next(unit(spans.to_vec(), 1), open(&spans, "http-503"), None);
        assert_eq!(shown(&again), ["2 a[0,100) b[0,100)"]);
        for code in [TIMEOUT, "http-503"] {
            assert!(next(unit(spans.to_vec(), ATTEMPTS), open(&spans, code), None).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_crash_is_split_until_the_series_that_causes_it_stands_alone() {
        let spans = [span("a", 0, 100), span("b", 0, 100)];
        let trap = || Fault::internal("trap", "");
        let split = next(unit(spans.to_vec(), 1), open(&spans, "trap"), Some(trap()));
        assert_eq!(shown(&split), ["1 a[0,100)", "1 b[0,100)"]);
        let left = spans.iter().take(1).map(|span| (span.clone(), trap())).collect();
        assert!(next(unit(vec![span("a", 0, 100)], 1), left, Some(trap())).is_empty());
    }

    #[test]
    fn a_microsecond_cannot_be_cut() {
        let (first, second) = in_two(span("a", 5, 6));
        assert_eq!((first.interval, second.interval.is_empty()), (span("a", 5, 6).interval, true));
    }
}
