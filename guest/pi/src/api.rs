//! What PI Web API writes: only the fields that are read, every one of them optional, because versions and
//! permissions change what is there.
//!
//! Rows arrive by the million and are borrowed from the body ([`Item`], [`Value`]); the rest is small and owned.

mod asset;
mod content;
mod frame;
mod item;
mod lenient;
mod summary;
mod text;
mod updates;
mod value;

pub(crate) use asset::{Attribute, Element, attribute_fields, element_fields};
#[cfg(test)]
pub(crate) use asset::{AttributeLinks, DataReference, ElementLinks};
pub(crate) use content::{Content, Fields, ListPage, Payload, Recorded, WebException, once};
pub(crate) use frame::{Frame, frame_fields};
pub(crate) use item::{Item, Stamp, item_errors as errors_of};
pub(crate) use summary::{Summaries, Summary};
pub(crate) use text::texts;
pub(crate) use updates::{Announced, Signup, Update};
pub(crate) use value::{State, Value};

use serde::Deserialize;

/// A page of a listing. Without `Items` it is none: nothing may pass for "no more objects".
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    #[serde(rename = "Items")]
    pub(crate) items: Vec<T>,
    #[serde(default, rename = "Links")]
    pub(crate) links: Links,
}

/// Where a listing goes on.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Links {
    #[serde(default, rename = "Next")]
    pub(crate) next: Option<String>,
}

/// A PI point, as `/points` describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Point {
    pub(crate) web_id: String,
    /// Unique within its data server.
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) descriptor: Option<String>,
    pub(crate) point_type: Option<String>,
    pub(crate) digital_set_name: Option<String>,
    pub(crate) engineering_units: Option<String>,
    pub(crate) span: Option<f64>,
    pub(crate) zero: Option<f64>,
    pub(crate) step: Option<bool>,
    pub(crate) future: Option<bool>,
}

/// The fields of a [`Point`].
pub(crate) const POINT_FIELDS: [&str; 12] = [
    "WebId",
    "Id",
    "Name",
    "Path",
    "Descriptor",
    "PointType",
    "DigitalSetName",
    "EngineeringUnits",
    "Span",
    "Zero",
    "Step",
    "Future",
];

/// The fields of one point, and those in which a failure hides, for `selectedFields`.
pub(crate) fn point_fields() -> String {
    format!("{};WebException;Errors", POINT_FIELDS.join(";"))
}

/// The same for a listing: `Items.WebId;Items.Id;…`.
pub(crate) fn listed_point_fields() -> String {
    let mut fields: Vec<String> = POINT_FIELDS.iter().map(|field| format!("Items.{field}")).collect();
    fields.push("Links.Next;WebException;Errors".to_owned());
    fields.join(";")
}

/// A PI Data Archive.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct DataServer {
    pub(crate) web_id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) is_connected: Option<bool>,
    pub(crate) server_version: Option<String>,
    pub(crate) server_time: Option<String>,
}

/// An AF server.
pub(crate) type AssetServer = DataServer;

/// Anything with a name: databases, elements, templates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Named {
    pub(crate) web_id: String,
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    /// Of a template: `Element`, `EventFrame`…
    pub(crate) instance_type: Option<String>,
}

/// `GET /system`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct System {
    pub(crate) product_title: Option<String>,
    pub(crate) product_version: Option<String>,
}

/// `GET /system/status`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Status {
    pub(crate) server_time: Option<String>,
}

/// `GET /system/userinfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct UserInfo {
    pub(crate) identity_type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) is_authenticated: Option<bool>,
}
