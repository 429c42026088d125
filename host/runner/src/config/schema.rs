//! The JSON Schema of the configuration: the host's part derived from `form`, the plugin's part laid into the sections
//! `source` and `ingestion`. It is what `tidegate spec` prints and what every file is checked against.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::form::Form;

/// The sections that a plugin adds keys to, and the keys in them that stay the host's own.
const SHARED: [(&str, &[&str]); 2] = [
    ("source", &["url"]),
    ("ingestion", &["incremental_window_days", "start", "lookback", "full_lookback_every", "quality"]),
];

/// Keywords of a plugin's section that are merged one by one rather than as a rule beside the others.
const MERGED: [&str; 9] =
    ["$schema", "$defs", "additionalProperties", "default", "description", "properties", "required", "title", "type"];

/// The schema with the section keys of a plugin (its `config_schema`). Without one, `source` and `ingestion` accept any
/// key beside the host's.
#[must_use]
pub fn schema(plugin: Option<&Value>) -> Value {
    let generator = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut root = generator.into_root_schema_for::<Form>().to_value();
    clean(&mut root);
    for (section, owned) in SHARED {
        let Some(host) = root.pointer_mut(&format!("/properties/{section}")).and_then(Value::as_object_mut) else {
            continue;
        };
        match plugin {
            Some(plugin) => {
                if let Some(added) = plugin.pointer(&format!("/properties/{section}")).and_then(Value::as_object) {
                    merge(host, added, owned);
                }
            }
            None => drop(host.remove("additionalProperties")),
        }
    }
    for definitions in ["$defs", "definitions"] {
        if let (Some(found), Some(root)) = (plugin.and_then(|plugin| plugin.get(definitions)), root.as_object_mut()) {
            root.insert(definitions.to_owned(), found.clone());
        }
    }
    root
}

/// Fills in the defaults of `schema` where `value` has no such key.
pub(super) fn fill(schema: &Value, value: &mut Value) {
    let (Some(properties), Some(object)) = (schema.get("properties").and_then(Value::as_object), value.as_object_mut())
    else {
        return;
    };
    for (name, property) in properties {
        if let (false, Some(default)) = (object.contains_key(name), property.get("default")) {
            object.insert(name.clone(), default.clone());
        }
        if let Some(value) = object.get_mut(name) {
            fill(property, value);
        }
    }
}

/// The part of the schema that describes the value at `pointer`, as far as plain sections and lists go.
#[must_use]
pub(super) fn at<'a>(schema: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(schema, |schema, segment| {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let property = schema.get("properties").and_then(|properties| properties.get(&name));
        property.or_else(|| schema.get("items")).or_else(|| schema.get("additionalProperties"))
    })
}

fn merge(host: &mut Map<String, Value>, added: &Map<String, Value>, owned: &[&str]) {
    if let (Some(properties), Some(added)) =
        (host.get_mut("properties").and_then(Value::as_object_mut), added.get("properties").and_then(Value::as_object))
    {
        for (name, property) in added.iter().filter(|(name, _)| !owned.contains(&name.as_str())) {
            properties.insert(name.clone(), property.clone());
        }
    }
    if let Some(names) = added.get("required").and_then(Value::as_array) {
        let required = host.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            required.extend(names.iter().filter(|name| !owned.iter().any(|owned| *name == owned)).cloned());
        }
    }
    let rules: Map<String, Value> = added
        .iter()
        .filter(|(keyword, _)| !MERGED.contains(&keyword.as_str()))
        .map(|(keyword, rule)| (keyword.clone(), rule.clone()))
        .collect();
    if !rules.is_empty() {
        host.insert("allOf".to_owned(), json!([rules]));
    }
}

/// Turns the derived schema into the one that is meant: every key is known; leaving a key out is the only way not to set
/// it; an enumeration is one list; Rust's number formats are nobody's business.
fn clean(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        if object.contains_key("properties") && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".to_owned(), json!(false));
        }
        if let Some(types) = object.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        let format = object.get("format").and_then(Value::as_str);
        if format.is_some_and(|format| !format.starts_with("tidegate-")) {
            object.remove("format");
        }
        let constants: Option<Vec<Value>> = object
            .get("oneOf")
            .and_then(Value::as_array)
            .and_then(|choices| choices.iter().map(|choice| choice.get("const").cloned()).collect());
        if let Some(constants) = constants {
            object.remove("oneOf");
            object.insert("enum".to_owned(), Value::Array(constants));
        }
    }
    match schema {
        Value::Object(object) => object.values_mut().for_each(clean),
        Value::Array(items) => items.iter_mut().for_each(clean),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_plugin_its_sections_are_open_and_all_others_closed() {
        let schema = schema(None);
        assert_eq!(schema.pointer("/properties/source/additionalProperties"), None);
        assert_eq!(schema.pointer("/properties/ingestion/additionalProperties"), None);
        for section in ["performance", "sink", "tls", "audit", "metrics", "schedule", "auth/oneOf/0"] {
            let closed = schema.pointer(&format!("/properties/{section}/additionalProperties"));
            assert_eq!(closed, Some(&json!(false)), "{section}");
        }
    }

    #[test]
    fn a_plugin_adds_keys_and_rules_but_cannot_change_the_hosts_own() {
        let plugin = json!({"properties": {
            "source": {"properties": {"url": {"type": "integer"}, "data_server": {"type": "string"}}, "required": ["url", "data_server"]},
            "ingestion": {"properties": {"tags": {"type": "array"}}, "dependentRequired": {"tags": ["x"]}}}});
        let schema = schema(Some(&plugin));
        assert_eq!(schema.pointer("/properties/source/properties/url/type"), Some(&json!("string")));
        assert_eq!(schema.pointer("/properties/source/properties/data_server/type"), Some(&json!("string")));
        assert_eq!(schema.pointer("/properties/source/required"), Some(&json!(["url", "data_server"])));
        assert_eq!(schema.pointer("/properties/ingestion/allOf/0/dependentRequired/tags/0"), Some(&json!("x")));
        assert_eq!(schema.pointer("/properties/source/additionalProperties"), Some(&json!(false)));
    }

    #[test]
    fn defaults_reach_into_sections_that_are_missing_altogether() {
        let mut value = json!({"ingestion": {"lookback": "1h"}});
        fill(&schema(None), &mut value);
        assert_eq!(value.pointer("/performance/batch_size"), Some(&json!(100)));
        assert_eq!(value.pointer("/ingestion/lookback"), Some(&json!("1h")));
        assert_eq!(value.pointer("/ingestion/quality"), Some(&json!("all")));
        assert_eq!(value.pointer("/sink"), None);
    }

    #[test]
    fn the_schema_speaks_of_no_null_and_no_rust_format() {
        let text = schema(None).to_string();
        assert!(!text.contains("\"null\"") && !text.contains("uint32"), "{text}");
    }
}
