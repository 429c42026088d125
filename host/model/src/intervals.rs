//! Sets of instants: what of a series is proven where that is not one stretch, and what is still missing.

use crate::Interval;

/// Intervals in order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    /// The intervals, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    /// Whether no instant lies inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest interval that encloses them all; `None` when there are none.
    #[must_use]
    pub fn hull(&self) -> Option<Interval> {
        let (first, last) = self.0.first().zip(self.0.last())?;
        Some(first.hull(*last))
    }

    /// Adds an interval, and joins it with those that it overlaps or touches.
    pub fn insert(&mut self, interval: Interval) {
        if interval.is_empty() {
            return;
        }
        let from = self.0.partition_point(|known| known.end < interval.start);
        let to = self.0.partition_point(|known| known.start <= interval.end);
        let joined = self.0.drain(from..to).fold(interval, Interval::hull);
        self.0.insert(from, joined);
    }

    /// Takes an interval out.
    pub fn remove(&mut self, interval: Interval) {
        if interval.is_empty() {
            return;
        }
        let from = self.0.partition_point(|known| known.end <= interval.start);
        let to = self.0.partition_point(|known| known.start < interval.end);
        let cut: Vec<Interval> = self.0.drain(from..to).collect();
        let below = cut.first().map(|first| Interval::new(first.start, interval.start));
        let above = cut.last().map(|last| Interval::new(interval.end, last.end));
        let left = below.into_iter().chain(above).filter(|part| !part.is_empty());
        self.0.splice(from..from, left);
    }

    /// What lies inside `within`.
    pub fn inside(&self, within: Interval) -> impl Iterator<Item = Interval> {
        let from = self.0.partition_point(|known| known.end <= within.start);
        let near = self.0.iter().skip(from).take_while(move |known| known.start < within.end);
        near.map(move |known| known.intersection(within)).filter(|part| !part.is_empty())
    }
}

impl Extend<Interval> for Intervals {
    fn extend<T: IntoIterator<Item = Interval>>(&mut self, intervals: T) {
        intervals.into_iter().for_each(|interval| self.insert(interval));
    }
}

impl FromIterator<Interval> for Intervals {
    fn from_iter<T: IntoIterator<Item = Interval>>(intervals: T) -> Self {
        let mut set = Self::default();
        set.extend(intervals);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;

    const END: i64 = 40;

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(Instant(start), Instant(end))
    }

    /// The set as one bit for each instant.
    fn bits(set: &Intervals) -> Vec<bool> {
        (0..END).map(|at| set.as_slice().iter().any(|known| known.contains(Instant(at)))).collect()
    }

    #[test]
    fn any_sequence_of_changes_is_what_a_bit_for_each_instant_says() {
        let mut dice: u64 = 7;
        let mut roll = |limit: i64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from(dice >> 33).unwrap() % limit
        };
        for _ in 0..500 {
            let (mut set, mut naive) = (Intervals::default(), vec![false; END as usize]);
            for _ in 0..12 {
                let (start, length, add) = (roll(END), roll(10), roll(3) > 0);
                let change = interval(start, (start + length).min(END));
                if add {
                    set.insert(change)
                } else {
                    set.remove(change)
                }
                naive[change.start.0 as usize..change.end.0 as usize].fill(add);
                assert_eq!(bits(&set), naive);
                let apart = set.as_slice().windows(2).all(|pair| pair[0].end < pair[1].start);
                assert!(apart && set.as_slice().iter().all(|known| !known.is_empty()), "{set:?}");
            }
            let within = interval(roll(END), roll(END));
            let inside: Intervals = set.inside(within).collect();
            let expected: Vec<bool> = (0..END).map(|at| naive[at as usize] && within.contains(Instant(at))).collect();
            assert_eq!(bits(&inside), expected);
        }
    }

    #[test]
    fn neighbours_are_one_and_the_hull_bridges_what_is_between() {
        let set: Intervals = [interval(0, 5), interval(20, 30), interval(5, 7)].into_iter().collect();
        assert_eq!(set.as_slice(), [interval(0, 7), interval(20, 30)]);
        assert_eq!(set.hull(), Some(interval(0, 30)));
        assert_eq!(Intervals::default().hull(), None);
    }
}
