//! Which of some objects a list holds and in which order: the filters and sort fields that AF lists share.

use std::cmp::Reverse;

use crate::pi::answer::Refusal;
use crate::pi::app::Call;
use crate::pi::query::Query;
use crate::pi::wildcard;

/// A name filter; absent, empty or `*` lets everything pass.
#[derive(Clone, Copy, Debug)]
pub(in crate::pi::routes) struct Filter<'q>(Option<&'q str>);

impl<'q> Filter<'q> {
    /// Lets everything pass.
    pub(in crate::pi::routes) const OPEN: Filter<'static> = Filter(None);

    /// Reads the parameter called `name` (lower case).
    pub(in crate::pi::routes) fn read(query: &'q Query, name: &str) -> Filter<'q> {
        Filter(query.one(name).filter(|pattern| !pattern.is_empty() && *pattern != "*"))
    }

    /// Whether nothing is filtered.
    pub(in crate::pi::routes) fn is_open(self) -> bool {
        self.0.is_none()
    }

    /// Whether `text` passes.
    pub(in crate::pi::routes) fn admits(self, text: &str) -> bool {
        self.0.is_none_or(|pattern| wildcard::matches(pattern, text))
    }

    /// Whether any of `texts` passes.
    pub(in crate::pi::routes) fn admits_any(self, texts: &[String]) -> bool {
        self.0.is_none_or(|pattern| texts.iter().any(|text| wildcard::matches(pattern, text)))
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pi::routes) enum Field {
    /// `ID`.
    Id,
    /// `Name`.
    Name,
    /// `Type`.
    Type,
    /// `StartTime`.
    Start,
    /// `EndTime`.
    End,
}

/// `sortField` and `sortOrder`.
#[derive(Clone, Copy, Debug)]
pub(in crate::pi::routes) struct Order {
    /// What it is sorted by.
    pub(in crate::pi::routes) field: Field,
    /// The other way round.
    pub(in crate::pi::routes) descending: bool,
}

impl Order {
    /// Reads both; by name and ascending unless told otherwise.
    pub(in crate::pi::routes) fn read(call: &Call<'_>) -> Result<Order, Refusal> {
        let field = match call.query.one("sortfield").map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "name") => Field::Name,
            Some("id") => Field::Id,
            Some("type") => Field::Type,
            Some("starttime") => Field::Start,
            Some("endtime") => Field::End,
            Some(other) => return Err(Refusal::binding("sortField", other)),
        };
        let descending = match call.query.one("sortorder").map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "ascending") => false,
            Some("descending") => true,
            Some(other) => return Err(Refusal::binding("sortOrder", other)),
        };
        Ok(Order { field, descending })
    }

    /// 400 for the times of event frames where there are none.
    pub(in crate::pi::routes) fn timeless(self) -> Result<Order, Refusal> {
        match self.field {
            Field::Start | Field::End => {
                Err(Refusal::bad("Parameter 'sortField': these objects cannot be sorted by time.".to_owned()))
            }
            _ => Ok(self),
        }
    }

    /// Sorts by a key of each item.
    pub(in crate::pi::routes) fn sort<T, K: Ord>(self, items: &mut [T], key: impl Fn(&T) -> K) {
        if self.descending {
            items.sort_by_cached_key(|item| Reverse(key(item)));
        } else {
            items.sort_by_cached_key(key);
        }
    }
}
