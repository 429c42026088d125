//! What the server knows of tags (§5.4, §5.5): the stored item behind each path, the range of its samples, its properties.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::json;
use tidegate_sdk::{
    Fault, Retry,
    host::{self, Level},
};

use crate::{
    api::{Context, Properties, TagContext, judge_whole},
    batches::{Batches, TAGS, Verdict},
    echo::Echoes,
    server::{Server, ZONE},
};

/// The code of a tag of which an answer says nothing.
pub(crate) const LEFT_OUT: &str = "context-missing";

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

    /// Takes in an answer: each entry under the path that was asked for.
    fn take(&mut self, paths: &[&str], entries: Vec<TagContext>) {
        let mut echoes = Echoes::of(paths.iter().copied());
        let mut contexts: Vec<Option<Context>> = paths.iter().map(|_| None).collect();
        for entry in entries {
            let place = echoes.place(&entry.tag_name).and_then(|at| contexts.get_mut(at));
            if let (Some(place), Some(context)) = (place, entry.tag_context) {
                *place = Some(context);
            }
        }
        for (path, context) in paths.iter().zip(contexts) {
            match context {
                Some(context) => {
                    self.contexts.insert((*path).to_owned(), context);
                }
                None => {
                    let text =
                        format!("getTagContext: the answer leaves out {path}, so that nothing tells which item it is");
                    self.failed.insert((*path).to_owned(), Fault::external(LEFT_OUT, text));
                }
            }
        }
    }
}

/// The contexts of these tags. One that a good answer leaves out has failed: that nothing is said of a tag is not that there
/// is no item behind it.
///
/// # Errors
/// When the server cannot be asked about any of them.
pub(crate) async fn contexts(server: &Server, paths: impl IntoIterator<Item = &str>) -> Result<Contexts, Fault> {
    let mut found = Contexts::default();
    let mut batches = Batches::new(paths, TAGS);
    while let Some(paths) = batches.next() {
        let request = json!({ "tags": paths, "timezone": ZONE });
        match server.ask_whole::<Vec<TagContext>>("getTagContext", &request).await {
            Ok(entries) => {
                batches.answered();
                found.take(&paths, entries);
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

/// What is told of tags, by the path that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Descriptions {
    pub(crate) texts: HashMap<String, Described>,
    /// Tags whose properties could not be read this time, and why: their unit is not known, which is not that they have none.
    pub(crate) failed: HashMap<String, Fault>,
}

impl Descriptions {
    /// A request about this tag alone has failed. What would fail again is left out with a word, what may pass is not:
    /// rows with a unit and rows without it would take turns.
    fn failed(&mut self, path: &str, fault: Fault) {
        if fault.retry == Retry::Later {
            self.failed.insert(path.to_owned(), fault);
        } else {
            host::log(Level::Warn, &format!("{path} stays without its properties: {}", fault.message));
        }
    }
}

/// The properties of these tags. They describe and decide nothing: what the server refuses of them is left out with a word.
///
/// # Errors
/// When none can be read now, and may be later.
pub(crate) async fn properties(server: &Server, paths: impl IntoIterator<Item = &str>) -> Result<Descriptions, Fault> {
    let mut found = Descriptions::default();
    let mut batches = Batches::new(paths, TAGS);
    while let Some(paths) = batches.next() {
        let answered = match server.post("getTagProperties", &json!({ "tags": paths })).await {
            Ok(answer) => judge_whole::<Properties<'_>>("getTagProperties", &answer)
                .map(|properties| described(&paths, properties)),
            Err(fault) => Err(fault),
        };
        match answered {
            Ok(described) => {
                batches.answered();
                found.texts.extend(described);
            }
            Err(fault) => match batches.failed(paths, fault) {
                Verdict::Again => {}
                Verdict::Alone(path, fault) => found.failed(path, fault),
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

fn described(paths: &[&str], Properties(entries): Properties<'_>) -> Vec<(String, Described)> {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    let tag = |properties: Option<crate::api::Entries<'_, serde_json::Value>>| -> Described {
        let properties = properties.unwrap_or_default().0.into_iter();
        properties.filter_map(|(name, value)| Some((name.into_owned(), text(value)?))).collect()
    };
    let mut echoes = Echoes::of(paths.iter().copied());
    let mut asked = |path: &str| echoes.place(path).and_then(|at| paths.get(at));
    let entry = |(path, properties): (Cow<'_, str>, _)| Some(((*asked(&path)?).to_owned(), tag(properties)));
    entries.0.into_iter().filter_map(entry).collect()
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
        let mut found = Contexts::default();
        found.take(&["V.a", "V.b", "V.c", "V.d"], entries);
        let id = |path: &str| found.contexts.get(path).and_then(|context| context.historian_item_id.as_deref());
        assert_eq!((id("V.a"), id("V.b"), found.contexts.len()), (Some("1"), Some("2"), 2));
        // Of these two nobody knows what they are.
        for path in ["V.c", "V.d"] {
            let fault = found.failed.get(path).unwrap();
            assert_eq!((fault.code.as_str(), fault.retry), (LEFT_OUT, Retry::Later), "{path}");
        }
    }

    #[test]
    fn a_tag_whose_properties_cannot_be_read_now_is_not_one_without_a_unit() {
        let mut found = Descriptions::default();
        found.failed("V.a", Fault::external("http-500", "x"));
        assert_eq!(found.failed.get("V.a").unwrap().code, "http-500");
    }

    #[test]
    fn properties_are_texts_whatever_a_collector_wrote() {
        let body = r#"{"statusCode":"Good","errors":[],"properties":{"V.\"a\"":{"Units":"°C","Default High Scale":150,
            "Note":null},"V.b":{},"V.c":null}}"#;
        let answer = Response::new("POST /getTagProperties", 200, body.as_bytes().to_vec());
        let paths = ["V.\"A\"", "V.b", "V.c"];
        let found = described(&paths, judge_whole::<Properties<'_>>("x", &answer).unwrap());
        assert_eq!(found.len(), 3);
        let (path, texts) = found.first().unwrap();
        assert_eq!((path.as_str(), texts.get("Units").unwrap().as_str()), ("V.\"A\"", "°C"));
        assert_eq!((texts.get("Default High Scale").unwrap().as_str(), texts.get("Note")), ("150", None));
    }
}
