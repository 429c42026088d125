//! `/streams/{webId}/…` for PI points.

use std::sync::Arc;

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::archive::Item;
use crate::pi::event::{Event, Value};
use crate::pi::json::Obj;
use crate::pi::recorded::{self, Ask};
use crate::pi::render::Rows;
use crate::pi::tag::{Kind, Tag};

const RECORDED: [&str; 10] = [
    "starttime",
    "endtime",
    "timezone",
    "boundarytype",
    "desiredunits",
    "filterexpression",
    "includefilteredvalues",
    "maxcount",
    "selectedfields",
    "associations",
];

/// A tag whose values the API can show; 501 for blobs.
pub(super) fn stream(call: &Call<'_>, web_id: &str) -> Result<Arc<Tag>, Refusal> {
    let tag = call.app.readable_tag(web_id)?;
    if tag.point.kind == Kind::Blob {
        return Err(Refusal::errors(501, "Values of type 'Blob' are not supported."));
    }
    Ok(tag)
}

/// `GET /streams/{webId}/recorded`.
pub(super) fn recorded(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &RECORDED)?;
    let tag = stream(call, super::id(call))?;
    let ask = Ask::read(call, false)?;
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |_| {});
    recorded::members(call, &mut root, &tag, &ask);
    recorded::web_exception(call, &mut root);
    root.close();
    Ok(Head::json(200))
}

/// What `value` and `end` show when there is no event.
fn no_data(call: &Call<'_>) -> Event {
    let value = Value::System { name: "No Data".into(), code: 248 };
    Event { good: false, ..Event::good(call.app.truth.clock().now(), value) }
}

/// The newest event at or before `time`, or at or before now; the very last one for `end`.
pub(super) fn newest(call: &Call<'_>, tag: &Tag, end: bool) -> Result<Event, Refusal> {
    let at = if end { i64::MAX / 4 } else { call.query.time(call.app, "time", "time", "*")? };
    let item = call.app.truth.view(tag).newest(at);
    Ok(item.map_or_else(|| no_data(call), |item| item.event(tag)))
}

fn single(call: &Call<'_>, out: &mut Vec<u8>, event: &Event) -> Head {
    let fields = call.query.fields();
    Rows::new(fields.root(), false, false).event(out, event);
    Head::json(200)
}

fn no_units(call: &Call<'_>) -> Result<(), Refusal> {
    if call.query.one("desiredunits").is_some_and(|units| !units.is_empty()) {
        return Err(Refusal::errors(409, "Parameter 'desiredUnits' is not supported for a PI Point."));
    }
    Ok(())
}

/// `GET /streams/{webId}/value`: the snapshot, or the value at `time`.
pub(super) fn value(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["time", "desiredunits", "timezone", "selectedfields"])?;
    let tag = stream(call, super::id(call))?;
    no_units(call)?;
    let event = newest(call, &tag, false)?;
    Ok(single(call, out, &event))
}

/// `GET /streams/{webId}/end`: the last event, future data included.
pub(super) fn end(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["desiredunits", "selectedfields"])?;
    let tag = stream(call, super::id(call))?;
    no_units(call)?;
    let event = newest(call, &tag, true)?;
    Ok(single(call, out, &event))
}

/// `GET /streams/{webId}/recordedattime`.
pub(super) fn recorded_at_time(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let known = ["time", "retrievalmode", "desiredunits", "timezone", "selectedfields", "associations"];
    call.query.only(call.app, &known)?;
    let tag = stream(call, super::id(call))?;
    no_units(call)?;
    if call.query.one("time").is_none() {
        return Err(Refusal::bad("Parameter 'time' is required.".to_owned()));
    }
    let at = call.query.time(call.app, "time", "time", "*")?;
    let view = call.app.truth.view(&tag);
    let found = match call.query.one("retrievalmode").map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "auto" | "atorbefore") => view.newest(at),
        Some("before") => view.newest(at - 1),
        Some("atorafter") => view.oldest(at),
        Some("after") => view.oldest(at + 1),
        Some("exact") => view.newest(at).filter(|item: &Item| item.ticks() == at),
        Some(other) => return Err(Refusal::binding("retrievalMode", other)),
    };
    let missing = || Refusal::errors(404, "No recorded value was found at the given time.");
    let event = found.ok_or_else(missing)?.event(&tag);
    Ok(single(call, out, &event))
}
