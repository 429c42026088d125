//! Which AF databases are meant.

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    http::encode,
};

use crate::{api::AssetServer, identity::Identity, listing::Whole, server::Server, settings::Ingestion};

pub(crate) use crate::api::Named as Database;

/// Every database that this account is shown, and why there may be more.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) databases: Vec<Database>,
    /// Servers that did not tell theirs.
    pub(crate) down: Vec<Fault>,
}

/// What the configuration names.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) databases: Vec<Database>,
    /// As written, and why it is not there.
    pub(crate) missing: Vec<(String, Fault)>,
}

/// The databases of every AF server. One that is down does not hide the others.
///
/// `webIdType=IDOnly`, because the WebId names the series of event frames: it must not change with a name.
pub(crate) async fn databases(server: &Server) -> Result<Found, Fault> {
    let fields = ("selectedFields", "Items.WebId;Items.Id;Items.Name;Items.Path;Items.Description;WebException;Errors");
    let mut found = Found::default();
    for asset_server in asset_servers(server).await? {
        let path = format!("/assetservers/{}/assetdatabases", encode(&asset_server.web_id));
        match server.get::<Whole<Database>>(&path, &[fields, ("webIdType", "IDOnly")]).await {
            Ok(list) => found.databases.extend(list.items),
            Err(fault) => {
                let text = format!("the databases of AF server {}: {}", asset_server.name, fault.message);
                host::log(Level::Warn, &text);
                found.down.push(Fault { message: text, ..fault });
            }
        }
    }
    Ok(found)
}

/// Every AF server.
pub(crate) async fn asset_servers(server: &Server) -> Result<Vec<AssetServer>, Fault> {
    let fields = "Items.WebId;Items.Name;Items.Path;Items.Description;Items.IsConnected;Items.ServerVersion;\
                  Items.ServerTime;WebException;Errors";
    Ok(server.get::<Whole<AssetServer>>("/assetservers", &[("selectedFields", fields)]).await?.items)
}

/// All databases that the configuration names, or the fault of the first that is not there.
pub(crate) async fn configured(server: &Server, ingestion: &Ingestion) -> Result<Vec<Database>, Fault> {
    let selection = select(ingestion, databases(server).await?)?;
    match selection.missing.into_iter().next() {
        Some((_, fault)) => Err(fault),
        None => Ok(selection.databases),
    }
}

/// Those among `found` that the configuration names, each once; without a name, the only one.
pub(crate) fn select(ingestion: &Ingestion, found: Found) -> Result<Selection, Fault> {
    let wanted: Vec<&String> = ingestion.af_database.iter().chain(&ingestion.af_database_id).collect();
    if wanted.is_empty() {
        return only(found);
    }
    let mut selection = Selection::default();
    for name in wanted {
        let matching: Vec<&Database> = found.databases.iter().filter(|database| is_named(database, name)).collect();
        match matching.as_slice() {
            [database] => {
                let known = |other: &Database| other.web_id == database.web_id;
                if !selection.databases.iter().any(known) {
                    selection.databases.push((*database).clone());
                }
            }
            [] => selection.missing.push((name.clone(), missing(name, &found))),
            several => {
                let text = format!("several AF databases are called {name}; name one by its path: {}", shown(several));
                selection.missing.push((name.clone(), Fault::user("af-database", text)));
            }
        }
    }
    Ok(selection)
}

fn only(mut found: Found) -> Result<Selection, Fault> {
    if let Some(down) = found.down.pop() {
        let text = format!("which AF databases there are is not known; set ingestion.af_database ({})", down.message);
        return Err(Fault { message: text, ..down });
    }
    match <[Database; 1]>::try_from(found.databases) {
        Ok(only) => Ok(Selection { databases: only.into(), missing: Vec::new() }),
        Err(several) => {
            let shown = shown(&several.iter().collect::<Vec<_>>());
            let text = format!("set ingestion.af_database to one of the AF databases of this Web API; shown: {shown}");
            Err(Fault::user("af-database", text))
        }
    }
}

/// By path, by name, or by WebId in whichever form.
fn is_named(database: &Database, wanted: &str) -> bool {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let bare = wanted.trim_end_matches('\\');
    if bare.starts_with(r"\\") {
        return same(&database.path, bare);
    }
    same(&database.name, bare)
        || database.web_id == wanted
        || Identity::of_object(None, wanted) == Identity::of_object(database.id.as_deref(), &database.web_id)
}

/// A database may be missing because its server is.
fn missing(name: &str, found: &Found) -> Fault {
    match found.down.first() {
        Some(down) => Fault { message: format!("AF database {name} is not shown: {}", down.message), ..down.clone() },
        None => {
            let shown = shown(&found.databases.iter().collect::<Vec<_>>());
            let text = format!("no AF database {name} is shown to this account; shown: {shown}");
            Fault::user("af-database", text)
        }
    }
}

fn shown(databases: &[&Database]) -> String {
    let paths: Vec<&str> = databases.iter().map(|database| database.path.as_str()).collect();
    if paths.is_empty() { "none".to_owned() } else { paths.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Domain;

    fn found(paths: &[&str]) -> Found {
        let database = |path: &&str| Database {
            web_id: format!("id of {path}"),
            name: path.rsplit('\\').next().unwrap().into(),
            path: (*path).into(),
            ..Database::default()
        };
        Found { databases: paths.iter().map(database).collect(), down: Vec::new() }
    }

    fn wanted(names: &[&str]) -> Ingestion {
        Ingestion { af_database: names.iter().map(|name| (*name).to_owned()).collect(), ..Ingestion::default() }
    }

    #[test]
    fn a_database_is_named_by_path_name_or_web_id() {
        let names = [r"\\af1\production\", "Lab", r"id of \\AF2\Lab", "PRODUCTION"];
        let selection = select(&wanted(&names), found(&[r"\\AF1\Production", r"\\AF2\Lab"])).unwrap();
        let paths: Vec<&str> = selection.databases.iter().map(|database| database.path.as_str()).collect();
        assert_eq!(paths, [r"\\AF1\Production", r"\\AF2\Lab"]);
        assert!(selection.missing.is_empty());
    }

    #[test]
    fn a_web_id_in_another_form_is_the_same_database() {
        let mut found = found(&[r"\\AF1\P"]);
        found.databases[0].web_id = "I1RDERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g".into();
        let full = "F1RDERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gU0lNQUZcUExBTlQ";
        let ingestion = Ingestion { af_database_id: vec![full.into()], ..Ingestion::default() };
        assert_eq!(select(&ingestion, found).unwrap().databases.len(), 1);
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is_and_the_others_go_on() {
        let selection = select(&wanted(&["Lab", "Nope"]), found(&[r"\\AF1\P", r"\\AF1\Lab"])).unwrap();
        assert_eq!(selection.databases.len(), 1);
        let (name, fault) = &selection.missing[0];
        assert_eq!((name.as_str(), fault.domain), ("Nope", Domain::User));
        assert!(fault.message.contains(r"\\AF1\P, \\AF1\Lab"), "{}", fault.message);
        let twice = select(&wanted(&["Lab"]), found(&[r"\\AF1\Lab", r"\\AF2\Lab"])).unwrap();
        assert!(twice.missing[0].1.message.contains(r"\\AF2\Lab"));
    }

    #[test]
    fn a_server_that_is_down_makes_its_databases_unknown_and_not_wrong() {
        let mut found = found(&[r"\\AF1\P"]);
        found.down.push(Fault::external("http-502", "AF2 is down"));
        let selection = select(&wanted(&["P", r"\\AF2\Lab"]), found).unwrap();
        assert_eq!(selection.databases.len(), 1);
        assert_eq!(selection.missing[0].1.domain, Domain::External);
    }

    #[test]
    fn the_only_database_needs_no_name_and_several_do() {
        assert_eq!(select(&wanted(&[]), found(&[r"\\AF1\P"])).unwrap().databases.len(), 1);
        assert_eq!(select(&wanted(&[]), found(&[r"\\AF1\P", r"\\AF1\Q"])).unwrap_err().code, "af-database");
        assert_eq!(select(&wanted(&[]), found(&[])).unwrap_err().domain, Domain::User);
        let down = Found { down: vec![Fault::external("http-502", "down")], ..found(&[r"\\AF1\P"]) };
        assert_eq!(select(&wanted(&[]), down).unwrap_err().domain, Domain::External);
    }
}
