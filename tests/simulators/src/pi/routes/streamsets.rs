//! `/streamsets/…?webId=…`: several streams in one GET. One bad WebId fails the whole call.

use std::sync::Arc;

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::json::Obj;
use crate::pi::recorded::{self, Ask};
use crate::pi::render::Rows;
use crate::pi::tag::Tag;
use crate::pi::webid::Form;

const RECORDED: [&str; 12] = [
    "webid",
    "starttime",
    "endtime",
    "timezone",
    "boundarytype",
    "filterexpression",
    "includefilteredvalues",
    "maxcount",
    "sortfield",
    "sortorder",
    "selectedfields",
    "webidtype",
];

/// The streams asked for, by name when `sortField=Name`.
fn streams(call: &Call<'_>) -> Result<Vec<Arc<Tag>>, Refusal> {
    let ids = call.query.all("webid");
    if ids.is_empty() {
        return Err(Refusal::bad("Parameter 'webId' is required.".to_owned()));
    }
    let mut tags = ids.into_iter().map(|id| super::streams::stream(call, id)).collect::<Result<Vec<_>, _>>()?;
    match call.query.one("sortfield") {
        None | Some("") => {}
        Some(field) if field.eq_ignore_ascii_case("name") => tags.sort_by(|a, b| a.point.name.cmp(&b.point.name)),
        Some(other) => return Err(Refusal::binding("sortField", other)),
    }
    if call.query.one("sortorder").is_some_and(|order| order.eq_ignore_ascii_case("descending")) {
        tags.reverse();
    }
    Ok(tags)
}

fn heading(call: &Call<'_>, object: &mut Obj<'_, '_>, tag: &Tag, form: Form) {
    let id = tag.point.web_id(form);
    object.text("WebId", &id).text("Name", &tag.point.name).text("Path", &tag.point.path);
    object.object("Links", |links| {
        links.text("Source", &format!("{}/points/{id}", call.base));
    });
}

/// `GET /streamsets/recorded`.
pub(super) fn recorded(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &RECORDED)?;
    let (form, tags, ask) = (call.query.form()?, streams(call)?, Ask::read(call, true)?);
    let config = &call.app.config;
    if config.knobs.stream_set_total && tags.len().saturating_mul(ask.max) > config.max_items {
        let text =
            format!("The number of values requested is greater than the maximum allowed ({}).", config.max_items);
        return Err(Refusal::bad(text));
    }
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |_| {});
    root.array("Items", &tags, |out, selection, tag| {
        let mut object = Obj::open(out, selection);
        heading(call, &mut object, tag, form);
        recorded::members(call, &mut object, tag, &ask);
        object.close();
    });
    recorded::web_exception(call, &mut root);
    root.close();
    Ok(Head::json(200))
}

fn single(call: &Call<'_>, out: &mut Vec<u8>, end: bool) -> Result<Head, Refusal> {
    let (form, tags) = (call.query.form()?, streams(call)?);
    let events = tags.iter().map(|tag| super::streams::newest(call, tag, end)).collect::<Result<Vec<_>, _>>()?;
    Ok(super::collection(call, out, tags.iter().zip(&events), |out, selection, (tag, event)| {
        let mut object = Obj::open(out, selection);
        heading(call, &mut object, tag, form);
        if let Some((out, below)) = object.key("Value") {
            Rows::new(below, false, false).event(out, event);
        }
        object.close();
    }))
}

/// `GET /streamsets/value`.
pub(super) fn value(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query
        .only(call.app, &["webid", "time", "timezone", "sortfield", "sortorder", "selectedfields", "webidtype"])?;
    single(call, out, false)
}

/// `GET /streamsets/end`.
pub(super) fn end(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["webid", "sortfield", "sortorder", "selectedfields", "webidtype"])?;
    single(call, out, true)
}
