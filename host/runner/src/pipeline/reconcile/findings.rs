//! What a comparison found, gathered slice by slice. Lists are bounded; the numbers beside them are not.

use std::collections::HashSet;

use tidegate_model::{Interval, Span};

use super::DAY;
use super::compare::{Difference, Uncountable};

/// Lines that are kept of each list.
const KEPT: usize = 100_000;

/// A day of a tag whose counts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The table's full name.
    pub table: String,
    /// `Series::id`
    pub id: String,
    /// `Series::name`
    pub name: String,
    /// The UTC day, or the piece of it that is compared.
    pub interval: Interval,
    /// Events by the historian's count.
    pub server: u64,
    /// Rows in the lake.
    pub lake: u64,
    /// Whether both count good events only.
    pub good_only: bool,
}

/// Days of a tag that could not be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncounted {
    /// The table's full name.
    pub table: String,
    /// `Series::id`
    pub id: String,
    /// `Series::name`
    pub name: String,
    /// From the first day to the last.
    pub interval: Interval,
    /// `Fault::code`
    pub code: String,
    /// What failed, and what to do next.
    pub message: String,
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Tags of which something was compared.
    pub tags: u64,
    /// From the first instant to the last that was looked at; `None` when there was nothing to compare.
    pub range: Option<Interval>,
    /// Days of tags whose counts were compared.
    pub days: u64,
    /// Of these, days that differ.
    pub differing_days: u64,
    /// Days of tags that could not be counted.
    pub uncounted_days: u64,
    /// The first differing days, all unless there are very many.
    pub differing: Vec<Differing>,
    /// The same for what could not be counted, each with the days that follow each other.
    pub uncounted: Vec<Uncounted>,
    /// Requests sent.
    pub requests: u64,
}

impl Findings {
    /// Whether every count is equal.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differing_days == 0 && self.uncounted_days == 0
    }

    pub(super) fn add_selected(&mut self, spans: &[Span]) {
        self.tags += spans.iter().map(|span| span.series.id.as_str()).collect::<HashSet<_>>().len() as u64;
        self.range = self.range.into_iter().chain(spans.iter().map(|span| span.interval)).reduce(Interval::hull);
    }

    pub(super) fn add_compared(&mut self, days: u64) {
        self.days += days;
    }

    pub(super) fn add_differing(&mut self, table: &str, differing: Vec<Difference>) {
        self.differing_days += differing.len() as u64;
        let room = KEPT.saturating_sub(self.differing.len());
        self.differing.extend(differing.into_iter().take(room).map(|difference| Differing {
            table: table.to_owned(),
            id: difference.series.id.clone(),
            name: difference.series.name.clone(),
            interval: difference.interval,
            server: difference.server,
            lake: difference.lake,
            good_only: difference.good_only,
        }));
    }

    pub(super) fn add_uncounted(&mut self, table: &str, uncounted: Vec<Uncountable>) {
        for Uncountable { span, fault } in uncounted {
            self.uncounted_days += span.interval.buckets(DAY).count() as u64;
            // What follows what the slice before left uncounted is one line with it.
            let follows = |before: &Uncounted| {
                before.id == span.series.id
                    && before.table == table
                    && before.code == fault.code
                    && before.interval.end == span.interval.start
            };
            let room = self.uncounted.len() < KEPT;
            match self.uncounted.iter_mut().rev().find(|before| follows(before)) {
                Some(before) => before.interval = before.interval.hull(span.interval),
                None if room => self.uncounted.push(Uncounted {
                    table: table.to_owned(),
                    id: span.series.id.clone(),
                    name: span.series.name.clone(),
                    interval: span.interval,
                    code: fault.code,
                    message: fault.message,
                }),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::{Fault, Instant, Series};

    use super::*;

    #[test]
    fn what_stays_uncounted_slice_after_slice_is_one_line() {
        let days = |from: i64, to: i64| Interval::new(Instant(from * DAY as i64), Instant(to * DAY as i64));
        let uncountable = |id: &str, interval, code: &str| {
            let series = Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() };
            Uncountable { span: Span { series: Arc::new(series), interval }, fault: Fault::internal(code, "") }
        };
        let mut findings = Findings::default();
        assert!(findings.is_equal());
        findings.add_uncounted("t", vec![uncountable("a", days(0, 3), "x"), uncountable("b", days(0, 3), "x")]);
        findings.add_uncounted("t", vec![uncountable("b", days(3, 5), "x"), uncountable("a", days(3, 5), "y")]);
        let lines: Vec<_> =
            findings.uncounted.iter().map(|line| (line.id.as_str(), line.interval, line.code.as_str())).collect();
        assert_eq!(lines, [("a", days(0, 3), "x"), ("b", days(0, 5), "x"), ("a", days(3, 5), "y")]);
        assert_eq!(findings.uncounted_days, 10);
        assert!(!findings.is_equal(), "what cannot be counted is never equal");
    }
}
