//! One sample, borrowed from the body, in either of the two shapes (§6.2): `{"t", "v", "q"}` and `[t, v, q]`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tidegate_sdk::{
    Instant,
    time::{TimeError, format_instant, parse_instant},
};

use super::{Entries, Payload, Value, value::quoted};

/// How the server writes that there is no such time (§6.2), with or without an offset.
const NEVER: &str = "0001-01-01";

/// A sample as the server wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample<'a> {
    pub(crate) stamp: Stamp,
    pub(crate) value: Value<'a>,
    /// `None` where the server says nothing of it.
    pub(crate) quality: Option<i64>,
}

/// When it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// Nanoseconds since the Unix epoch; a year beyond what these hold stands at the end of the range, outside any
    /// interval that is ever asked for.
    At(Instant),
    /// The year 1.
    Never,
    /// Missing, or not a time with an offset: its text.
    Unreadable(Box<str>),
    #[default]
    Missing,
}

impl Sample<'_> {
    /// Whether this stands for a tag that does not exist.
    pub(crate) fn denies_the_tag(&self) -> bool {
        self.stamp == Stamp::Never && self.value == Value::Null
    }

    /// Its JSON text, for a reject: in the shape of an object, whichever it came in.
    pub(crate) fn json(&self) -> String {
        let time = match &self.stamp {
            Stamp::At(instant) => quoted(&format_instant(*instant)),
            Stamp::Never => quoted(NEVER),
            Stamp::Unreadable(text) => quoted(text),
            Stamp::Missing => "null".to_owned(),
        };
        let quality = self.quality.map_or_else(|| "null".to_owned(), |quality| quality.to_string());
        format!(r#"{{"t":{time},"v":{},"q":{quality}}}"#, self.value.json())
    }

    /// The same without a borrow.
    pub(crate) fn into_owned(self) -> Sample<'static> {
        Sample { stamp: self.stamp, value: self.value.into_owned(), quality: self.quality }
    }
}

/// The samples of each tag, by the path that was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Data<'a>(#[serde(borrow)] pub(crate) Entries<'a, Option<Vec<Sample<'a>>>>);

impl Payload for Data<'_> {
    const KEY: &'static str = "data";
}

impl<'de: 'a, 'a> Deserialize<'de> for Sample<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SampleVisitor)
    }
}

struct SampleVisitor;

impl<'de> Visitor<'de> for SampleVisitor {
    type Value = Sample<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sample<'de>, A::Error> {
        let mut sample = Sample::default();
        while let Some(member) = map.next_key::<Member>()? {
            match member {
                Member::T => sample.stamp = stamp(map.next_value()?),
                Member::V => sample.value = map.next_value()?,
                Member::Q => sample.quality = quality(&map.next_value()?),
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(sample)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sample<'de>, A::Error> {
        let sample = Sample {
            stamp: seq.next_element()?.map(stamp).unwrap_or_default(),
            value: seq.next_element()?.unwrap_or_default(),
            quality: seq.next_element()?.as_ref().and_then(quality),
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(sample)
    }
}

/// The name of a member, without a copy.
enum Member {
    T,
    V,
    Q,
    Other,
}

impl<'de> Deserialize<'de> for Member {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(MemberVisitor)
    }
}

struct MemberVisitor;

impl Visitor<'_> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "t" => Member::T,
            "v" => Member::V,
            "q" => Member::Q,
            _ => Member::Other,
        })
    }
}

#[inline]
fn stamp(written: Value<'_>) -> Stamp {
    let text: Cow<'_, str> = match written {
        Value::Text(text) => text,
        Value::Null => return Stamp::Missing,
        other => other.json().into(),
    };
    match parse_instant(&text) {
        Ok(instant) => Stamp::At(instant),
        Err(_) if text.starts_with(NEVER) => Stamp::Never,
        Err(TimeError::TooEarly) => Stamp::At(Instant::MIN),
        Err(TimeError::TooLate) => Stamp::At(Instant::MAX),
        Err(TimeError::Malformed) => Stamp::Unreadable(text.into()),
    }
}

/// A whole number; anything else says nothing.
#[inline]
fn quality(written: &Value<'_>) -> Option<i64> {
    match written {
        Value::Int(whole) => Some(*whole),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Sample<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn both_shapes_are_one_sample() {
        let expected = Sample {
            stamp: Stamp::At(1_762_025_724_011_000_000),
            value: Value::Float(71.080_001_831_054_69),
            quality: Some(192),
        };
        let object = r#"{"t":"2025-11-01T19:35:24.0110000+00:00","v":71.08000183105469,"q":192,"new":[{}]}"#;
        let array = r#"["2025-11-01T14:35:24.0110000-05:00",71.08000183105469,192,"new"]"#;
        assert_eq!((read(object), read(array)), (expected.clone(), expected.clone()));
        let bare = Sample { quality: None, ..expected };
        assert_eq!(read(r#"["2025-11-01T19:35:24.0110000Z",71.08000183105469]"#), bare);
        assert_eq!(read(r#"{"q":null,"v":71.08000183105469,"t":"2025-11-01T19:35:24.011Z"}"#), bare);
    }

    #[test]
    fn ticks_of_a_hundred_nanoseconds_are_kept() {
        let at = |text: &str| match read(&format!(r#"{{"t":"{text}"}}"#)).stamp {
            Stamp::At(instant) => instant,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(at("2017-09-01T12:00:12.0000001-05:00") - at("2017-09-01T12:00:12.0000000-05:00"), 100);
    }

    #[test]
    fn a_time_that_cannot_be_read_is_told_from_the_year_one() {
        assert_eq!(read(r#"{"t":"2017-09-01T12:00:00","v":1}"#).stamp, Stamp::Unreadable("2017-09-01T12:00:00".into()));
        assert_eq!(read(r#"{"t":7,"v":1}"#).stamp, Stamp::Unreadable("7".into()));
        assert_eq!((read("{}").stamp, read("[]").stamp), (Stamp::Missing, Stamp::Missing));
        assert_eq!(read(r#"["9999-12-31T00:00:00Z",1]"#).stamp, Stamp::At(i64::MAX));
        for never in ["0001-01-01T00:00:00.0000000", "0001-01-01T00:00:00Z"] {
            assert!(read(&format!(r#"{{"t":"{never}","v":null}}"#)).denies_the_tag());
            assert!(!read(&format!(r#"{{"t":"{never}","v":1}}"#)).denies_the_tag());
        }
    }
}
