//! Which element an attribute belongs to, by the WebId that the element has in `asset_hierarchy`.

use crate::{
    api::Attribute,
    hierarchy::Index,
    identity::Identity,
    web_id::{in_link, owner_element, owner_id_only},
};

/// The element of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// Its `element_id`.
    pub(super) id: Option<String>,
    /// Whether it is among the elements.
    pub(super) is_known: bool,
}

/// The element that was asked for its attributes; else the one whose GUID the attribute's WebId holds, the one that its
/// link leads to, the one whose path its own begins with.
pub(super) fn owner(attribute: &Attribute, asked: Option<&str>, index: &Index) -> Owner {
    if let Some(asked) = asked {
        return Owner { id: Some(asked.to_owned()), is_known: true };
    }
    let link = attribute.links.as_ref().and_then(|links| in_link(links.element.as_deref()?, "elements"));
    let by_path = || index.by_path(attribute.path.as_deref()?.split('|').next()?);
    let known = owner_element(&attribute.web_id)
        .and_then(|guid| index.by_identity(Identity::of_guid(guid)))
        .or_else(|| index.by_web_id(link?))
        .or_else(by_path);
    match known {
        Some(known) => Owner { id: Some(known.to_owned()), is_known: true },
        None => {
            let made = index.holds_id_only().then(|| owner_id_only(&attribute.web_id)).flatten();
            Owner { id: made.or_else(|| link.map(str::to_owned)), is_known: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AttributeLinks, Element};

    const ELEMENT: &str = "I1EmDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBA";
    const ATTRIBUTE: &str = "I1AbEDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg";

    fn index(web_id: &str) -> Index {
        let element = Element {
            web_id: web_id.into(),
            id: Some("cbb28260-853d-11e4-80c5-00155d844304".into()),
            path: Some(r"\\AF1\P\Site\Pump".into()),
            ..Element::default()
        };
        Index::of([element])
    }

    fn attribute(web_id: &str, link: Option<&str>, path: &str) -> Attribute {
        Attribute {
            web_id: web_id.into(),
            path: Some(path.into()),
            links: Some(AttributeLinks { element: link.map(|id| format!("https://h/elements/{id}")), point: None }),
            ..Attribute::default()
        }
    }

    fn id(owner: Owner) -> (Option<String>, bool) {
        (owner.id, owner.is_known)
    }

    #[test]
    fn the_element_is_named_as_its_own_row_names_it() {
        let full = "F1EmDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAU0lURQ";
        let attributes = [
            attribute(ATTRIBUTE, None, ""),
            attribute("x", Some(full), ""),
            attribute("x", None, r"\\af1\p\site\pump|Flow|Limit"),
        ];
        for written in [ELEMENT, full, "element-17"] {
            for attribute in &attributes {
                let owner = owner(attribute, None, &index(written));
                assert_eq!(id(owner), (Some(written.into()), true), "{attribute:?}");
            }
        }
        assert_eq!(id(owner(&attributes[0], Some("asked"), &index(ELEMENT))), (Some("asked".into()), true));
    }

    #[test]
    fn an_element_that_is_not_shown_is_named_all_the_same() {
        let other = "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";
        let mut elements = Element { web_id: other.into(), ..Element::default() };
        let index_of_other = Index::of([elements.clone()]);
        assert_eq!(id(owner(&attribute(ATTRIBUTE, None, ""), None, &index_of_other)), (Some(ELEMENT.into()), false));
        elements.web_id = "element-17".into();
        let index_of_another = Index::of([elements]);
        let linked = attribute(ATTRIBUTE, Some("element-18"), "");
        assert_eq!(id(owner(&linked, None, &index_of_another)), (Some("element-18".into()), false));
        assert_eq!(id(owner(&attribute("x", None, ""), None, &index_of_another)), (None, false));
    }
}
