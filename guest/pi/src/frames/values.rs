//! The values of the attributes of many frames, a batch of frames a request.
//!
//! A frame whose values could not be read must not pass for one that has none. What may pass by itself fails the slice,
//! and so does a refusal of all its frames. One that concerns single frames for good, such as a missing permission, must
//! not hold back all that come after: it leaves the frame's attributes NULL and says so, and an attribute that the server
//! says it cannot read is NULL alone. Nothing in the listing of frames
//! tells for certain that one has no attributes, so all are asked.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, de::MapAccess};
use serde_json::value::RawValue;
use tidegate_sdk::{
    Fault, Retry,
    host::{self, Level},
    http::{Response, encode},
    quote,
    tables::event_frames::Map,
};

use super::text::text;
use crate::{
    api::{Content, Fields, Payload, errors_of, once},
    batch::{Batch, Refusal, Reply, Sub, judge},
};

/// `Value` with all that is in it: the failure of a single value stands beside it.
const FIELDS: &str = "Items.Name;Items.Path;Items.Value;Items.Errors;WebException;Errors;Message";

/// As many refusals are no longer about single frames.
const MANY: usize = 3;

/// What became of the attributes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attributes {
    Read(Map),
    /// Some of them have no value, because the server could not read it: NULL, and why.
    Partly(Map, Fault),
    /// The frame was deleted since it was listed.
    Gone,
    /// They will not be readable the next time either.
    Unreadable(Fault),
}

/// Reads values.
#[derive(Debug)]
pub(super) struct Values {
    batch: Batch,
    batch_size: usize,
}

impl Values {
    /// `batch_size` frames in a request.
    pub(super) fn new(batch: Batch, batch_size: usize) -> Self {
        Self { batch, batch_size }
    }

    /// The attributes of these frames, in their order.
    ///
    /// # Errors
    /// When the values of one of them could not be read for a cause that may pass, or those of none.
    pub(super) async fn of(&mut self, frames: &[&str]) -> Result<Vec<Attributes>, Fault> {
        let mut all = Vec::with_capacity(frames.len());
        while let Some(rest) = frames.get(all.len()..).filter(|rest| !rest.is_empty()) {
            let chunk = rest.get(..self.batch_size).unwrap_or(rest);
            match self.chunk(chunk).await {
                Ok(attributes) => all.extend(attributes),
                Err(fault) if fault.asked_too_much() && chunk.len() > 1 => {
                    self.batch_size = chunk.len().div_ceil(2);
                    let text = format!("{}; asking for {} frames at once from here on", fault.message, self.batch_size);
                    host::log(Level::Warn, &text);
                }
                Err(fault) => return Err(fault),
            }
        }
        refused(&all).map_or(Ok(()), Err)?;
        Ok(all)
    }

    async fn chunk(&mut self, frames: &[&str]) -> Result<Vec<Attributes>, Fault> {
        let subs: Vec<Sub> = frames.iter().map(|frame| sub(frame)).collect();
        let answer = self.batch.ask(&subs).await?;
        let mut attributes = answered(&self.batch, &answer, frames)?;
        self.confirm(frames, &mut attributes).await?;
        Ok(attributes)
    }

    /// A frame that is not found may be gone, or the server may not know the values of any: asking for the frame itself
    /// tells.
    async fn confirm(&mut self, frames: &[&str], attributes: &mut [Attributes]) -> Result<(), Fault> {
        let missing: Vec<usize> = (0..frames.len()).filter(|at| attributes.get(*at).is_some_and(not_found)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let subs: Vec<Sub> = missing.iter().filter_map(|at| Some(exists(frames.get(*at)?))).collect();
        let answer = self.batch.ask(&subs).await?;
        let replies = self.batch.read::<Content<Fields>>(&answer, subs.len())?;
        for (at, reply) in missing.into_iter().zip(replies) {
            let Some(place) = attributes.get_mut(at) else { continue };
            match judge("event frame", reply) {
                Err(refusal) if refusal.status == Some(404) => *place = Attributes::Gone,
                Err(Refusal { fault, .. }) if fault.retry == Retry::Later => return Err(fault),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The refusal of several frames none of which could be read: it is about the request, not about them. One or two may be
/// all that a slice holds, and forbidden for good.
fn refused(all: &[Attributes]) -> Option<Fault> {
    let mut refusals = all.iter().filter_map(|attributes| match attributes {
        Attributes::Unreadable(fault) => Some(fault),
        _ => None,
    });
    let any_read = all.iter().any(|attributes| matches!(attributes, Attributes::Read(_) | Attributes::Partly(..)));
    refusals.nth(MANY - 1).filter(|_| !any_read).cloned()
}

fn not_found(attributes: &Attributes) -> bool {
    matches!(attributes, Attributes::Unreadable(fault) if fault.code == "http-404")
}

/// Nested attributes come with `searchFullHierarchy`, hidden and excluded ones do not: nobody looks at them.
fn sub(frame: &str) -> Sub {
    Sub {
        method: "GET",
        path: format!("/streamsets/{}/value", encode(frame)),
        query: vec![("searchFullHierarchy", "true".to_owned()), ("selectedFields", FIELDS.to_owned())],
    }
}

/// Asks for a frame itself.
pub(super) fn exists(frame: &str) -> Sub {
    Sub {
        method: "GET",
        path: format!("/eventframes/{}", encode(frame)),
        query: vec![("selectedFields", "WebId;WebException;Errors;Message".to_owned())],
    }
}

/// The streams of a stream set.
#[derive(Debug, Default)]
struct Streams<'a> {
    /// `None` where the answer has no `Items`, which proves nothing.
    items: Option<Vec<Stream<'a>>>,
}

impl<'de> Payload<'de> for Streams<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != "Items" {
            return Ok(false);
        }
        once(&mut self.items, map)?;
        Ok(true)
    }
}

/// An attribute with its value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream<'a> {
    #[serde(default, borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    value: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "errors_of")]
    errors: Option<Box<str>>,
}

/// What the answer to one request says of each of these frames.
pub(super) fn answered(batch: &Batch, answer: &Response, frames: &[&str]) -> Result<Vec<Attributes>, Fault> {
    let replies = batch.read::<Content<Streams<'_>>>(answer, frames.len())?;
    frames.iter().zip(replies).map(|(frame, reply)| read(frame, reply)).collect()
}

/// The attributes of one frame.
fn read(frame: &str, reply: Option<Reply<Content<Streams<'_>>>>) -> Result<Attributes, Fault> {
    let what = format!("values of event frame {frame}");
    let streams = match judge(&what, reply) {
        Ok(streams) => streams,
        // An answer that only says what is wrong with this frame says so on every run.
        Err(Refusal { fault, .. }) if fault.retry == Retry::Later && fault.code != "answer-errors" => {
            return Err(fault);
        }
        Err(Refusal { fault, .. }) => return Ok(Attributes::Unreadable(fault)),
    };
    let Some(items) = streams.items else {
        let text = format!("{what}: an answer without Items proves nothing");
        return Err(Fault::external("items-missing", text));
    };
    let mut map: Map = Vec::with_capacity(items.len());
    let mut known = HashSet::new();
    let mut failure = None;
    for stream in items {
        let Some(key) = stream.key() else {
            return Err(Fault::external("malformed-answer", format!("{what}: a value without a name")));
        };
        let value = match (&stream.errors, stream.value) {
            (Some(errors), _) => Err(errors.to_string()),
            (None, Some(value)) => text(value.get()),
            (None, None) => Ok(None),
        };
        // One attribute that can never be read must not keep the others, and all later frames, from the table.
        let value = value.unwrap_or_else(|said| {
            let said = format!("{what}: {key}: {}", quote(&said));
            failure.get_or_insert_with(|| Fault::external("item-errors", said));
            None
        });
        // Names differ among the attributes of one parent; a map could not hold two.
        if known.insert(key.clone()) {
            map.push((key, value));
        }
    }
    Ok(match failure {
        Some(fault) => Attributes::Partly(map, fault),
        None => Attributes::Read(map),
    })
}

impl Stream<'_> {
    /// The name, with those of the parents of a nested attribute.
    fn key(&self) -> Option<String> {
        let name = self.name.as_deref().filter(|name| !name.is_empty())?;
        let nested = self.path.as_deref().and_then(|path| path.split_once('|')).map(|(_, names)| names);
        let nested = nested.filter(|names| names.strip_suffix(name).is_some_and(|parents| parents.ends_with('|')));
        Some(nested.unwrap_or(name).to_owned())
    }
}

#[cfg(test)]
mod tests;
