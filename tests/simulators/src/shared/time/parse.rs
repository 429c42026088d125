//! The times that every server reads: ISO 8601, and calendar arithmetic.

use anyhow::{Context, Result};

use super::{civil_from_days, days_from_civil};
use crate::shared::clock::{DAY, SECOND};

/// Reads an RFC 3339 instant with its offset into ticks since the Unix epoch.
pub fn parse_rfc3339(text: &str) -> Result<i64> {
    let bad = || format!("{text}: not an RFC 3339 instant such as 2026-01-31T08:00:00Z");
    let (ticks, offset) = iso(text).with_context(bad)?;
    offset.map(|offset| ticks - offset).with_context(bad)
}

/// `len` digits at `from` as a number.
pub(crate) fn digits(text: &str, from: usize, len: usize) -> Option<i64> {
    let part = text.get(from..from + len)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

/// `YYYY-MM-DD[(T| )HH:MM[:SS[.f…]]][Z|±HH:MM]`: local ticks and the offset, if one stands there.
pub(crate) fn iso(text: &str) -> Option<(i64, Option<i64>)> {
    let (year, month, day) = (digits(text, 0, 4)?, digits(text, 5, 2)?, digits(text, 8, 2)?);
    if text.as_bytes().get(4) != Some(&b'-') || text.as_bytes().get(7) != Some(&b'-') {
        return None;
    }
    let date = date(year, month, day)?;
    match text.as_bytes().get(10) {
        None => Some((date, None)),
        Some(b'T' | b't' | b' ') => {
            let (clock, rest) = clock(text.get(11..)?)?;
            Some((date + clock, zone_suffix(rest)?))
        }
        Some(_) => None,
    }
}

/// Ticks of the midnight that begins a date; `None`: no such date.
pub(crate) fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = days_from_civil(year, month, day);
    (civil_from_days(days) == (year, month, day)).then_some(days * DAY)
}

/// `HH:MM[:SS[.f…]]` in ticks, and what follows.
pub(crate) fn clock(text: &str) -> Option<(i64, &str)> {
    let (hour, minute) = (digits(text, 0, 2)?, digits(text, 3, 2)?);
    if text.as_bytes().get(2) != Some(&b':') || hour > 23 || minute > 59 {
        return None;
    }
    let mut ticks = (hour * 60 + minute) * 60 * SECOND;
    let mut rest = text.get(5..)?;
    if let Some(after) = rest.strip_prefix(':') {
        let second = digits(after, 0, 2).filter(|s| *s < 60)?;
        ticks += second * SECOND;
        rest = after.get(2..)?;
        if let Some(after) = rest.strip_prefix('.') {
            let len = after.bytes().take_while(u8::is_ascii_digit).count();
            if len == 0 {
                return None;
            }
            let mut padded: String = after.get(..len.min(7))?.to_owned();
            while padded.len() < 7 {
                padded.push('0');
            }
            ticks += padded.parse::<i64>().ok()?;
            rest = after.get(len..)?;
        }
    }
    Some((ticks, rest))
}

/// `Z`, `±HH:MM`, `±HHMM`, `±HH`, or nothing. A `+` that was not encoded arrives as a space and is refused.
fn zone_suffix(text: &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.eq_ignore_ascii_case("z") {
        return Some(Some(0));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(text, 1, 2)?;
    let minutes = match text.get(3..)? {
        "" => 0,
        rest => {
            digits(rest.strip_prefix(':').unwrap_or(rest), 0, 2).filter(|_| rest.trim_start_matches(':').len() == 2)?
        }
    };
    (hours <= 14 && minutes < 60).then_some(Some(sign * (hours * 60 + minutes) * 60 * SECOND))
}

/// Calendar months later (or earlier); the last day of a shorter month stands for those it lacks.
pub(crate) fn add_months(at: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(at.div_euclid(DAY));
    let count = year * 12 + month - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let days = (1..=day).rev().map(|day| days_from_civil(year, month, day));
    let day = days.into_iter().find(|days| civil_from_days(*days).1 == month)?;
    day.checked_mul(DAY)?.checked_add(at.rem_euclid(DAY))
}
