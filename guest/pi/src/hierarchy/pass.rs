//! Elements as they come → rows, each with its parent. No request: everything here can be tested natively.

use tidegate_sdk::tables::elements::ElementRow;

use super::{index::Index, rows::row};
use crate::{af, api::Element, identity::Identity, web_id};

/// A pass over the elements of one database.
#[derive(Debug, Default)]
pub(super) struct Pass {
    index: Index,
    ready: Vec<ElementRow>,
    held: Vec<Held>,
    /// Parents that are stated, and may turn out not to be shown.
    stated: Vec<Identity>,
}

/// A row whose parent may come later.
#[derive(Debug)]
struct Held {
    row: ElementRow,
    /// The WebId in `Links.Parent`.
    link: Option<String>,
    /// The path of the parent.
    above: Option<String>,
}

/// What a pass ends with.
#[derive(Debug)]
pub(super) struct End {
    pub(super) rows: Vec<ElementRow>,
    /// Elements whose parent is not among the elements.
    pub(super) hidden: usize,
    pub(super) index: Index,
}

/// What an element says of its parent.
#[derive(Debug, PartialEq, Eq)]
enum Parent {
    None,
    /// Its WebId, in the form of the element's own.
    Stated(String),
    /// To be looked up when all elements are known.
    Later {
        link: Option<String>,
        above: Option<String>,
    },
}

impl Pass {
    /// Takes in a page; an element that came before is the same row.
    pub(super) fn take(&mut self, page: impl IntoIterator<Item = Element>) {
        for element in page {
            if !self.index.add(&element) {
                continue;
            }
            match parent(&element) {
                Parent::None => self.ready.push(row(element, None)),
                Parent::Stated(id) => {
                    self.stated.push(Identity::of_object(None, &id));
                    self.ready.push(row(element, Some(id)));
                }
                Parent::Later { link, above } => self.held.push(Held { row: row(element, None), link, above }),
            }
        }
    }

    /// The rows that are done since the last call.
    pub(super) fn ready(&mut self) -> Vec<ElementRow> {
        std::mem::take(&mut self.ready)
    }

    /// Whether this element has been taken in.
    pub(super) fn knows(&self, identity: Identity) -> bool {
        self.index.by_identity(identity).is_some()
    }

    /// No more elements come.
    pub(super) fn finish(mut self) -> End {
        let mut hidden = self.stated.iter().filter(|parent| self.index.by_identity(**parent).is_none()).count();
        let index = &self.index;
        for Held { mut row, link, above } in self.held {
            let found = link.as_deref().and_then(|link| index.by_web_id(link));
            let found = found.or_else(|| index.by_path(above.as_deref()?));
            hidden += usize::from(found.is_none());
            row.parent_id = found.map(str::to_owned).or(link);
            self.ready.push(row);
        }
        End { rows: self.ready, hidden, index: self.index }
    }
}

/// The link decides: a path may lead by another parent. Where it holds the parent's identity and the element's own WebId
/// holds nothing else, the parent's WebId follows from it.
fn parent(element: &Element) -> Parent {
    let link = element.links.as_ref().and_then(|links| web_id::in_link(links.parent.as_deref()?, "elements"));
    let path = element.path.as_deref();
    match link {
        Some(link) if web_id::is_id_only(&element.web_id) && web_id::id_only(link).is_some() => {
            Parent::Stated(web_id::alike(&element.web_id, link))
        }
        None if path.and_then(af::parent).is_none() => Parent::None,
        link => Parent::Later { link: link.map(str::to_owned), above: path.and_then(af::parent).map(str::to_owned) },
    }
}

#[cfg(test)]
mod tests;
