//! The table `asset_hierarchy`: every element of the configured databases once, with its parent.
//!
//! One listing over the full hierarchy brings ten thousand elements a request; where a server refuses it, the levels are
//! walked one after the other. Either way the elements come in no order that helps: what is known of a parent is
//! decided as each page comes, and only the rows whose parent shows later are held back.

mod index;
mod pass;
mod rows;
mod walk;

pub(crate) use index::Index;

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    snapshot::Snapshot,
    tables::elements::{ElementRow, encode},
};

use self::pass::Pass;
use crate::{
    af::Root, api::element_fields, batch::Batch, listing::Listing, manifest::ASSET_HIERARCHY, server::Server,
    settings::Settings,
};

/// Elements in a page.
pub(crate) const PAGE: usize = 10_000;

/// Reads all elements below `roots`; with `emit`, into the table, which is complete when this returns. What is returned
/// for each root tells which element is which.
pub(crate) async fn refresh(
    server: &Server,
    settings: &Settings,
    roots: &[Root],
    emit: bool,
) -> Result<Vec<Index>, Fault> {
    let mut table = emit.then(|| Snapshot::new(ASSET_HIERARCHY, encode));
    let mut indexes = Vec::with_capacity(roots.len());
    for root in roots {
        indexes.push(elements(server, settings, root, &mut table).await?);
    }
    if let Some(table) = table {
        table.complete()?;
    }
    Ok(indexes)
}

async fn elements(
    server: &Server,
    settings: &Settings,
    root: &Root,
    table: &mut Option<Snapshot<ElementRow>>,
) -> Result<Index, Fault> {
    let mut pass = Pass::default();
    pass.take(root.element.iter().cloned());
    let mut query = fields();
    query.extend([("searchFullHierarchy", "true".to_owned()), ("sortField", "ID".to_owned())]);
    let mut listing = Listing::new(server, format!("{}/elements", root.resource), query).pages_of(PAGE);
    loop {
        match listing.page().await {
            Ok(Some(page)) => pass.take(page),
            Ok(None) => {
                listing.whole()?;
                break;
            }
            Err(fault) if !listing.has_begun() && is_refusal(&fault) => {
                let text = format!("{}; walking the levels of {} instead", fault.message, root.path);
                host::log(Level::Warn, &text);
                let batch = Batch::new(server, None);
                walk::levels(batch, settings.performance.batch_size, fields(), root, &mut pass, table).await?;
                break;
            }
            Err(fault) => return Err(fault),
        }
        push(table, pass.ready())?;
    }
    let end = pass.finish();
    push(table, end.rows)?;
    if end.hidden > 0 {
        let text = format!(
            "{}: the parents of {} elements are not among the elements that this account is shown",
            root.path, end.hidden
        );
        host::log(Level::Warn, &text);
    }
    Ok(end.index)
}

/// What every listing of elements asks for. `IDOnly`, so that a WebId outlives a new name of the element or of one above.
fn fields() -> Vec<(&'static str, String)> {
    vec![
        ("associations", "Paths".to_owned()),
        ("webIdType", "IDOnly".to_owned()),
        ("selectedFields", element_fields("Items.")),
    ]
}

/// Whether a server does not know, or does not allow, what was asked; a missing permission is no such thing.
pub(crate) fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.code.as_str(), "http-400" | "http-404" | "http-405" | "http-409" | "http-501")
}

fn push(table: &mut Option<Snapshot<ElementRow>>, rows: Vec<ElementRow>) -> Result<(), Fault> {
    match table {
        Some(table) => table.push(rows),
        None => Ok(()),
    }
}
