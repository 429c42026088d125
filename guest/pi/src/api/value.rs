//! The `Value` of an event: any JSON at all, read in one pass without buffering.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::texts;

/// An event's value by its JSON shape; what it means depends on the point too.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    /// No `Value` at all, or `null`.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64`.
    UInt(u64),
    Float(f64),
    Text(Cow<'a, str>),
    /// `{"Name", "Value", "IsSystem"}`: a state.
    State(Box<State<'a>>),
    /// `{"Errors": […]}`: why there is no value.
    Errors(String),
    /// An array, as its JSON text.
    Array(String),
    /// An object of another shape.
    Unknown,
}

/// A digital or system state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State<'a> {
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) code: Option<f64>,
    /// Absent on older servers.
    pub(crate) system: Option<bool>,
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
    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    #[inline]
    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Int(value))
    }

    #[inline]
    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(value).map_or(Value::UInt(value), Value::Int))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut text = String::from("[");
        while let Some(element) = seq.next_element::<&RawValue>()? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(element.get());
        }
        text.push(']');
        Ok(Value::Array(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut state = State::default();
        let mut errors = None;
        let mut is_state = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "Name" => {
                    is_state = true;
                    state.name = match map.next_value::<Value<'de>>()? {
                        Value::Text(name) => Some(name),
                        _ => None,
                    };
                }
                "Value" => {
                    is_state = true;
                    state.code = map.next_value::<Value<'de>>()?.number();
                }
                "IsSystem" => {
                    is_state = true;
                    state.system = match map.next_value::<Value<'de>>()? {
                        Value::Bool(system) => Some(system),
                        _ => None,
                    };
                }
                "Errors" => errors = Some(texts(&map.next_value::<serde_json::Value>()?).join("; ")),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(match errors {
            Some(errors) => Value::Errors(errors),
            None if is_state => Value::State(Box::new(state)),
            None => Value::Unknown,
        })
    }
}

impl Value<'_> {
    /// The nearest double of a number.
    #[expect(clippy::cast_precision_loss, reason = "the exact digits of a long integer go to value_text")]
    pub(crate) fn number(&self) -> Option<f64> {
        match *self {
            Value::Int(value) => Some(value as f64),
            Value::UInt(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_shape_of_json_is_a_value() {
        assert_eq!(read("81.83204"), Value::Float(81.83204));
        assert_eq!(read("-9223372036854775808"), Value::Int(i64::MIN));
        assert_eq!(read("18446744073709551615"), Value::UInt(u64::MAX));
        assert_eq!(read("null"), Value::Null);
        assert_eq!(read("true"), Value::Bool(true));
        assert_eq!(read(r#""a""#), Value::Text("a".into()));
        assert_eq!(read(r#""a\"b""#), Value::Text("a\"b".into()));
        assert_eq!(read("[1.50, \"x\" ,{\"a\":[2]}]"), Value::Array(r#"[1.50,"x",{"a":[2]}]"#.into()));
        assert_eq!(read("[]"), Value::Array("[]".into()));
        assert_eq!(read(r#"{"Errors":["no","way"]}"#), Value::Errors("no; way".into()));
        assert_eq!(read(r#"{"Foo":{"Bar":[1]}}"#), Value::Unknown);
    }

    #[test]
    fn doubles_are_not_rounded_on_the_way() {
        // The shortest text of neighbours that a fast, inexact parser confuses.
        for value in
            [0.1 + 0.2, 1e23, 9.007_199_254_740_993e15, 5e-324, 1.797_693_134_862_315_7e308, 123_456.789_012_345_67]
        {
            assert_eq!(read(&format!("{value:?}")), Value::Float(value));
        }
    }

    #[test]
    fn a_state_is_read_whatever_its_fields_hold() {
        let Value::State(state) = read(r#"{"Name":"Shutdown","Value":254,"IsSystem":true,"X":[]}"#) else {
            unreachable!()
        };
        assert_eq!((state.name.as_deref(), state.code, state.system), (Some("Shutdown"), Some(254.0), Some(true)));
        let Value::State(state) = read(r#"{"Name":null,"Value":"x"}"#) else { unreachable!() };
        assert_eq!(*state, State::default());
    }
}
