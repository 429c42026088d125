//! Which path means what. The labels are what faults and figures call a route.
//!
//! | label | path |
//! |---|---|
//! | `home` | `/` |
//! | `system`, `system/…` | `/system`, `/system/{userinfo,status,versions,configuration}` |
//! | `dataservers`, `dataservers/get`, `dataservers/points` | `/dataservers[?name=\|?path=]`, `/{id}`, `/{id}/points` |
//! | `dataservers/enumerationsets`, `enumerationsets/values` | `/dataservers/{id}/enumerationsets`, `/enumerationsets/{id}/enumerationvalues` |
//! | `points`, `points/multiple`, `points/search`, `points/get`, `points/attributes` | `/points…` |
//! | `streams/{recorded,value,end,summary,recordedattime}` | `/streams/{id}/…` |
//! | `streamsets/{recorded,value,end}` | `/streamsets/…?webId=…` |
//! | `streams/updates`, `streams/updates/get` | `POST /streams/{id}/updates`, `/streams/updates/{marker}` |
//! | `streamsets/updates` | `POST /streamsets/updates?webId=…`, `/streamsets/updates?marker=…` |
//! | `streamsets/parent/{recorded,value}` | `/streamsets/{id}/…` of an element, an event frame or an attribute |
//! | `assetservers`, `assetservers/get`, `assetservers/assetdatabases` | `/assetservers[?name=\|?path=]`, `/{id}`, `/{id}/assetdatabases` |
//! | `assetdatabases`, `assetdatabases/get` | `/assetdatabases?path=`, `/{id}` |
//! | `assetdatabases/{elements,referencedelements,elementattributes,elementtemplates,eventframes,eventframeattributes}` | `/assetdatabases/{id}/…` |
//! | `elements`, `elements/get`, `elements/multiple` | `/elements?path=`, `/{id}`, `/multiple` |
//! | `elements/{elements,referencedelements,attributes,elementattributes,eventframes,paths}` | `/elements/{id}/…` |
//! | `attributes`, `attributes/get`, `attributes/multiple`, `attributes/attributes`, `attributes/value` | `/attributes…` |
//! | `eventframes`, `eventframes/get`, `eventframes/multiple` | `/eventframes?path=`, `/{id}`, `/multiple` |
//! | `eventframes/{eventframes,attributes,referencedelements}` | `/eventframes/{id}/…` |
//! | `elementtemplates/get` | `/elementtemplates/{id}` |
//! | `batch` | `POST /batch` |

mod assets;
mod frames;
mod home;
mod listing;
mod multiple;
mod points;
mod search;
mod servers;
mod source;
mod streams;
mod streamsets;
mod summary;
mod updates;

use super::answer::{Head, Refusal};
use super::app::{App, Call};
use super::batch;
use listing::{Page, collection};

/// A route of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    label: &'static str,
    handler: Handler,
}

type Handler = fn(&Call<'_>, &mut Vec<u8>) -> Result<Head, Refusal>;

impl Route {
    /// The route of decoded segments below `/piwebapi`.
    pub(crate) fn find(segments: &[String], app: &App) -> Option<Route> {
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let path: Vec<&str> = lower.iter().map(String::as_str).collect();
        let (label, handler): (&'static str, Handler) = match path.as_slice() {
            [] => ("home", home::home),
            ["system"] => ("system", home::system),
            ["system", "userinfo"] => ("system/userinfo", home::user),
            ["system", "status"] => ("system/status", home::status),
            ["system", "versions"] => ("system/versions", home::versions),
            ["system", "configuration"] | ["system", "configuration", _] => {
                ("system/configuration", home::configuration)
            }
            ["dataservers"] => ("dataservers", servers::list),
            ["dataservers", _] => ("dataservers/get", servers::get),
            ["dataservers", _, "points"] => ("dataservers/points", points::list),
            ["dataservers", _, "enumerationsets"] => ("dataservers/enumerationsets", servers::sets),
            ["enumerationsets", _, "enumerationvalues"] => ("enumerationsets/values", servers::set_values),
            ["points"] => ("points", points::by_path),
            ["points", "multiple"] => ("points/multiple", points::multiple),
            ["points", "search"] if app.config.knobs.points_search => ("points/search", search::search),
            ["points", "search"] => return None,
            ["points", _] => ("points/get", points::get),
            ["points", _, "attributes"] => ("points/attributes", points::attributes),
            ["streams", _, "recorded"] => ("streams/recorded", streams::recorded),
            ["streams", _, "recordedattime"] => ("streams/recordedattime", streams::recorded_at_time),
            ["streams", _, "value"] => ("streams/value", streams::value),
            ["streams", _, "end"] => ("streams/end", streams::end),
            ["streams", _, "summary"] => ("streams/summary", summary::summary),
            ["streams", "updates", _] | ["streams", _, "updates"] | ["streamsets", "updates"]
                if !app.config.knobs.stream_updates =>
            {
                return None;
            }
            ["streams", "updates", _] => ("streams/updates/get", updates::retrieve),
            ["streams", _, "updates"] => ("streams/updates", updates::register),
            ["streamsets", "updates"] => ("streamsets/updates", updates::several),
            ["streamsets", "recorded"] => ("streamsets/recorded", streamsets::recorded),
            ["streamsets", "value"] => ("streamsets/value", streamsets::value),
            ["streamsets", "end"] => ("streamsets/end", streamsets::end),
            ["streamsets", _, "recorded"] => ("streamsets/parent/recorded", streamsets::parent_recorded),
            ["streamsets", _, "value"] => ("streamsets/parent/value", streamsets::parent_value),
            ["batch"] => ("batch", batch::execute),
            other => return Route::asset_framework(other),
        };
        Some(Route { label, handler })
    }

    /// The routes of Asset Framework.
    fn asset_framework(path: &[&str]) -> Option<Route> {
        use assets::{attributes, bulk, elements, servers as af, templates};
        let (label, handler): (&'static str, Handler) = match path {
            ["assetservers"] => ("assetservers", af::list),
            ["assetservers", _] => ("assetservers/get", af::get),
            ["assetservers", _, "assetdatabases"] => ("assetservers/assetdatabases", af::databases),
            ["assetdatabases"] => ("assetdatabases", af::database_by_path),
            ["assetdatabases", _] => ("assetdatabases/get", af::database_by_id),
            ["assetdatabases", _, "elements"] => ("assetdatabases/elements", elements::below),
            ["assetdatabases", _, "referencedelements"] => ("assetdatabases/referencedelements", elements::referenced),
            ["assetdatabases", _, "elementattributes"] => ("assetdatabases/elementattributes", bulk::list),
            ["assetdatabases", _, "elementtemplates"] => ("assetdatabases/elementtemplates", templates::list),
            ["assetdatabases", _, "eventframes"] => ("assetdatabases/eventframes", frames::of_database),
            ["assetdatabases", _, "eventframeattributes"] => ("assetdatabases/eventframeattributes", frames::bulk),
            ["elements"] => ("elements", elements::by_path),
            ["elements", "multiple"] => ("elements/multiple", elements::several),
            ["elements", _] => ("elements/get", elements::get),
            ["elements", _, "elements"] => ("elements/elements", elements::below),
            ["elements", _, "referencedelements"] => ("elements/referencedelements", elements::referenced),
            ["elements", _, "attributes"] => ("elements/attributes", attributes::of_element),
            ["elements", _, "elementattributes"] => ("elements/elementattributes", bulk::list),
            ["elements", _, "eventframes"] => ("elements/eventframes", frames::of_element),
            ["elements", _, "paths"] => ("elements/paths", elements::paths),
            ["attributes"] => ("attributes", attributes::by_path),
            ["attributes", "multiple"] => ("attributes/multiple", attributes::several),
            ["attributes", _] => ("attributes/get", attributes::get),
            ["attributes", _, "attributes"] => ("attributes/attributes", attributes::below),
            ["attributes", _, "value"] => ("attributes/value", attributes::value),
            ["eventframes"] => ("eventframes", frames::by_path),
            ["eventframes", "multiple"] => ("eventframes/multiple", frames::several),
            ["eventframes", _] => ("eventframes/get", frames::get),
            ["eventframes", _, "eventframes"] => ("eventframes/eventframes", frames::below),
            ["eventframes", _, "attributes"] => ("eventframes/attributes", frames::attributes),
            ["eventframes", _, "referencedelements"] => ("eventframes/referencedelements", frames::elements),
            ["elementtemplates", _] => ("elementtemplates/get", templates::get),
            _ => return None,
        };
        Some(Route { label, handler })
    }

    /// What faults and figures call it.
    pub(crate) fn label(self) -> &'static str {
        self.label
    }

    /// Whether the second segment is the WebId of a point or an AF object.
    pub(crate) fn has_subject(self) -> bool {
        let lists = ["dataservers/", "enumerationsets/", "system/", "assetservers/", "streamsets/"];
        let named = self.label.contains('/') && !lists.iter().any(|list| self.label.starts_with(list));
        let plain = ["points/search", "streams/updates/get"];
        (named && !self.label.ends_with("/multiple") && !plain.contains(&self.label))
            || self.label.starts_with("streamsets/parent/")
    }
}

/// Checks the method and runs the handler.
pub(crate) fn serve(route: Route, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (methods, allow): (&[&str], _) = match route.label {
        "batch" | "streams/updates" => (&["POST"], "POST"),
        "streamsets/updates" => (&["GET", "POST"], "GET, POST"),
        _ => (&["GET"], "GET"),
    };
    if !methods.iter().any(|method| call.method.eq_ignore_ascii_case(method)) {
        return Err(Refusal::method(call.method, allow));
    }
    if route.label == "batch" && call.sub {
        return Err(Refusal::bad("A batch request cannot contain another batch request.".to_owned()));
    }
    (route.handler)(call, out)
}

/// The id in the path: the segment after the collection's name.
fn id<'c>(call: &'c Call<'_>) -> &'c str {
    call.segments.get(1).map_or("", String::as_str)
}
