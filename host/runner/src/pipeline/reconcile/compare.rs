//! Which days are equal, which differ, and which cannot be told. Pure: counts come in, verdicts go out.

use std::sync::Arc;

use tidegate_model::{Domain, Fault, Interval, Retry, Series, Span};
use tidegate_sandbox::{Counting, Tally};

use super::settle::Meaning;
use super::{DAY, Stored};

/// A span with the historian's answer.
pub(super) type Asked = (Span, Result<Tally, Fault>);

/// A day of a tag whose counts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) series: Arc<Series>,
    /// The day, or the piece of it that is compared.
    pub(super) interval: Interval,
    pub(super) server: u64,
    pub(super) lake: u64,
    /// Whether these are counts of good events only.
    pub(super) good_only: bool,
}

/// Days of a tag that could not be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uncountable {
    pub(super) span: Span,
    pub(super) fault: Fault,
}

impl Uncountable {
    /// Whether the day of a difference is one of these.
    pub(super) fn holds(&self, difference: &Difference) -> bool {
        self.span.series.id == difference.series.id && self.span.interval.encloses(difference.interval)
    }
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Days that were compared.
    pub(super) days: u64,
    pub(super) differing: Vec<Difference>,
    pub(super) uncounted: Vec<Uncountable>,
}

/// Compares counts day by day. `meaning` is what a count holds where the historian does not say; while nobody knows, it is
/// taken to hold all events. `stores_good` says that the lake holds no others than good ones.
pub(super) fn judge(asked: Vec<Asked>, stored: &Stored, meaning: Option<Meaning>, stores_good: bool) -> Judged {
    let mut judged = Judged::default();
    for (span, answer) in asked {
        let tally = match answer {
            Ok(tally) => tally,
            Err(fault) => {
                judged.uncounted.push(Uncountable { span, fault });
                continue;
            }
        };
        let good_only = match tally.counting {
            Counting::All => false,
            Counting::Good => true,
            Counting::Unknown => meaning == Some(Meaning::Good),
        };
        let certain = tally.counting != Counting::Unknown || meaning.is_some();
        if stores_good && !good_only && certain {
            judged.uncounted.push(Uncountable { span, fault: counts_all() });
            continue;
        }
        for (interval, server) in span.interval.buckets(DAY).zip(tally.buckets) {
            let rows = stored.rows(&span.series.id, interval.start);
            let lake = u64::from(if good_only { rows.good } else { rows.all });
            judged.days += 1;
            if server != lake {
                judged.differing.push(Difference {
                    series: Arc::clone(&span.series),
                    interval,
                    server,
                    lake,
                    good_only,
                });
            }
        }
    }
    judged
}

/// The days of differences, those of a tag that follow each other as one span.
pub(super) fn stretches(differing: &[Difference]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for Difference { series, interval, .. } in differing {
        match spans.last_mut().filter(|last| last.series.id == series.id && last.interval.end == interval.start) {
            Some(last) => last.interval = last.interval.hull(*interval),
            None => spans.push(Span { series: Arc::clone(series), interval: *interval }),
        }
    }
    spans
}

fn counts_all() -> Fault {
    Fault {
        domain: Domain::User,
        retry: Retry::Never,
        code: "counts-all".to_owned(),
        message: "the historian counts events that are not good too, and `quality: good` does not store them"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tidegate_model::Instant;
    use tidegate_sink::RowCount;

    use super::*;

    fn days(from: i64, to: i64) -> Interval {
        Interval::new(Instant(from * DAY as i64), Instant(to * DAY as i64))
    }

    fn span(interval: Interval) -> Span {
        let series = Series { id: "a".into(), name: "A".into(), ahead: false, detail: String::new() };
        Span { series: Arc::new(series), interval }
    }

    /// Days 10 to 13, each with (all, good) rows.
    fn stored(rows: [(u32, u32); 3]) -> Stored {
        let counts = rows.map(|(all, good)| RowCount { all, good }).to_vec();
        Stored { windows: HashMap::from([("a".into(), days(10, 13))]), counts: HashMap::from([("a".into(), counts)]) }
    }

    fn counted(counting: Counting, buckets: [u64; 3]) -> Vec<Asked> {
        vec![(span(days(10, 13)), Ok(Tally { counting, buckets: buckets.to_vec() }))]
    }

    fn differing(judged: &Judged) -> Vec<(i64, u64, u64)> {
        let day = |difference: &Difference| difference.interval.start.0 / DAY as i64;
        judged.differing.iter().map(|difference| (day(difference), difference.server, difference.lake)).collect()
    }

    #[test]
    fn each_day_is_compared_with_the_rows_that_the_count_holds() {
        let stored = stored([(5, 5), (7, 4), (0, 0)]);
        let judge = |counting, buckets, meaning| judge(counted(counting, buckets), &stored, meaning, false);
        assert_eq!(differing(&judge(Counting::All, [5, 7, 0], None)), []);
        assert_eq!(differing(&judge(Counting::Good, [5, 7, 0], None)), [(11, 7, 4)]);
        assert_eq!(differing(&judge(Counting::Good, [5, 4, 0], None)), []);
        assert_eq!(differing(&judge(Counting::Unknown, [5, 4, 0], Some(Meaning::Good))), []);
        assert_eq!(differing(&judge(Counting::Unknown, [5, 4, 0], Some(Meaning::All))), [(11, 4, 7)]);
        assert_eq!(differing(&judge(Counting::Unknown, [5, 4, 1], None)), [(11, 4, 7), (12, 1, 0)]);
        assert_eq!(judge(Counting::All, [1, 2, 3], None).days, 3);
    }

    #[test]
    fn what_cannot_be_compared_is_neither_equal_nor_different() {
        let refused = Fault::internal("http-403", "no");
        let judged = judge(vec![(span(days(10, 13)), Err(refused.clone()))], &stored([(1, 1); 3]), None, false);
        assert_eq!((judged.days, judged.differing.len()), (0, 0));
        assert_eq!(judged.uncounted, [Uncountable { span: span(days(10, 13)), fault: refused }]);
        // Good rows are all that there is to compare with a count of all.
        let good = |counting, meaning| judge(counted(counting, [4, 4, 4]), &stored([(4, 4); 3]), meaning, true);
        assert_eq!(good(Counting::All, None).uncounted[0].fault.code, "counts-all");
        assert_eq!(good(Counting::Unknown, Some(Meaning::All)).days, 0);
        assert_eq!(good(Counting::Unknown, Some(Meaning::Good)).days, 3);
        assert_eq!(good(Counting::Good, None).days, 3);
    }

    #[test]
    fn days_that_follow_each_other_are_one_stretch() {
        let difference =
            |interval| Difference { series: span(interval).series, interval, server: 1, lake: 0, good_only: false };
        let days = [days(1, 2), days(2, 3), days(5, 6)].map(difference);
        let stretches: Vec<Interval> = stretches(&days).into_iter().map(|span| span.interval).collect();
        assert_eq!(stretches, [self::days(1, 3), self::days(5, 6)]);
        let uncountable = Uncountable { span: span(self::days(0, 2)), fault: Fault::internal("x", "") };
        assert_eq!(days.map(|day| uncountable.holds(&day)), [true, false, false]);
    }
}
