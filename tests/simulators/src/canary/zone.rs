//! Time zones by their Windows ids, and timestamps in one: seven fractional digits and the offset of that instant.

use crate::shared::clock::{DAY, SECOND};
use crate::shared::time::{Stamper, civil_from_days, days_from_civil};

const HOUR: i64 = 3600 * SECOND;

/// When summer time holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Never.
    None,
    /// Second Sunday of March, 2:00 local, to first Sunday of November, 2:00 local.
    America,
    /// Last Sunday of March to last Sunday of October, 1:00 UTC.
    Europe,
}

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Its Windows id.
    pub(crate) id: &'static str,
    minutes: i64,
    rule: Rule,
}

/// The zones that `getTimeZones` lists.
pub(crate) const ZONES: [Zone; 11] = [
    Zone { id: "Pacific Standard Time", minutes: -480, rule: Rule::America },
    Zone { id: "Mountain Standard Time", minutes: -420, rule: Rule::America },
    Zone { id: "US Mountain Standard Time", minutes: -420, rule: Rule::None },
    Zone { id: "Central Standard Time", minutes: -360, rule: Rule::America },
    Zone { id: "Eastern Standard Time", minutes: -300, rule: Rule::America },
    UTC,
    Zone { id: "GMT Standard Time", minutes: 0, rule: Rule::Europe },
    Zone { id: "W. Europe Standard Time", minutes: 60, rule: Rule::Europe },
    Zone { id: "Russian Standard Time", minutes: 180, rule: Rule::None },
    Zone { id: "India Standard Time", minutes: 330, rule: Rule::None },
    Zone { id: "Tokyo Standard Time", minutes: 540, rule: Rule::None },
];

/// Coordinated universal time.
pub(crate) const UTC: Zone = Zone { id: "UTC", minutes: 0, rule: Rule::None };

/// The n-th Sunday of a month, or its last, as days since the Unix epoch.
fn sunday(year: i64, month: i64, nth: Option<i64>) -> i64 {
    let after = |day: i64| day + (3 - day).rem_euclid(7);
    match nth {
        Some(nth) => after(days_from_civil(year, month, 1)) + 7 * (nth - 1),
        None => after(days_from_civil(year, month, 31) + 1) - 7,
    }
}

impl Zone {
    /// The zone with this Windows id, in any case; IANA names are unknown to the server.
    pub(crate) fn named(id: &str) -> Option<Zone> {
        ZONES.into_iter().find(|zone| zone.id.eq_ignore_ascii_case(id.trim()))
    }

    /// Begin and end of summer time in a year, in UTC ticks.
    fn summer(&self, year: i64) -> Option<(i64, i64)> {
        let standard = self.minutes * 60 * SECOND;
        match self.rule {
            Rule::None => None,
            Rule::America => Some((
                sunday(year, 3, Some(2)) * DAY + 2 * HOUR - standard,
                sunday(year, 11, Some(1)) * DAY + HOUR - standard,
            )),
            Rule::Europe => Some((sunday(year, 3, None) * DAY + HOUR, sunday(year, 10, None) * DAY + HOUR)),
        }
    }

    /// The offset at a UTC instant in ticks, and the instants between which it holds.
    fn period(&self, utc: i64) -> (i64, i64, i64) {
        let standard = self.minutes * 60 * SECOND;
        let year = civil_from_days(utc.div_euclid(DAY)).0;
        let Some((begin, end)) = self.summer(year) else { return (standard, i64::MIN, i64::MAX) };
        if (begin..end).contains(&utc) {
            return (standard + HOUR, begin, end);
        }
        let (first, last) = (days_from_civil(year, 1, 1) * DAY, days_from_civil(year + 1, 1, 1) * DAY);
        if utc < begin { (standard, first, begin) } else { (standard, end, last) }
    }

    /// The offset at a UTC instant, in ticks.
    pub(crate) fn offset(&self, utc: i64) -> i64 {
        self.period(utc).0
    }

    /// Local ticks as UTC ticks; what happens twice is meant the first time.
    pub(crate) fn utc(&self, local: i64) -> i64 {
        let summer = local - self.minutes * 60 * SECOND - HOUR;
        if self.offset(summer) == self.minutes * 60 * SECOND { summer + HOUR } else { summer }
    }

    /// The text of one instant.
    pub(crate) fn format(&self, utc: i64) -> String {
        let mut out = Vec::with_capacity(33);
        Clockface::new(*self).write(&mut out, utc);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Writes timestamps of one zone; the offset is kept from one to the next.
#[derive(Debug)]
pub(crate) struct Clockface {
    zone: Zone,
    stamper: Stamper,
    offset: i64,
    from: i64,
    until: i64,
    suffix: [u8; 6],
}

impl Clockface {
    /// Knows no offset yet.
    pub(crate) fn new(zone: Zone) -> Clockface {
        Clockface { zone, stamper: Stamper::new(), offset: 0, from: 0, until: 0, suffix: *b"+00:00" }
    }

    /// Appends `2017-09-01T12:00:00.0000000-05:00`.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, utc: i64) {
        if !(self.from..self.until).contains(&utc) {
            (self.offset, self.from, self.until) = self.zone.period(utc);
            let minutes = self.offset / (60 * SECOND);
            let text =
                format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60);
            self.suffix.copy_from_slice(text.as_bytes());
        }
        self.stamper.write_local(out, utc + self.offset);
        out.extend_from_slice(&self.suffix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::time::parse_rfc3339;

    fn at(zone: &str, utc: &str) -> String {
        Zone::named(zone).unwrap().format(parse_rfc3339(utc).unwrap())
    }

    #[test]
    fn eastern_time_changes_on_the_right_sundays() {
        for (utc, local) in [
            ("2025-03-09T06:59:59.9999999Z", "2025-03-09T01:59:59.9999999-05:00"),
            ("2025-03-09T07:00:00Z", "2025-03-09T03:00:00.0000000-04:00"),
            ("2025-11-02T05:59:59.9999999Z", "2025-11-02T01:59:59.9999999-04:00"),
            ("2025-11-02T06:00:00Z", "2025-11-02T01:00:00.0000000-05:00"),
            ("2024-12-31T23:00:00Z", "2024-12-31T18:00:00.0000000-05:00"),
        ] {
            assert_eq!(at("eastern standard time", utc), local);
            let zone = Zone::named("Eastern Standard Time").unwrap();
            let ticks = parse_rfc3339(utc).unwrap();
            let back = zone.utc(ticks + zone.offset(ticks));
            assert!(back == ticks || utc.starts_with("2025-11-02T06:00") && back == ticks - HOUR, "{utc}");
        }
    }

    #[test]
    fn other_zones_follow_their_own_rules() {
        assert_eq!(at("UTC", "2025-07-01T00:00:00.0000001Z"), "2025-07-01T00:00:00.0000001+00:00");
        assert_eq!(at("W. Europe Standard Time", "2025-03-30T01:00:00Z"), "2025-03-30T03:00:00.0000000+02:00");
        assert_eq!(at("W. Europe Standard Time", "2025-10-26T01:00:00Z"), "2025-10-26T02:00:00.0000000+01:00");
        assert_eq!(at("India Standard Time", "2025-10-26T01:00:00Z"), "2025-10-26T06:30:00.0000000+05:30");
        assert_eq!(Zone::named("Europe/Berlin"), None);
    }
}
