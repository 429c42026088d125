//! The attributes of elements: as generated or as edited, whole or picked one by one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::attribute::Attribute;
use super::patterns::{self, ELEMENT, Owner};
use super::tree::{Node, Tree};
use crate::pi::truth::Catalogue;
use crate::pi::webid::{Class, Guid};

impl Tree {
    fn owner<'a>(&'a self, tags: &'a Catalogue, node: &Node, path: &'a str) -> Owner<'a> {
        Owner {
            home: &self.home,
            tags,
            guid: node.guid,
            class: Class::ElementAttribute,
            path,
            number: node.number,
            // Static values have no time of their own; AF shows the oldest it knows.
            at: 0,
            count: self.home.attributes,
            patterns: &ELEMENT,
        }
    }

    /// Every attribute of an element: the first level, each followed by what lies below it.
    pub(crate) fn attributes(&self, tags: &Catalogue, at: usize) -> Vec<Attribute> {
        let Some(node) = self.node(at) else { return Vec::new() };
        let path = self.path(at);
        match &node.attributes {
            None => self.owner(tags, node, &path).all(),
            Some(edited) => {
                let mut all = edited.to_vec();
                all.iter_mut().for_each(|attribute| attribute.place(&path));
                all
            }
        }
    }

    /// The attribute of the first level at `slot`.
    pub(crate) fn attribute_at(&self, tags: &Catalogue, at: usize, slot: usize) -> Option<Attribute> {
        let node = self.node(at)?;
        let path = self.path(at);
        match &node.attributes {
            None => self.owner(tags, node, &path).first(slot),
            Some(edited) => {
                let mut found = edited.iter().filter(|attribute| attribute.parent.is_none()).nth(slot)?.clone();
                found.place(&path);
                Some(found)
            }
        }
    }

    /// The attribute of `owner` with this `Id`, and where its element is.
    pub(crate) fn attribute(&self, tags: &Catalogue, owner: &Guid, guid: &Guid) -> Option<(usize, Attribute)> {
        let at = self.find(owner)?;
        let found = self.attributes(tags, at).into_iter().find(|attribute| attribute.guid == *guid)?;
        Some((at, found))
    }

    /// Names of the first level by slot, and whether lists leave the attribute out.
    fn slots<'a>(&self, node: &'a Node) -> Vec<(Cow<'a, str>, bool)> {
        match &node.attributes {
            None => (0..self.home.attributes)
                .map(|slot| (patterns::name(&ELEMENT, slot), patterns::is_secret(&ELEMENT, slot)))
                .collect(),
            Some(edited) => {
                let first = edited.iter().filter(|attribute| attribute.parent.is_none());
                first.map(|one| (Cow::Borrowed(one.name.as_str()), one.hidden || one.excluded)).collect()
            }
        }
    }

    /// The first-level attributes of these elements by name, as (element, slot); with `secret`, the hidden ones too.
    pub(crate) fn pairs(&self, elements: &[usize], secret: bool) -> Vec<(usize, usize)> {
        let mut by_name: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for at in elements {
            let Some(node) = self.node(*at) else { continue };
            for (slot, (name, is_secret)) in self.slots(node).into_iter().enumerate() {
                if secret || !is_secret {
                    match by_name.get_mut(name.as_ref()) {
                        Some(list) => list.push((*at, slot)),
                        None => {
                            by_name.insert(name.into_owned(), vec![(*at, slot)]);
                        }
                    }
                }
            }
        }
        by_name.into_values().flatten().collect()
    }
}
