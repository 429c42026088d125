//! Error texts, in whichever shape a server wraps them.

use serde_json::Value;

/// All texts inside an `Errors` value: a string, a list of strings, or a list of `{FieldName, Message: […]}`.
pub(crate) fn texts(errors: &Value) -> Vec<String> {
    match errors {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(several) => several.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            let message: Vec<String> =
                ["Message", "Errors"].iter().filter_map(|key| fields.get(*key)).flat_map(texts).collect();
            match fields.get("FieldName").and_then(Value::as_str) {
                Some(field) if !field.is_empty() => {
                    message.into_iter().map(|text| format!("{field}: {text}")).collect()
                }
                _ => message,
            }
        }
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_found_in_every_wrapping() {
        let table = [
            (serde_json::json!(null), vec![]),
            (serde_json::json!([]), vec![]),
            (serde_json::json!("a"), vec!["a"]),
            (serde_json::json!(["a", "b"]), vec!["a", "b"]),
            (serde_json::json!([{"FieldName": "Value", "Message": ["a", "b"]}]), vec!["Value: a", "Value: b"]),
            (serde_json::json!([{"FieldName": "", "Message": "a"}]), vec!["a"]),
            (serde_json::json!([7]), vec!["7"]),
        ];
        for (errors, expected) in table {
            assert_eq!(texts(&errors), expected, "{errors}");
        }
    }
}
