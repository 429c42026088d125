//! From when to when an event frame lives, and which slice of time it belongs to.

use tidegate_sdk::{
    Instant, Interval,
    time::{TimeError, parse_instant},
};

use super::slices::Slice;
use crate::api::Frame;

/// From this year on an end means that there is none: AF writes its largest time.
const NEVER: u16 = 9_999;

/// The time of an event frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) start: Instant,
    /// `None` while it is open.
    pub(super) end: Option<Instant>,
}

impl Life {
    /// Reads both times, or says which cannot be read.
    pub(super) fn of(frame: &Frame) -> Result<Self, &'static str> {
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
        Ok(Self { start, end })
    }

    /// Whether it lives at any time in `interval`. One that ends at its very start does: it is known to have ended there.
    pub(super) fn touches(&self, interval: Interval) -> bool {
        self.start < interval.end && self.end.is_none_or(|end| end.max(self.start) >= interval.start)
    }

    /// Whether a slice must bring it: each frame that touches the whole interval belongs to exactly one slice of it.
    pub(super) fn belongs_to(&self, slice: &Slice) -> bool {
        if slice.opening { self.touches(slice.interval) } else { slice.interval.contains(self.start) }
    }

    /// Minutes from start to end.
    #[expect(clippy::cast_precision_loss, reason = "a double holds 285 years in nanoseconds to the microsecond")]
    pub(super) fn minutes(&self) -> Option<f64> {
        let nanos = i128::from(self.end?) - i128::from(self.start);
        Some(nanos as f64 / 60e9)
    }
}

fn year(text: &str) -> Option<u16> {
    text.get(..4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(start: &str, end: Option<&str>) -> Result<Life, &'static str> {
        let frame = Frame { start_time: Some(start.into()), end_time: end.map(str::to_owned), ..Frame::default() };
        Life::of(&frame)
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
            let life = life("2024-03-01T07:00:00Z", end).unwrap();
            assert_eq!((life.end, life.minutes()), (None, None), "{end:?}");
        }
        let closed = life("2024-03-01T07:00:00Z", Some("2024-03-01T08:30:30Z")).unwrap();
        assert_eq!(closed.minutes(), Some(90.5));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_told_and_never_guessed() {
        assert!(life("2024-03-01T07:00:00", None).unwrap_err().contains("start"));
        assert!(life("", None).is_err() && Life::of(&Frame::default()).is_err());
        assert!(life("2024-03-01T07:00:00Z", Some("soon")).unwrap_err().contains("end"));
        assert!(life("2024-03-01T07:00:00Z", Some("9000-01-01T00:00:00Z")).unwrap_err().contains("reach"));
    }

    #[test]
    fn a_frame_touches_what_it_was_alive_in() {
        let interval = Interval::new(100, 200);
        let cases = [
            (50, Some(99), false),
            (50, Some(100), true),
            (50, None, true),
            (100, Some(100), true),
            (199, None, true),
            (200, None, false),
            (150, Some(120), true),
            (250, Some(100), false),
        ];
        for (start, end, expected) in cases {
            assert_eq!(Life { start, end }.touches(interval), expected, "{start} {end:?}");
        }
    }
}
