//! What Stream Updates answer: a signup, and what has happened since a marker.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::MapAccess;

use super::content::Payload;
use super::{Stamp, lenient, texts};

/// The answer to `POST /streams/{webId}/updates`.
#[derive(Debug, Default)]
pub(crate) struct Signup {
    pub(crate) marker: Option<String>,
    /// Why the stream is not signed up.
    pub(crate) exception: Vec<String>,
}

impl<'de> Payload<'de> for Signup {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "LatestMarker" => self.marker = map.next_value()?,
            "Exception" => self.exception = texts(&map.next_value::<serde_json::Value>()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The answer to `GET /streams/updates/{marker}`.
#[derive(Debug, Default)]
pub(crate) struct Update<'a> {
    /// Empty where the stream is signed up no more.
    pub(crate) marker: Option<String>,
    /// What went wrong with the stream.
    pub(crate) exception: Vec<String>,
    /// `None` where the answer has no `Events`, which proves nothing.
    pub(crate) events: Option<Vec<Announced<'a>>>,
}

impl<'de> Payload<'de> for Update<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "LatestMarker" => self.marker = map.next_value()?,
            "Exception" => self.exception = texts(&map.next_value::<serde_json::Value>()?),
            "Events" => self.events = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Something that happened to one value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Announced<'a> {
    #[serde(default, deserialize_with = "lenient::read")]
    pub(crate) timestamp: Stamp,
    /// `Add`, `Update`, `Delete` or `Refresh`.
    #[serde(default, borrow, deserialize_with = "lenient::read")]
    pub(crate) action: Option<Cow<'a, str>>,
    /// What became of the snapshot before it: `None`, `PreviousEventArchived` or `PreviousEventDiscarded`.
    #[serde(default, borrow, deserialize_with = "lenient::read")]
    pub(crate) previous_event_action: Option<Cow<'a, str>>,
}
