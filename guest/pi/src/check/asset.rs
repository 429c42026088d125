//! What reading AF needs, where the configuration asks for it: servers, databases, elements, attributes, event frames
//! and their values.

use tidegate_sdk::{Fault, Finding, http::encode};

use super::connection;
use crate::{
    af::{self, Database, Root},
    api::{Attribute, Element, Frame, Named},
    batch::Batch,
    frames::readable_values,
    hierarchy::is_refusal,
    listing::Whole,
    server::Server,
    settings::Settings,
};

const SEE: &str =
    "ask the PI administrator for an AF identity mapping of this account with read permission on the AF server";
const READ: &str =
    "ask the PI administrator for read permission in AF security of this database (Elements, Event Frames)";
const NAME: &str =
    "correct ingestion.af_database; if yours is not shown, ask the PI administrator for read permission on it";
const CONNECT: &str = "ask the PI administrator why PI Web API is not connected to this AF server";

/// Nothing where AF is not asked for.
pub(super) async fn check(server: &Server, settings: &Settings) -> Vec<Finding> {
    let ingestion = &settings.ingestion;
    let elements = ingestion.wants_hierarchy() || ingestion.selects_by_attribute();
    if !elements && !ingestion.wants_event_frames() {
        return Vec::new();
    }
    let mut findings = match af::asset_servers(server).await {
        Ok(servers) if servers.is_empty() => vec![Finding::warning("AF server", "none is shown".to_owned(), SEE)],
        Ok(servers) => servers.iter().map(|server| connection("AF server", server, CONNECT)).collect(),
        Err(fault) => return vec![Finding::failed("AF server", &fault, SEE)],
    };
    let found = match af::databases(server).await {
        Ok(found) => found,
        Err(fault) => return findings.into_iter().chain([Finding::failed("AF databases", &fault, SEE)]).collect(),
    };
    let selection = match af::select(ingestion, found) {
        Ok(selection) => selection,
        Err(fault) => return findings.into_iter().chain([Finding::failed("AF databases", &fault, NAME)]).collect(),
    };
    findings.extend(selection.missing.iter().map(|(_, fault)| Finding::failed("AF database", fault, NAME)));
    for database in &selection.databases {
        findings.push(Finding::ok("AF database", database.path.clone()));
        if elements {
            findings.extend(objects(server, database).await);
        }
        if ingestion.wants_event_frames() {
            findings.extend(frames(server, database).await);
            findings.extend(templates(server, settings, database).await);
        }
    }
    let filter_root = ingestion.af_filter.as_ref().filter(|_| ingestion.selects_by_attribute());
    let filter_root = filter_root.and_then(|filter| filter.root.as_deref());
    for (key, root) in [("af_root", ingestion.af_root.as_deref()), ("af_filter.root", filter_root)] {
        if root.is_some() {
            findings.push(below(key, af::roots(server, &selection.databases, root, key).await));
        }
    }
    findings
}

fn below(key: &str, roots: Result<Vec<Root>, Fault>) -> Finding {
    match roots {
        Ok(roots) => {
            let paths: Vec<&str> = roots.iter().map(|root| root.path.as_str()).collect();
            Finding::ok(key, paths.join(", "))
        }
        Err(fault) => Finding::failed(
            key,
            &fault,
            "correct the path, or ask the PI administrator for read permission on the element",
        ),
    }
}

async fn objects(server: &Server, database: &Database) -> [Finding; 2] {
    let whole =
        [("searchFullHierarchy", "true"), ("maxCount", "1"), ("selectedFields", "Items.WebId;WebException;Errors")];
    let path = |what: &str| format!("/assetdatabases/{}/{what}", encode(&database.web_id));
    let elements = server.get::<Whole<Element>>(&path("elements"), &whole).await;
    let attributes = server.get::<Whole<Attribute>>(&path("elementattributes"), &whole).await;
    [
        listed(
            "elements",
            database,
            elements.map(|list| list.items.len()),
            "the levels are walked one after the other",
        ),
        listed(
            "attributes",
            database,
            attributes.map(|list| list.items.len()),
            "they are asked for element by element",
        ),
    ]
}

/// A listing over the full hierarchy; `instead` says what happens where the server refuses it.
fn listed(subject: &str, database: &Database, count: Result<usize, Fault>, instead: &str) -> Finding {
    match count {
        Ok(0) => Finding::warning(subject, format!("none of {} are shown", database.path), READ),
        Ok(_) => Finding::ok(subject, format!("those of {} can be listed", database.path)),
        Err(fault) if is_refusal(&fault) => {
            let advice = "a newer PI Web API lists them in far fewer requests";
            Finding::warning(subject, format!("{} ({}); {instead}", fault.message, fault.code), advice)
        }
        Err(fault) => Finding::failed(subject, &fault, READ),
    }
}

async fn frames(server: &Server, database: &Database) -> Vec<Finding> {
    let path = format!("/assetdatabases/{}/eventframes", encode(&database.web_id));
    let query = [
        ("searchMode", "Overlapped"),
        ("startTime", "*-30d"),
        ("endTime", "*"),
        ("searchFullHierarchy", "true"),
        ("maxCount", "1"),
        ("webIdType", "IDOnly"),
        ("selectedFields", "Items.WebId;Items.Name;WebException;Errors"),
    ];
    let frame = match server.get::<Whole<Frame>>(&path, &query).await {
        Ok(list) => list.items.into_iter().next(),
        Err(fault) => return vec![Finding::failed("event frames", &fault, READ)],
    };
    let Some(frame) = frame else {
        let text = format!("none of {} in the last 30 days are shown", database.path);
        return vec![Finding::warning("event frames", text, READ)];
    };
    let values = match readable_values(Batch::new(server, None), &frame.web_id).await {
        Ok(count) => Finding::ok(
            "event frame values",
            format!("{count} attributes of {} can be read", frame.name.unwrap_or_default()),
        ),
        Err(fault) => Finding::failed("event frame values", &fault, READ),
    };
    vec![Finding::ok("event frames", format!("those of {} can be listed", database.path)), values]
}

/// A template that does not exist selects nothing, and nobody would notice.
async fn templates(server: &Server, settings: &Settings, database: &Database) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = format!("/assetdatabases/{}/elementtemplates", encode(&database.web_id));
    for template in settings.ingestion.event_frame_templates.iter().flatten() {
        let fields = "Items.WebId;Items.Name;Items.InstanceType;WebException;Errors";
        let query = [("field", "Name"), ("query", template.as_str()), ("selectedFields", fields)];
        let advice = "correct ingestion.event_frame_templates; `tidegate discover --kind templates` lists them";
        match server.get::<Whole<Named>>(&path, &query).await {
            Ok(list) if list.items.iter().any(|found| found.name.to_lowercase() == template.to_lowercase()) => {}
            Ok(_) => {
                findings.push(Finding::warning(
                    "template",
                    format!("{} has no template {template}", database.path),
                    advice,
                ));
            }
            Err(fault) => findings.push(Finding::failed("template", &fault, READ)),
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Outcome;

    #[test]
    fn a_listing_that_is_refused_is_a_warning_and_a_forbidden_one_a_failure() {
        let database = Database { path: r"\\AF1\P".into(), ..Database::default() };
        let outcome = |count: Result<usize, Fault>| listed("elements", &database, count, "walked").outcome as u8;
        assert_eq!(outcome(Ok(1)), Outcome::Ok as u8);
        assert_eq!(outcome(Ok(0)), Outcome::Warning as u8);
        assert_eq!(outcome(Err(Fault::status(404, "x", ""))), Outcome::Warning as u8);
        assert_eq!(outcome(Err(Fault::status(403, "x", ""))), Outcome::Failed as u8);
    }
}
