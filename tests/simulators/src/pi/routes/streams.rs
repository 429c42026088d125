//! `/streams/{webId}/…` for PI points and the attributes that refer to one.

use std::sync::Arc;

use super::source::{Source, no_history};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::archive::Item;
use crate::pi::event::Event;
use crate::pi::json::Obj;
use crate::pi::recorded::{self, Ask};
use crate::pi::render::Rows;
use crate::pi::tag::Tag;

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

/// The tag whose history a WebId names; 501 for blobs, 409 for attributes without history.
pub(super) fn stream(call: &Call<'_>, web_id: &str) -> Result<Arc<Tag>, Refusal> {
    Source::find(call, web_id)?.history(call)
}

/// `GET /streams/{webId}/recorded`.
pub(super) fn recorded(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &RECORDED)?;
    let source = Source::find(call, super::id(call))?;
    let tag = source.history(call)?;
    let ask = source.within(call, Ask::read(call, false)?);
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |_| {});
    recorded::members(call, &mut root, &tag, &ask, source.units());
    recorded::web_exception(call, &mut root);
    root.close();
    Ok(Head::json(200))
}

fn single(call: &Call<'_>, out: &mut Vec<u8>, event: &Event, units: &str) -> Head {
    let fields = call.query.fields();
    Rows::in_units(fields.root(), false, false, units).event(out, event);
    Head::json(200)
}

/// One value of a stream; attributes without data reference have none here unless the server is set so.
fn newest(call: &Call<'_>, out: &mut Vec<u8>, end: bool) -> Result<Head, Refusal> {
    let source = Source::find(call, super::id(call))?;
    let readable = match &source {
        Source::Attribute(_, attribute) => !attribute.data_reference.is_empty() || call.app.config.knobs.static_streams,
        Source::Point(_) => source.history(call).map(|_| true)?,
    };
    no_units(call)?;
    if !readable {
        return Err(no_history(source.name()));
    }
    let event = source.newest(call, end)?;
    Ok(single(call, out, &event, source.units()))
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
    newest(call, out, false)
}

/// `GET /streams/{webId}/end`: the last event, future data included.
pub(super) fn end(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["desiredunits", "selectedfields"])?;
    newest(call, out, true)
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
        Some("exact") => view.newest(at).filter(|item: &Item| item.instant() == at),
        Some(other) => return Err(Refusal::binding("retrievalMode", other)),
    };
    let missing = || Refusal::errors(404, "No recorded value was found at the given time.");
    let event = found.ok_or_else(missing)?.event(&tag);
    Ok(single(call, out, &event, ""))
}
