//! Asks the historian for its counts: several plugin instances side by side, each failure kept to what it concerns.

use std::collections::VecDeque;

use anyhow::Result;
use futures::stream::{FuturesUnordered, StreamExt};
use tidegate_model::{Fault, Retry, Span};
use tidegate_sandbox::{Counts, TableSpec};

use super::DAY;
use super::compare::Asked;
use crate::exit::Failure;
use crate::pipeline::intake::locks_out;
use crate::pipeline::job::Job;
use crate::pipeline::read::{ATTEMPTS, TIMEOUT, halves, pause, splits};

/// Spans that are asked for in one call.
struct Unit {
    spans: Vec<Span>,
    attempt: u32,
}

/// The counts of all spans, in no order: each its tally, or why there is none.
///
/// # Errors
/// When nobody can count the events of this table, or the server does not know who we are.
pub(super) async fn all(job: &Job, table: &TableSpec, spans: Vec<Span>) -> Result<Vec<Asked>> {
    let partitions = job.connection().plan(&table.name, spans).await?;
    let mut queue: VecDeque<Unit> =
        partitions.into_iter().map(|partition| Unit { spans: partition.spans, attempt: 1 }).collect();
    let mut running = FuturesUnordered::new();
    let mut asked = Vec::new();
    loop {
        while running.len() < job.parallel().max(1) {
            let Some(unit) = queue.pop_front() else { break };
            running.push(one(job, table, unit));
        }
        let Some(answered) = running.next().await else { return Ok(asked) };
        let (unit, answer) = answered;
        match answer {
            Ok(Counts::Unsupported(why)) => {
                let name = &job.description().name;
                return Err(
                    Failure::failed(format!("plugin `{name}` cannot count: {why}; nothing was compared")).into()
                );
            }
            Ok(Counts::Counted(tallies)) => {
                let (again, done) = sort(unit.spans.into_iter().zip(tallies), unit.attempt);
                asked.extend(done);
                if !again.is_empty() {
                    queue.push_back(Unit { spans: again, attempt: unit.attempt + 1 });
                }
            }
            Err(fault) if locks_out(&fault) => return Err(fault.into()),
            Err(fault) => match next(unit, &fault) {
                Ok(units) => queue.extend(units),
                Err(given_up) => asked.extend(given_up.into_iter().map(|span| (span, Err(fault.clone())))),
            },
        }
    }
}

async fn one(job: &Job, table: &TableSpec, unit: Unit) -> (Unit, Result<Counts, Fault>) {
    pause(unit.attempt).await;
    let counts = job.connection().count(&table.name, &unit.spans, DAY).await;
    (unit, counts)
}

/// What is asked for again, and what is done.
fn sort(answers: impl Iterator<Item = Asked>, attempt: u32) -> (Vec<Span>, Vec<Asked>) {
    let mut again = Vec::new();
    let mut done = Vec::new();
    for (span, answer) in answers {
        match answer {
            Err(fault) if fault.retry == Retry::Later && attempt < ATTEMPTS => again.push(span),
            answer => done.push((span, answer)),
        }
    }
    (again, done)
}

/// What follows a call that ended with a fault: halves where less may do, the same again where it may pass by; or all of
/// it given up.
fn next(unit: Unit, fault: &Fault) -> Result<Vec<Unit>, Vec<Span>> {
    let Unit { spans, attempt } = unit;
    let several = spans.len() > 1;
    if several && splits(fault) {
        return Ok(halves(spans).map(|spans| Unit { spans, attempt }).into());
    }
    if fault.retry == Retry::Never || attempt >= ATTEMPTS {
        return Err(spans);
    }
    let attempt = attempt + 1;
    if several && fault.code == TIMEOUT {
        return Ok(halves(spans).map(|spans| Unit { spans, attempt }).into());
    }
    Ok(vec![Unit { spans, attempt }])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::{Domain, Instant, Interval, Series};
    use tidegate_sandbox::{Counting, Tally};

    use super::*;

    fn span(id: &str) -> Span {
        let series = Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() };
        Span { series: Arc::new(series), interval: Interval::new(Instant(0), Instant(1_000)) }
    }

    fn fault(code: &str, retry: Retry) -> Fault {
        Fault { domain: Domain::External, retry, code: code.into(), message: String::new() }
    }

    fn shown(next: Result<Vec<Unit>, Vec<Span>>) -> Result<Vec<(usize, u32)>, usize> {
        next.map(|units| units.iter().map(|unit| (unit.spans.len(), unit.attempt)).collect())
            .map_err(|spans| spans.len())
    }

    #[test]
    fn attempts_have_an_end_and_what_is_too_much_is_halved() {
        let unit = |count: usize, attempt| Unit { spans: (0..count).map(|_| span("a")).collect(), attempt };
        let later = |code| fault(code, Retry::Later);
        assert_eq!(shown(next(unit(3, 1), &later("http-503"))), Ok(vec![(3, 2)]));
        assert_eq!(shown(next(unit(3, 1), &later(TIMEOUT))), Ok(vec![(1, 2), (2, 2)]));
        assert_eq!(shown(next(unit(1, 2), &later(TIMEOUT))), Ok(vec![(1, 3)]));
        assert_eq!(shown(next(unit(3, ATTEMPTS), &later("http-503"))), Err(3));
        assert_eq!(shown(next(unit(3, 1), &fault("http-400", Retry::Never))), Err(3));
        assert_eq!(shown(next(unit(2, 1), &Fault::internal("trap", ""))), Ok(vec![(1, 1), (1, 1)]));
        assert_eq!(shown(next(unit(1, 1), &Fault::internal("trap", ""))), Err(1));
    }

    #[test]
    fn a_tag_that_is_refused_is_done_and_one_that_fails_is_asked_for_again() {
        let tally = Ok(Tally { counting: Counting::All, buckets: vec![1] });
        let answers = || {
            let faults = [Err(fault("http-403", Retry::Never)), Err(fault("http-503", Retry::Later)), tally.clone()];
            ["refused", "failed", "counted"].map(span).into_iter().zip(faults)
        };
        let names = |spans: &[Span]| spans.iter().map(|span| span.series.id.clone()).collect::<Vec<_>>();
        let (again, done) = sort(answers(), 1);
        assert_eq!((names(&again), done.len()), (vec!["failed".to_owned()], 2));
        let (again, done) = sort(answers(), ATTEMPTS);
        assert_eq!((again.len(), done.len()), (0, 3));
    }
}
