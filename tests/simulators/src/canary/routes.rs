//! Which method means what. The labels are what faults and figures call a route: the method's name, with `v1/` before
//! those of version 1.
//!
//! | methods | where |
//! |---|---|
//! | `getUserToken`, `revokeUserToken` | [`users`] |
//! | `getTimeZones`, `getAggregates`, `getQualities` | [`lists`] |
//! | `browseNodes`, `browseTags`, `browseStatus` | [`browse`] |
//! | `getTagProperties`, `getTagContext`, `getAnnotations` | [`about`] |
//! | `getTagData`, `getTagData2` | [`data`] |
//! | `getLiveDataToken`, `getLiveData`, `revokeLiveDataToken` | [`live`] |
//! | `getVirtualViews`, `getAssetTypes`, `getAssetTypeTags`, `getAssetInstances` | [`assets`] |
//! | `getEvents` | [`events`] |
//! | `getBatchEvents` (from 25.4 on) | [`batches`] |

mod about;
mod assets;
mod batches;
mod browse;
mod data;
mod events;
mod lists;
mod live;
mod users;

use http::Method;

use super::answer::{Refused, of_status};
use super::app::Call;
use super::config::Config;
use crate::shared::answer::{Content, Head, Refusal};

pub(crate) use live::Live;

type Handler = fn(&Call<'_>, &mut Vec<u8>) -> Result<(), Refused>;

/// A method of the API. Handlers append members, each with a comma before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    name: &'static str,
    /// Version 1 of the API.
    pub(crate) v1: bool,
    /// Needs no token.
    pub(crate) open: bool,
    /// Answers have `statusCode` and `errors`.
    pub(crate) enveloped: bool,
    /// Writes the payload.
    pub(crate) handler: Handler,
}

/// Name, whether version 1 has it, whether it needs no token on version 2, handler.
const METHODS: [(&str, bool, bool, Handler); 22] = [
    ("getUserToken", true, true, users::issue),
    ("revokeUserToken", true, true, users::revoke),
    ("getTimeZones", true, true, lists::time_zones),
    ("getAggregates", true, true, lists::aggregates),
    ("getQualities", true, false, lists::qualities),
    ("browseNodes", true, false, browse::nodes),
    ("browseTags", true, false, browse::tags),
    ("browseStatus", true, false, browse::status),
    ("getTagProperties", true, false, about::properties),
    ("getTagContext", false, false, about::context),
    ("getAnnotations", false, false, about::annotations),
    ("getTagData", true, false, data::get),
    ("getTagData2", false, false, data::get2),
    ("getLiveDataToken", true, false, live::issue),
    ("getLiveData", true, false, live::poll),
    ("revokeLiveDataToken", true, false, live::revoke),
    ("getVirtualViews", false, false, assets::views),
    ("getAssetTypes", false, false, assets::types),
    ("getAssetTypeTags", false, false, assets::type_tags),
    ("getAssetInstances", false, false, assets::instances),
    ("getEvents", false, false, events::list),
    ("getBatchEvents", false, false, batches::list),
];

impl Route {
    /// The method of a path; its name has no case \[?\].
    pub(crate) fn find(path: &str, config: &Config) -> Option<Route> {
        let lower = path.to_ascii_lowercase();
        let (v1, name) = match lower.strip_prefix("/api/v1/") {
            Some(name) => (true, name),
            None => (false, lower.strip_prefix("/api/v2/").filter(|_| config.v2)?),
        };
        let (name, _, open, handler) = METHODS.into_iter().find(|(known, on_v1, ..)| {
            known.eq_ignore_ascii_case(name)
                && (!v1 || *on_v1)
                && (*known != "getBatchEvents" || config.version >= (25, 4))
        })?;
        let open = open && !(v1 && name == "getAggregates");
        Some(Route { name, v1, open, enveloped: name != "getBatchEvents", handler })
    }

    /// What faults and figures call it.
    pub(crate) fn label(&self) -> String {
        if self.v1 { format!("v1/{}", self.name) } else { self.name.to_owned() }
    }

    /// 405 for an HTTP method that the version does not take.
    pub(crate) fn method(&self, method: &Method) -> Result<(), Refusal> {
        if *method == Method::POST || (*method == Method::GET && !self.v1) {
            return Ok(());
        }
        let mut refusal = of_status(405, None);
        refusal.headers.push(("Allow", if self.v1 { "POST" } else { "GET, POST" }.to_owned()));
        Err(refusal)
    }
}

/// The help page.
pub(crate) fn help(out: &mut Vec<u8>) -> Head {
    out.extend_from_slice(
        b"<!DOCTYPE html><html><head><title>Read API</title></head><body><h1>Read API</h1></body></html>",
    );
    Head { content: Content::Html, ..Head::json(200) }
}
