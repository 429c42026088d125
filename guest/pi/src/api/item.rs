//! One event of `recorded`, borrowed from the body.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use tidegate_sdk::{
    Instant,
    time::{TimeError, parse_instant},
};

use super::{
    Value,
    lenient::{self, Lenient},
    texts,
};

/// An event as the server wrote it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Item<'a> {
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) timestamp: Stamp,
    #[serde(default, borrow)]
    pub(crate) value: Value<'a>,
    #[serde(default, borrow, deserialize_with = "lenient::read")]
    pub(crate) units_abbreviation: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) good: Option<bool>,
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) questionable: Option<bool>,
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) substituted: Option<bool>,
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) annotated: Option<bool>,
    /// What went wrong while the server wrote this event; none on a sound one.
    #[serde(default, deserialize_with = "item_errors")]
    pub(crate) errors: Option<Box<str>>,
}

/// When it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// Nanoseconds since the Unix epoch; a year beyond what these hold stands at the end of the range, outside any
    /// interval that is ever asked for.
    At(Instant),
    /// Missing, or not a time.
    #[default]
    Unreadable,
}

impl Lenient<'_> for Stamp {
    #[inline]
    fn from_text(text: Cow<'_, str>) -> Self {
        match parse_instant(&text) {
            Ok(instant) => Self::At(instant),
            Err(TimeError::TooLate) => Self::At(Instant::MAX),
            Err(TimeError::TooEarly) => Self::At(Instant::MIN),
            Err(TimeError::Malformed) => Self::Unreadable,
        }
    }
}

/// What `Errors` says; `None` where it says nothing.
pub(crate) fn item_errors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let errors = serde_json::Value::deserialize(deserializer)?;
    let none = match &errors {
        serde_json::Value::Null => true,
        serde_json::Value::Array(several) => several.is_empty(),
        _ => false,
    };
    Ok((!none).then(|| texts(&errors).join("; ").into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_with_whatever_fields_it_has() {
        let item: Item<'_> = serde_json::from_str(r#"{"Timestamp":"1970-01-01T00:00:01Z","Links":{}}"#).unwrap();
        assert_eq!((item.timestamp, item.value, item.good), (Stamp::At(1_000_000_000), Value::Null, None));
        assert!(item.errors.is_none());
    }

    #[test]
    fn a_time_that_cannot_be_read_does_not_lose_the_page() {
        for json in
            [r#"{"Timestamp":"yesterday"}"#, r#"{"Timestamp":5}"#, "{}", r#"{"Timestamp":"2024-01-01T00:00:00"}"#]
        {
            let item: Item<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(item.timestamp, Stamp::Unreadable, "{json}");
        }
        let never: Item<'_> = serde_json::from_str(r#"{"Timestamp":"9999-12-31T23:59:59.9999999Z"}"#).unwrap();
        assert_eq!(never.timestamp, Stamp::At(Instant::MAX));
    }

    #[test]
    fn flags_and_units_of_an_unexpected_type_are_unknown_and_cost_nothing() {
        let json =
            r#"{"Good":"yes","Questionable":{"a":[1]},"Substituted":[1,{}],"Annotated":true,"UnitsAbbreviation":7}"#;
        let item: Item<'_> = serde_json::from_str(json).unwrap();
        assert_eq!((item.good, item.questionable, item.substituted, item.annotated), (None, None, None, Some(true)));
        assert_eq!(item.units_abbreviation, None);
        let item: Item<'_> = serde_json::from_str(r#"{"UnitsAbbreviation":"\u00b0C","Good":null}"#).unwrap();
        assert_eq!((item.units_abbreviation.as_deref(), item.good), (Some("°C"), None));
    }

    #[test]
    fn item_errors_are_seen_and_an_empty_list_is_none() {
        let sick: Item<'_> =
            serde_json::from_str(r#"{"Errors":[{"FieldName":"Value","Message":["archive offline"]}]}"#).unwrap();
        assert_eq!(sick.errors.as_deref(), Some("Value: archive offline"));
        for json in [r#"{"Errors":[]}"#, r#"{"Errors":null}"#] {
            assert!(serde_json::from_str::<Item<'_>>(json).unwrap().errors.is_none(), "{json}");
        }
    }
}
