//! Which stretch of time to ask for next, so that an answer is neither empty nor endless.

use crate::{Instant, Interval};

const SECOND: i64 = 1_000_000_000;

/// No slice is cut to less than this: a server that cannot list a minute has another trouble.
const LEAST: i64 = 60 * SECOND;

/// A slice grows and shrinks by no more than this at once: one quiet night says little about the next day.
const LEAP: i64 = 4;

/// Time-outs in a row after which a shorter slice is not tried any more.
const PATIENCE: usize = 5;

/// One stretch of time to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// From when to when.
    pub interval: Interval,
    /// Whether it is the first of its span, and so answers for all records that were alive before.
    pub opening: bool,
}

/// How far a span is read.
#[derive(Clone, Debug)]
pub struct Slices {
    start: Instant,
    /// Everything before is read.
    at: Instant,
    end: Instant,
    length: i64,
    /// How many things a slice should hold.
    target: usize,
    /// What a time-out has shown to be too long.
    longest: i64,
    late: usize,
}

impl Slices {
    /// Begins at the start of `interval` with a slice of `first` nanoseconds; from then on each should hold `target` things.
    #[must_use]
    pub fn new(interval: Interval, first: i64, target: usize) -> Self {
        let Interval { start, end } = interval;
        Self { start, at: start, end, length: whole(first), target, longest: i64::MAX, late: 0 }
    }

    /// The slice to read now; `None` when all is read.
    #[must_use]
    pub fn next(&self) -> Option<Slice> {
        let end = self.at.saturating_add(self.length).min(self.end);
        (self.at < self.end).then_some(Slice { interval: Interval::new(self.at, end), opening: self.at == self.start })
    }

    /// What is not read.
    #[must_use]
    pub fn rest(&self) -> Interval {
        Interval::new(self.at, self.end)
    }

    /// The slice is read: the `held` things in it tell how long the next one may be.
    pub fn done(&mut self, slice: &Slice, held: usize) {
        let length = slice.interval.nanos();
        let wanted = i128::from(length) * self.target as i128 / held.max(1) as i128;
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        self.length = whole(wanted.clamp(length / LEAP, length.saturating_mul(LEAP)).min(self.longest));
        self.at = slice.interval.end;
        self.late = 0;
    }

    /// Whether a shorter slice can be asked for.
    #[must_use]
    pub fn can_be_cut(&self, slice: &Slice) -> bool {
        slice.interval.nanos() > LEAST
    }

    /// Asks for half of this slice instead.
    pub fn cut(&mut self, slice: &Slice) {
        self.length = whole(slice.interval.nanos() / 2);
    }

    /// The same after a time-out; `false` when that has been tried often enough.
    pub fn cut_after_time_out(&mut self, slice: &Slice) -> bool {
        self.late += 1;
        if self.late > PATIENCE || !self.can_be_cut(slice) {
            return false;
        }
        self.cut(slice);
        self.longest = self.length;
        true
    }
}

/// Whole seconds, so that slices end where tables can tell instants apart.
fn whole(length: i64) -> i64 {
    (length / SECOND * SECOND).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{life::Life, testing::Dice};

    const FIRST: i64 = 86_400 * SECOND;
    const TARGET: usize = 2_000;

    /// The slices of a span as a run of `read` makes them, with cuts thrown in.
    fn slices(interval: Interval, lives: &[Life], dice: &mut Dice) -> Vec<Slice> {
        let mut slices = Slices::new(interval, FIRST, TARGET);
        let mut read = Vec::new();
        while let Some(slice) = slices.next() {
            assert!(read.len() < 100_000, "slicing does not end");
            if dice.roll(3) == 0 && slices.can_be_cut(&slice) {
                slices.cut(&slice);
                continue;
            }
            let began = lives.iter().filter(|life| slice.interval.contains(life.start)).count();
            slices.done(&slice, began);
            read.push(slice);
        }
        assert!(slices.rest().is_empty());
        read
    }

    #[test]
    fn no_frame_is_lost_or_read_twice_at_any_edge() {
        let mut dice = Dice(7);
        for round in 0..200 {
            let start = dice.roll(1_000) * SECOND;
            let interval = Interval::new(start, start + 1 + dice.roll(20 * 86_400) * SECOND + dice.roll(2) * 1_000);
            let mut lives: Vec<Life> = (0..300)
                .map(|_| {
                    let start = interval.start + (dice.roll(30 * 86_400) - 5 * 86_400) * SECOND;
                    let end = (dice.roll(4) > 0).then(|| start + dice.roll(86_400) * SECOND);
                    Life { start, end }
                })
                .collect();
            let probe = slices(interval, &lives, &mut Dice(round));
            // Frames that begin and end exactly on the edges, and a tick beside them.
            for slice in &probe {
                for edge in [slice.interval.start, slice.interval.end] {
                    for at in [edge - 100, edge, edge + 100] {
                        lives.push(Life { start: at, end: Some(at) });
                        lives.push(Life { start: at - SECOND, end: Some(at) });
                        lives.push(Life { start: at, end: None });
                    }
                }
            }
            let read = slices(interval, &lives, &mut Dice(round));
            let edges = read.windows(2).all(|pair| pair[0].interval.end == pair[1].interval.start);
            assert!(edges && read[0].interval.start == interval.start);
            assert_eq!(read.last().unwrap().interval.end, interval.end);
            for life in &lives {
                let times = read.iter().filter(|slice| life.belongs_to(slice)).count();
                assert_eq!(times, usize::from(life.touches(interval)), "{life:?} in {interval:?}");
            }
        }
    }

    #[test]
    fn an_empty_history_of_ten_years_takes_few_slices_and_a_busy_one_short_ones() {
        let decade = Interval::new(0, 3_650 * FIRST);
        let mut quiet = Slices::new(decade, FIRST, TARGET);
        let mut count = 0;
        while let Some(slice) = quiet.next() {
            quiet.done(&slice, 0);
            count += 1;
        }
        assert!(count <= 8, "{count}");
        let mut busy = Slices::new(decade, FIRST, TARGET);
        for _ in 0..10 {
            let slice = busy.next().unwrap();
            // A frame every four seconds.
            busy.done(&slice, usize::try_from(slice.interval.nanos() / (4 * SECOND)).unwrap());
        }
        assert_eq!(busy.next().unwrap().interval.nanos(), 8_000 * SECOND);
    }

    #[test]
    fn only_the_first_slice_answers_for_what_was_before() {
        let mut slices = Slices::new(Interval::new(0, 3 * FIRST), FIRST, TARGET);
        let first = slices.next().unwrap();
        slices.cut(&first);
        let half = slices.next().unwrap();
        assert!(first.opening && half.opening && half.interval.nanos() == FIRST / 2);
        slices.done(&half, TARGET);
        assert!(!slices.next().unwrap().opening);
    }

    #[test]
    fn time_outs_shorten_the_slice_and_then_end_it() {
        let mut slices = Slices::new(Interval::new(0, FIRST), FIRST, TARGET);
        let mut lengths = Vec::new();
        while let Some(slice) = slices.next() {
            lengths.push(slice.interval.nanos() / SECOND);
            if !slices.cut_after_time_out(&slice) {
                break;
            }
        }
        assert_eq!(lengths, [86_400, 43_200, 21_600, 10_800, 5_400, 2_700]);
        let mut slow = Slices::new(Interval::new(0, 100 * FIRST), FIRST, TARGET);
        let first = slow.next().unwrap();
        assert!(slow.cut_after_time_out(&first));
        let half = slow.next().unwrap();
        slow.done(&half, 0);
        assert_eq!(slow.next().unwrap().interval.nanos(), FIRST / 2, "what took too long is not tried again");
        let short = Slices::new(Interval::new(0, LEAST), FIRST, TARGET);
        assert!(!short.can_be_cut(&short.next().unwrap()));
    }
}
