//! Elements: lists below a database or an element, one by WebId or path, several at once, and their paths.

use std::sync::Arc;

use super::select::{Field, Filter, Order};
use super::{association, database, element, element_at, path, show};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::{Holder, Node, Tree};
use crate::pi::fields::Selection;
use crate::pi::render;
use crate::pi::routes::{collection, id, listing, multiple};

const LIST: [&str; 13] = [
    "namefilter",
    "descriptionfilter",
    "categoryname",
    "templatename",
    "elementtype",
    "searchfullhierarchy",
    "sortfield",
    "sortorder",
    "startindex",
    "maxcount",
    "associations",
    "selectedfields",
    "webidtype",
];

/// `elementType` as AF names it.
const TYPES: [&str; 11] = [
    "None",
    "Other",
    "Node",
    "Measurement",
    "Flow",
    "Transfer",
    "Boundary",
    "PIPoint",
    "Any",
    "Notification",
    "Unknown",
];

/// The database or element in the path, as what holds the elements of a list.
pub(super) fn holder(call: &Call<'_>) -> Result<(Arc<Tree>, Holder), Refusal> {
    if call.segments.first().is_some_and(|root| root.eq_ignore_ascii_case("assetdatabases")) {
        return Ok((database(call, id(call))?, None));
    }
    element(call, id(call)).map(|(tree, at)| (tree, Some(at)))
}

/// What the parameters let pass.
struct Wanted<'q> {
    name: Filter<'q>,
    description: Filter<'q>,
    category: Filter<'q>,
    templates: Option<Vec<bool>>,
    nothing: bool,
}

impl<'q> Wanted<'q> {
    fn read(call: &'q Call<'_>, tree: &Tree) -> Result<Wanted<'q>, Refusal> {
        let kind = call.query.one("elementtype").filter(|kind| !kind.is_empty()).unwrap_or("Any");
        let kind = TYPES.iter().find(|known| known.eq_ignore_ascii_case(kind));
        let kind =
            kind.ok_or_else(|| Refusal::binding("elementType", call.query.one("elementtype").unwrap_or_default()))?;
        Ok(Wanted {
            name: Filter::read(&call.query, "namefilter"),
            description: Filter::read(&call.query, "descriptionfilter"),
            category: Filter::read(&call.query, "categoryname"),
            templates: template(call, tree, "templatename"),
            nothing: !matches!(*kind, "Any" | "Other"),
        })
    }

    fn is_open(&self) -> bool {
        self.name.is_open()
            && self.description.is_open()
            && self.category.is_open()
            && self.templates.is_none()
            && !self.nothing
    }

    fn admits(&self, node: &Node) -> bool {
        let template = self.templates.as_ref().is_none_or(|wanted| is_made_by(wanted, node.template));
        !self.nothing
            && template
            && self.name.admits(&node.name)
            && self.description.admits(&node.description)
            && self.category.admits_any(&node.categories)
    }
}

/// Which templates a parameter names, derived ones included; `None` when it names none.
pub(in crate::pi::routes) fn template(call: &Call<'_>, tree: &Tree, parameter: &str) -> Option<Vec<bool>> {
    let name = call.query.one(parameter).filter(|name| !name.is_empty() && *name != "*")?;
    Some(tree.home.derived(name))
}

/// Whether the template at this position is wanted.
pub(in crate::pi::routes) fn is_made_by(wanted: &[bool], template: Option<usize>) -> bool {
    template.is_some_and(|at| wanted.get(at).copied().unwrap_or(false))
}

/// One page of those elements that the parameters let pass.
fn list(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    (tree, holder): (Arc<Tree>, Holder),
    by_reference: bool,
) -> Result<Head, Refusal> {
    call.query.only(call.app, &LIST)?;
    let knobs = &call.app.config.knobs;
    let wanted = Wanted::read(call, &tree)?;
    let order = Order::read(call)?.timeless()?;
    let whole = call.query.flag("searchfullhierarchy", "searchFullHierarchy", false)? && !by_reference;
    let (form, paths) = (call.query.form()?, association(call, "Paths")?);
    let each = |out: &mut Vec<u8>, selection: Selection<'_>, at: &usize| {
        show::element(call, out, selection, &tree, *at, form, paths)
    };
    if whole && holder.is_none() && wanted.is_open() && order.field == Field::Name && !knobs.element_per_parent {
        // The whole database by name, which is how it is crawled, is sorted once for all pages.
        if !order.descending {
            return listing::page(call, out, tree.visible(), each);
        }
    }
    let mut found = match (whole, by_reference) {
        (true, _) => tree.whole(holder),
        (false, true) => tree.held(holder).iter().copied().filter(|at| seen(&tree, *at)).collect(),
        (false, false) => tree.below(holder, knobs.elements_hold_references),
    };
    found.retain(|at| tree.node(*at).is_some_and(|node| wanted.admits(node)));
    match order.field {
        Field::Id => order.sort(&mut found, |at| tree.node(*at).map(|node| node.guid)),
        Field::Type => order.sort(&mut found, |at| tree.node(*at).map(|node| tree.template_name(node).to_lowercase())),
        _ => {
            tree.sort_by_name(&mut found);
            if order.descending {
                found.reverse();
            }
        }
    }
    if whole && knobs.element_per_parent {
        let parents = |at: usize| tree.node(at).map_or(1, |node| 1 + node.held_by.len());
        found = found.into_iter().flat_map(|at| std::iter::repeat_n(at, parents(at))).collect();
    }
    listing::page(call, out, &found, each)
}

fn seen(tree: &Tree, at: usize) -> bool {
    tree.node(at).is_some_and(|node| !node.hidden)
}

/// `GET /assetdatabases/{webId}/elements` and `GET /elements/{webId}/elements`.
pub(in crate::pi::routes) fn below(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    list(call, out, holder(call)?, false)
}

/// `GET /assetdatabases/{webId}/referencedelements` and `GET /elements/{webId}/referencedelements`: those that another
/// parent comes first for.
pub(in crate::pi::routes) fn referenced(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    list(call, out, holder(call)?, true)
}

/// `GET /elements/{webId}`.
pub(in crate::pi::routes) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["associations", "selectedfields", "webidtype"])?;
    let (tree, at) = element(call, id(call))?;
    let (form, paths) = (call.query.form()?, association(call, "Paths")?);
    listing::single(call, out, |out, selection| show::element(call, out, selection, &tree, at, form, paths))
}

/// `GET /elements?path=`.
pub(in crate::pi::routes) fn by_path(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["path", "associations", "selectedfields", "webidtype"])?;
    let (tree, at) = element_at(call, path(call)?)?;
    let (form, paths) = (call.query.form()?, association(call, "Paths")?);
    listing::single(call, out, |out, selection| show::element(call, out, selection, &tree, at, form, paths))
}

/// `GET /elements/multiple?webId=…&path=…`: 207 when any failed.
pub(in crate::pi::routes) fn several(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (form, paths) = (call.query.form()?, association(call, "Paths")?);
    let by_id = |id: &str| element(call, id);
    multiple::multiple(
        call,
        out,
        by_id,
        |path| element_at(call, path),
        |out, selection, (tree, at)| {
            show::element(call, out, selection, tree, *at, form, paths);
        },
    )
}

/// `GET /elements/{webId}/paths`: every path, or those relative to one of its ancestors.
pub(in crate::pi::routes) fn paths(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["relativepath"])?;
    let (tree, at) = element(call, id(call))?;
    let mut paths = tree.paths(at);
    if let Some(base) = call.query.one("relativepath").filter(|base| !base.is_empty()) {
        let base = format!(r"{}\", base.trim_end_matches('\\'));
        let inside = |path: &String| path.get(..base.len()).is_some_and(|head| head.eq_ignore_ascii_case(&base));
        paths.retain(inside);
        paths.iter_mut().for_each(|path| *path = path.split_off(base.len()));
    }
    Ok(collection(call, out, paths, |out, _, path| render::string(out, path)))
}
