//! Asset Framework: servers, databases, elements, attributes, templates.

pub(super) mod attributes;
pub(super) mod bulk;
pub(super) mod elements;
pub(super) mod select;
pub(super) mod servers;
pub(super) mod show;
pub(super) mod templates;

use std::sync::Arc;

use crate::pi::answer::Refusal;
use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Tree};
use crate::pi::lookup::Subject;
use crate::pi::webid::Class;

fn missing(text: &str) -> Refusal {
    Refusal::errors(404, format!("The specified object was not found. '{text}' does not exist."))
}

fn forbidden() -> Refusal {
    Refusal::of_status(403, true, None, true)
}

/// An element that the caller may see; 403 for a hidden one, 404 for what is no element.
fn visible(found: Option<Subject>, text: &str) -> Result<(Arc<Tree>, usize), Refusal> {
    match found {
        Some(Subject::Element(tree, at)) if tree.node(at).is_some_and(|node| node.hidden) => Err(forbidden()),
        Some(Subject::Element(tree, at)) => Ok((tree, at)),
        _ => Err(missing(text)),
    }
}

/// The database with this WebId.
pub(super) fn database(call: &Call<'_>, web_id: &str) -> Result<Arc<Tree>, Refusal> {
    match call.app.lookup(web_id)? {
        Subject::Database(tree) => Ok(tree),
        _ => Err(missing(web_id)),
    }
}

/// The element with this WebId.
pub(super) fn element(call: &Call<'_>, web_id: &str) -> Result<(Arc<Tree>, usize), Refusal> {
    visible(Some(call.app.lookup(web_id)?), web_id)
}

/// The element at this path.
fn element_at(call: &Call<'_>, path: &str) -> Result<(Arc<Tree>, usize), Refusal> {
    absolute(path)?;
    visible(call.app.at_path(Class::Element, path), path)
}

/// The attribute with this WebId, of an element that the caller may see or of an event frame.
pub(super) fn attribute(call: &Call<'_>, web_id: &str) -> Result<(Arc<Tree>, Attribute), Refusal> {
    readable(Some(call.app.lookup(web_id)?), web_id)
}

/// The attribute at this path.
fn attribute_at(call: &Call<'_>, path: &str) -> Result<(Arc<Tree>, Attribute), Refusal> {
    absolute(path)?;
    let class = if path.contains("EventFrames[") { Class::FrameAttribute } else { Class::ElementAttribute };
    readable(call.app.at_path(class, path), path)
}

fn readable(found: Option<Subject>, text: &str) -> Result<(Arc<Tree>, Attribute), Refusal> {
    let Some(Subject::Attribute(tree, attribute)) = found else { return Err(missing(text)) };
    let owner = tree.find(&attribute.owner).and_then(|at| tree.node(at));
    if owner.is_some_and(|node| node.hidden) { Err(forbidden()) } else { Ok((tree, *attribute)) }
}

/// The required parameter `path`.
pub(super) fn path<'c>(call: &'c Call<'_>) -> Result<&'c str, Refusal> {
    let given = call.query.one("path").filter(|path| !path.is_empty());
    given.ok_or_else(|| Refusal::bad("Parameter 'path' is required.".to_owned()))
}

/// 400 unless the path begins with a server.
pub(super) fn absolute(path: &str) -> Result<(), Refusal> {
    if path.starts_with(r"\\") {
        return Ok(());
    }
    Err(Refusal::bad(format!("The specified path '{path}' is invalid.")))
}

/// Whether an `associations` parameter names the one that the route knows; 400 for others.
pub(super) fn association(call: &Call<'_>, known: &str) -> Result<bool, Refusal> {
    let mut asked = false;
    for name in call.query.one("associations").unwrap_or_default().split(';').filter(|name| !name.is_empty()) {
        if !name.eq_ignore_ascii_case(known) {
            return Err(Refusal::binding("associations", name));
        }
        asked = true;
    }
    Ok(asked)
}
