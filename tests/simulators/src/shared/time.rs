//! Dates, and time as .NET writes it: ISO 8601 with up to seven fractional digits.
//!
//! Instants are 100 ns ticks since the Unix epoch. Reading what clients send is [`parse`]'s part.

mod parse;

pub use parse::parse_rfc3339;
pub(crate) use parse::{add_months, clock, date, iso};

use super::clock::{DAY, SECOND};

/// Days since the Unix epoch of a date of the Gregorian calendar.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// Year, month and day of a number of days since the Unix epoch.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// Writes timestamps; the text of the day is kept from one to the next.
#[derive(Debug)]
pub(crate) struct Stamper {
    day: i64,
    prefix: [u8; 11],
}

const PAIRS: &[u8; 200] = b"00010203040506070809101112131415161718192021222324252627282930313233343536373839\
4041424344454647484950515253545556575859606162636465666768697071727374757677787980818283848586878889\
90919293949596979899";

fn pair(value: i64) -> [u8; 2] {
    let at = (value as usize % 100) * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

impl Stamper {
    /// Knows no day yet.
    pub(crate) fn new() -> Stamper {
        Stamper { day: i64::MIN, prefix: *b"0000-00-00T" }
    }

    /// Appends `ticks` as `2024-03-01T07:00:00.4459991Z`: UTC, trailing zeros of the fraction trimmed.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, ticks: i64) {
        let mut text = self.text(ticks);
        let mut end = 27;
        while text[end - 1] == b'0' {
            end -= 1;
        }
        if end == 20 {
            end = 19;
        }
        text[end] = b'Z';
        out.extend_from_slice(&text[..=end]);
    }

    /// Appends `ticks` as `2024-03-01T07:00:00.4459991`: whatever zone they are in, always seven digits.
    pub(crate) fn write_local(&mut self, out: &mut Vec<u8>, ticks: i64) {
        out.extend_from_slice(&self.text(ticks)[..27]);
    }

    /// The text with all its digits, and room for one letter.
    fn text(&mut self, ticks: i64) -> [u8; 28] {
        let day = ticks.div_euclid(DAY);
        if day != self.day {
            let (year, month, date) = civil_from_days(day);
            self.prefix[0..2].copy_from_slice(&pair(year / 100));
            self.prefix[2..4].copy_from_slice(&pair(year));
            self.prefix[5..7].copy_from_slice(&pair(month));
            self.prefix[8..10].copy_from_slice(&pair(date));
            self.day = day;
        }
        let rest = ticks.rem_euclid(DAY);
        let (second, fraction) = (rest / SECOND, rest % SECOND);
        let (h, m, s) = (pair(second / 3600), pair(second / 60 % 60), pair(second % 60));
        let mut text = *b"0000-00-00T00:00:00.0000000Z";
        text[..11].copy_from_slice(&self.prefix);
        text[11..13].copy_from_slice(&h);
        text[14..16].copy_from_slice(&m);
        text[17..19].copy_from_slice(&s);
        let (high, low) = (fraction / 1000, fraction % 1000);
        text[20..22].copy_from_slice(&pair(high / 100));
        text[22..24].copy_from_slice(&pair(high % 100));
        text[24] = b'0' + (low / 100) as u8;
        text[25..27].copy_from_slice(&pair(low % 100));
        text
    }
}

/// The server's text for an instant, such as `2024-03-01T07:00:00.4459991Z`.
pub fn format_ticks(ticks: i64) -> String {
    let mut out = Vec::with_capacity(28);
    Stamper::new().write(&mut out, ticks);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_trimmed_to_the_digits_needed() {
        let base = 1_709_276_400 * SECOND;
        for (fraction, text) in [
            (0, "2024-03-01T07:00:00Z"),
            (4_459_991, "2024-03-01T07:00:00.4459991Z"),
            (5_000_000, "2024-03-01T07:00:00.5Z"),
            (1, "2024-03-01T07:00:00.0000001Z"),
            (1_200_000, "2024-03-01T07:00:00.12Z"),
        ] {
            assert_eq!(format_ticks(base + fraction), text);
        }
        assert_eq!(format_ticks(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_ticks(-1), "1969-12-31T23:59:59.9999999Z");
    }

    #[test]
    fn civil_dates_go_there_and_back() {
        for day in (-800_000..2_900_000).step_by(61) {
            let (y, m, d) = civil_from_days(day);
            assert_eq!(days_from_civil(y, m, d), day);
        }
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }
}
