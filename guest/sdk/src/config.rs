//! Pieces of [`crate::Description::config_schema`]: the kinds of keys that plugins add to the configuration again and again.

use serde_json::{Value, json};

/// A text that is not empty.
#[must_use]
pub fn text(description: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": description })
}

/// A list of such texts.
#[must_use]
pub fn texts(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "description": description })
}

/// Yes or no; no, unless it is said.
#[must_use]
pub fn flag(description: &str) -> Value {
    json!({ "type": "boolean", "default": false, "description": description })
}

/// A number of things from 1 on; no cap, unless it is said.
#[must_use]
pub fn cap(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 1, "description": description })
}
