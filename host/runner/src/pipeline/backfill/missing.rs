//! What a backfill still has to read of each series. A few intervals each, because stretches that touch are one; what is
//! to be read of a slice is worked out when it is its turn.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{Instant, Interval, Intervals, Series, Window};

/// The intervals that are missing.
pub(super) struct Missing {
    series: Vec<(Arc<Series>, Intervals)>,
    now: Instant,
}

impl Missing {
    /// All of `range` that is not covered; for series that hold no forecast it ends at `now`.
    pub(super) fn of(
        selected: &[Arc<Series>],
        range: Interval,
        now: Instant,
        covered: &HashMap<String, Intervals>,
    ) -> Self {
        let missing = |series: &Arc<Series>| {
            let end = if series.ahead { range.end } else { range.end.min(now) };
            let mut missing: Intervals = std::iter::once(Interval::new(range.start, end)).collect();
            for known in covered.get(&series.id).map(Intervals::as_slice).unwrap_or_default() {
                missing.remove(*known);
            }
            (Arc::clone(series), missing)
        };
        Self { series: selected.iter().map(missing).filter(|(_, missing)| !missing.is_empty()).collect(), now }
    }

    /// How many series lack something.
    pub(super) fn series(&self) -> usize {
        self.series.len()
    }

    /// Where any series lacks something.
    pub(super) fn union(&self) -> Intervals {
        self.series.iter().flat_map(|(_, missing)| missing.as_slice()).copied().collect()
    }

    /// Seconds of event time over all series, up to now.
    pub(super) fn seconds(&self) -> i64 {
        let past = |part: &Interval| part.end.min(self.now).0.saturating_sub(part.start.0).max(0) / 1_000_000_000;
        let seconds = self.series.iter().flat_map(|(_, missing)| missing.as_slice()).map(past);
        seconds.fold(0, i64::saturating_add)
    }

    /// What to read of a slice: one window for each series in a round, and as many rounds as one of them has holes.
    pub(super) fn rounds(&self, slice: Interval) -> Vec<Vec<(Arc<Series>, Window)>> {
        let mut rounds: Vec<Vec<(Arc<Series>, Window)>> = Vec::new();
        for (series, missing) in &self.series {
            for (index, part) in missing.inside(slice).enumerate() {
                if index == rounds.len() {
                    rounds.push(Vec::new());
                }
                if let Some(round) = rounds.get_mut(index) {
                    round.push((Arc::clone(series), Window::backfill(part, self.now)));
                }
            }
        }
        rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_micros(start), Instant::from_micros(end))
    }

    fn series(id: &str, ahead: bool) -> Arc<Series> {
        Arc::new(Series { id: id.into(), name: id.into(), ahead, detail: String::new() })
    }

    /// Series and interval of each window, round by round.
    fn shown(rounds: &[Vec<(Arc<Series>, Window)>]) -> Vec<Vec<String>> {
        let text = |(series, window): &(Arc<Series>, Window)| {
            format!("{}[{},{})", series.id, window.read.start.micros(), window.read.end.micros())
        };
        rounds.iter().map(|round| round.iter().map(text).collect()).collect()
    }

    #[test]
    fn what_is_covered_is_left_out_and_each_hole_is_a_round() {
        let covered: Intervals = [interval(20, 30), interval(50, 60)].into_iter().collect();
        let covered =
            HashMap::from([("a".to_owned(), covered), ("c".to_owned(), [interval(0, 500)].into_iter().collect())]);
        let selected = ["a", "b", "c"].map(|id| series(id, false));
        let missing = Missing::of(&selected, interval(10, 100), Instant::from_micros(90), &covered);
        assert_eq!(missing.series(), 2, "nothing of c is missing");
        assert_eq!(
            shown(&missing.rounds(interval(0, 200))),
            [vec!["a[10,20)", "b[10,90)"], vec!["a[30,50)"], vec!["a[60,90)"]]
        );
        assert_eq!(shown(&missing.rounds(interval(22, 55))), [["a[30,50)", "b[22,55)"]]);
        assert!(missing.rounds(interval(90, 100)).is_empty(), "what lies ahead of now");
        assert_eq!(missing.union().as_slice(), [interval(10, 90)]);
    }

    #[test]
    fn a_forecast_is_read_ahead_of_now_and_proven_up_to_it() {
        let missing = Missing::of(&[series("f", true)], interval(10, 100), Instant::from_micros(40), &HashMap::new());
        let rounds = missing.rounds(interval(0, 100));
        let (_, window) = &rounds[0][0];
        assert_eq!((window.read, window.advance), (interval(10, 100), interval(10, 40)));
        assert_eq!(window.settled, window.read.end);
    }
}
