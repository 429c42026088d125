//! What the server knows of tags (§5.4, §5.5): the stored item behind each path, the range of its samples, its properties.

use std::collections::HashMap;

use serde_json::json;
use tidegate_sdk::{
    Fault, Retry,
    host::{self, Level},
};

use crate::{
    api::{Context, Properties, TagContext, judge},
    batches::{Batches, TAGS, Verdict},
    server::{Server, ZONE},
};

/// Texts by name, as collectors wrote them.
pub(crate) type Described = HashMap<String, String>;

/// The contexts of tags, by the path that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    pub(crate) contexts: HashMap<String, Context>,
    /// Tags that could not be asked about, and why.
    pub(crate) failed: HashMap<String, Fault>,
}

impl Contexts {
    /// Whether the server knows anything of a tag.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.contexts.get(path).is_some_and(Context::is_known)
    }
}

/// The contexts of these tags; one that the server leaves out has none.
///
/// # Errors
/// When the server cannot be asked about any of them.
pub(crate) async fn contexts(server: &Server, paths: impl IntoIterator<Item = &str>) -> Result<Contexts, Fault> {
    let mut found = Contexts::default();
    let mut batches = Batches::new(paths, TAGS);
    while let Some(paths) = batches.next() {
        let request = json!({ "tags": paths, "timezone": ZONE });
        match server.ask::<Vec<TagContext>>("getTagContext", &request).await {
            Ok((entries, _)) => {
                batches.answered();
                found.contexts.extend(matched(&paths, entries));
            }
            Err(fault) => match batches.failed(paths, fault) {
                Verdict::Again => {}
                Verdict::Alone(path, fault) => {
                    found.failed.insert(path.to_owned(), fault);
                }
                Verdict::All(fault) => return Err(fault),
            },
        }
    }
    Ok(found)
}

/// Each entry under the path that was asked for, which the server may write in another case.
fn matched(paths: &[&str], entries: Vec<TagContext>) -> Vec<(String, Context)> {
    let asked: HashMap<String, &str> = paths.iter().map(|path| (path.to_lowercase(), *path)).collect();
    let entry = |entry: TagContext| {
        let exact = paths.contains(&entry.tag_name.as_str()).then_some(entry.tag_name.as_str());
        let path = exact.or_else(|| asked.get(&entry.tag_name.to_lowercase()).copied())?;
        Some((path.to_owned(), entry.tag_context?))
    };
    entries.into_iter().filter_map(entry).collect()
}

/// The properties of these tags. They describe and decide nothing: what cannot be read of them is left out with a word.
pub(crate) async fn properties(
    server: &Server,
    paths: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, Described>, Fault> {
    let mut found = HashMap::new();
    let mut batches = Batches::new(paths, TAGS);
    while let Some(paths) = batches.next() {
        let answered = match server.post("getTagProperties", &json!({ "tags": paths })).await {
            Ok(answer) => {
                judge::<Properties<'_>>("getTagProperties", &answer).map(|(properties, _)| described(properties))
            }
            Err(fault) => Err(fault),
        };
        match answered {
            Ok(described) => {
                batches.answered();
                found.extend(described);
            }
            Err(fault) => match batches.failed(paths, fault) {
                Verdict::Again => {}
                Verdict::Alone(path, fault) => {
                    host::log(Level::Warn, &format!("{path} stays without its properties: {}", fault.message));
                }
                Verdict::All(fault) if fault.retry == Retry::Later => return Err(fault),
                Verdict::All(fault) => {
                    host::log(Level::Warn, &format!("{}; tags stay without units and descriptions", fault.message));
                    return Ok(found);
                }
            },
        }
    }
    Ok(found)
}

fn described(Properties(entries): Properties<'_>) -> Vec<(String, Described)> {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    let tag = |properties: Option<crate::api::Entries<'_, serde_json::Value>>| -> Described {
        let properties = properties.unwrap_or_default().0.into_iter();
        properties.filter_map(|(name, value)| Some((name.into_owned(), text(value)?))).collect()
    };
    entries.0.into_iter().map(|(path, properties)| (path.into_owned(), tag(properties))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::http::Response;

    #[test]
    fn entries_are_found_under_the_path_that_was_asked_for() {
        let entry = |name: &str, id: &str| TagContext {
            tag_name: name.into(),
            tag_context: Some(Context { historian_item_id: Some(id.into()), ..Context::default() }),
        };
        let none = TagContext { tag_name: "V.c".into(), tag_context: None };
        let entries = vec![entry("v.A", "1"), entry("V.b", "2"), entry("V.x", "3"), none];
        let found = matched(&["V.a", "V.b", "V.c"], entries);
        let ids: Vec<_> =
            found.iter().map(|(path, context)| (path.as_str(), context.historian_item_id.as_deref())).collect();
        assert_eq!(ids, [("V.a", Some("1")), ("V.b", Some("2"))]);
    }

    #[test]
    fn properties_are_texts_whatever_a_collector_wrote() {
        let body = r#"{"statusCode":"Good","errors":[],"properties":{"V.\"a\"":{"Units":"°C","Default High Scale":150,
            "Note":null},"V.b":{},"V.c":null}}"#;
        let answer = Response::new("POST /getTagProperties", 200, body.as_bytes().to_vec());
        let found = described(judge::<Properties<'_>>("x", &answer).unwrap().0);
        assert_eq!(found.len(), 3);
        let (path, texts) = found.first().unwrap();
        assert_eq!((path.as_str(), texts.get("Units").unwrap().as_str()), ("V.\"a\"", "°C"));
        assert_eq!((texts.get("Default High Scale").unwrap().as_str(), texts.get("Note")), ("150", None));
    }
}
