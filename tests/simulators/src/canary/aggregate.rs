//! Aggregates over one interval (reference §6.6). A `2` means stepped bounds: a value holds until the next.

use super::sample::{GOOD, NO_DATA, Sample, Value};

/// One of the aggregates that the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    /// Weighted by time, stepped.
    TimeAverage2,
    /// Of the samples, unweighted.
    Average,
    /// Smallest sample, at the start of the interval.
    Minimum,
    /// Largest sample, at the start of the interval.
    Maximum,
    /// Smallest sample, where it lies.
    MinimumActualTime,
    /// Largest sample, where it lies.
    MaximumActualTime,
    /// Largest less smallest.
    Range,
    /// How many samples, those that are good or all.
    Count,
    /// First sample, where it lies.
    Start,
    /// Last sample, where it lies.
    End,
    /// Last less first.
    Delta,
    /// Value at the start of the interval, on the line between its neighbours.
    Interpolative,
    /// Share of time with good quality.
    PercentGood,
}

/// Every aggregate with its name and what `getAggregates` says of it.
pub(crate) const AGGREGATES: [(Aggregate, &str, &str); 13] = [
    (Aggregate::TimeAverage2, "TimeAverage2", "Time weighted average using simple bounding values"),
    (Aggregate::Average, "Average", "Average of the raw values"),
    (Aggregate::Minimum, "Minimum", "Minimum raw value with the timestamp of the start of the interval"),
    (Aggregate::Maximum, "Maximum", "Maximum raw value with the timestamp of the start of the interval"),
    (Aggregate::MinimumActualTime, "MinimumActualTime", "Minimum raw value with its timestamp"),
    (Aggregate::MaximumActualTime, "MaximumActualTime", "Maximum raw value with its timestamp"),
    (Aggregate::Range, "Range", "Difference between the maximum and the minimum raw value"),
    (Aggregate::Count, "Count", "Number of raw values"),
    (Aggregate::Start, "Start", "First raw value with its timestamp"),
    (Aggregate::End, "End", "Last raw value with its timestamp"),
    (Aggregate::Delta, "Delta", "Difference between the last and the first raw value"),
    (Aggregate::Interpolative, "Interpolative", "Interpolated value at the start of the interval"),
    (Aggregate::PercentGood, "PercentGood", "Percentage of the interval with good quality"),
];

impl Aggregate {
    /// Reads a name without case.
    pub(crate) fn parse(name: &str) -> Option<Aggregate> {
        AGGREGATES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|(aggregate, ..)| *aggregate)
    }
}

/// An interval and the samples that matter to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval<'a> {
    /// Its start.
    pub(crate) from: i64,
    /// Its end, exclusive.
    pub(crate) to: i64,
    /// The last sample before it.
    pub(crate) before: Option<&'a Sample>,
    /// The samples in it.
    pub(crate) inside: &'a [Sample],
    /// The first sample at or after its end.
    pub(crate) after: Option<&'a Sample>,
    /// A count holds samples that are not good too.
    pub(crate) count_bad: bool,
}

/// A sample's number, unless its quality is bad.
fn usable(sample: &Sample) -> Option<f64> {
    (sample.is_good() || sample.is_uncertain()).then(|| sample.value.number()).flatten()
}

impl Interval<'_> {
    /// The row of this interval; a null without any usable sample.
    pub(crate) fn row(&self, aggregate: Aggregate) -> Sample {
        let empty = Sample { ticks: self.from, value: Value::Null, quality: NO_DATA };
        match aggregate {
            Aggregate::Start => self.inside.first().cloned().unwrap_or(empty),
            Aggregate::End => self.inside.last().cloned().unwrap_or(empty),
            Aggregate::Count => {
                let counted = self.inside.iter().filter(|sample| self.count_bad || sample.is_good());
                Sample::good(self.from, Value::Int(counted.count() as i64))
            }
            _ => match self.number(aggregate) {
                Some((ticks, number)) => Sample { ticks, value: Value::Float64(number), quality: GOOD },
                None => empty,
            },
        }
    }

    fn number(&self, aggregate: Aggregate) -> Option<(i64, f64)> {
        let values = || self.inside.iter().filter_map(|sample| usable(sample).map(|number| (sample.ticks, number)));
        let smallest = || values().reduce(|a, b| if b.1 < a.1 { b } else { a });
        let largest = || values().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let here = |number: f64| Some((self.from, number));
        match aggregate {
            Aggregate::MinimumActualTime => smallest(),
            Aggregate::MaximumActualTime => largest(),
            Aggregate::Minimum => here(smallest()?.1),
            Aggregate::Maximum => here(largest()?.1),
            Aggregate::Range => here(largest()?.1 - smallest()?.1),
            Aggregate::Delta => here(values().next_back()?.1 - values().next()?.1),
            Aggregate::Average => {
                let count = values().count();
                here(values().map(|(_, number)| number).sum::<f64>() / count as f64).filter(|_| count > 0)
            }
            Aggregate::TimeAverage2 => here(self.held(usable)?),
            Aggregate::PercentGood => {
                here(self.held(|sample| Some(if sample.is_good() { 100.0 } else { 0.0 })).unwrap_or(0.0))
            }
            Aggregate::Interpolative => here(self.interpolated()?),
            Aggregate::Count | Aggregate::Start | Aggregate::End => None,
        }
    }

    /// The mean over the time in which a value holds.
    fn held(&self, number: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let (mut sum, mut time) = (0.0, 0.0);
        let mut held = self.before.and_then(&number);
        let mut at = self.from;
        let ends = self.inside.iter().map(|sample| (sample.ticks, number(sample))).chain([(self.to, None)]);
        for (ticks, next) in ends {
            if let Some(value) = held {
                let span = (ticks - at) as f64;
                sum += value * span;
                time += span;
            }
            (at, held) = (ticks, next);
        }
        (time > 0.0).then(|| sum / time)
    }

    fn interpolated(&self) -> Option<f64> {
        let next = self.inside.first().or(self.after);
        if let Some(first) = next.filter(|sample| sample.ticks == self.from) {
            return usable(first);
        }
        let before = self.before?;
        let low = usable(before)?;
        match next.and_then(|sample| Some((sample.ticks, usable(sample)?))) {
            Some((ticks, high)) => {
                let share = (self.from - before.ticks) as f64 / (ticks - before.ticks) as f64;
                Some(low + (high - low) * share)
            }
            None => Some(low),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(aggregate: Aggregate, inside: &[Sample]) -> Value {
        let before = Sample::good(-5, Value::Float64(10.0));
        let after = Sample::good(20, Value::Float64(40.0));
        let interval =
            Interval { from: 0, to: 10, before: Some(&before), inside, after: Some(&after), count_bad: false };
        interval.row(aggregate).value
    }

    #[test]
    fn each_aggregate_counts_what_it_says() {
        let bad = Sample { quality: 8, ..Sample::good(6, Value::Float64(1e9)) };
        let inside =
            [Sample::good(2, Value::Float64(20.0)), Sample::good(4, Value::Float64(0.0)), bad, Sample::no_data(7)];
        for (aggregate, expected) in [
            // 10 for 2 ticks, 20 for 2, 0 for 2; then nothing holds.
            (Aggregate::TimeAverage2, Value::Float64(10.0)),
            (Aggregate::Average, Value::Float64(10.0)),
            (Aggregate::Minimum, Value::Float64(0.0)),
            (Aggregate::Maximum, Value::Float64(20.0)),
            (Aggregate::Range, Value::Float64(20.0)),
            (Aggregate::Delta, Value::Float64(-20.0)),
            (Aggregate::Count, Value::Int(2)),
            (Aggregate::Start, Value::Float64(20.0)),
            (Aggregate::End, Value::Null),
            // From 10 at -5 to 20 at 2.
            (Aggregate::Interpolative, Value::Float64(10.0 + 10.0 * 5.0 / 7.0)),
            (Aggregate::PercentGood, Value::Float64(60.0)),
        ] {
            assert_eq!(number(aggregate, &inside), expected, "{aggregate:?}");
        }
        assert_eq!(number(Aggregate::Average, &[]), Value::Null, "never 0");
    }
}
