//! `tidegate discover`: what the PI System holds.

use tidegate_sdk::{
    Fault,
    host::{self, Item, Level},
    http::encode,
    pattern::matches,
};

use crate::{
    af::{asset_servers, databases},
    api::{DataServer, Named, Point},
    listing::{Listing, Whole},
    manifest::KINDS,
    resolve::{chosen, data_servers, listing},
    server::Server,
    settings::Settings,
};

/// Templates in one answer: their list has no pages.
const TEMPLATES: &str = "10000";

/// Reports everything of `kind` whose name matches.
pub(crate) async fn discover(settings: &Settings, kind: &str, pattern: &str) -> Result<(), Fault> {
    let server = Server::new(settings);
    let pattern = if pattern.is_empty() { "*" } else { pattern };
    match kind {
        "tags" => tags(settings, &server, pattern).await,
        "databases" => {
            report("databases", pattern, &found(&server).await?);
            Ok(())
        }
        "assets" => assets(&server, pattern).await,
        "servers" => servers(&server, pattern).await,
        "templates" => templates(&server, pattern).await,
        other => Err(Fault::user("kind", format!("pi knows no {other}; ask for one of {}", KINDS.join(", ")))),
    }
}

async fn tags(settings: &Settings, server: &Server, pattern: &str) -> Result<(), Fault> {
    let all = data_servers(server).await?;
    let homes: Vec<DataServer> = if settings.source.data_server.is_some() { vec![chosen(settings, all)?] } else { all };
    for home in homes {
        let mut listing = listing(server, &home, pattern);
        while let Some(points) = listing.page::<Point>().await? {
            let items = points.into_iter().map(|point| Item {
                kind: "tags".to_owned(),
                id: point.web_id,
                name: point.name,
                path: point.path,
                description: point.descriptor.unwrap_or_default(),
            });
            host::found(&items.collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// The databases of the AF servers that answer; the fault of one that does not, if none does.
async fn found(server: &Server) -> Result<Vec<Named>, Fault> {
    let mut found = databases(server).await?;
    match found.down.pop() {
        Some(down) if found.databases.is_empty() => Err(down),
        _ => Ok(found.databases),
    }
}

/// The elements at the top of each database for the pattern `*`, and those at any depth for a narrower one: a plant
/// has hundreds of thousands of elements, and nobody asks for all of them on a terminal.
async fn assets(server: &Server, pattern: &str) -> Result<(), Fault> {
    let deep = (pattern != "*").to_string();
    let mut missing = Missing::default();
    for database in found(server).await? {
        let path = format!("/assetdatabases/{}/elements", encode(&database.web_id));
        let fields = "Items.WebId;Items.Id;Items.Name;Items.Path;Items.Description;Links.Next;WebException;Errors";
        let query = vec![
            ("nameFilter", pattern.to_owned()),
            ("searchFullHierarchy", deep.clone()),
            ("selectedFields", fields.to_owned()),
        ];
        let mut listing = Listing::new(server, path, query);
        loop {
            match listing.page::<Named>().await {
                Ok(Some(elements)) => report("assets", "*", &elements),
                Ok(None) => break missing.answered(),
                Err(fault) => break missing.note(&database, fault),
            }
        }
    }
    missing.verdict()
}

async fn servers(server: &Server, pattern: &str) -> Result<(), Fault> {
    let archives = data_servers(server).await?;
    let assets = asset_servers(server).await.unwrap_or_else(|fault| {
        host::log(Level::Warn, &fault.message);
        Vec::new()
    });
    let described = |server: &DataServer, what: &str| {
        let version = server.server_version.as_deref().unwrap_or("unknown");
        let connected = if server.is_connected == Some(false) { ", not connected" } else { "" };
        Item {
            kind: "servers".to_owned(),
            id: server.web_id.clone(),
            name: server.name.clone(),
            path: server.path.clone(),
            description: format!("{what}, version {version}{connected}"),
        }
    };
    let archives = archives.iter().map(|server| described(server, "PI Data Archive"));
    let all = archives.chain(assets.iter().map(|server| described(server, "AF server")));
    host::found(&all.filter(|item| matches(pattern, &item.name)).collect::<Vec<_>>());
    Ok(())
}

/// The templates of elements and event frames. The server filters by a field that it must be told.
async fn templates(server: &Server, pattern: &str) -> Result<(), Fault> {
    let mut missing = Missing::default();
    for database in found(server).await? {
        let path = format!("/assetdatabases/{}/elementtemplates", encode(&database.web_id));
        let fields =
            "Items.WebId;Items.Id;Items.Name;Items.Path;Items.Description;Items.InstanceType;WebException;Errors";
        let query = [("field", "Name"), ("query", pattern), ("maxCount", TEMPLATES), ("selectedFields", fields)];
        match server.get::<Whole<Named>>(&path, &query).await {
            Ok(list) => {
                report("templates", pattern, &list.items);
                missing.answered();
            }
            Err(fault) => missing.note(&database, fault),
        }
    }
    missing.verdict()
}

fn report(kind: &str, pattern: &str, things: &[Named]) {
    let matching = things.iter().filter(|thing| matches(pattern, &thing.name));
    host::found(&matching.map(|thing| item(kind, thing)).collect::<Vec<_>>());
}

fn item(kind: &str, named: &Named) -> Item {
    let described = named.description.as_deref().filter(|text| !text.is_empty());
    let words: Vec<&str> = named.instance_type.as_deref().into_iter().chain(described).collect();
    Item {
        kind: kind.to_owned(),
        id: named.web_id.clone(),
        name: named.name.clone(),
        path: named.path.clone(),
        description: words.join(": "),
    }
}

/// Databases that did not answer: they do not hide the others, unless none does.
#[derive(Debug, Default)]
struct Missing {
    answered: bool,
    last: Option<Fault>,
}

impl Missing {
    fn answered(&mut self) {
        self.answered = true;
    }

    fn note(&mut self, database: &Named, fault: Fault) {
        host::log(Level::Warn, &format!("{}: {}", database.path, fault.message));
        self.last = Some(fault);
    }

    fn verdict(self) -> Result<(), Fault> {
        match self.last {
            Some(fault) if !self.answered => Err(fault),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_does_not_answer_hides_no_other() {
        let fault = || Some(Fault::external("http-502", "down"));
        assert!(Missing { answered: true, last: fault() }.verdict().is_ok());
        assert!(Missing { answered: false, last: fault() }.verdict().is_err());
        assert!(Missing::default().verdict().is_ok());
    }

    #[test]
    fn a_template_says_what_it_is_for() {
        let template =
            Named { instance_type: Some("EventFrame".into()), description: Some("Stop".into()), ..Named::default() };
        assert_eq!(item("templates", &template).description, "EventFrame: Stop");
        assert_eq!(item("assets", &Named::default()).description, "");
    }
}
