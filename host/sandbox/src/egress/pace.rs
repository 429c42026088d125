//! Requests a second: even spacing, pauses that the server asks for, and hours in which it is to be left in peace.

use std::time::Duration;

use chrono::{NaiveTime, TimeDelta};
use tokio::time::Instant;

/// Between two requests, at the slowest pace that can be told from none.
const LONGEST_GAP: Duration = Duration::from_secs(86_400);

/// A stretch of every day, by the clock on the wall of this machine, with a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuietHours {
    /// First instant inside.
    pub from: NaiveTime,
    /// First instant after; earlier than `from` where midnight lies between.
    pub to: NaiveTime,
    /// Requests a second; 0 means none at all.
    pub requests_per_second: f64,
}

impl QuietHours {
    /// How long they go on from `now`; `None` outside of them.
    fn left(&self, now: NaiveTime) -> Option<Duration> {
        let day = TimeDelta::days(1);
        let since = |from: NaiveTime, to: NaiveTime| (to - from + day).num_milliseconds() % day.num_milliseconds();
        let length = match since(self.from, self.to) {
            0 => day.num_milliseconds(),
            length => length,
        };
        let left = length - since(self.from, now);
        (left > 0).then(|| Duration::from_millis(left.unsigned_abs()))
    }
}

/// Spaces requests evenly: no stretch of time ever holds more than its share.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    quiet: Vec<QuietHours>,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(per_second: f64, quiet: Vec<QuietHours>) -> Self {
        Self { per_second, quiet, next: None }
    }

    /// How long nothing may be asked, because quiet hours allow no request at all.
    pub(super) fn silence(&self, wall: NaiveTime) -> Option<Duration> {
        self.quiet.iter().filter(|hours| hours.requests_per_second <= 0.0).filter_map(|hours| hours.left(wall)).max()
    }

    /// Takes the turn at `now`, or says when to try again.
    pub(super) fn take(&mut self, now: Instant, wall: NaiveTime) -> Option<Instant> {
        if let Some(silence) = self.silence(wall) {
            return Some(now + silence);
        }
        let quiet = self.quiet.iter().filter(|hours| hours.left(wall).is_some()).map(|hours| hours.requests_per_second);
        let per_second = quiet.fold(self.per_second, f64::min);
        let gap = Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(LONGEST_GAP).min(LONGEST_GAP);
        match self.next {
            Some(next) if next > now => Some(next),
            next => {
                // A turn that is taken a little late does not move the ones after it, or the pace would never be reached.
                let start = next.filter(|next| now.duration_since(*next) < gap).unwrap_or(now);
                self.next = Some(start + gap);
                None
            }
        }
    }

    /// Nobody asks before `until`.
    pub(super) fn pause(&mut self, until: Instant) {
        self.next = self.next.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: NaiveTime = NaiveTime::from_hms_opt(12, 0, 0).unwrap();

    fn turns(pace: &mut Pace, from: Instant, step: Duration, steps: u32) -> usize {
        (0..steps).filter(|n| pace.take(from + step * *n, NOON).is_none()).count()
    }

    fn hours(from: u32, to: u32, requests_per_second: f64) -> QuietHours {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        QuietHours { from: time(from), to: time(to), requests_per_second }
    }

    #[test]
    fn a_second_holds_its_budget_and_no_more() {
        let mut pace = Pace::new(20.0, Vec::new());
        let start = Instant::now();
        assert_eq!(turns(&mut pace, start, Duration::from_millis(1), 1_000), 20);
        let idle = start + Duration::from_secs(60);
        assert_eq!(turns(&mut pace, idle, Duration::from_millis(1), 1_000), 20, "idle time is not saved up");
    }

    #[test]
    fn a_turn_taken_late_does_not_slow_the_pace() {
        let mut pace = Pace::new(10.0, Vec::new());
        let start = Instant::now();
        assert_eq!(turns(&mut pace, start, Duration::from_millis(30), 334), 100);
    }

    #[test]
    fn a_pause_holds_everybody_back() {
        let mut pace = Pace::new(1_000.0, Vec::new());
        let start = Instant::now();
        assert_eq!(pace.take(start, NOON), None);
        pace.pause(start + Duration::from_secs(5));
        assert_eq!(pace.take(start + Duration::from_secs(4), NOON), Some(start + Duration::from_secs(5)));
        assert_eq!(pace.take(start + Duration::from_secs(5), NOON), None);
    }

    #[test]
    fn quiet_hours_lower_the_pace_and_never_raise_it() {
        let start = Instant::now();
        let second = |quiet| turns(&mut Pace::new(20.0, quiet), start, Duration::from_millis(1), 1_000);
        assert_eq!(second(vec![hours(11, 13, 2.0)]), 2);
        assert_eq!(second(vec![hours(11, 13, 2.0), hours(12, 13, 5.0)]), 2);
        assert_eq!(second(vec![hours(11, 13, 200.0)]), 20);
        assert_eq!(second(vec![hours(13, 14, 2.0), hours(10, 12, 2.0)]), 20);
    }

    #[test]
    fn without_a_request_allowed_all_wait_for_the_end() {
        let start = Instant::now();
        let mut pace = Pace::new(20.0, vec![hours(11, 14, 0.0)]);
        assert_eq!(pace.take(start, NOON), Some(start + Duration::from_secs(2 * 3_600)));
        assert_eq!(pace.silence(NOON), Some(Duration::from_secs(2 * 3_600)));
        let after = NaiveTime::from_hms_opt(14, 0, 0).unwrap();
        assert_eq!((pace.silence(after), pace.take(start, after)), (None, None));
    }

    #[test]
    fn midnight_may_lie_inside_and_equal_ends_mean_the_whole_day() {
        let night = hours(22, 6, 0.0);
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        assert_eq!(night.left(at(23)), Some(Duration::from_secs(7 * 3_600)));
        assert_eq!(night.left(at(5)), Some(Duration::from_secs(3_600)));
        assert_eq!((night.left(at(6)), night.left(at(21))), (None, None));
        assert!((0..24).all(|hour| hours(7, 7, 0.0).left(at(hour)).is_some()));
    }
}
