//! "Did you mean": the nearest known key or value.

use serde_json::Value;

use super::problem::dotted;

/// Hint for an unknown `key` in the section at `pointer`, or nothing.
#[must_use]
pub(super) fn key(schema: &Value, section: Option<&Value>, pointer: &str, key: &str) -> String {
    let known: Vec<&str> = section.map(names).unwrap_or_default();
    if let Some(near) = nearest(key, &known) {
        return format!("; did you mean `{near}`?");
    }
    if let Some(home) = home(schema, pointer, key) {
        return format!("; `{key}` belongs {home}");
    }
    if known.is_empty() { String::new() } else { format!("; known here: {}", known.join(", ")) }
}

/// Hint for a value that is none of `options`, or nothing. Quotes only the options.
#[must_use]
pub(super) fn value(options: &Value, value: &Value) -> String {
    let known: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match value.as_str().and_then(|text| nearest(&text.to_lowercase(), &known)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

fn names(section: &Value) -> Vec<&str> {
    section.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

/// The closest of `known`, if it is close enough to be a slip of the finger.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = |candidate: &&'k str| (strsim::damerau_levenshtein(word, candidate), *candidate);
    let (distance, candidate) = known.iter().map(near).min()?;
    let slips = word.chars().count().min(candidate.chars().count()).div_ceil(3).max(1);
    (distance <= slips).then_some(candidate)
}

/// Where else in the configuration a key of this very name is known.
fn home(schema: &Value, pointer: &str, key: &str) -> Option<String> {
    let sections = schema.get("properties").and_then(Value::as_object)?;
    if !pointer.is_empty() && sections.contains_key(key) {
        return Some(format!("at the top, not under `{}`", dotted(pointer)));
    }
    let holds = |section: &Value| {
        let forms = section.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        std::iter::once(section).chain(forms).any(|form| names(form).contains(&key))
    };
    let (name, _) = sections.iter().find(|(_, section)| holds(section))?;
    (format!("/{name}") != pointer).then(|| format!("under `{name}`"))
}
