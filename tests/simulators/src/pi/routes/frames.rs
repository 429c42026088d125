//! Event frames: lists below a database, an element or a frame, one by WebId or path, several at once, and what they
//! refer to.

mod search;
mod show;

use std::sync::Arc;

use search::{Scope, Search};

use super::assets::attributes::{self, wanted};
use super::assets::bulk::Attributes;
use super::assets::{self, absolute, database, element, path};
use super::{collection, id, listing, multiple};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Tree};
use crate::pi::frames::Record;
use crate::pi::lookup::Subject;
use crate::pi::webid::{Class, Guid};

fn is_frame(found: Option<Subject>, text: &str) -> Result<(Arc<Tree>, Arc<Record>), Refusal> {
    match found {
        Some(Subject::Frame(tree, frame)) => Ok((tree, frame)),
        _ => Err(Refusal::errors(404, format!("The specified object was not found. '{text}' does not exist."))),
    }
}

/// The event frame with this WebId.
pub(super) fn frame(call: &Call<'_>, web_id: &str) -> Result<(Arc<Tree>, Arc<Record>), Refusal> {
    is_frame(Some(call.app.lookup(web_id)?), web_id)
}

fn frame_at(call: &Call<'_>, path: &str) -> Result<(Arc<Tree>, Arc<Record>), Refusal> {
    absolute(path)?;
    is_frame(call.app.at_path(Class::EventFrame, path), path)
}

/// The template and the attributes of the frame with this `Id`.
pub(super) fn attributes_of(call: &Call<'_>, tree: &Tree, guid: &Guid) -> (Option<usize>, Vec<Attribute>) {
    let arrived = call.app.truth.clock().arrived();
    let store = call.app.truth.af().frames(tree.home.index, arrived);
    let frame = store.as_ref().and_then(|store| store.find(guid));
    frame.map_or((None, Vec::new()), |frame| {
        (frame.template, frame.attributes(&tree.home, &call.app.truth.catalogue(), arrived))
    })
}

fn list(call: &Call<'_>, out: &mut Vec<u8>, tree: &Tree, scope: Scope<'_>) -> Result<Head, Refusal> {
    let of_element = matches!(scope, Scope::Element(_));
    let known = search::KNOWN.into_iter().filter(|name| !(of_element && search::NOT_OF_ELEMENT.contains(name)));
    call.query.only(call.app, &known.collect::<Vec<_>>())?;
    let search = Search::read(call, tree, &scope)?;
    let form = call.query.form()?;
    let found = search.find(call, tree, &scope);
    listing::page(call, out, &found, |out, selection, frame| show::frame(call, out, selection, tree, frame, form))
}

/// `GET /assetdatabases/{webId}/eventframes`.
pub(super) fn of_database(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    list(call, out, &*database(call, id(call))?, Scope::Database)
}

/// `GET /elements/{webId}/eventframes`: the frames of any level that refer to the element.
pub(super) fn of_element(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (tree, at) = element(call, id(call))?;
    let guid = tree.node(at).map(|node| node.guid).unwrap_or_default();
    list(call, out, &tree, Scope::Element(guid))
}

/// `GET /eventframes/{webId}/eventframes`: the frames below one, as far as they pass the search, which looks at the last
/// eight hours unless told otherwise.
pub(super) fn below(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (tree, parent) = frame(call, id(call))?;
    list(call, out, &tree, Scope::Frame(&parent))
}

/// `GET /eventframes/{webId}`.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    let ((tree, frame), form) = (frame(call, id(call))?, call.query.form()?);
    listing::single(call, out, |out, selection| show::frame(call, out, selection, &tree, &frame, form))
}

/// `GET /eventframes?path=`.
pub(super) fn by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["path", "selectedfields", "webidtype"])?;
    let ((tree, frame), form) = (frame_at(call, path(call)?)?, call.query.form()?);
    listing::single(call, out, |out, selection| show::frame(call, out, selection, &tree, &frame, form))
}

/// `GET /eventframes/multiple?webId=…&path=…`: 207 when any failed.
pub(super) fn several(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let form = call.query.form()?;
    let by_id = |id: &str| frame(call, id);
    multiple::multiple(
        call,
        out,
        by_id,
        |path| frame_at(call, path),
        |out, selection, (tree, frame)| {
            show::frame(call, out, selection, tree, frame, form);
        },
    )
}

/// `GET /eventframes/{webId}/attributes`.
pub(super) fn attributes(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &attributes::LIST)?;
    let (tree, frame) = frame(call, id(call))?;
    let all = frame.attributes(&tree.home, &call.app.truth.catalogue(), call.app.truth.clock().arrived());
    let found = wanted(call, &tree, frame.template, all, None)?;
    attributes::list(call, out, &tree, found)
}

/// `GET /eventframes/{webId}/referencedelements`: those that the caller may see, the primary one first.
pub(super) fn elements(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["associations", "selectedfields", "webidtype"])?;
    let (tree, frame) = frame(call, id(call))?;
    let (form, paths) = (call.query.form()?, assets::association(call, "Paths")?);
    let found = show::references(&tree, &frame);
    Ok(collection(call, out, found, |out, selection, at| {
        assets::show::element(call, out, selection, &tree, *at, form, paths);
    }))
}

/// `GET /assetdatabases/{webId}/eventframeattributes`: the attributes of many frames in one list.
pub(super) fn bulk(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &search::BULK)?;
    let tree = database(call, id(call))?;
    let search = Search::bulk(call, &tree)?;
    let wanted = Attributes::read(call);
    let catalogue = call.app.truth.catalogue();
    let arrived = call.app.truth.clock().arrived();
    let frames = search.find(call, &tree, &Scope::Database);
    let each = frames.iter().flat_map(|frame| frame.attributes(&tree.home, &catalogue, arrived));
    let found: Vec<Attribute> = each.filter(|attribute| wanted.admit(attribute)).collect();
    attributes::list(call, out, &tree, found)
}
