//! `…/elementattributes`: the attributes of many elements in one list.

use std::sync::Arc;

use super::elements::{holder, is_made_by, template};
use super::select::{Field, Filter, Order};
use super::{association, show};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Node, Tree};
use crate::pi::fields::Selection;
use crate::pi::routes::listing::{self, Page};

const LIST: [&str; 17] = [
    "elementnamefilter",
    "elementdescriptionfilter",
    "elementcategory",
    "elementtemplate",
    "elementtype",
    "attributenamefilter",
    "attributedescriptionfilter",
    "attributecategory",
    "attributetype",
    "searchfullhierarchy",
    "sortfield",
    "sortorder",
    "startindex",
    "maxcount",
    "associations",
    "selectedfields",
    "webidtype",
];

/// What the parameters ask of an element.
struct Elements<'q> {
    name: Filter<'q>,
    description: Filter<'q>,
    category: Filter<'q>,
    templates: Option<Vec<bool>>,
}

impl Elements<'_> {
    fn admits(&self, node: &Node) -> bool {
        self.name.admits(&node.name)
            && self.description.admits(&node.description)
            && self.category.admits_any(&node.categories)
            && self.templates.as_ref().is_none_or(|wanted| is_made_by(wanted, node.template))
    }

    fn is_open(&self) -> bool {
        self.name.is_open() && self.description.is_open() && self.category.is_open() && self.templates.is_none()
    }
}

/// What the parameters ask of an attribute.
#[derive(Clone, Copy)]
pub(in crate::pi::routes) struct Attributes<'q> {
    name: Filter<'q>,
    description: Filter<'q>,
    category: Filter<'q>,
    kind: Option<&'q str>,
}

impl<'q> Attributes<'q> {
    /// Reads the parameters that bulk lists share.
    pub(in crate::pi::routes) fn read(call: &'q Call<'_>) -> Attributes<'q> {
        Attributes {
            name: Filter::read(&call.query, "attributenamefilter"),
            description: Filter::read(&call.query, "attributedescriptionfilter"),
            category: Filter::read(&call.query, "attributecategory"),
            kind: call.query.one("attributetype").filter(|kind| !kind.is_empty()),
        }
    }

    /// Whether this one passes.
    pub(in crate::pi::routes) fn admit(self, attribute: &Attribute) -> bool {
        self.name.admits(&attribute.name)
            && self.description.admits(&attribute.description)
            && self.category.admits_any(&attribute.categories)
            && self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(&attribute.type_name))
    }

    fn is_open(self) -> bool {
        self.name.is_open() && self.description.is_open() && self.category.is_open() && self.kind.is_none()
    }
}

/// `GET /assetdatabases/{webId}/elementattributes` and `GET /elements/{webId}/elementattributes`: the attributes of the
/// elements right below, or of all elements below.
pub(in crate::pi::routes) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &LIST)?;
    let (tree, holder) = holder(call)?;
    let elements = Elements {
        name: Filter::read(&call.query, "elementnamefilter"),
        description: Filter::read(&call.query, "elementdescriptionfilter"),
        category: Filter::read(&call.query, "elementcategory"),
        templates: template(call, &tree, "elementtemplate"),
    };
    let wanted = Attributes::read(call);
    let order = Order::read(call)?.timeless()?;
    let whole = call.query.flag("searchfullhierarchy", "searchFullHierarchy", false)?;
    let (form, resolved) = (call.query.form()?, association(call, "DataReference")?);
    let each = |out: &mut Vec<u8>, selection: Selection<'_>, attribute: &Attribute| {
        show::attribute(call, out, selection, &tree, attribute, form, resolved);
    };
    let knobs = &call.app.config.knobs;
    let catalogue = call.app.truth.catalogue();
    let plain = order.field == Field::Name && wanted.is_open() && !knobs.bulk_nested_attributes && !order.descending;
    if plain && whole && holder.is_none() && elements.is_open() {
        // The whole database by name, which is how it is read in bulk: only what the page shows is made.
        let pairs = tree.attributes_by_name(|tree| tree.pairs(tree.visible(), knobs.bulk_hidden_attributes));
        let page = Page::usual(call, pairs.len())?;
        let pairs = pairs.get(page.range()).unwrap_or_default();
        let shown: Vec<Attribute> =
            pairs.iter().filter_map(|(at, slot)| tree.attribute_at(&catalogue, *at, *slot)).collect();
        return Ok(listing::write(call, out, |links| page.links(call, links, true), &shown, each));
    }
    let mut owners = if whole { tree.whole(holder) } else { tree.below(holder, knobs.elements_hold_references) };
    owners.retain(|at| tree.node(*at).is_some_and(|node| elements.admits(node)));
    tree.sort_by_name(&mut owners);
    let mut found = all(call, &tree, &owners);
    found.retain(|attribute| wanted.admit(attribute));
    match order.field {
        Field::Id => order.sort(&mut found, |attribute| attribute.guid),
        Field::Type => order.sort(&mut found, |attribute| attribute.type_name.clone()),
        _ => order.sort(&mut found, |attribute| attribute.name.clone()),
    }
    listing::page(call, out, &found, each)
}

/// Every attribute of these elements that bulk lists hold.
fn all(call: &Call<'_>, tree: &Arc<Tree>, owners: &[usize]) -> Vec<Attribute> {
    let knobs = &call.app.config.knobs;
    let catalogue = call.app.truth.catalogue();
    let mut found: Vec<Attribute> = owners.iter().flat_map(|at| tree.attributes(&catalogue, *at)).collect();
    found.retain(|attribute| {
        (knobs.bulk_nested_attributes || attribute.parent.is_none())
            && (knobs.bulk_hidden_attributes || !(attribute.hidden || attribute.excluded))
    });
    found
}
