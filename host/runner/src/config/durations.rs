//! Durations, points in time and sizes as people write them: `48h`, `-7d`, `512MiB`.

use std::str::FromStr;
use std::time::Duration;

use chrono::DateTime;
use tidegate_model::Instant;

/// 200 years: anything longer is a typing error, and nanoseconds end at 292.
const LONGEST: Duration = Duration::from_secs(200 * 366 * 86_400);

/// A point in time as it is written, where a series without a cursor starts for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this instant.
    At(Instant),
    /// This long before the run begins.
    Ago(Duration),
}

impl FromStr for Start {
    type Err = String;

    /// From RFC 3339 or a duration before now, such as `-7d`.
    fn from_str(text: &str) -> Result<Self, String> {
        time(text)
    }
}

impl Start {
    /// The instant itself for a run that begins at `now`.
    #[must_use]
    pub fn resolve(self, now: Instant) -> Instant {
        match self {
            Self::At(instant) => instant,
            Self::Ago(ago) => now.plus_nanos(nanos(ago).saturating_neg()),
        }
    }
}

/// Nanoseconds of `duration`, saturating at 292 years.
#[must_use]
pub fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A duration: `30s`, `15m`, `48h`, `30d`, or a plain `0`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err("a number needs a unit, such as 30s, 15m, 48h or 30d".to_owned());
    }
    let duration =
        humantime::parse_duration(text).map_err(|_| "is not a duration such as 30s, 15m, 48h or 30d".to_owned())?;
    if duration > LONGEST { Err("is longer than 200 years".to_owned()) } else { Ok(duration) }
}

/// A point in time: RFC 3339 with its offset, or a duration before now such as `-7d`.
///
/// # Errors
/// What is wrong with it.
pub fn time(text: &str) -> Result<Start, String> {
    let text = text.trim();
    if let Some(ago) = text.strip_prefix('-') {
        return duration(ago).map(Start::Ago);
    }
    let expected = || {
        let hint = if duration(text).is_ok() { format!("; `-{text}` means that long ago") } else { String::new() };
        format!("is not a time such as 2015-01-01T00:00:00Z, or a time before now such as -7d{hint}")
    };
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| expected())?;
    let nanos = time.timestamp_nanos_opt().ok_or("lies outside the years 1678 to 2261")?;
    Ok(Start::At(Instant(nanos)))
}

/// A size in bytes: `512MiB`, `1GiB`, `500MB`, or a number of bytes.
///
/// # Errors
/// What is wrong with it.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("is not a size such as 512MiB, 1GiB or 500MB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "is not a size such as 512MiB, 1GiB or 500MB".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "is larger than any memory".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_but_for_zero() {
        assert_eq!(duration("48h"), Ok(Duration::from_secs(172_800)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert!(duration("48").unwrap_err().contains("needs a unit"));
        for bad in ["", "h", "two days", "-48h", "1e9d", "999999999999d", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_absolute_with_an_offset_or_relative_with_a_minus() {
        assert_eq!(time("2015-01-01T00:00:00Z"), Ok(Start::At(Instant(1_420_070_400_000_000_000))));
        assert_eq!(time("2015-01-01T01:00:00+01:00"), time("2015-01-01T00:00:00Z"));
        assert_eq!(time("-7d"), Ok(Start::Ago(Duration::from_secs(7 * 86_400))));
        assert!(time("7d").unwrap_err().contains("`-7d`"));
        for bad in ["2015-01-01", "2015-01-01T00:00:00", "yesterday", "-", "9999-01-01T00:00:00Z"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_relative_time_counts_from_the_run() {
        let now = Instant(1_000_000_000_000);
        assert_eq!(Start::Ago(Duration::from_secs(400)).resolve(now), Instant(600_000_000_000));
        assert_eq!(Start::At(Instant(5)).resolve(now), Instant(5));
    }

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1 GB"), Ok(1_000_000_000));
        assert_eq!(size("1024"), Ok(1024));
        for bad in ["", "MiB", "1.5GiB", "12 parsecs", "99999999999999999999", "99999999999TiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
