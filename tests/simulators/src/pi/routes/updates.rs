//! `…/updates`: streams sign up and ask what has happened since a marker, one by one or as a set. One bad WebId fails the
//! whole set.

use super::id;
use super::source::Source;
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::fields::Selection;
use crate::pi::json::{self, Obj};
use crate::pi::recorded;
use crate::pi::render::{self, Rows};
use crate::pi::updates::{Lost, Retrieved, Stream, Update};
use crate::pi::webid::Form;

const FIELDS: [&str; 2] = ["selectedfields", "webidtype"];

fn is_post(call: &Call<'_>) -> bool {
    call.method.eq_ignore_ascii_case("POST")
}

/// The stream behind a WebId: 409 for a static attribute.
fn stream(call: &Call<'_>, web_id: &str) -> Result<Stream, Refusal> {
    let source = Source::find(call, web_id)?;
    let tag = source.history(call)?;
    let (ids, path) = match &source {
        Source::Point(tag) => (Form::ALL.map(|form| (form, tag.point.web_id(form))), &tag.point.path),
        Source::Attribute(_, attribute) => (Form::ALL.map(|form| (form, attribute.web_id(form))), &attribute.path),
    };
    let (name, units) = (source.name().to_owned(), source.units().to_owned());
    Ok(Stream { ids: ids.into(), name, path: path.clone(), units, tag: tag.point.index })
}

fn heading(object: &mut Obj<'_, '_>, stream: &Stream, form: Form) {
    object.text("Source", stream.id(form)).text("SourceName", &stream.name).text("SourcePath", &stream.path);
}

/// Signs a stream up and writes it; its marker.
fn sign_up(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, form: Form, stream: &Stream) -> String {
    let truth = &call.app.truth;
    let (marker, new) = truth.updates().register(truth, stream.clone());
    let mut object = Obj::open(out, selection);
    heading(&mut object, stream, form);
    object.text("LatestMarker", &marker).text("Status", if new { "Succeeded" } else { "AlreadyRegistered" });
    object.object("Links", |links| {
        links.link("Updates", &[call.base, "/streams/updates/", &marker]);
    });
    object.close();
    marker
}

/// `POST /streams/{webId}/updates`.
pub(super) fn register(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &FIELDS)?;
    let (form, stream) = (call.query.form()?, stream(call, id(call))?);
    let marker = sign_up(call, out, call.query.fields().root(), form, &stream);
    Ok(located(call, format!("/streams/updates/{marker}")))
}

fn located(call: &Call<'_>, path: String) -> Head {
    Head { headers: vec![("Location", format!("{}{path}", call.base))], ..Head::json(200) }
}

/// Where to ask for the next updates of a set.
fn set(markers: &[String]) -> String {
    let pairs: Vec<String> = markers.iter().map(|marker| format!("marker={marker}")).collect();
    format!("/streamsets/updates?{}", pairs.join("&"))
}

/// `POST /streamsets/updates?webId=…` or `GET /streamsets/updates?marker=…`.
pub(super) fn several(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (name, label) = if is_post(call) { ("webid", "webId") } else { ("marker", "marker") };
    call.query.only(call.app, &[&FIELDS[..], &[name]].concat())?;
    let form = call.query.form()?;
    let asked = call.query.all(name);
    if asked.is_empty() {
        return Err(Refusal::bad(format!("Parameter '{label}' is required.")));
    }
    let mut markers = Vec::with_capacity(asked.len());
    if is_post(call) {
        let streams = asked.into_iter().map(|id| stream(call, id)).collect::<Result<Vec<_>, _>>()?;
        super::collection(call, out, &streams, |out, selection, stream| {
            markers.push(sign_up(call, out, selection, form, stream));
        });
    } else {
        let found = asked.into_iter().map(|marker| Ok((marker, find(call, marker)?)));
        let found = found.collect::<Result<Vec<_>, Refusal>>()?;
        super::collection(call, out, &found, |out, selection, (marker, found)| {
            markers.extend(write(call, out, selection, form, marker, found));
        });
    }
    Ok(located(call, set(&markers)))
}

fn find(call: &Call<'_>, marker: &str) -> Result<Retrieved, Refusal> {
    let truth = &call.app.truth;
    truth.updates().retrieve(truth, marker, !call.app.config.knobs.updates_repeatable).map_err(|lost| match lost {
        Lost::Cache => Refusal::errors(404, "The cache was not found. Register for updates again."),
        Lost::Marker => Refusal::errors(409, format!("The specified marker '{marker}' is invalid.")),
    })
}

/// `GET /streams/updates/{marker}`.
pub(super) fn retrieve(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &[&FIELDS[..], &["desiredunits"]].concat())?;
    let form = call.query.form()?;
    let marker = call.segments.get(2).map_or("", String::as_str);
    let found = find(call, marker)?;
    let latest = write(call, out, call.query.fields().root(), form, marker, &found);
    Ok(match latest {
        Some(latest) => located(call, format!("/streams/updates/{latest}")),
        None => Head::json(200),
    })
}

/// Writes what a marker gives; the next marker, unless the stream is signed up no more.
fn write(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    selection: Selection<'_>,
    form: Form,
    marker: &str,
    found: &Retrieved,
) -> Option<String> {
    let mut object = Obj::open(out, selection);
    heading(&mut object, &found.stream, form);
    object.text("RequestedMarker", marker);
    let latest = match &found.outcome {
        Ok((latest, updates)) => {
            object.text("LatestMarker", latest).text("Status", "Updated");
            events(call, &mut object, &found.stream, updates.clone());
            Some(latest.clone())
        }
        Err(text) => {
            object.text("LatestMarker", "").text("Status", "Failed").array("Events", [(); 0], |_, _, ()| {});
            object.object("Exception", |exception| {
                if let Some((out, _)) = exception.key("Errors") {
                    json::strings(out, &[(*text).to_owned()]);
                }
            });
            None
        }
    };
    object.object("Links", |_| {});
    recorded::web_exception(call, &mut object);
    object.close();
    latest
}

fn events(call: &Call<'_>, object: &mut Obj<'_, '_>, stream: &Stream, mut updates: Vec<Update>) {
    if call.shape.no_items {
        return;
    }
    call.shape.apply(&mut updates);
    call.app.counter.events(updates.len());
    object.array("Events", &updates, |out, selection, update| {
        Rows::in_units(selection, false, false, &stream.units).event(out, &update.event);
        let [action, previous] = [("Action", update.action.text()), ("PreviousEventAction", update.previous)];
        for (name, text) in [action, previous].into_iter().filter(|(name, _)| selection.has(name)) {
            render::reopen(out);
            render::string(out, name);
            out.push(b':');
            render::string(out, text);
            out.push(b'}');
        }
    });
}
