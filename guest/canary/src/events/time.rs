//! Times of events, which the documents write with an hour of one digit in the offset: `-8:00` (§7).

use tidegate_sdk::{
    Instant,
    life::Life,
    time::{TimeError, parse_instant},
};

use crate::api::Event;

/// From this year on an end means that there is none; so does the year 1.
const NEVER: u16 = 9_999;
const YEAR_ONE: u16 = 1;

/// Reads both times, or says which cannot be read.
pub(super) fn life(event: &Event) -> Result<Life, &'static str> {
    let start = instant(event.starts_at.as_deref().unwrap_or_default())
        .map_err(|_| "the start of the event is not a time with an offset")?;
    let end = match event.ends_at.as_deref() {
        None | Some("") => None,
        Some(text) if year(text).is_some_and(|year| year >= NEVER || year <= YEAR_ONE) => None,
        Some(text) => Some(instant(text).map_err(|error| match error {
            TimeError::Malformed => "the end of the event is not a time with an offset",
            TimeError::TooLate | TimeError::TooEarly => "the end of the event lies out of reach",
        })?),
    };
    Ok(Life { start, end })
}

fn year(text: &str) -> Option<u16> {
    text.get(..4)?.parse().ok()
}

/// As [`parse_instant`], also where the hour of the offset has one digit.
fn instant(text: &str) -> Result<Instant, TimeError> {
    let hour = text.rsplit_once(['+', '-']).map(|(_, offset)| offset).filter(|offset| offset.len() == 4);
    match hour.and_then(|offset| Some((text.strip_suffix(offset)?, offset))) {
        Some((head, offset)) if offset.as_bytes().get(1) == Some(&b':') => parse_instant(&format!("{head}0{offset}")),
        _ => parse_instant(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(start: &str, end: Option<&str>) -> Result<Life, &'static str> {
        life(&Event { starts_at: Some(start.into()), ends_at: end.map(str::to_owned), ..Event::default() })
    }

    #[test]
    fn an_offset_may_have_an_hour_of_one_digit() {
        let expected = Ok(1_709_276_400_000_000_000);
        for text in [
            "2024-02-29T23:00:00-8:00",
            "2024-02-29T23:00:00.0000000-08:00",
            "2024-03-01T07:00:00Z",
            "2024-03-01T09:00:00+2:00",
            "2024-03-01T09:00:00+0200",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        for text in ["", "-8:00", "2024-03-01T07:00:00", "2024-03-01T07:00:00-a:00", "2024-03-01", "Ö8:00"] {
            assert_eq!(instant(text), Err(TimeError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_event_that_lasts_has_no_end_however_the_server_writes_that() {
        for end in [None, Some(""), Some("0001-01-01T00:00:00"), Some("9999-12-31T23:59:59.9999999Z")] {
            assert_eq!(of("2024-03-01T07:00:00Z", end).unwrap().end, None, "{end:?}");
        }
        assert_eq!(of("2024-03-01T07:00:00Z", Some("2024-03-01T01:30:30-7:00")).unwrap().minutes(), Some(90.5));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_told_and_never_guessed() {
        assert!(of("2024-03-01T07:00:00", None).unwrap_err().contains("start"));
        assert!(of("2024-03-01T07:00:00Z", Some("soon")).unwrap_err().contains("end"));
        assert!(of("2024-03-01T07:00:00Z", Some("9000-01-01T00:00:00Z")).unwrap_err().contains("reach"));
        assert!(life(&Event::default()).is_err());
    }
}
