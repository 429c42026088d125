//! Attributes of one element or attribute, one by WebId or path, several at once, and their values.

use std::sync::Arc;

use super::elements;
use super::select::{Field, Filter, Order};
use super::{association, attribute, attribute_at, element, path, show};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Tree};
use crate::pi::render::Rows;
use crate::pi::routes::{frames, id, listing, multiple, source};

/// What lists of attributes know.
pub(in crate::pi::routes) const LIST: [&str; 16] = [
    "namefilter",
    "categoryname",
    "templatename",
    "valuetype",
    "searchfullhierarchy",
    "showexcluded",
    "showhidden",
    "trait",
    "traitcategory",
    "sortfield",
    "sortorder",
    "startindex",
    "maxcount",
    "associations",
    "selectedfields",
    "webidtype",
];

/// Those of an owner's attributes that the parameters of its lists and stream sets let pass; `root` is the attribute
/// whose children are meant, else the first level.
pub(in crate::pi::routes) fn wanted(
    call: &Call<'_>,
    tree: &Tree,
    template: Option<usize>,
    mut all: Vec<Attribute>,
    root: Option<&Attribute>,
) -> Result<Vec<Attribute>, Refusal> {
    let query = &call.query;
    let whole = query.flag("searchfullhierarchy", "searchFullHierarchy", false)?;
    let excluded = query.flag("showexcluded", "showExcluded", false)?;
    let hidden = query.flag("showhidden", "showHidden", false)?;
    let (name, category) = (Filter::read(query, "namefilter"), Filter::read(query, "categoryname"));
    let value_type = query.one("valuetype").filter(|kind| !kind.is_empty());
    let traits = query.all("trait");
    let made = elements::template(call, tree, "templatename").is_none_or(|set| elements::is_made_by(&set, template));
    let root = root.map(|root| root.guid);
    all.retain(|attribute| {
        let parent = attribute.parent.as_ref().map(|(guid, _)| *guid);
        made && (parent == root || (whole && root.is_none()))
            && (excluded || !attribute.excluded)
            && (hidden || !attribute.hidden)
            && name.admits(&attribute.name)
            && category.admits_any(&attribute.categories)
            && value_type.is_none_or(|kind| kind.eq_ignore_ascii_case(&attribute.type_name))
            && (traits.is_empty() || traits.iter().any(|name| name.eq_ignore_ascii_case(&attribute.trait_name)))
    });
    Ok(all)
}

/// One page of these attributes.
pub(in crate::pi::routes) fn list(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    tree: &Tree,
    mut found: Vec<Attribute>,
) -> Result<Head, Refusal> {
    let order = Order::read(call)?.timeless()?;
    let (form, resolved) = (call.query.form()?, association(call, "DataReference")?);
    match order.field {
        Field::Id => order.sort(&mut found, |attribute| attribute.guid),
        Field::Type => order.sort(&mut found, |attribute| attribute.type_name.clone()),
        _ => order.sort(&mut found, |attribute| (attribute.name.to_lowercase(), attribute.guid)),
    }
    listing::page(call, out, &found, |out, selection, attribute| {
        show::attribute(call, out, selection, tree, attribute, form, resolved);
    })
}

/// `GET /elements/{webId}/attributes`.
pub(in crate::pi::routes) fn of_element(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &LIST)?;
    let (tree, at) = element(call, id(call))?;
    let template = tree.node(at).and_then(|node| node.template);
    let all = tree.attributes(&call.app.truth.catalogue(), at);
    let found = wanted(call, &tree, template, all, None)?;
    list(call, out, &tree, found)
}

/// `GET /attributes/{webId}/attributes`: what lies below an attribute.
pub(in crate::pi::routes) fn below(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &LIST)?;
    let (tree, root) = attribute(call, id(call))?;
    let (template, all) = siblings(call, &tree, &root);
    let found = wanted(call, &tree, template, all, Some(&root))?;
    list(call, out, &tree, found)
}

/// The template of an attribute's owner and all of the owner's attributes.
pub(in crate::pi::routes) fn siblings(
    call: &Call<'_>,
    tree: &Arc<Tree>,
    root: &Attribute,
) -> (Option<usize>, Vec<Attribute>) {
    match tree.find(&root.owner) {
        Some(at) => {
            let template = tree.node(at).and_then(|node| node.template);
            (template, tree.attributes(&call.app.truth.catalogue(), at))
        }
        None => frames::attributes_of(call, tree, &root.owner),
    }
}

/// `GET /attributes/{webId}`.
pub(in crate::pi::routes) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["associations", "selectedfields", "webidtype"])?;
    let (tree, found) = attribute(call, id(call))?;
    one(call, out, &tree, &found)
}

/// `GET /attributes?path=`.
pub(in crate::pi::routes) fn by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["path", "associations", "selectedfields", "webidtype"])?;
    let (tree, found) = attribute_at(call, path(call)?)?;
    one(call, out, &tree, &found)
}

fn one(call: &Call<'_>, out: &mut Vec<u8>, tree: &Tree, found: &Attribute) -> Result<Head, Refusal> {
    let (form, resolved) = (call.query.form()?, association(call, "DataReference")?);
    listing::single(call, out, |out, selection| show::attribute(call, out, selection, tree, found, form, resolved))
}

/// `GET /attributes/multiple?webId=…&path=…`: 207 when any failed.
pub(in crate::pi::routes) fn several(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (form, resolved) = (call.query.form()?, association(call, "DataReference")?);
    let by_id = |id: &str| attribute(call, id);
    multiple::multiple(
        call,
        out,
        by_id,
        |path| attribute_at(call, path),
        |out, selection, (tree, found)| {
            show::attribute(call, out, selection, tree, found, form, resolved);
        },
    )
}

/// `GET /attributes/{webId}/value`: for attributes with and without data reference; 501 for types without JSON.
pub(in crate::pi::routes) fn value(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields"])?;
    let (tree, found) = attribute(call, id(call))?;
    if found.type_name == "Unsupported" {
        return Err(Refusal::errors(501, "Values of type 'Unsupported' are not supported."));
    }
    let event = source::reading(call, &tree, &found)?;
    listing::single(call, out, |out, selection| {
        Rows::in_units(selection, false, false, &found.units).event(out, &event);
    })
}
