//! Attributes whose children a listing left out.

use std::collections::HashSet;

use crate::{api::Attribute, identity::Identity, web_id};

/// What a listing shows of nested attributes.
#[derive(Debug, Default)]
pub(super) struct Nested {
    /// Attributes that have children: their WebId and path.
    parents: Vec<(String, Identity)>,
    /// Paths of attributes of which a child was shown.
    followed: HashSet<Identity>,
}

impl Nested {
    /// Takes in a page.
    pub(super) fn note(&mut self, page: &[Attribute]) {
        for attribute in page {
            let Some(path) = attribute.path.as_deref() else { continue };
            if let Some((parent, _)) = path.rsplit_once('|').filter(|(parent, _)| parent.contains('|')) {
                self.followed.insert(Identity::of_path(parent));
            }
            if attribute.has_children == Some(true) {
                self.parents.push((short(attribute), Identity::of_path(path)));
            }
        }
    }

    /// The topmost of those that have children and showed none.
    pub(super) fn missing(self) -> Vec<String> {
        let followed = self.followed;
        self.parents.into_iter().filter(|(_, path)| !followed.contains(path)).map(|(web_id, _)| web_id).collect()
    }
}

/// The WebId in its short form: HTTP.sys refuses a segment of a path beyond 260 characters.
pub(super) fn short(attribute: &Attribute) -> String {
    web_id::id_only(&attribute.web_id).unwrap_or_else(|| attribute.web_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(names: &str, has_children: bool) -> Attribute {
        Attribute {
            web_id: names.to_owned(),
            path: Some(format!(r"\\AF1\P\Pump|{names}")),
            has_children: Some(has_children),
            ..Attribute::default()
        }
    }

    #[test]
    fn only_attributes_whose_children_did_not_show_are_asked_about() {
        let mut nested = Nested::default();
        nested.note(&[attribute("Flow|Limit", true), attribute("Flow|Limit|Hi", false)]);
        nested.note(&[attribute("Flow", true), attribute("Level", true), attribute("Level2|Hi", false)]);
        assert_eq!(nested.missing(), ["Level"]);
    }
}
