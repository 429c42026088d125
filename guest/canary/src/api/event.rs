//! An event of a view (§7), in the PascalCase of `getEvents`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Payload;

/// One event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Event {
    pub(crate) id: Option<Box<RawValue>>,
    pub(crate) event_type_name: Option<String>,
    /// The path of the asset that it is about.
    pub(crate) asset_base_path: Option<String>,
    pub(crate) starts_at: Option<String>,
    /// Absent, null or the year 1 or 9999 while it lasts.
    pub(crate) ends_at: Option<String>,
    pub(crate) properties: Option<Vec<Property>>,
}

/// A value that was worked out for an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Property {
    pub(crate) name: Option<String>,
    pub(crate) value: Option<Box<RawValue>>,
}

/// `getEvents`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Events(pub(crate) Vec<Event>);

impl Payload for Events {
    const KEY: &'static str = "events";
}

impl Event {
    /// Its identity: a text, or a number as text; empty where there is none.
    pub(crate) fn identity(&self) -> String {
        written(self.id.as_deref()).unwrap_or_default()
    }
}

impl Property {
    /// Its value as text.
    pub(crate) fn text(&self) -> Option<String> {
        written(self.value.as_deref())
    }
}

/// A text as it is, anything else as the server wrote it: no number is rounded by reading and writing it again.
fn written(value: Option<&RawValue>) -> Option<String> {
    let json = value?.get();
    match json.as_bytes().first() {
        Some(b'"') => Some(serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())),
        Some(b'n') => None,
        _ => Some(json.to_owned()),
    }
}
