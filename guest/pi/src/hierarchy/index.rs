//! Which WebId stands for which element: what parents and the owners of attributes are looked up in.

use std::collections::HashMap;

use crate::{api::Element, identity::Identity, listing::Listed, web_id};

/// The elements of one database. Compact, because it is held for as long as a pass lasts.
#[derive(Debug, Default)]
pub(crate) struct Index {
    ids: Vec<Box<str>>,
    by_identity: HashMap<Identity, usize>,
    by_path: HashMap<Identity, usize>,
}

impl Index {
    /// Adds an element; `false` if it is known already.
    pub(super) fn add(&mut self, element: &Element) -> bool {
        let place = self.ids.len();
        let identity = element.identity();
        if self.by_identity.contains_key(&identity) {
            return false;
        }
        self.by_identity.insert(identity, place);
        for path in element.path.iter().chain(element.paths.iter().flatten()) {
            self.by_path.entry(Identity::of_path(path)).or_insert(place);
        }
        self.ids.push(element.web_id.as_str().into());
        true
    }

    /// These elements, each once.
    #[cfg(test)]
    pub(crate) fn of(elements: impl IntoIterator<Item = Element>) -> Self {
        let mut index = Self::default();
        for element in elements {
            index.add(&element);
        }
        index
    }

    /// The WebIds of all elements.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(AsRef::as_ref)
    }

    /// The WebId of an element.
    pub(crate) fn by_identity(&self, identity: Identity) -> Option<&str> {
        self.id(*self.by_identity.get(&identity)?)
    }

    /// The WebId of the element that `web_id` stands for, in whichever form.
    pub(crate) fn by_web_id(&self, web_id: &str) -> Option<&str> {
        self.by_identity(Identity::of_object(None, web_id))
    }

    /// The WebId of the element with this path, as the server writes it.
    pub(crate) fn by_path(&self, path: &str) -> Option<&str> {
        self.id(*self.by_path.get(&Identity::of_path(path))?)
    }

    /// Whether the server writes WebIds as it was asked to, so that one can be made from what is known of an element.
    pub(crate) fn holds_id_only(&self) -> bool {
        self.ids.first().is_some_and(|id| web_id::is_id_only(id))
    }

    fn id(&self, place: usize) -> Option<&str> {
        self.ids.get(place).map(AsRef::as_ref)
    }
}
