//! `--set source.url=…`: a key of the configuration, replaced on the command line.

use serde_json::{Map, Value};

use super::interpolate::Lookup;
use super::problem::{Origin, below};
use super::source_text::Tree;

/// Puts each `KEY=VALUE` in its place. VALUE is read as YAML, so `--set performance.batch_size=50` is a number; an empty
/// one removes the key. What is wrong with them goes to the tree's problems, which never quote a value.
pub(super) fn apply(tree: &mut Tree, overrides: &[String], lookup: &Lookup<'_>) {
    for text in overrides {
        let Some((key, value)) = text.split_once('=') else {
            tree.problem(Origin::Override, "", "expected KEY=VALUE, such as source.url=https://acme.example/api");
            continue;
        };
        let segments: Vec<&str> = key.trim().split('.').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            tree.problem(Origin::Override, "", format!("`{}` is not a key such as source.url", key.trim()));
            continue;
        }
        let pointer = segments.iter().fold(String::new(), |pointer, segment| below(&pointer, segment));
        forget(tree, &pointer);
        let value = tree.convert_override(value, &pointer, lookup);
        tree.origins.insert(pointer.clone(), Origin::Override);
        if let Err(what) = put(&mut tree.value, &segments, value) {
            tree.problem(Origin::Override, &pointer, what);
        }
    }
}

/// Forgets all that was said about `pointer` and below.
fn forget(tree: &mut Tree, pointer: &str) {
    let outside =
        |known: &String| known.strip_prefix(pointer).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'));
    tree.origins.retain(|known, _| outside(known));
    tree.interpolated.retain(outside);
    tree.empty.retain(outside);
    tree.broken.retain(outside);
    let key = super::problem::dotted(pointer);
    tree.problems.retain(|problem| problem.key != key);
}

fn put(root: &mut Value, segments: &[&str], value: Option<Value>) -> Result<(), String> {
    let Some((last, sections)) = segments.split_last() else { return Ok(()) };
    let mut section = root;
    for name in sections {
        let object = section.as_object_mut().ok_or_else(|| "what it lies in is not a section with keys".to_owned())?;
        section = object.entry((*name).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
    let object = section.as_object_mut().ok_or_else(|| "what it lies in is not a section with keys".to_owned())?;
    match value {
        Some(value) => drop(object.insert((*last).to_owned(), value)),
        None => drop(object.remove(*last)),
    }
    Ok(())
}
