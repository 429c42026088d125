//! When a gap is tried again: at once, as long as it may have been a passing fault, and then less and less often, because
//! a stretch that fails every time costs its requests every time.

use crate::Instant;

const MINUTE: i64 = 60 * 1_000_000_000;
/// A plant that was repaired is noticed the same day.
const LONGEST: i64 = 6 * 60 * MINUTE;

/// Not before this instant is a gap tried again that `attempts` runs have missed, the last of them begun at `last`.
///
/// After one attempt it is due at once; after two, a minute later; each further attempt doubles the pause, up to six hours.
#[must_use]
pub fn next_attempt(attempts: i32, last: Instant) -> Instant {
    let Ok(doublings) = u32::try_from(attempts.saturating_sub(2)) else { return last };
    let pause = 1_i64.checked_shl(doublings).and_then(|factor| MINUTE.checked_mul(factor)).unwrap_or(LONGEST);
    last.plus_nanos(if pause > 0 { pause.min(LONGEST) } else { LONGEST })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_a_minute_after_the_second_attempt_to_six_hours() {
        let last = Instant(1_000_000);
        let minutes = |attempts| (next_attempt(attempts, last).0 - last.0) / MINUTE;
        assert_eq!([i32::MIN, -1, 0, 1].map(minutes), [0; 4], "what failed once is due at once");
        assert_eq!([2, 3, 4, 5, 9, 10].map(minutes), [1, 2, 4, 8, 128, 256]);
        assert_eq!([11, 12, 40, 60, 64, 65, 66, 67, 1_000, i32::MAX].map(minutes), [360; 10]);
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        assert_eq!(next_attempt(5, Instant(i64::MAX)), Instant(i64::MAX));
    }
}
