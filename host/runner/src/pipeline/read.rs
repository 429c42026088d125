//! Reads all partitions: several plugin instances side by side, each failure kept to what it concerns.
//!
//! A call that ends with a fault of the network is repeated for what it left open. A call that crashed is split in two
//! until the series that crashes it stands alone: one poisoned tag must not hold back the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tidegate_model::{Domain, Fault, Retry, Span};
use tidegate_sandbox::{Connection, Partition};

use super::intake::{Intake, PageOutlet};

/// How often one span is asked for in one run; the gap ledger brings it back in the next.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

struct Unit {
    partition: Partition,
    attempt: u32,
}

/// Reads every partition to the end, as far as that goes; what stays open has its fault noted in `intake`.
pub(crate) async fn all(connection: &Connection, intake: &Arc<Intake>, partitions: Vec<Partition>, parallel: usize) {
    let mut queue: VecDeque<Unit> = partitions.into_iter().map(|partition| Unit { partition, attempt: 1 }).collect();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < parallel.max(1) && !intake.broken() {
            let Some(unit) = queue.pop_front() else { break };
            running.push(one(connection, intake, unit));
        }
        match running.next().await {
            Some(again) => queue.extend(again),
            None => break,
        }
    }
}

/// Reads one unit and returns what should be tried again.
async fn one(connection: &Connection, intake: &Arc<Intake>, unit: Unit) -> Vec<Unit> {
    if unit.attempt > 1 {
        tokio::time::sleep(FIRST_PAUSE * 4_u32.saturating_pow(unit.attempt - 2)).await;
    }
    let outlet = Arc::new(PageOutlet::new(Arc::clone(intake), &unit.partition.spans));
    let mut ended = connection.read(&intake.table().name, &unit.partition, Arc::clone(&outlet) as _).await;
    ended = ended.and(outlet.flush().await);
    if let Err(fault) = &ended {
        tracing::debug!(code = fault.code, "a read ended early: {}", fault.message);
    }
    let open = intake.settle(&unit.partition.spans, ended.as_ref().err());
    let crashed = ended.as_ref().is_err_and(splits);
    if crashed && open.len() > 1 {
        let mut left: Vec<Span> = open.into_iter().map(|(span, _)| span).collect();
        let right = left.split_off(left.len() / 2);
        return [left, right].into_iter().map(|spans| again(spans, &unit, unit.attempt)).collect();
    }
    let late: Vec<Span> =
        open.into_iter().filter(|(_, fault)| fault.retry == Retry::Later).map(|(span, _)| span).collect();
    if late.is_empty() || unit.attempt >= ATTEMPTS { Vec::new() } else { vec![again(late, &unit, unit.attempt + 1)] }
}

fn again(spans: Vec<Span>, unit: &Unit, attempt: u32) -> Unit {
    Unit { partition: Partition { spans, requests: unit.partition.requests }, attempt }
}

/// Whether a smaller unit may do better: the plugin crashed or ran out of memory. Not so for an endless loop: each half
/// would cost its whole time again.
fn splits(fault: &Fault) -> bool {
    fault.domain == Domain::Internal
        && fault.retry == Retry::Never
        && !matches!(fault.code.as_str(), "limit-time" | "sink")
}
