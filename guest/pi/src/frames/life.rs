//! From when to when an event frame lives.

use tidegate_sdk::{
    life::Life,
    time::{TimeError, parse_instant},
};

use crate::api::Frame;

/// From this year on an end means that there is none: AF writes its largest time.
const NEVER: u16 = 9_999;

/// Reads both times, or says which cannot be read.
pub(super) fn life(frame: &Frame) -> Result<Life, &'static str> {
    let start = parse_instant(frame.start_time.as_deref().unwrap_or_default())
        .map_err(|_| "the start of the event frame is not a time in UTC")?;
    let end = match frame.end_time.as_deref() {
        None | Some("") => None,
        Some(text) if year(text).is_some_and(|year| year >= NEVER) => None,
        Some(text) => Some(parse_instant(text).map_err(|error| match error {
            TimeError::Malformed => "the end of the event frame is not a time in UTC",
            TimeError::TooLate | TimeError::TooEarly => "the end of the event frame lies out of reach",
        })?),
    };
    Ok(Life { start, end })
}

fn year(text: &str) -> Option<u16> {
    text.get(..4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(start: &str, end: Option<&str>) -> Result<Life, &'static str> {
        let frame = Frame { start_time: Some(start.into()), end_time: end.map(str::to_owned), ..Frame::default() };
        life(&frame)
    }

    #[test]
    fn an_open_frame_has_no_end_however_the_server_writes_that() {
        for end in [
            None,
            Some(""),
            Some("9999-12-31T23:59:59Z"),
            Some("9999-12-31T23:59:59.9999999Z"),
            Some("9999-01-01T00:00:00Z"),
        ] {
            let life = of("2024-03-01T07:00:00Z", end).unwrap();
            assert_eq!((life.end, life.minutes()), (None, None), "{end:?}");
        }
        let closed = of("2024-03-01T07:00:00Z", Some("2024-03-01T08:30:30Z")).unwrap();
        assert_eq!(closed.minutes(), Some(90.5));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_told_and_never_guessed() {
        assert!(of("2024-03-01T07:00:00", None).unwrap_err().contains("start"));
        assert!(of("", None).is_err() && life(&Frame::default()).is_err());
        assert!(of("2024-03-01T07:00:00Z", Some("soon")).unwrap_err().contains("end"));
        assert!(of("2024-03-01T07:00:00Z", Some("9000-01-01T00:00:00Z")).unwrap_err().contains("reach"));
    }
}
