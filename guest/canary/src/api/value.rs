//! The value of a sample: any JSON at all, read in one pass without buffering.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value by its JSON shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    /// No value at all, or `null`.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64`.
    UInt(u64),
    Float(f64),
    Text(Cow<'a, str>),
    /// An array or an object, as JSON: no sample has such a value by the documents.
    Other(String),
}

impl Value<'_> {
    /// The same without a borrow.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(flag) => Value::Bool(flag),
            Value::Int(whole) => Value::Int(whole),
            Value::UInt(whole) => Value::UInt(whole),
            Value::Float(number) => Value::Float(number),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Other(json) => Value::Other(json),
        }
    }

    /// Its JSON text, for a reject.
    pub(crate) fn json(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Int(whole) => whole.to_string(),
            Value::UInt(whole) => whole.to_string(),
            Value::Float(number) => serde_json::Value::from(*number).to_string(),
            Value::Text(text) => quoted(text),
            Value::Other(json) => json.clone(),
        }
    }
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    #[inline]
    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(number))
    }

    #[inline]
    fn visit_i64<E>(self, whole: i64) -> Result<Value<'de>, E> {
        Ok(Value::Int(whole))
    }

    #[inline]
    fn visit_u64<E>(self, whole: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(whole).map_or(Value::UInt(whole), Value::Int))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            elements.push(element.get());
        }
        Ok(Value::Other(format!("[{}]", elements.join(","))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, member)) = map.next_entry::<Cow<'de, str>, &RawValue>()? {
            members.push(format!("{}:{}", quoted(&name), member.get()));
        }
        Ok(Value::Other(format!("{{{}}}", members.join(","))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_shape_of_json_is_a_value_and_can_be_shown_again() {
        let table = [
            ("71.08000183105469", Value::Float(71.080_001_831_054_69)),
            ("1.0", Value::Float(1.0)),
            ("1e3", Value::Float(1_000.0)),
            ("7", Value::Int(7)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            ("18446744073709551615", Value::UInt(u64::MAX)),
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            (r#""a\"b""#, Value::Text("a\"b".into())),
            (r#"[1.50, "x"]"#, Value::Other(r#"[1.50,"x"]"#.into())),
            (r#"{"a b": {"c":[2]}}"#, Value::Other(r#"{"a b":{"c":[2]}}"#.into())),
        ];
        for (json, expected) in table {
            assert_eq!(read(json), expected, "{json}");
            assert_eq!(read(&expected.json()), expected, "{json}");
            assert_eq!(read(json).into_owned(), expected);
        }
    }

    #[test]
    fn doubles_are_not_rounded_on_the_way() {
        for number in [0.1 + 0.2, 1e23, 9.007_199_254_740_993e15, 5e-324, 123_456.789_012_345_67] {
            assert_eq!(read(&format!("{number:?}")), Value::Float(number));
        }
    }
}
