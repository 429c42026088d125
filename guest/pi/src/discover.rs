//! `tidegate discover`: tags, asset databases, assets.

use tidegate_sdk::{
    Fault,
    host::{self, Item},
    http::encode,
};

use crate::{
    api::{DataServer, Named, Point},
    listing::{Listing, Whole},
    resolve::{chosen, data_servers, listing},
    server::Server,
    settings::Settings,
};

/// Reports everything of `kind` whose name matches.
pub(crate) async fn discover(settings: &Settings, kind: &str, pattern: &str) -> Result<(), Fault> {
    let server = Server::new(settings);
    let pattern = if pattern.is_empty() { "*" } else { pattern };
    match kind {
        "tags" => tags(settings, &server, pattern).await,
        "databases" => {
            let found = databases(&server).await?;
            let matching = found.iter().filter(|database| matches(pattern, &database.name));
            host::found(&matching.map(|database| item("databases", database)).collect::<Vec<_>>());
            Ok(())
        }
        "assets" => assets(&server, pattern).await,
        other => Err(Fault::user("kind", format!("pi knows no {other}; ask for tags, assets or databases"))),
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

async fn databases(server: &Server) -> Result<Vec<Named>, Fault> {
    let fields = ("selectedFields", "Items.WebId;Items.Name;Items.Path;Items.Description;WebException;Errors");
    let servers: Whole<Named> = server.get("/assetservers", &[fields]).await?;
    let mut databases = Vec::new();
    for asset_server in servers.items {
        let path = format!("/assetservers/{}/assetdatabases", encode(&asset_server.web_id));
        let list: Whole<Named> = server.get(&path, &[fields]).await?;
        databases.extend(list.items);
    }
    Ok(databases)
}

/// The elements at the top of each database for the pattern `*`, and those at any depth for a narrower one: a plant
/// has hundreds of thousands of elements, and nobody asks for all of them on a terminal.
async fn assets(server: &Server, pattern: &str) -> Result<(), Fault> {
    let deep = (pattern != "*").to_string();
    for database in databases(server).await? {
        let path = format!("/assetdatabases/{}/elements", encode(&database.web_id));
        let fields = "Items.WebId;Items.Name;Items.Path;Items.Description;Links.Next;WebException;Errors";
        let query = vec![
            ("nameFilter", pattern.to_owned()),
            ("searchFullHierarchy", deep.clone()),
            ("selectedFields", fields.to_owned()),
        ];
        let mut listing = Listing::new(server, path, query);
        while let Some(elements) = listing.page::<Named>().await? {
            host::found(&elements.iter().map(|element| item("assets", element)).collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn item(kind: &str, named: &Named) -> Item {
    Item {
        kind: kind.to_owned(),
        id: named.web_id.clone(),
        name: named.name.clone(),
        path: named.path.clone(),
        description: named.description.clone().unwrap_or_default(),
    }
}

/// `*` for any run of characters, `?` for one, without regard to case; for lists that the server does not filter.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Which prefixes of the name the pattern so far can stand for.
    let mut reach: Vec<bool> = std::iter::once(true).chain(name.iter().map(|_| false)).collect();
    for wanted in pattern {
        let mut before = wanted == '*' && reach.first() == Some(&true);
        let mut next = vec![before];
        for (character, (here, last)) in name.iter().zip(reach.iter().skip(1).zip(reach.iter())) {
            before = if wanted == '*' { before || *here } else { *last && (wanted == '?' || wanted == *character) };
            next.push(before);
        }
        reach = next;
    }
    reach.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_server_would() {
        let table = [
            ("*", "", true),
            ("*", "Plant", true),
            ("plant", "Plant", true),
            ("P*t", "Plant", true),
            ("P*x", "Plant", false),
            ("Pl?nt", "Plant", true),
            ("Pl?t", "Plant", false),
            ("*a*t*", "Plant", true),
            ("?", "", false),
            ("Ö*", "ölwerk", true),
            ("**", "x", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
