//! The parameters of a call, from the query string, a form and a JSON body alike; names have no case, null is absent.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::answer::Refused;
use crate::shared::hash::mix;
use crate::shared::query::pairs;

/// Where a token came from, for [`super::Stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer`.
    Header,
    /// The request body.
    Body,
    /// The URL.
    Query,
}

impl Place {
    /// What the figures call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Place::Header => "header",
            Place::Body => "body",
            Place::Query => "query",
        }
    }
}

/// The parameters of a call by lower-case name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    values: BTreeMap<String, (Place, Json)>,
}

/// Names that do not bind a continuation: the token may be renewed between two pages.
const FREE: [&str; 4] = ["continuation", "usertoken", "apitoken", "accesstoken"];

impl Params {
    /// Merges query and body; the body counts where both name something.
    ///
    /// # Errors
    /// The body is neither JSON nor a form.
    pub(crate) fn read(query: &str, body: &[u8]) -> Result<Params, Refused> {
        let mut params = Params::default();
        params.add(Place::Query, pairs(query));
        let text = std::str::from_utf8(body).map_err(|_| Refused::bad_request())?;
        let trimmed = text.trim_start_matches('\u{feff}').trim();
        if trimmed.is_empty() {
            return Ok(params);
        }
        // Vendor clients send JSON under any content type, or none (reference §2).
        match serde_json::from_str(trimmed) {
            Ok(Json::Object(members)) => {
                for (name, value) in members {
                    params.values.remove(&name.to_lowercase());
                    if !value.is_null() {
                        params.values.insert(name.to_lowercase(), (Place::Body, value));
                    }
                }
            }
            Err(_) if trimmed.contains('=') && !trimmed.starts_with(['{', '[']) => {
                params.add(Place::Body, pairs(trimmed));
            }
            _ => return Err(Refused::bad_request()),
        }
        Ok(params)
    }

    fn add(&mut self, place: Place, pairs: Vec<(String, String)>) {
        let mut lists: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for (name, value) in pairs {
            lists.entry(name).or_default().push(Json::String(value));
        }
        for (name, mut values) in lists {
            let value = match values.len() {
                1 => values.swap_remove(0),
                _ => Json::Array(values),
            };
            self.values.insert(name, (place, value));
        }
    }

    /// Whether it is there at all, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Where it came from.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.values.get(name).map(|(place, _)| *place)
    }

    /// The paths that the call is about, for faults.
    pub(crate) fn named(&self) -> Vec<&str> {
        let values = ["tags", "path"].into_iter().filter_map(|name| self.value(name));
        values
            .flat_map(|value| match value {
                Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
                other => other.as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect()
    }

    /// Any JSON.
    pub(crate) fn value(&self, name: &str) -> Option<&Json> {
        self.values.get(name).map(|(_, value)| value)
    }

    /// A string; empty is absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Refused::errors(format!("parameter '{name}' is not a string"))),
        }
    }

    /// A string that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.text(name)?.ok_or_else(|| Refused::errors(format!("parameter '{name}' is required")))
    }

    /// A boolean, or its name in a form.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Refused> {
        match self.value(name) {
            None => Ok(default),
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(Json::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Json::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Refused::errors(format!("parameter '{name}' is not a boolean"))),
        }
    }

    /// A whole number that is not negative, or its digits in a form.
    pub(crate) fn number(&self, name: &str, default: usize) -> Result<usize, Refused> {
        let number = match self.value(name) {
            None => return Ok(default),
            Some(Json::Number(number)) => number.as_u64(),
            Some(Json::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let bad = || Refused::errors(format!("parameter '{name}' is not a whole number"));
        number.and_then(|number| usize::try_from(number).ok()).ok_or_else(bad)
    }

    /// A list of strings, or one alone; `None`: absent.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<String>>, Refused> {
        let entries = self.entries(name)?;
        let text = |entry: Option<String>| {
            entry.ok_or_else(|| Refused::errors(format!("parameter '{name}' is not a list of strings")))
        };
        entries.map(|entries| entries.into_iter().map(text).collect()).transpose()
    }

    /// As [`Params::list`], where entries may be null.
    pub(crate) fn entries(&self, name: &str) -> Result<Option<Vec<Option<String>>>, Refused> {
        let bad = || Refused::errors(format!("parameter '{name}' is not a list of strings"));
        let entry = |value: &Json| match value {
            Json::Null => Ok(None),
            Json::String(text) => Ok(Some(text.clone())),
            _ => Err(bad()),
        };
        match self.value(name) {
            None => Ok(None),
            Some(Json::Array(values)) => values.iter().map(entry).collect::<Result<_, _>>().map(Some),
            Some(value) => Ok(Some(vec![entry(value)?])),
        }
    }

    /// A hash of everything that a continuation is bound to.
    pub(crate) fn binding(&self, label: &str) -> u64 {
        let bound = self.values.iter().filter(|(name, _)| !FREE.contains(&name.as_str()));
        let text = bound.map(|(name, (_, value))| format!("{name}={value}\n"));
        std::iter::once(label.to_owned()).chain(text).fold(1, |hash, text| fold(hash, text.as_bytes()))
    }
}

/// Adds bytes to a hash.
pub(crate) fn fold(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(mix(hash), |hash, byte| mix(hash ^ u64::from(*byte)))
}
