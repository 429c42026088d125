//! `/streamsets/…`: several streams in one GET, named one by one or as the attributes of one parent. One bad WebId fails
//! the whole call.

use super::assets::attributes::{siblings, wanted};
use super::source::{Source, no_history};
use super::{frames, id};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::json::Obj;
use crate::pi::lookup::Subject;
use crate::pi::recorded::{self, Ask};
use crate::pi::render::Rows;

/// What every stream set knows.
const SET: [&str; 4] = ["sortfield", "sortorder", "selectedfields", "webidtype"];
/// What those of one parent know.
const PARENT: [&str; 6] =
    ["namefilter", "categoryname", "templatename", "searchfullhierarchy", "showexcluded", "showhidden"];
/// What those with a history know.
const RECORDED: [&str; 7] =
    ["starttime", "endtime", "timezone", "boundarytype", "filterexpression", "includefilteredvalues", "maxcount"];

fn only(call: &Call<'_>, lists: &[&[&str]]) -> Result<(), Refusal> {
    call.query.only(call.app, &[&SET[..], &lists.concat()].concat())
}

/// Sorts by name when `sortField=Name`.
fn sort(call: &Call<'_>, streams: &mut [Source]) -> Result<(), Refusal> {
    match call.query.one("sortfield") {
        None | Some("") => {}
        Some(field) if field.eq_ignore_ascii_case("name") => streams.sort_by(|a, b| a.name().cmp(b.name())),
        Some(other) => return Err(Refusal::binding("sortField", other)),
    }
    if call.query.one("sortorder").is_some_and(|order| order.eq_ignore_ascii_case("descending")) {
        streams.reverse();
    }
    Ok(())
}

/// The streams asked for one by one.
fn named(call: &Call<'_>) -> Result<Vec<Source>, Refusal> {
    let ids = call.query.all("webid");
    if ids.is_empty() {
        return Err(Refusal::bad("Parameter 'webId' is required.".to_owned()));
    }
    let mut streams = ids.into_iter().map(|id| Source::find(call, id)).collect::<Result<Vec<_>, _>>()?;
    sort(call, &mut streams)?;
    Ok(streams)
}

/// The attributes of the element, event frame or attribute in the path.
fn below(call: &Call<'_>) -> Result<Vec<Source>, Refusal> {
    let web_id = id(call);
    let catalogue = call.app.truth.catalogue();
    let (tree, found) = match call.app.lookup(web_id)? {
        Subject::Element(..) => {
            let (tree, at) = super::assets::element(call, web_id)?;
            let template = tree.node(at).and_then(|node| node.template);
            let found = wanted(call, &tree, template, tree.attributes(&catalogue, at), None)?;
            (tree, found)
        }
        Subject::Frame(..) => {
            let (tree, frame) = frames::frame(call, web_id)?;
            let all = frame.attributes(&tree.home, &catalogue, call.app.truth.clock().arrived());
            let found = wanted(call, &tree, frame.template, all, None)?;
            (tree, found)
        }
        Subject::Attribute(..) => {
            let (tree, root) = super::assets::attribute(call, web_id)?;
            let (template, all) = siblings(call, &tree, &root);
            let found = wanted(call, &tree, template, all, Some(&root))?;
            (tree, found)
        }
        _ => return Err(Refusal::errors(404, format!("The object '{web_id}' has no attributes."))),
    };
    let each = found.into_iter().map(|attribute| Source::Attribute(tree.clone(), Box::new(attribute)));
    let mut streams: Vec<Source> = each.collect();
    sort(call, &mut streams)?;
    Ok(streams)
}

fn histories(call: &Call<'_>, out: &mut Vec<u8>, streams: &[Source]) -> Result<Head, Refusal> {
    let (form, ask) = (call.query.form()?, Ask::read(call, true)?);
    let config = &call.app.config;
    if config.knobs.stream_set_total && streams.len().saturating_mul(ask.max) > config.max_items {
        let text =
            format!("The number of values requested is greater than the maximum allowed ({}).", config.max_items);
        return Err(Refusal::bad(text));
    }
    let tags = streams.iter().map(|stream| Ok((stream, stream.history(call)?))).collect::<Result<Vec<_>, Refusal>>()?;
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |_| {});
    root.array("Items", &tags, |out, selection, (stream, tag)| {
        let mut object = Obj::open(out, selection);
        stream.heading(call, &mut object, form);
        recorded::members(call, &mut object, tag, &stream.within(call, ask), stream.units());
        object.close();
    });
    recorded::web_exception(call, &mut root);
    root.close();
    Ok(Head::json(200))
}

/// `GET /streamsets/recorded`.
pub(super) fn recorded(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    only(call, &[&["webid"], &RECORDED])?;
    histories(call, out, &named(call)?)
}

/// `GET /streamsets/{webId}/recorded`: attributes without a history are left out, or make the whole call 409.
pub(super) fn parent_recorded(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    only(call, &[&PARENT, &RECORDED])?;
    let mut streams = below(call)?;
    if call.app.config.knobs.parent_recorded_conflict
        && let Some(other) = streams.iter().find(|stream| stream.history(call).is_err())
    {
        return Err(no_history(other.name()));
    }
    streams.retain(|stream| stream.history(call).is_ok());
    histories(call, out, &streams)
}

fn single(call: &Call<'_>, out: &mut Vec<u8>, streams: &[Source], end: bool) -> Result<Head, Refusal> {
    let form = call.query.form()?;
    let events = streams.iter().map(|stream| stream.newest(call, end)).collect::<Result<Vec<_>, _>>()?;
    Ok(super::collection(call, out, streams.iter().zip(&events), |out, selection, (stream, event)| {
        let mut object = Obj::open(out, selection);
        stream.heading(call, &mut object, form);
        if let Some((out, below)) = object.key("Value") {
            Rows::in_units(below, false, false, stream.units()).event(out, event);
        }
        object.close();
    }))
}

/// `GET /streamsets/value`.
pub(super) fn value(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    only(call, &[&["webid", "time", "timezone"]])?;
    single(call, out, &named(call)?, false)
}

/// `GET /streamsets/{webId}/value`: of an event frame, the values at its end.
pub(super) fn parent_value(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    only(call, &[&PARENT, &["time", "timezone"]])?;
    single(call, out, &below(call)?, false)
}

/// `GET /streamsets/end`.
pub(super) fn end(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    only(call, &[&["webid"]])?;
    single(call, out, &named(call)?, true)
}
