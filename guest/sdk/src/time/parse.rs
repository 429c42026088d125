//! ISO 8601 text to an instant, without allocation.

use super::calendar::{NANOS_PER_SECOND, SECONDS_PER_DAY, days_from_date, days_in_month};
use crate::Instant;

/// Why a text is not an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`, or a date that does not exist.
    #[error("not an ISO 8601 time with `Z` or an offset")]
    Malformed,
    /// Before 1677-09-21, where nanoseconds in 64 bits begin.
    #[error("before the year 1678")]
    TooEarly,
    /// After 2262-04-11, where nanoseconds in 64 bits end.
    #[error("after the year 2261")]
    TooLate,
}

/// Nanoseconds since the Unix epoch of a time such as `2024-03-01T07:00:00.4459991Z`: up to 9 digits of fraction,
/// `Z` or an offset.
///
/// # Errors
/// [`TimeError::Malformed`] for anything else, a time without an offset included; the two others for a year that
/// nanoseconds cannot hold, such as the 9999 by which some historians say "never".
#[inline]
pub fn parse_instant(text: &str) -> Result<Instant, TimeError> {
    let (head, tail) = text.as_bytes().split_first_chunk::<19>().ok_or(TimeError::Malformed)?;
    let seconds = whole_seconds(head)?;
    let (nanos, tail) = fraction(tail)?;
    let offset = match tail {
        [b'Z' | b'z'] => 0,
        _ => offset_seconds(tail)?,
    };
    // 64 bits hold seconds of any four-digit year; only the step to nanoseconds can overflow.
    let seconds = seconds - offset;
    let late = if seconds < 0 { TimeError::TooEarly } else { TimeError::TooLate };
    // Before the epoch, seconds are rounded down, and -9_223_372_037 s plus a fraction would still fit: leave that
    // last second out rather than widen every row's arithmetic.
    seconds.checked_mul(NANOS_PER_SECOND).and_then(|whole| whole.checked_add(nanos)).ok_or(late)
}

#[inline]
fn whole_seconds(head: &[u8; 19]) -> Result<i64, TimeError> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't' | b' ', h0, h1, b':', n0, n1, b':', s0, s1] = *head
    else {
        return Err(TimeError::Malformed);
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    let (hour, minute, second) = (two(h0, h1)?, two(n0, n1)?, two(s0, s1)?);
    let real = (1..=12).contains(&month) && day >= 1 && (day <= 28 || day <= days_in_month(year, month));
    if !real || hour > 23 || minute > 59 || second > 59 {
        return Err(TimeError::Malformed);
    }
    Ok(days_from_date(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second)
}

#[inline]
fn fraction(tail: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let [b'.' | b',', digits @ ..] = tail else {
        return Ok((0, tail));
    };
    let (mut nanos, mut unit, mut rest) = (0, NANOS_PER_SECOND, digits);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        unit /= 10;
        if unit == 0 {
            return Err(TimeError::Malformed);
        }
        nanos += i64::from(digit - b'0') * unit;
        rest = after;
    }
    if unit == NANOS_PER_SECOND { Err(TimeError::Malformed) } else { Ok((nanos, rest)) }
}

fn offset_seconds(tail: &[u8]) -> Result<i64, TimeError> {
    let (sign, h0, h1, m0, m1) = match *tail {
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => (sign, h0, h1, m0, m1),
        [sign, h0, h1] => (sign, h0, h1, b'0', b'0'),
        _ => return Err(TimeError::Malformed),
    };
    let (hours, minutes) = (two(h0, h1)?, two(m0, m1)?);
    if hours > 23 || minutes > 59 {
        return Err(TimeError::Malformed);
    }
    match sign {
        b'+' => Ok(hours * 3_600 + minutes * 60),
        b'-' => Ok(-(hours * 3_600 + minutes * 60)),
        _ => Err(TimeError::Malformed),
    }
}

#[inline]
fn two(tens: u8, ones: u8) -> Result<i64, TimeError> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 { Err(TimeError::Malformed) } else { Ok(i64::from(tens * 10 + ones)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::format_instant;

    #[test]
    fn times_as_a_pi_server_writes_them() {
        let table = [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-03-01T07:00:00Z", 1_709_276_400_000_000_000),
            ("2024-03-01T07:00:00.4459991Z", 1_709_276_400_445_999_100),
            ("2024-03-01T07:00:00.5Z", 1_709_276_400_500_000_000),
            ("2024-03-01T07:00:00.123456789Z", 1_709_276_400_123_456_789),
            ("2024-03-01T09:00:00+02:00", 1_709_276_400_000_000_000),
            ("2024-02-29T23:30:00-0730", 1_709_276_400_000_000_000),
            ("1969-12-31T23:59:59.9999999Z", -100),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
        ];
        for (text, nanos) in table {
            assert_eq!(parse_instant(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "2024",
            "2024-03-01T07:00:00",
            "2024-03-01T07:00:00.Z",
            "2024-03-01T07:00:00.1234567891Z",
            "2024-03-01T07:00:00Zx",
            "2024-13-01T07:00:00Z",
            "2024-00-01T07:00:00Z",
            "2023-02-29T07:00:00Z",
            "1900-02-29T07:00:00Z",
            "2024-04-31T07:00:00Z",
            "2024-03-01T24:00:00Z",
            "2024-03-01T07:60:00Z",
            "2024-03-01T07:00:60Z",
            "2024-03-01T07:00:00+24:00",
            "2024/03/01T07:00:00Z",
            "２０２４-03-01T07:00:00Z",
            "-024-03-01T07:00:00Z",
        ] {
            assert_eq!(parse_instant(text), Err(TimeError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_year_beyond_nanoseconds_is_told_from_nonsense() {
        assert_eq!(parse_instant("9999-12-31T23:59:59.9999999Z"), Err(TimeError::TooLate));
        assert_eq!(parse_instant("0001-01-01T00:00:00Z"), Err(TimeError::TooEarly));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let mut instant: i64 = 42;
        for _ in 0..20_000 {
            instant = instant.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let within = instant / 4 * 3;
            assert_eq!(parse_instant(&format_instant(within)), Ok(within));
            let ticks = within / 100 * 100;
            assert_eq!(parse_instant(&format_instant(ticks)), Ok(ticks));
        }
    }
}
