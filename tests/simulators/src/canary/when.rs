//! Times and spans as clients send them: ISO 8601, relative times such as `Now - 1Day`, spans such as `1.00:01:00`
//! (reference §6.5).

use super::zone::Zone;
use crate::shared::clock::{DAY, SECOND};
use crate::shared::time::{add_months, civil_from_days, date, iso};

/// What relative times count from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchors {
    /// The server's clock.
    pub(crate) now: i64,
    /// Zone of the request.
    pub(crate) zone: Zone,
    /// What `Beginning` and `Ending` mean.
    pub(crate) range: (i64, i64),
}

/// What a unit counts in.
#[derive(Clone, Copy)]
enum Unit {
    Ticks(i64),
    Days(i64),
    Months(i64),
}

/// A unit in any spelling: whole, plural, or the short form of vendor samples.
fn unit(name: &str) -> Option<Unit> {
    Some(match name {
        "ms" | "millisecond" | "milliseconds" => Unit::Ticks(SECOND / 1000),
        "s" | "second" | "seconds" => Unit::Ticks(SECOND),
        "m" | "minute" | "minutes" => Unit::Ticks(60 * SECOND),
        "h" | "hour" | "hours" => Unit::Ticks(3600 * SECOND),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mo" | "month" | "months" => Unit::Months(1),
        "y" | "year" | "years" => Unit::Months(12),
        _ => return None,
    })
}

/// Reads a time parameter into UTC ticks; `None`: it is not one.
pub(crate) fn time(text: &str, anchors: &Anchors) -> Option<i64> {
    match iso(text.trim()) {
        Some((ticks, Some(offset))) => Some(ticks - offset),
        Some((ticks, None)) => Some(anchors.zone.utc(ticks)),
        None => relative(text, anchors),
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn relative(text: &str, anchors: &Anchors) -> Option<i64> {
    let text = squeeze(text);
    let split = text.find(['+', '-']).unwrap_or(text.len());
    let mut at = anchor(text.get(..split)?, anchors)?;
    let mut rest = text.get(split..)?;
    while !rest.is_empty() {
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        let (count, unit, after) = counted(rest.strip_prefix(['+', '-'])?)?;
        at = add(at, unit, count.checked_mul(sign)?, anchors.zone)?;
        rest = after;
    }
    Some(at)
}

/// `N unit` at the head of a text without spaces, and what follows.
fn counted(text: &str) -> Option<(i64, Unit, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let count = text.get(..len)?.parse().ok()?;
    let text = text.get(len..)?;
    let len = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    Some((count, unit(text.get(..len)?)?, text.get(len..)?))
}

/// Days and months are counted on the wall clock, shorter units by elapsed time.
fn add(at: i64, unit: Unit, count: i64, zone: Zone) -> Option<i64> {
    let local = at + zone.offset(at);
    match unit {
        Unit::Ticks(ticks) => at.checked_add(count.checked_mul(ticks)?),
        Unit::Days(days) => Some(zone.utc(local.checked_add(count.checked_mul(days)?.checked_mul(DAY)?)?)),
        Unit::Months(months) => Some(zone.utc(add_months(local, count.checked_mul(months)?)?)),
    }
}

fn anchor(name: &str, anchors: &Anchors) -> Option<i64> {
    let Anchors { now, zone, range } = *anchors;
    let local = now + zone.offset(now);
    let today = local.div_euclid(DAY);
    let (year, month, _) = civil_from_days(today);
    let down = |unit: i64| local - local.rem_euclid(unit);
    let local = match name {
        "now" => return Some(now),
        "beginning" => return Some(range.0),
        "ending" => return Some(range.1),
        "year" => date(year, 1, 1)?,
        "month" => date(year, month, 1)?,
        "week" => (today - (today + 4).rem_euclid(7)) * DAY,
        "day" => today * DAY,
        "hour" => down(3600 * SECOND),
        "minute" => down(60 * SECOND),
        "second" => down(SECOND),
        _ => return None,
    };
    Some(zone.utc(local))
}

/// Reads a span: `[d.]hh:mm:ss[.fff]`, or a sum such as `4Hours + 30Minutes`; positive, without months or years, whose
/// length is not fixed \[I\].
pub(crate) fn span(text: &str) -> Option<i64> {
    let text = squeeze(text);
    let ticks = if text.contains(':') { clock_span(&text)? } else { sum(&text)? };
    (ticks > 0).then_some(ticks)
}

fn sum(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut parts = text;
    loop {
        // A unit alone counts once.
        let (count, unit, after) = match counted(parts) {
            Some(found) => found,
            None => (1, unit(parts)?, ""),
        };
        let ticks = match unit {
            Unit::Ticks(ticks) => ticks,
            Unit::Days(days) => days * DAY,
            Unit::Months(_) => return None,
        };
        total = total.checked_add(count.checked_mul(ticks)?)?;
        if after.is_empty() {
            return Some(total);
        }
        parts = after.strip_prefix('+')?;
    }
}

fn clock_span(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |text: &str, below: i64| text.parse::<i64>().ok().filter(|n| (0..below).contains(n));
    let (days, hours) = (number(days, 100_000)?, number(hours, 24)?);
    let seconds = (hours * 60 + number(minutes, 60)?) * 60 + number(seconds, 60)?;
    if parts.next().is_some() || fraction.len() > 7 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(days * DAY + seconds * SECOND + format!("{fraction:0<7}").parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::zone::UTC;
    use crate::shared::time::{format_ticks, parse_rfc3339};

    fn read(text: &str, zone: &str) -> Option<String> {
        let at = |text| parse_rfc3339(text).unwrap();
        let zone = Zone::named(zone).unwrap();
        let range = (at("2020-01-01T00:00:00Z"), at("2025-03-01T00:00:00Z"));
        time(text, &Anchors { now: at("2025-03-12T13:14:15.5Z"), zone, range }).map(format_ticks)
    }

    #[test]
    fn relative_times_count_from_their_anchor() {
        for (text, utc) in [
            ("Now", "2025-03-12T13:14:15.5Z"),
            ("now-1d", "2025-03-11T13:14:15.5Z"),
            ("NOW - 6mo", "2024-09-12T13:14:15.5Z"),
            ("Day + 8Hours", "2025-03-12T08:00:00Z"),
            ("Week", "2025-03-09T00:00:00Z"),
            ("Month - 1Month + 30 minutes", "2025-02-01T00:30:00Z"),
            ("year-1y", "2024-01-01T00:00:00Z"),
            ("Hour-90Seconds", "2025-03-12T12:58:30Z"),
            ("Second-500Milliseconds", "2025-03-12T13:14:14.5Z"),
            ("Beginning", "2020-01-01T00:00:00Z"),
            ("Ending-1d", "2025-02-28T00:00:00Z"),
            ("2025-01-01T00:00:00.0000001Z", "2025-01-01T00:00:00.0000001Z"),
            ("2025-01-01T00:00:00-05:00", "2025-01-01T05:00:00Z"),
        ] {
            assert_eq!(read(text, UTC.id).as_deref(), Some(utc), "{text}");
        }
        for text in ["", "soon", "now-", "now-1", "now1d", "1d", "now--1d", "now-1.5d", "2025-13-01", "*-1d"] {
            assert_eq!(read(text, UTC.id), None, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let eastern = "Eastern Standard Time";
        assert_eq!(read("Day", eastern).as_deref(), Some("2025-03-12T04:00:00Z"));
        assert_eq!(read("Day-5d", eastern).as_deref(), Some("2025-03-07T05:00:00Z"), "across the change of clocks");
        assert_eq!(read("Day-120h", eastern).as_deref(), Some("2025-03-07T04:00:00Z"));
        assert_eq!(read("2025-01-01T00:00:00", eastern).as_deref(), Some("2025-01-01T05:00:00Z"));
    }

    #[test]
    fn spans_are_clock_times_or_sums() {
        for (text, seconds) in [
            ("4Hours + 30Minutes", 16_200),
            ("90Seconds", 90),
            ("1.00:01:00", 86_460),
            ("00:05:00", 300),
            ("1minute", 60),
            ("hour", 3600),
            ("30m", 1800),
            ("2d", 172_800),
        ] {
            assert_eq!(span(text), Some(seconds * SECOND), "{text}");
        }
        assert_eq!(span("00:00:00.5"), Some(SECOND / 2));
        for text in ["", "0s", "00:00:00", "1mo", "25:00:00", "1:2", "00:00:00.", "-1h", "1h-1m", "fortnight"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
