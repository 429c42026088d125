//! An instant to ISO 8601 text in UTC.

use std::fmt::Write;

use super::calendar::{NANOS_PER_SECOND, SECONDS_PER_DAY, date_from_days};
use crate::Instant;

/// `2024-03-01T07:00:00.4459991Z`: UTC, the fraction without trailing zeros and left out when it is zero.
#[must_use]
pub fn format_instant(instant: Instant) -> String {
    let mut text = String::with_capacity(30);
    write_instant(&mut text, instant);
    text
}

/// Appends what [`format_instant`] returns.
pub fn write_instant(text: &mut String, instant: Instant) {
    let seconds = instant.div_euclid(NANOS_PER_SECOND);
    let mut nanos = instant.rem_euclid(NANOS_PER_SECOND);
    let (year, month, day) = date_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut push = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a String has no way to fail.
        let _ = text.write_fmt(arguments);
    };
    push(format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"));
    if nanos != 0 {
        let mut width = 9;
        while nanos % 10 == 0 {
            nanos /= 10;
            width -= 1;
        }
        push(format_args!(".{nanos:0width$}"));
    }
    push(format_args!("Z"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_is_trimmed_as_servers_trim_it() {
        assert_eq!(format_instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_instant(1_709_276_400_445_999_100), "2024-03-01T07:00:00.4459991Z");
        assert_eq!(format_instant(1_709_276_400_050_000_000), "2024-03-01T07:00:00.05Z");
        assert_eq!(format_instant(-100), "1969-12-31T23:59:59.9999999Z");
    }
}
