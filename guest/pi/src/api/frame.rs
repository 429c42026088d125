//! Event frames, as their listing shows them.

use serde::Deserialize;

use super::{asset::selected, item::item_errors};

/// An event frame.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Frame {
    pub(crate) web_id: String,
    /// A GUID.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// Empty without a template.
    pub(crate) template_name: Option<String>,
    pub(crate) start_time: Option<String>,
    /// In the year 9999 while it is open.
    pub(crate) end_time: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) is_acknowledged: Option<bool>,
    pub(crate) category_names: Option<Vec<String>>,
    pub(crate) ref_element_web_ids: Option<Vec<String>>,
    /// What gateways write instead of a link.
    pub(crate) primary_referenced_element_web_id: Option<String>,
    /// What gateways write instead of `RefElementWebIds`.
    pub(crate) referenced_element_web_ids: Option<Vec<String>>,
    pub(crate) links: Option<FrameLinks>,
    #[serde(deserialize_with = "item_errors")]
    pub(crate) errors: Option<Box<str>>,
}

/// Where an event frame points.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct FrameLinks {
    pub(crate) parent: Option<String>,
    pub(crate) primary_referenced_element: Option<String>,
}

const FRAME: [&str; 17] = [
    "WebId",
    "Id",
    "Name",
    "Description",
    "TemplateName",
    "StartTime",
    "EndTime",
    "Severity",
    "IsAcknowledged",
    "CategoryNames",
    "RefElementWebIds",
    "PrimaryReferencedElementWebId",
    "ReferencedElementWebIds",
    "Links.Parent",
    "Links.PrimaryReferencedElement",
    "Errors",
    "WebException",
];

/// For `selectedFields` of the listing.
pub(crate) fn frame_fields() -> String {
    selected("Items.", &FRAME)
}
