//! Time as clients send it: ISO 8601 and other dates that .NET reads, and PI time such as `*-1d`, `t+8h`, `y`.
//!
//! A time without offset is in the server's local zone, as on a real server; this is the mistake that clients make.

use super::clock::{DAY, SECOND};
pub(crate) use crate::shared::time::Stamper;
use crate::shared::time::{add_months, clock, date, iso};
pub use crate::shared::time::{format_ticks, parse_rfc3339};

/// Last instant that PI Web API takes: the end of the year 9999.
const MAX: i64 = 253_402_300_800 * SECOND - 1;

/// Offset of local time from UTC, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone {
    offset: i64,
}

impl Zone {
    /// A zone with a fixed offset.
    pub(crate) fn minutes(minutes: i32) -> Zone {
        Zone { offset: i64::from(minutes) * 60 * SECOND }
    }

    /// A zone by the names that the simulator knows; `None` for others.
    pub(crate) fn named(name: &str) -> Option<Zone> {
        let minutes = match name.to_ascii_lowercase().as_str() {
            "utc" | "etc/utc" | "gmt" | "coordinated universal time" => 0,
            "india standard time" | "asia/kolkata" | "asia/calcutta" => 330,
            _ => return None,
        };
        Some(Zone::minutes(minutes))
    }
}

/// Reads a time parameter; `now` and `zone` are the server's. `None`: not a time, or outside 1970 … 9999.
pub(crate) fn parse(text: &str, now: i64, zone: Zone) -> Option<i64> {
    let text = text.trim();
    let absolute = match iso(text).or_else(|| slashed(text)) {
        Some((ticks, Some(offset))) => Some(ticks - offset),
        Some((ticks, None)) => Some(ticks - zone.offset),
        None => None,
    };
    let ticks = absolute.or_else(|| relative(text, now, zone))?;
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// Reads a duration such as `1d` or `15m`, positive and without a base.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let ticks = offset(text, 0, true)?;
    (ticks > 0).then_some(ticks)
}

/// `M/D/YYYY [H:MM[:SS]] [AM|PM]` as .NET reads it in US culture.
fn slashed(text: &str) -> Option<(i64, Option<i64>)> {
    let mut words = text.split_ascii_whitespace();
    let mut parts = words.next()?.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let mut ticks = date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    if let Some(time) = words.next() {
        let padded = if time.find(':') == Some(1) { format!("0{time}") } else { time.to_owned() };
        let (clock, rest) = clock(&padded)?;
        let half = match words.next().map(str::to_ascii_uppercase).as_deref() {
            None => 0,
            Some("AM") if clock / (3600 * SECOND) == 12 => -12,
            Some("AM") => 0,
            Some("PM") if clock / (3600 * SECOND) == 12 => 0,
            Some("PM") => 12,
            Some(_) => return None,
        };
        if !rest.is_empty() || words.next().is_some() {
            return None;
        }
        ticks += clock + half * 3600 * SECOND;
    }
    Some((ticks, None))
}

/// PI time: a base (`*`, `t`, `y`, a weekday) and signed offsets; empty means `*`.
fn relative(text: &str, now: i64, zone: Zone) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let split = lower.find(['+', '-']).unwrap_or(lower.len());
    let (base, rest) = (lower[..split].trim(), &lower[split..]);
    let midnight = (now + zone.offset).div_euclid(DAY) * DAY - zone.offset;
    let base = match base {
        "" | "*" => now,
        "t" | "today" => midnight,
        "y" | "yesterday" => midnight - DAY,
        name => midnight - weekday_distance(name, (midnight + zone.offset).div_euclid(DAY))? * DAY,
    };
    if rest.is_empty() { Some(base) } else { offset(rest, base, false) }
}

/// Days back to the last such weekday, today included.
fn weekday_distance(name: &str, today: i64) -> Option<i64> {
    const DAYS: [&str; 7] = ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];
    let index = DAYS.iter().position(|day| name.len() >= 3 && day.starts_with(name))?;
    Some((today - index as i64).rem_euclid(7))
}

/// What a unit counts in.
enum Scale {
    Ticks(i64),
    Months(i64),
}

/// `(+|-)N unit…` added to `base`; a sign holds until the next one. `bare` allows the first sign to be missing.
fn offset(text: &str, base: i64, bare: bool) -> Option<i64> {
    let mut at = base;
    let mut rest = text.trim();
    let mut sign = if bare { Some(1) } else { None };
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['+', '-']) {
            sign = Some(if rest.starts_with('-') { -1 } else { 1 });
            rest = after.trim_start();
        }
        let len = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let number: f64 = rest.get(..len)?.parse().ok()?;
        rest = rest.get(len..)?.trim_start();
        let len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (scale, fractional) = match rest.get(..len)?.to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" | "seconds" => (Scale::Ticks(SECOND), true),
            "m" | "min" | "minute" | "minutes" => (Scale::Ticks(60 * SECOND), true),
            "h" | "hour" | "hours" => (Scale::Ticks(3600 * SECOND), true),
            "d" | "day" | "days" => (Scale::Ticks(DAY), false),
            "w" | "week" | "weeks" => (Scale::Ticks(7 * DAY), false),
            "mo" | "month" | "months" => (Scale::Months(1), false),
            "y" | "year" | "years" => (Scale::Months(12), false),
            _ => return None,
        };
        if (!fractional && number.fract() != 0.0) || number > 1e9 {
            return None;
        }
        at = match scale {
            Scale::Ticks(scale) => at.checked_add((sign? as f64 * number * scale as f64) as i64)?,
            Scale::Months(months) => add_months(at, sign? * number as i64 * months)?,
        };
        rest = rest.get(len..)?.trim_start();
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now = parse_rfc3339("2024-03-01T07:00:00Z").unwrap();
        parse(text, now, Zone::minutes(330)).map(format_ticks)
    }

    #[test]
    fn a_time_without_offset_is_local() {
        assert_eq!(read("2024-03-01T07:00:00").as_deref(), Some("2024-03-01T01:30:00Z"));
        assert_eq!(read("2024-03-01").as_deref(), Some("2024-02-29T18:30:00Z"));
        assert_eq!(read("3/1/2024 7:00:00 PM").as_deref(), Some("2024-03-01T13:30:00Z"));
        assert_eq!(read("t").as_deref(), Some("2024-02-29T18:30:00Z"));
        assert_eq!(read("y+8h").as_deref(), Some("2024-02-29T02:30:00Z"));
    }

    #[test]
    fn an_offset_decides() {
        assert_eq!(read("2024-03-01T07:00:00.4459991Z").as_deref(), Some("2024-03-01T07:00:00.4459991Z"));
        assert_eq!(read("2024-03-01T07:00:00.25+01:00").as_deref(), Some("2024-03-01T06:00:00.25Z"));
        assert_eq!(read("2024-03-01T07:00:00.123456789Z").as_deref(), Some("2024-03-01T07:00:00.1234567Z"));
    }

    #[test]
    fn pi_time_counts_from_now() {
        assert_eq!(read("*").as_deref(), Some("2024-03-01T07:00:00Z"));
        assert_eq!(read("").as_deref(), Some("2024-03-01T07:00:00Z"));
        assert_eq!(read("*-1d").as_deref(), Some("2024-02-29T07:00:00Z"));
        assert_eq!(read("-1.5h").as_deref(), Some("2024-03-01T05:30:00Z"));
        assert_eq!(read("*-1d2h").as_deref(), Some("2024-02-29T05:00:00Z"));
        assert_eq!(read("*-1h+30s").as_deref(), Some("2024-03-01T06:00:30Z"));
        assert_eq!(read("thu").as_deref(), Some("2024-02-28T18:30:00Z"));
        assert_eq!(read("*-10mo").as_deref(), Some("2023-05-01T07:00:00Z"));
        assert_eq!(read("*-1d-1y").as_deref(), Some("2023-02-28T07:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "soon",
            "2024-13-01",
            "2024-02-30T00:00:00Z",
            "2024-03-01T07:00:00 01:00",
            "2024-03-01T25:00:00Z",
            "*-1.5d",
            "*-",
            "**",
            "1969-12-31T00:00:00Z",
            "2024-03-01T07:00:00+0",
            "2024-03-01T07:00:00Zz",
            "1d",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn durations_have_no_base() {
        assert_eq!(duration("1d"), Some(DAY));
        assert_eq!(duration("90m"), Some(5400 * SECOND));
        assert_eq!(duration("0s"), None);
        assert_eq!(duration("*"), None);
    }
}
