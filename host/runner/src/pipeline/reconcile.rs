//! ★ A comparison of counts on one page: does the table hold as many events of each tag and day as the historian says?
//!
//! Compared is what is settled: covered, and below what the next run reads again anyway. Nothing is written but the gap
//! ledger; the next run reads what it names and mirrors the difference. A day that cannot be counted is said to be one,
//! and never taken for equal.

mod ask;
mod compare;
mod findings;
mod scope;
mod settle;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use tidegate_model::{Domain, Fault, Gap, Instant, Interval, Retry, Span};
use tidegate_sandbox::{Shape, TableSpec};
use tidegate_sink::{Counting, Lake, RowCount, RunStamp};

use self::compare::Difference;
use self::settle::Meaning;
use super::job::Job;
use super::preview::Sample;
use super::{ledger, report};
use crate::exit::Failure;
use crate::glob::Glob;

pub use self::findings::{Differing, Findings, Uncounted};

/// Nanoseconds of a day: what counts are compared by.
const DAY: u64 = 86_400 * 1_000_000_000;

/// What is compared.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// From here on; by default all that is covered.
    pub from: Option<Instant>,
    /// Up to here; by default all whole days that are settled.
    pub to: Option<Instant>,
    /// A pattern of tag names, with `*` and `?`; by default all.
    pub tags: Option<Glob>,
    /// One table of events; by default all.
    pub table: Option<String>,
}

/// What all steps of one comparison share.
struct Comparison<'a> {
    job: &'a Job,
    table: &'a TableSpec,
    lake: &'a Lake,
    stamp: RunStamp,
    /// Which events the historian's counts hold, once that is known.
    meaning: Option<Meaning>,
}

/// Compares the tables with the historian's own counts, and files what differs as gaps.
///
/// # Errors
/// When nothing can be compared (the server does not answer, the plugin cannot count), or the lake cannot be read.
pub async fn reconcile(job: &Job, scope: &Scope) -> Result<Findings> {
    let (lake, stamp) = (job.lake()?, report::now());
    let mut findings = Findings::default();
    let mut found = scope.tags.is_none();
    for table in tables(job, scope.table.as_deref())? {
        // 1. What the configuration selects, and what of it is settled.
        let catalogue = job.connection().series(&table.name, Arc::new(Sample::of(&table.name, usize::MAX))).await?;
        found |= scope.tags.as_ref().is_some_and(|tags| catalogue.series.iter().any(|it| tags.matches(&it.name)));
        let marks = lake.watermarks().await?;
        let backfilled = lake.backfilled(&job.full_name(table)).await?;
        let covered = scope::Covered { marks: &marks, backfilled: &backfilled };
        let spans = scope::spans(&catalogue.series, &covered, &job.window_policy(stamp, &Default::default()), scope);
        findings.add_selected(&spans);
        // 2. As many days at once as fit into memory.
        let mut comparison = Comparison { job, table, lake: &lake, stamp, meaning: None };
        for slice in scope::slices(&spans) {
            comparison.slice(slice, &mut findings).await?;
        }
    }
    if let Some(tags) = scope.tags.as_ref().filter(|_| !found) {
        return Err(tags.stands_for_nothing().into());
    }
    findings.requests = job.egress_figures().requests;
    Ok(findings)
}

/// The tables of events that are meant.
fn tables<'a>(job: &'a Job, name: Option<&str>) -> Result<Vec<&'a TableSpec>> {
    let Some(name) = name else {
        return Ok(job.series_tables().filter(|table| table.shape == Shape::Events).collect());
    };
    let table = job.table(name)?;
    if table.shape != Shape::Events {
        let name = job.full_name(table);
        return Err(Failure::usage(format!("table `{name}` holds no events: there is nothing to count by day")).into());
    }
    Ok(vec![table])
}

impl Comparison<'_> {
    /// Compares some days of all tags.
    async fn slice(&mut self, spans: Vec<Span>, findings: &mut Findings) -> Result<()> {
        // 1. The historian's counts beside those of the lake.
        let stored = self.stored(&spans).await?;
        let asked = ask::all(self.job, self.table, spans).await?;
        // 2. What a count means, where the historian does not say: found out once, by reading.
        if self.meaning.is_none() {
            self.meaning = settle::meaning(self.job, self.table, &asked, &stored).await;
        }
        let judged = compare::judge(asked, &stored, self.meaning, self.job.good_only());
        findings.add_compared(judged.days);
        findings.add_uncounted(&self.name(), judged.uncounted);
        // 3. Late events move counts while we look: what differs is looked at once more, on both sides.
        let differing = self.confirmed(judged.differing).await?;
        if differing.is_empty() {
            return Ok(());
        }
        // 4. What differs still is a gap: the next run reads it again.
        let gaps = compare::stretches(&differing).into_iter().map(gap).collect();
        ledger::differing(self.lake, self.stamp, &self.name(), gaps).await?;
        findings.add_differing(&self.name(), differing);
        Ok(())
    }

    async fn confirmed(&self, differing: Vec<Difference>) -> Result<Vec<Difference>> {
        if differing.is_empty() {
            return Ok(differing);
        }
        let spans = compare::stretches(&differing);
        let asked = ask::all(self.job, self.table, spans.clone()).await?;
        let stored = self.stored(&spans).await?;
        let again = compare::judge(asked, &stored, self.meaning, self.job.good_only());
        // What could be counted once and then not is no less different for it.
        let mut left: Vec<Difference> = again.differing;
        let lost = |difference: &Difference| again.uncounted.iter().any(|uncounted| uncounted.holds(difference));
        left.extend(differing.into_iter().filter(lost));
        Ok(left)
    }

    /// What the lake holds of these spans now, in the days of each tag's hull.
    async fn stored(&self, spans: &[Span]) -> Result<Stored> {
        let mut windows: HashMap<String, Interval> = HashMap::new();
        for span in spans {
            let window = windows.entry(span.series.id.clone()).or_insert(span.interval);
            *window = window.hull(span.interval);
        }
        let spec = self.job.events_spec(self.table);
        let good = spec.schema.column_with_name(GOOD).map(|_| GOOD);
        let counts = match self.lake.stored(&spec).await? {
            Some(reader) => reader.counts(&windows, Counting { width: DAY, good }).await?,
            None => HashMap::new(),
        };
        Ok(Stored { windows, counts })
    }

    fn name(&self) -> String {
        self.job.full_name(self.table)
    }
}

/// What a day that differs is in the ledger.
fn gap(span: Span) -> Gap {
    let message = "the lake and the historian hold different numbers of events";
    let fault =
        Fault { domain: Domain::External, retry: Retry::Later, code: DIFFERS.to_owned(), message: message.to_owned() };
    Gap { series: span.series.id.clone(), interval: Some(span.interval), fault }
}

/// The reason of a gap that a comparison filed.
const DIFFERS: &str = "count-differs";

/// The column that tells good events from others.
const GOOD: &str = "quality_good";

/// What the lake holds, by tag and day.
struct Stored {
    windows: HashMap<String, Interval>,
    counts: HashMap<String, Vec<RowCount>>,
}

impl Stored {
    /// The rows of a tag in the day, or the piece of one, that begins at `start`.
    fn rows(&self, series: &str, start: Instant) -> RowCount {
        let day = |instant: Instant| instant.0.div_euclid(DAY as i64);
        let number = self.windows.get(series).and_then(|window| usize::try_from(day(start) - day(window.start)).ok());
        let counts = self.counts.get(series).zip(number);
        counts.and_then(|(counts, number)| counts.get(number)).copied().unwrap_or_default()
    }
}
