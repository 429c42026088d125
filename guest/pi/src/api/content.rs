//! The `Content` of one answer inside a batch: rows, a point, an error in one of several wrappings, or a page of HTML.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Item, Links, texts};

/// Read once, before the status is known: the two may come in either order.
#[derive(Debug, Default)]
pub(crate) struct Content<T> {
    /// The payload, where the content is an object: an object's fields or its `Items`, as `T` decides.
    pub(crate) body: Option<T>,
    /// A failure while the server was writing.
    pub(crate) exception: Option<WebException>,
    /// Texts of `Errors`, of `Message`, or the content itself where it is a string.
    pub(crate) said: Vec<String>,
    /// Whether the content is a string and not JSON.
    pub(crate) bare: bool,
}

/// `WebException`: the answer broke off after the status 200 had been sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebException {
    pub(crate) status_code: Option<i64>,
    pub(crate) errors: Vec<String>,
}

impl<'de> Deserialize<'de> for WebException {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of any shape: what matters is that it is there.
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self { status_code: value.get("StatusCode").and_then(serde_json::Value::as_i64), errors: texts(&value) })
    }
}

/// What a successful content is made of; collected while its fields pass by.
pub(crate) trait Payload<'de>: Default {
    /// Takes the field `key`, or leaves it (`false`).
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

impl<'de, T: Payload<'de>> Deserialize<'de> for Content<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor(PhantomData))
    }
}

struct ContentVisitor<T>(PhantomData<T>);

impl<'de, T: Payload<'de>> Visitor<'de> for ContentVisitor<T> {
    type Value = Content<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the content of an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut content = empty();
        let mut body = T::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "WebException" => content.exception = map.next_value()?,
                "Errors" | "Message" => content.said.extend(texts(&map.next_value::<serde_json::Value>()?)),
                key => {
                    if !body.field(key, &mut map)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        content.body = Some(body);
        Ok(content)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let mut content = empty();
        content.bare = true;
        content.said.push(text.to_owned());
        Ok(content)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(empty())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(empty())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(empty())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(empty())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut content = empty();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            content.said.push(element.get().to_owned());
        }
        Ok(content)
    }
}

fn empty<T>() -> Content<T> {
    Content { body: None, exception: None, said: Vec::new(), bare: false }
}

/// The rows of `recorded`.
#[derive(Debug, Default)]
pub(crate) struct Recorded<'a> {
    /// `None` where the answer has no `Items`, which proves nothing; no event is an empty list.
    pub(crate) items: Option<Vec<Item<'a>>>,
}

impl<'de> Payload<'de> for Recorded<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != "Items" {
            return Ok(false);
        }
        once(&mut self.items, map)?;
        Ok(true)
    }
}

/// Reads the `Items` of an answer. Two of them in one answer contradict each other, and neither proves anything.
pub(crate) fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    items: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    if items.is_some() {
        return Err(serde::de::Error::duplicate_field("Items"));
    }
    *items = map.next_value()?;
    Ok(())
}

/// A page of a listing inside a batch.
#[derive(Debug)]
pub(crate) struct ListPage<T> {
    /// `None` where the answer has no `Items`, which proves nothing.
    pub(crate) items: Option<Vec<T>>,
    pub(crate) links: Links,
}

impl<T> Default for ListPage<T> {
    fn default() -> Self {
        Self { items: None, links: Links::default() }
    }
}

impl<'de, T: Deserialize<'de>> Payload<'de> for ListPage<T> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "Items" => once(&mut self.items, map)?,
            "Links" => self.links = map.next_value::<Option<Links>>()?.unwrap_or_default(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// All fields of a small object, for types that are read from them afterwards.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) serde_json::Map<String, serde_json::Value>);

impl<'de> Payload<'de> for Fields {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        self.0.insert(key.to_owned(), map.next_value()?);
        Ok(true)
    }
}
