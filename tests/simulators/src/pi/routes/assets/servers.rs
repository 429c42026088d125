//! The AF server and its databases.

use std::sync::Arc;

use super::{absolute, database, missing, path};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::{Home, Tree};
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::lookup::Subject;
use crate::pi::routes::{collection, id, listing};
use crate::pi::truth::server_guid;
use crate::pi::webid::{self, Class, Form, Local};

fn server_id(call: &Call<'_>, form: Form) -> String {
    let name = &call.app.config.asset_server_name;
    webid::encode(form, Class::AssetServer, &server_guid(&format!("AF {name}")), Local::None, name)
}

fn write_server(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, form: Form) {
    let (id, name) = (server_id(call, form), &call.app.config.asset_server_name);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&server_guid(&format!("AF {name}")))).text("Name", name);
    object.text("Description", "").text("Path", &format!(r"\\{name}")).bool("IsConnected", true);
    object.text("ServerVersion", "2.10.9.593").time("ServerTime", call.app.truth.clock().now());
    object.object("ExtendedProperties", |_| {});
    object.object("Links", |links| {
        let url = format!("{}/assetservers/{id}", call.base);
        links.link("Self", &[&url]).link("Databases", &[&url, "/assetdatabases"]);
    });
    object.close();
}

fn write_database(call: &Call<'_>, out: &mut Vec<u8>, selection: Selection<'_>, home: &Home, form: Form) {
    let id = home.web_id(form);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&home.guid)).text("Name", &home.name);
    object.text("Description", "").text("Path", &home.path);
    object.object("ExtendedProperties", |properties| {
        properties.object("DefaultPIServer", |property| {
            property.text("Value", &call.app.config.server_name);
        });
    });
    object.object("Links", |links| {
        let url = format!("{}/assetdatabases/{id}", call.base);
        links.link("Self", &[&url]);
        for (name, path) in [
            ("Elements", "/elements"),
            ("ElementTemplates", "/elementtemplates"),
            ("EventFrames", "/eventframes"),
            ("AssetServer", ""),
            ("ElementCategories", "/elementcategories"),
            ("AttributeCategories", "/attributecategories"),
            ("TableCategories", "/tablecategories"),
            ("AnalysisCategories", "/analysiscategories"),
            ("AnalysisTemplates", "/analysistemplates"),
            ("EnumerationSets", "/enumerationsets"),
            ("Tables", "/tables"),
            ("Security", "/security"),
            ("SecurityEntries", "/securityentries"),
        ] {
            match path {
                "" => links.link(name, &[call.base, "/assetservers/", &home.server_id(form)]),
                _ => links.link(name, &[&url, path]),
            };
        }
    });
    object.close();
}

/// `GET /assetservers`, a list; with `name` or `path`, one object.
pub(in crate::pi::routes) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["name", "path", "selectedfields", "webidtype"])?;
    let form = call.query.form()?;
    let asked = call.query.one("name").or_else(|| call.query.one("path").map(|path| path.trim_start_matches('\\')));
    match asked {
        None => Ok(collection(call, out, [()], |out, selection, ()| write_server(call, out, selection, form))),
        Some(name) if name.eq_ignore_ascii_case(&call.app.config.asset_server_name) => {
            listing::single(call, out, |out, selection| write_server(call, out, selection, form))
        }
        Some(name) => Err(Refusal::errors(404, format!("AF server '{name}' not found."))),
    }
}

fn expect_server(call: &Call<'_>) -> Result<(), Refusal> {
    match call.app.lookup(id(call))? {
        Subject::AssetServer => Ok(()),
        _ => Err(missing(id(call))),
    }
}

/// `GET /assetservers/{webId}`.
pub(in crate::pi::routes) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    expect_server(call)?;
    let form = call.query.form()?;
    listing::single(call, out, |out, selection| write_server(call, out, selection, form))
}

/// `GET /assetservers/{webId}/assetdatabases`: the only list of databases, unpaged.
pub(in crate::pi::routes) fn databases(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    expect_server(call)?;
    let form = call.query.form()?;
    let trees: Vec<Arc<Tree>> = call.app.truth.af().trees().collect();
    Ok(collection(call, out, trees, |out, selection, tree| write_database(call, out, selection, &tree.home, form)))
}

/// `GET /assetdatabases?path=`: one database; without a path it does not list.
pub(in crate::pi::routes) fn database_by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["path", "selectedfields", "webidtype"])?;
    let asked = path(call)?;
    absolute(asked)?;
    let Some(Subject::Database(tree)) = call.app.at_path(Class::AssetDatabase, asked) else {
        return Err(missing(asked));
    };
    let form = call.query.form()?;
    listing::single(call, out, |out, selection| write_database(call, out, selection, &tree.home, form))
}

/// `GET /assetdatabases/{webId}`.
pub(in crate::pi::routes) fn database_by_id(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    let (tree, form) = (database(call, id(call))?, call.query.form()?);
    listing::single(call, out, |out, selection| write_database(call, out, selection, &tree.home, form))
}
