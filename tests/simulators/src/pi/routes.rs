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
//! | `assetservers`, `assetservers/get`, `assetservers/assetdatabases`, `assetdatabases`, `assetdatabases/get`, `assetdatabases/list` | AF, one database, empty |
//! | `batch` | `POST /batch` |

mod assets;
mod home;
mod points;
mod search;
mod servers;
mod streams;
mod streamsets;
mod summary;

use super::answer::{Head, Refusal};
use super::app::{App, Call};
use super::batch;
use super::fields::Selection;
use super::json::Obj;

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
            ["streamsets", "recorded"] => ("streamsets/recorded", streamsets::recorded),
            ["streamsets", "value"] => ("streamsets/value", streamsets::value),
            ["streamsets", "end"] => ("streamsets/end", streamsets::end),
            ["assetservers"] => ("assetservers", assets::servers),
            ["assetservers", _] => ("assetservers/get", assets::server),
            ["assetservers", _, "assetdatabases"] => ("assetservers/assetdatabases", assets::databases),
            ["assetdatabases"] => ("assetdatabases", assets::by_path),
            ["assetdatabases", _] => ("assetdatabases/get", assets::database),
            ["assetdatabases", _, "elements" | "eventframes" | "elementattributes" | "elementtemplates"] => {
                ("assetdatabases/list", assets::nothing)
            }
            ["batch"] => ("batch", batch::execute),
            _ => return None,
        };
        Some(Route { label, handler })
    }

    /// What faults and figures call it.
    pub(crate) fn label(self) -> &'static str {
        self.label
    }

    /// Whether the second segment is a point's WebId.
    pub(crate) fn is_about_a_tag(self) -> bool {
        self.label.starts_with("streams/") || matches!(self.label, "points/get" | "points/attributes")
    }
}

/// Checks the method and runs the handler.
pub(crate) fn serve(route: Route, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (method, allow) = if route.label == "batch" { ("POST", "POST") } else { ("GET", "GET") };
    if !call.method.eq_ignore_ascii_case(method) {
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

/// `{"Links":{},"Items":[…]}` without paging.
fn collection<T>(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    each: impl FnMut(&mut Vec<u8>, Selection<'_>, T),
) -> Head {
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |_| {}).array("Items", items, each);
    root.close();
    Head::json(200)
}

/// Where a page of a list begins and ends.
#[derive(Clone, Copy, Debug)]
struct Page {
    start: usize,
    count: usize,
    total: usize,
}

impl Page {
    /// Reads `startIndex` and `maxCount` for a list of `total`.
    fn read(call: &Call<'_>, default: i64, cap: usize, total: usize) -> Result<Page, Refusal> {
        let cap = call.shape.cap.unwrap_or(cap);
        Ok(Page { start: call.query.start_index()?, count: call.query.max_count(default, cap)?, total })
    }

    /// The positions on this page.
    fn range(self) -> std::ops::Range<usize> {
        let start = self.start.min(self.total);
        start..start.saturating_add(self.count).min(self.total)
    }

    /// `First`, `Previous`, `Next`, `Last` as far as they exist, with the request's other parameters kept.
    fn links(self, call: &Call<'_>, links: &mut Obj<'_, '_>, last: bool) {
        let path = format!("{}/{}", call.base, call.segments.join("/"));
        let kept = call.query.rest(&["startindex"]);
        let url = |start: usize| format!("{path}?{kept}{}startIndex={start}", if kept.is_empty() { "" } else { "&" });
        links.text("First", &url(0));
        if self.start > 0 {
            links.text("Previous", &url(self.start.saturating_sub(self.count)));
        }
        if self.range().end < self.total {
            links.text("Next", &url(self.start + self.count));
        }
        if last {
            links.text("Last", &url(self.total.saturating_sub(1) / self.count * self.count));
        }
    }
}
