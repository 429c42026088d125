//! What can be listed: it has an identity, and may be unfit to be taken for an object.

use serde::de::DeserializeOwned;
use tidegate_sdk::{Fault, quote};

use crate::{
    api::{Attribute, Element, Frame, Named, Point},
    identity::Identity,
    web_id,
};

/// An object of a listing.
pub(crate) trait Listed: DeserializeOwned {
    /// Equal for the same object.
    fn identity(&self) -> Identity;

    /// Why the listing that holds it cannot be trusted.
    fn problem(&self) -> Option<String> {
        None
    }
}

/// Whether every object of a page is one. An object that the server failed to write is not left out: the page fails.
pub(super) fn sound<T: Listed>(path: &str, items: &[T]) -> Result<(), Fault> {
    match items.iter().find_map(Listed::problem) {
        Some(problem) => {
            Err(Fault::external("item-errors", format!("GET {path}: {problem}; the listing is not whole")))
        }
        None => Ok(()),
    }
}

impl Listed for Point {
    /// The number is unique in a data server, the name part of a WebId is not stable.
    fn identity(&self) -> Identity {
        self.id.map_or_else(|| Identity::of_text(&self.web_id), Identity::of_number)
    }
}

impl Listed for Named {
    fn identity(&self) -> Identity {
        Identity::of_object(self.id.as_deref(), &self.web_id)
    }
}

impl Listed for Element {
    fn identity(&self) -> Identity {
        Identity::of_object(self.id.as_deref(), &self.web_id)
    }

    fn problem(&self) -> Option<String> {
        problem("element", self.name.as_deref(), &self.web_id, self.errors.as_deref())
    }
}

impl Listed for Attribute {
    fn identity(&self) -> Identity {
        // The GUID of an attribute that comes from a template need not differ between elements: only together with
        // that of its element it names one, and the path in a Full WebId is none of it.
        web_id::id_only(&self.web_id).map_or_else(|| Identity::of_text(&self.web_id), |id| Identity::of_text(&id))
    }

    fn problem(&self) -> Option<String> {
        problem("attribute", self.name.as_deref(), &self.web_id, self.errors.as_deref())
    }
}

impl Listed for Frame {
    fn identity(&self) -> Identity {
        Identity::of_object(self.id.as_deref(), &self.web_id)
    }

    fn problem(&self) -> Option<String> {
        problem("event frame", self.name.as_deref(), &self.web_id, self.errors.as_deref())
    }
}

fn problem(kind: &str, name: Option<&str>, web_id: &str, errors: Option<&str>) -> Option<String> {
    let name = name.unwrap_or("without a name");
    match errors {
        Some(errors) => Some(format!("{kind} {name}: the server wrote it with errors: {}", quote(errors))),
        None => web_id.is_empty().then(|| format!("{kind} {name} has no WebId")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_a_sick_object_is_no_page() {
        let elements = |json: &str| serde_json::from_str::<Vec<Element>>(json).unwrap();
        assert!(sound("/x", &elements(r#"[{"WebId":"a"},{"WebId":"b","Errors":[]}]"#)).is_ok());
        let sick = elements(r#"[{"WebId":"a"},{"WebId":"b","Name":"P","Errors":["no"]}]"#);
        let fault = sound("/x", &sick).unwrap_err();
        assert!(fault.code == "item-errors" && fault.message.contains('P'), "{}", fault.message);
        assert!(sound("/x", &elements(r#"[{"Name":"P"}]"#)).is_err());
    }

    #[test]
    fn an_element_seen_by_another_path_is_the_same_one() {
        let full = |path: &str| Element {
            web_id: format!("F1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g{path}"),
            ..Element::default()
        };
        assert_eq!(full("QQ").identity(), full("Qg").identity());
    }

    #[test]
    fn attributes_of_one_template_in_two_elements_are_two() {
        let attribute = |owner: &str, path: &str| Attribute {
            web_id: format!("F1AbEERERESIiMzNERFVVVVVVVQ{owner}Z0UjAauJ780BI0VniavN7w{path}"),
            id: Some("01234567-89ab-cdef-0123-456789abcdef".into()),
            ..Attribute::default()
        };
        let pump = attribute("qqqqqru7zMzd3e7u7u7u7g", "QQ");
        assert_eq!(pump.identity(), attribute("qqqqqru7zMzd3e7u7u7u7g", "Qg").identity());
        assert_ne!(pump.identity(), attribute("BqqqqqruzMzd3e7u7u7u7g", "QQ").identity());
    }
}
