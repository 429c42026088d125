//! Elements and attributes, as listings of AF show them.
//!
//! Texts are optional even where every server writes them: a `null` in one field must not cost a page of ten thousand
//! objects.

use serde::Deserialize;

use super::{Point, item::item_errors};

/// An element.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Element {
    pub(crate) web_id: String,
    /// A GUID.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// The primary one.
    pub(crate) path: Option<String>,
    /// All, with `associations=Paths` on servers that know it.
    pub(crate) paths: Option<Vec<String>>,
    /// Empty without a template.
    pub(crate) template_name: Option<String>,
    pub(crate) element_type: Option<String>,
    pub(crate) has_children: Option<bool>,
    pub(crate) category_names: Option<Vec<String>>,
    pub(crate) links: Option<ElementLinks>,
    #[serde(deserialize_with = "item_errors")]
    pub(crate) errors: Option<Box<str>>,
}

/// Where an element points.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct ElementLinks {
    /// Absent at the top.
    pub(crate) parent: Option<String>,
}

/// An attribute of an element.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub(crate) web_id: String,
    /// A GUID.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) path: Option<String>,
    #[serde(rename = "Type")]
    pub(crate) value_type: Option<String>,
    pub(crate) default_units_name: Option<String>,
    pub(crate) default_units_name_abbreviation: Option<String>,
    /// Empty for a static value.
    pub(crate) data_reference_plug_in: Option<String>,
    pub(crate) config_string: Option<String>,
    pub(crate) is_configuration_item: Option<bool>,
    pub(crate) has_children: Option<bool>,
    pub(crate) category_names: Option<Vec<String>>,
    /// With `associations=DataReference` on servers that know it.
    pub(crate) data_reference: Option<DataReference>,
    pub(crate) links: Option<AttributeLinks>,
    #[serde(deserialize_with = "item_errors")]
    pub(crate) errors: Option<Box<str>>,
}

/// What an attribute's value comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct DataReference {
    #[serde(rename = "Type")]
    pub(crate) plug_in: Option<String>,
    #[serde(rename = "PIPoint")]
    pub(crate) pi_point: Option<Point>,
}

/// Where an attribute points.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct AttributeLinks {
    pub(crate) element: Option<String>,
    /// Of a PI point reference that the server resolved.
    pub(crate) point: Option<String>,
}

const ELEMENT: [&str; 13] = [
    "WebId",
    "Id",
    "Name",
    "Description",
    "Path",
    "Paths",
    "TemplateName",
    "ElementType",
    "HasChildren",
    "CategoryNames",
    "Links.Parent",
    "Errors",
    "WebException",
];

const ATTRIBUTE: [&str; 18] = [
    "WebId",
    "Id",
    "Name",
    "Description",
    "Path",
    "Type",
    "DefaultUnitsName",
    "DefaultUnitsNameAbbreviation",
    "DataReferencePlugIn",
    "ConfigString",
    "IsConfigurationItem",
    "HasChildren",
    "CategoryNames",
    "DataReference.Type",
    "Links.Element",
    "Links.Point",
    "Errors",
    "WebException",
];

/// For `selectedFields`; with the prefix `Items.` for a listing, empty for one element.
pub(crate) fn element_fields(prefix: &str) -> String {
    selected(prefix, &ELEMENT)
}

/// The same for a listing of attributes, with these fields of the point behind each: with all of them, the links of the
/// points alone would be half of the answer.
pub(crate) fn attribute_fields(point: &[&str]) -> String {
    let point: Vec<String> = point.iter().map(|field| format!("DataReference.PIPoint.{field}")).collect();
    let fields: Vec<&str> = ATTRIBUTE.into_iter().chain(point.iter().map(String::as_str)).collect();
    selected("Items.", &fields)
}

/// The fields of each object, and outside the objects of a listing where it goes on and in which a failure hides.
pub(super) fn selected(prefix: &str, fields: &[&str]) -> String {
    let mut selected: Vec<String> = fields.iter().map(|field| format!("{prefix}{field}")).collect();
    if !prefix.is_empty() {
        selected.push("Links.Next;WebException;Errors".to_owned());
    }
    selected.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_with_whatever_it_has() {
        let element: Element = serde_json::from_str(
            r#"{"WebId":"I1Em","Name":null,"Paths":null,"CategoryNames":["Proc"],"Links":{"Parent":"https://h/elements/x"},
                "ExtendedProperties":{},"Errors":[]}"#,
        )
        .unwrap();
        assert_eq!((element.web_id.as_str(), element.name, element.errors), ("I1Em", None, None));
        assert_eq!(element.links.unwrap().parent.as_deref(), Some("https://h/elements/x"));
    }

    #[test]
    fn an_attribute_carries_the_point_behind_it() {
        let attribute: Attribute = serde_json::from_str(
            r#"{"WebId":"F1AbE","Type":"Double","DataReferencePlugIn":"PI Point",
                "DataReference":{"Type":"PI Point","PIPoint":{"WebId":"F1DP","Id":7,"Name":"A"}}}"#,
        )
        .unwrap();
        let point = attribute.data_reference.unwrap().pi_point.unwrap();
        assert_eq!((point.web_id.as_str(), point.id), ("F1DP", Some(7)));
        let fields = attribute_fields(&["WebId"]);
        assert!(fields.ends_with("Items.DataReference.PIPoint.WebId;Links.Next;WebException;Errors"), "{fields}");
        assert!(!element_fields("").contains("Next"));
    }
}
