//! The data server and its digital sets.

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::{App, Call};
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::names;
use crate::pi::webid::{self, Class, Form, Local, Unknown};

/// Refuses unless the id in the path names this data server.
pub(super) fn expect(call: &Call<'_>, web_id: &str) -> Result<(), Refusal> {
    let app = call.app;
    let here = match webid::decode(web_id) {
        Ok(id) => {
            id.class == Class::DataServer
                && id.server.is_none_or(|server| server == app.truth.server())
                && id.path.is_none_or(|path| path.to_uppercase() == app.config.server_name.to_uppercase())
        }
        Err(Unknown::Garbage) => return Err(Refusal::bad(format!("The specified WebId '{web_id}' is invalid."))),
        Err(Unknown::Missing) => false,
    };
    let missing = || Refusal::errors(404, format!("PI Data Archive not found. WebId '{web_id}' does not exist."));
    if here { Ok(()) } else { Err(missing()) }
}

fn web_id(app: &App, form: Form) -> String {
    webid::encode(form, Class::DataServer, &app.truth.server(), Local::None, &app.config.server_name)
}

fn write(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, form: Form) {
    let app = call.app;
    let id = web_id(app, form);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&app.truth.server())).text("Name", &app.config.server_name);
    object.text("Path", &format!(r"\\{}", app.config.server_name));
    object.bool("IsConnected", true).text("ServerVersion", "3.4.445.688");
    object.time("ServerTime", app.truth.clock().now());
    object.object("Links", |links| {
        let url = format!("{}/dataservers/{id}", call.base);
        links.text("Self", &url).text("Points", &format!("{url}/points"));
        links.text("EnumerationSets", &format!("{url}/enumerationsets"));
    });
    object.close();
}

/// `GET /dataservers`, a list; with `name` or `path`, one object.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["name", "path", "selectedfields", "webidtype"])?;
    let form = call.query.form()?;
    let asked = call.query.one("name").or_else(|| call.query.one("path").map(|path| path.trim_start_matches('\\')));
    let Some(name) = asked else {
        return Ok(super::collection(call, out, [()], |out, selection, ()| write(call, out, selection, form)));
    };
    if name.to_uppercase() != call.app.config.server_name.to_uppercase() {
        return Err(Refusal::errors(404, format!("PI Data Archive '{name}' not found.")));
    }
    write(call, out, call.query.fields().root(), form);
    Ok(Head::json(200))
}

/// `GET /dataservers/{webId}`.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, super::id(call))?;
    write(call, out, call.query.fields().root(), call.query.form()?);
    Ok(Head::json(200))
}

/// The WebId of the digital set at this position.
pub(super) fn set_id(index: usize) -> String {
    format!("I1MSD{}{:02}", "A".repeat(42), index)
}

/// `GET /dataservers/{webId}/enumerationsets`.
pub(super) fn sets(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, super::id(call))?;
    Ok(super::collection(call, out, names::SETS.iter().enumerate(), |out, selection, (index, (name, _))| {
        let mut object = Obj::open(out, selection);
        object.text("WebId", &set_id(*index)).int("Id", *index as i64).text("Name", name).text("Description", "");
        object.text("Path", &format!(r"\\{}\{name}", call.app.config.server_name));
        object.object("Links", |links| {
            let url = format!("{}/enumerationsets/{}", call.base, set_id(*index));
            links.text("Self", &url).text("Values", &format!("{url}/enumerationvalues"));
        });
        object.close();
    }))
}

/// `GET /enumerationsets/{webId}/enumerationvalues`.
pub(super) fn set_values(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let id = super::id(call);
    let found = (0..names::SETS.len()).find(|index| set_id(*index) == id);
    let missing = || Refusal::errors(404, format!("Enumeration set not found. WebId '{id}' does not exist."));
    let (_, labels) = names::SETS.get(found.ok_or_else(missing)?).ok_or_else(missing)?;
    Ok(super::collection(call, out, labels.iter().enumerate(), |out, selection, (code, name)| {
        let mut object = Obj::open(out, selection);
        object.text("Name", name).int("Value", *code as i64).text("Description", "");
        object.close();
    }))
}
