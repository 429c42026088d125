//! What must hold of every text that is given for a configuration.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Document, plugin_settings};
use crate::config::interpolate::Lookup;
use crate::config::source_text::Tree;

/// What the environment holds.
const SECRET: &str = "s3cret";

/// A configuration as text. Files that it names are not read: only the text is the input.
pub fn configurations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains("${file:") {
        return;
    }
    let folder = PathBuf::from("/plant");
    let environment = |name: &str| name.contains('_').then(|| SECRET.into());
    let lookup = Lookup { folder: Path::new("/plant"), environment: &environment };
    let Ok(tree) = Tree::parse(text, &lookup) else { return };
    let document = Document { file: String::new(), folder, tree };
    let _ = (document.plugin(), document.memory_limit());
    let plugin = json!({"properties": {
        "source": {"properties": {"data_server": {"type": "string"}}},
        "ingestion": {"properties": {"tags": {"type": "array", "items": {"type": "string"}}, "af_root": {"type": "string"}}},
    }});
    match document.check(Some(&plugin)) {
        Ok(config) => assert!(serde_json::from_str::<serde_json::Value>(&plugin_settings(&config)).is_ok()),
        Err(invalid) => {
            assert!(!invalid.problems.is_empty());
            let quoted = invalid.to_string().contains(SECRET) && !text.contains(SECRET);
            assert!(!quoted, "a problem quotes a secret");
        }
    }
}
