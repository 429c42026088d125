//! Numbers as people read them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use tidegate_model::Instant;

/// `1234567` as `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes in binary units.
#[must_use]
pub fn bytes(number: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut name = "B";
    for unit in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        name = unit;
    }
    if name == "B" { format!("{number} B") } else { format!("{value:.1} {name}") }
}

/// A duration in its two largest units: `3d 4h`, `12m 5s`, `0.8s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m {}s", seconds % 60),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// An instant as RFC 3339 in UTC, to the second where nothing is lost by that.
#[must_use]
pub fn time(instant: Instant) -> String {
    DateTime::from_timestamp_nanos(instant.0).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(999), bytes(1_536), bytes(5 << 30)], ["999 B", "1.5 KiB", "5.0 GiB"]);
        let text = |seconds: u64| duration(Duration::from_secs(seconds));
        assert_eq!([text(5), text(65), text(3_720), text(90_000)], ["5.0s", "1m 5s", "1h 2m", "1d 1h"]);
        assert_eq!(time(Instant(1_420_070_400_000_000_000)), "2015-01-01T00:00:00Z");
    }
}
