//! AF as far as the time-series job looks at it: one server, one database, nothing in it.

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::truth::server_guid;
use crate::pi::webid::{self, Class, Form, Guid, Local, Unknown};

const DATABASE: &str = "Plant";

fn guids(call: &Call<'_>) -> (Guid, Guid) {
    let name = &call.app.config.asset_server_name;
    (server_guid(&format!("AF {name}")), server_guid(&format!("AF {name} {DATABASE}")))
}

fn server_id(call: &Call<'_>, form: Form) -> String {
    webid::encode(form, Class::AssetServer, &guids(call).0, Local::None, &call.app.config.asset_server_name)
}

fn database_path(call: &Call<'_>) -> String {
    format!(r"\\{}\{DATABASE}", call.app.config.asset_server_name)
}

fn database_id(call: &Call<'_>, form: Form) -> String {
    let (server, database) = guids(call);
    webid::encode(form, Class::AssetDatabase, &server, Local::Guid(database), &database_path(call))
}

/// Refuses unless the id in the path names this object.
fn expect(call: &Call<'_>, class: Class) -> Result<(), Refusal> {
    let text = super::id(call);
    let (server, database) = guids(call);
    let local = if class == Class::AssetServer { Local::None } else { Local::Guid(database) };
    let path = match class {
        Class::AssetServer => call.app.config.asset_server_name.clone(),
        _ => database_path(call),
    };
    let here = match webid::decode(text) {
        Ok(id) => {
            id.class == class
                && id.server.is_none_or(|known| known == server)
                && id.local.map_or_else(
                    || id.path.as_deref() == Some(path.trim_start_matches('\\').to_uppercase().as_str()),
                    |known| known == local,
                )
        }
        Err(Unknown::Garbage) => return Err(Refusal::bad(format!("The specified WebId '{text}' is invalid."))),
        Err(Unknown::Missing) => false,
    };
    let missing = || Refusal::errors(404, format!("The object does not exist. WebId '{text}'."));
    if here { Ok(()) } else { Err(missing()) }
}

fn write_server(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, form: Form) {
    let (id, name) = (server_id(call, form), &call.app.config.asset_server_name);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&guids(call).0)).text("Name", name);
    object.text("Description", "").text("Path", &format!(r"\\{name}")).bool("IsConnected", true);
    object.text("ServerVersion", "2.10.9.593").time("ServerTime", call.app.truth.clock().now());
    object.object("ExtendedProperties", |_| {});
    object.object("Links", |links| {
        let url = format!("{}/assetservers/{id}", call.base);
        links.text("Self", &url).text("Databases", &format!("{url}/assetdatabases"));
    });
    object.close();
}

fn write_database(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, form: Form) {
    let id = database_id(call, form);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&guids(call).1)).text("Name", DATABASE);
    object.text("Description", "").text("Path", &database_path(call)).object("ExtendedProperties", |_| {});
    object.object("Links", |links| {
        let url = format!("{}/assetdatabases/{id}", call.base);
        links.text("Self", &url);
        for (name, path) in
            [("Elements", "elements"), ("EventFrames", "eventframes"), ("ElementTemplates", "elementtemplates")]
        {
            links.text(name, &format!("{url}/{path}"));
        }
        links.text("AssetServer", &format!("{}/assetservers/{}", call.base, server_id(call, form)));
    });
    object.close();
}

/// `GET /assetservers`, a list; with `name` or `path`, one object.
pub(super) fn servers(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let form = call.query.form()?;
    let asked = call.query.one("name").or_else(|| call.query.one("path").map(|path| path.trim_start_matches('\\')));
    match asked {
        None => Ok(super::collection(call, out, [()], |out, selection, ()| write_server(call, out, selection, form))),
        Some(name) if name.eq_ignore_ascii_case(&call.app.config.asset_server_name) => {
            write_server(call, out, call.query.fields().root(), form);
            Ok(Head::json(200))
        }
        Some(name) => Err(Refusal::errors(404, format!("AF server '{name}' not found."))),
    }
}

/// `GET /assetservers/{webId}`.
pub(super) fn server(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, Class::AssetServer)?;
    write_server(call, out, call.query.fields().root(), call.query.form()?);
    Ok(Head::json(200))
}

/// `GET /assetservers/{webId}/assetdatabases`.
pub(super) fn databases(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, Class::AssetServer)?;
    let form = call.query.form()?;
    Ok(super::collection(call, out, [()], |out, selection, ()| write_database(call, out, selection, form)))
}

/// `GET /assetdatabases?path=`: one database; without a path it does not list.
pub(super) fn by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let path = call.query.one("path").ok_or_else(|| Refusal::bad("Parameter 'path' is required.".to_owned()))?;
    if path.to_uppercase() != database_path(call).to_uppercase() {
        return Err(Refusal::errors(404, format!("Asset database not found. Path '{path}' does not exist.")));
    }
    write_database(call, out, call.query.fields().root(), call.query.form()?);
    Ok(Head::json(200))
}

/// `GET /assetdatabases/{webId}`.
pub(super) fn database(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, Class::AssetDatabase)?;
    write_database(call, out, call.query.fields().root(), call.query.form()?);
    Ok(Head::json(200))
}

/// Lists below the database: empty.
pub(super) fn nothing(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    expect(call, Class::AssetDatabase)?;
    super::Page::read(call, 1000, call.app.config.max_items, 0)?;
    Ok(super::collection(call, out, [(); 0], |_, _, ()| {}))
}
