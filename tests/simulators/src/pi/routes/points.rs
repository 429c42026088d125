//! Points: lists by name filter, one by path or WebId, several at once, and their attributes.

use std::sync::Arc;

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::render;
use crate::pi::tag::{Point, Tag};
use crate::pi::webid::{self, Class, Form, Local};
use crate::pi::wildcard;

/// Appends a point with what is selected of it.
fn write(base: &str, server_name: &str, out: &mut Vec<u8>, selection: Selection<'_>, tag: &Tag, form: Form) {
    let point = &tag.point;
    let id = point.web_id(form);
    let mut object = Obj::open(out, selection);
    members(&mut object, point, &id);
    object.object("Links", |links| {
        let server = webid::encode(form, Class::DataServer, &point.server, Local::None, server_name);
        let stream = format!("{base}/streams/{id}");
        links.text("Self", &format!("{base}/points/{id}"));
        links.text("DataServer", &format!("{base}/dataservers/{server}"));
        links.text("Attributes", &format!("{base}/points/{id}/attributes"));
        for (name, action) in [
            ("InterpolatedData", "interpolated"),
            ("RecordedData", "recorded"),
            ("PlotData", "plot"),
            ("SummaryData", "summary"),
            ("Value", "value"),
            ("EndValue", "end"),
        ] {
            links.text(name, &format!("{stream}/{action}"));
        }
    });
    object.close();
}

/// Appends a point without its links, as a data reference shows it.
pub(super) fn bare(out: &mut Vec<u8>, selection: Selection<'_>, tag: &Tag, form: Form) {
    let mut object = Obj::open(out, selection);
    members(&mut object, &tag.point, &tag.point.web_id(form));
    object.close();
}

fn members(object: &mut Obj<'_, '_>, point: &Point, id: &str) {
    object.text("WebId", id).int("Id", i64::from(point.id)).text("Name", &point.name).text("Path", &point.path);
    object.text("Descriptor", &point.descriptor).text("PointClass", "classic");
    object.text("PointType", point.kind.point_type()).text("DigitalSetName", point.digital_set);
    object.text("EngineeringUnits", point.units).float("Span", point.span).float("Zero", point.zero);
    object.bool("Step", point.step).bool("Future", point.future).int("DisplayDigits", -5);
}

/// One page of points with its paging links.
pub(super) fn page(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    found: &[&Arc<Tag>],
    cap: usize,
    last: bool,
) -> Result<Head, Refusal> {
    let page = super::Page::read(call, 1000, cap, found.len())?;
    let form = call.query.form()?;
    let items = found.get(page.range()).unwrap_or_default();
    Ok(super::listing::write(
        call,
        out,
        |links| page.links(call, links, last),
        items,
        |out, selection, tag| {
            write(call.base, &call.app.config.server_name, out, selection, tag, form);
        },
    ))
}

/// `GET /dataservers/{webId}/points`.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let known = ["namefilter", "sourcefilter", "startindex", "maxcount", "selectedfields", "webidtype"];
    call.query.only(call.app, &known)?;
    super::servers::expect(call, super::id(call))?;
    let filter = call.query.one("namefilter").filter(|filter| !filter.is_empty()).unwrap_or("*");
    let catalogue = call.app.truth.catalogue();
    let found: Vec<&Arc<Tag>> = catalogue
        .tags
        .iter()
        .filter(|tag| tag.hidden.is_none() && (filter == "*" || wildcard::matches(filter, &tag.point.name)))
        .collect();
    page(call, out, &found, call.app.config.max_items, true)
}

/// The visible tag at `\\SERVER\TAG`.
fn at_path(call: &Call<'_>, path: &str) -> Result<Arc<Tag>, Refusal> {
    let missing = || Refusal::errors(404, format!("PI Point not found. Path '{path}' does not exist."));
    if !path.starts_with(r"\\") {
        return Err(Refusal::bad(format!("The specified path '{path}' is invalid.")));
    }
    let name = call.app.tag_of_path(path).ok_or_else(missing)?;
    let catalogue = call.app.truth.catalogue();
    catalogue.by_name(name).filter(|tag| tag.hidden.is_none()).cloned().ok_or_else(missing)
}

/// `GET /points?path=`.
pub(super) fn by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["path", "selectedfields", "webidtype"])?;
    let path = call.query.one("path").ok_or_else(|| Refusal::bad("Parameter 'path' is required.".to_owned()))?;
    let tag = at_path(call, path)?;
    let fields = call.query.fields();
    write(call.base, &call.app.config.server_name, out, fields.root(), &tag, call.query.form()?);
    Ok(Head::json(200))
}

/// `GET /points/{webId}`.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    let tag = call.app.readable_tag(super::id(call))?;
    let fields = call.query.fields();
    write(call.base, &call.app.config.server_name, out, fields.root(), &tag, call.query.form()?);
    Ok(Head::json(200))
}

/// `GET /points/multiple?webId=…&path=…`: 207 when any failed.
pub(super) fn multiple(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let form = call.query.form()?;
    let by_id = |id: &str| call.app.readable_tag(id);
    super::multiple::multiple(
        call,
        out,
        by_id,
        |path| at_path(call, path),
        |out, selection, tag| {
            write(call.base, &call.app.config.server_name, out, selection, tag, form);
        },
    )
}

/// `GET /points/{webId}/attributes`.
pub(super) fn attributes(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["name", "namefilter", "selectedfields", "webidtype"])?;
    let tag = call.app.readable_tag(super::id(call))?;
    let point = &tag.point;
    let all = [
        ("tag", point.name.clone()),
        ("pointid", point.id.to_string()),
        ("descriptor", point.descriptor.clone()),
        ("pointtype", point.kind.point_type().to_owned()),
        ("digitalset", point.digital_set.to_owned()),
        ("engunits", point.units.to_owned()),
        ("pointsource", "SIM".to_owned()),
        ("step", i32::from(point.step).to_string()),
        ("future", i32::from(point.future).to_string()),
    ];
    let asked = call.query.all("name");
    if let Some(name) = asked.iter().find(|name| !all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))) {
        return Err(Refusal::bad(format!("The attribute '{name}' does not exist.")));
    }
    let filter = call.query.one("namefilter").unwrap_or("*");
    let chosen = all.iter().filter(|(name, _)| {
        (asked.is_empty() || asked.iter().any(|asked| asked.eq_ignore_ascii_case(name)))
            && wildcard::matches(filter, name)
    });
    let web_id = point.web_id(Form::Full);
    Ok(super::collection(call, out, chosen, |out, selection, (name, value)| {
        let mut object = Obj::open(out, selection);
        object.text("Name", name);
        if let Some((out, _)) = object.key("Value") {
            match value.parse() {
                Ok(number) => render::int(out, number),
                Err(_) => render::string(out, value),
            }
        }
        object.object("Links", |links| {
            links.text("Self", &format!("{}/points/{web_id}/attributes/{name}", call.base));
            links.text("Point", &format!("{}/points/{web_id}", call.base));
        });
        object.close();
    }))
}
