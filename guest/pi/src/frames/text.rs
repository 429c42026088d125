//! The value of an attribute as text.
//!
//! Event frames hold values of every kind side by side, so a map of texts is what a table can hold. Numbers stay as the
//! server wrote them: nothing is rounded by reading and writing them again.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use crate::api::texts;

/// Objects inside of objects that are looked into: a state inside of a value with its time is two deep. Deeper ones are
/// nothing that PI writes, and looking into each would take the stack.
const DEEPEST: usize = 8;

/// Objects that values come as, one shape for all.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Object<'a> {
    #[serde(borrow, deserialize_with = "present")]
    name: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    is_system: Option<IgnoredAny>,
    timestamp: Option<IgnoredAny>,
    good: Option<IgnoredAny>,
    errors: Value,
}

/// A field that is there is told from one that is not, even if it is `null`.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&'a RawValue>::deserialize(deserializer).map(Some)
}

/// The text of a value, or of a value with its time; `None` for a value of null.
///
/// A state is its label, a system state its name, an object with errors these errors; arrays and other objects are JSON.
///
/// # Errors
/// The words of the server for why it could not write a value.
pub(super) fn text(json: &str) -> Result<Option<String>, String> {
    at_depth(json, DEEPEST)
}

fn at_depth(json: &str, deeper: usize) -> Result<Option<String>, String> {
    let json = json.trim();
    match json.as_bytes().first() {
        Some(b'"') => Ok(Some(serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()))),
        Some(b'{') if deeper > 0 => match serde_json::from_str(json) {
            Ok(object) => of_object(json, &object, deeper - 1),
            Err(_) => Ok(Some(json.to_owned())),
        },
        Some(b'n') | None => Ok(None),
        Some(_) => Ok(Some(json.to_owned())),
    }
}

fn of_object(json: &str, object: &Object<'_>, deeper: usize) -> Result<Option<String>, String> {
    let errors = texts(&object.errors).join("; ");
    let value = || object.value.map_or(Ok(None), |value| at_depth(value.get(), deeper));
    if object.timestamp.is_some() || object.good.is_some() {
        // Here the errors are about the value, and not the value.
        return if errors.is_empty() { value() } else { Err(errors) };
    }
    if !errors.is_empty() {
        return Ok(Some(errors));
    }
    match (object.name, object.value) {
        (Some(name), _) => match at_depth(name.get(), deeper)? {
            Some(label) if !label.is_empty() => Ok(Some(label)),
            _ => value(),
        },
        (None, Some(_)) => value(),
        (None, None) if object.is_system.is_some() => Ok(None),
        (None, None) => Ok(Some(json.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_text() {
        let table = [
            ("81.83204", Some("81.83204")),
            ("1.0", Some("1.0")),
            ("-1.50e-3", Some("-1.50e-3")),
            ("9007199254740993", Some("9007199254740993")),
            ("true", Some("true")),
            ("null", None),
            (r#""Batch \"7\" Öl""#, Some("Batch \"7\" Öl")),
            (r#""""#, Some("")),
            (r#""2024-03-01T07:00:00Z""#, Some("2024-03-01T07:00:00Z")),
            ("[1.50,\"x\"]", Some("[1.50,\"x\"]")),
            (r#"{"Name":"Open","Value":1,"IsSystem":false}"#, Some("Open")),
            (r#"{"Name":"Shutdown","Value":254,"IsSystem":true}"#, Some("Shutdown")),
            (r#"{"Name":null,"Value":3,"IsSystem":false}"#, Some("3")),
            (r#"{"Errors":["PI Error 11059","gone"]}"#, Some("PI Error 11059; gone")),
            (r#"{"Lat":1,"Lon":[2]}"#, Some(r#"{"Lat":1,"Lon":[2]}"#)),
        ];
        for (value, expected) in table {
            let timed = format!(r#"{{"Timestamp":"2024-03-01T07:00:00Z","Value":{value},"Good":true,"Errors":[]}}"#);
            for json in [value, timed.as_str(), &format!(r#"{{"Value":{value}}}"#)] {
                assert_eq!(text(json), Ok(expected.map(str::to_owned)), "{json}");
            }
        }
    }

    #[test]
    fn objects_without_end_take_neither_the_stack_nor_the_time() {
        let deep = 200_000;
        let json = format!("{}1{}", r#"{"Value":"#.repeat(deep), "}".repeat(deep));
        let text = text(&json).unwrap().unwrap();
        assert!(json.contains(&text) && text.len() > json.len() / 2);
    }

    #[test]
    fn errors_about_a_value_are_no_value() {
        let sick = r#"{"Timestamp":"2024-03-01T07:00:00Z","Value":null,"Errors":[{"FieldName":"Value","Message":["offline"]}]}"#;
        assert_eq!(text(sick), Err("Value: offline".to_owned()));
        let bad = r#"{"Timestamp":"x","Value":{"Errors":["PI Error 11059"]},"Good":false}"#;
        assert_eq!(text(bad), Ok(Some("PI Error 11059".to_owned())));
    }
}
