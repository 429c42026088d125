//! What `/streams/{webId}/summary` answers: one value for each kind of summary and each interval.

use std::borrow::Cow;

use serde::{Deserialize, de::MapAccess};

use super::{Item, Payload, item::item_errors, lenient};

/// One figure of one interval.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Summary<'a> {
    /// `Count`, `Total`, …
    #[serde(borrow, rename = "Type", deserialize_with = "lenient::read")]
    pub(crate) kind: Option<Cow<'a, str>>,
    /// Stamped with the start of the interval where that is asked for.
    #[serde(borrow)]
    pub(crate) value: Option<Item<'a>>,
    /// What went wrong with this figure; none on a sound one.
    #[serde(deserialize_with = "item_errors")]
    pub(crate) errors: Option<Box<str>>,
}

/// The figures of all intervals.
#[derive(Debug, Default)]
pub(crate) struct Summaries<'a> {
    /// `None` where the answer has no `Items`, which proves nothing.
    pub(crate) items: Option<Vec<Summary<'a>>>,
}

impl<'de> Payload<'de> for Summaries<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != "Items" {
            return Ok(false);
        }
        self.items = map.next_value()?;
        Ok(true)
    }
}
