//! What can go wrong with a PI Web API server, beside what can with any server.

use anyhow::Result;

pub use crate::shared::fault::Scope;
pub(crate) use crate::shared::fault::{Book, Incident};
use crate::shared::fault::{Effects, Numbers, Wire, disturb, effects};

/// One misbehaviour and when it happens.
pub type Fault = crate::shared::fault::Fault<Effect>;

effects! {
    /// What goes wrong.
    pub enum Effect {
        /// Status 200, the first `after` items, then a top-level `WebException`.
        WebException {
            /// `StatusCode` inside the exception.
            status: u16,
            /// Items written before it.
            after: usize,
        },
        /// Status 200, and the item at this index (or the last) carries `Errors`.
        ItemErrors {
            /// Index of the item.
            index: usize,
        },
        /// Status 200 and an object without `Items`.
        NoItems,
        /// The server's own limit is lower: a larger `maxCount` is answered 400.
        Cap {
            /// The limit.
            max: usize,
        },
        /// Archive offline: status 200 and an empty list.
        Offline,
        /// The item in the middle comes twice.
        Duplicate,
        /// Two neighbouring items change places.
        Unordered,
    }
}

impl Effects for Effect {
    type Shape = Shape;

    fn parse(name: &str, numbers: &mut Numbers<'_>) -> Result<Option<Effect>> {
        Ok(Some(match name {
            "web-exception" => Effect::WebException {
                status: numbers.next(Some(500.0))? as u16,
                after: numbers.next(Some(3.0))? as usize,
            },
            "item-errors" => Effect::ItemErrors { index: numbers.next(Some(0.0))? as usize },
            "no-items" => Effect::NoItems,
            "cap" => Effect::Cap { max: numbers.next(None)? as usize },
            "offline" => Effect::Offline,
            "duplicate" => Effect::Duplicate,
            "unordered" => Effect::Unordered,
            _ => return Ok(None),
        }))
    }

    fn wire(&self) -> Option<Wire> {
        self.on_wire()
    }

    fn shape(&self, _: Option<&str>, shape: &mut Shape) {
        match *self {
            Effect::WebException { status, after } => shape.web_exception = Some((status, after)),
            Effect::ItemErrors { index } => shape.item_errors = Some(index),
            Effect::NoItems => shape.no_items = true,
            Effect::Cap { max } => shape.cap = Some(max),
            Effect::Offline => shape.offline = true,
            Effect::Duplicate => shape.duplicate = true,
            Effect::Unordered => shape.unordered = true,
            _ => {}
        }
    }
}

/// Changes to a list of events.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// (`StatusCode`, items before it).
    pub(crate) web_exception: Option<(u16, usize)>,
    /// Index of the item that carries `Errors`.
    pub(crate) item_errors: Option<usize>,
    /// Lower `MaxReturnedItemsPerCall`.
    pub(crate) cap: Option<usize>,
    /// Nothing is there.
    pub(crate) offline: bool,
    /// The middle item twice.
    pub(crate) duplicate: bool,
    /// Two neighbours change places.
    pub(crate) unordered: bool,
    /// The list is missing.
    pub(crate) no_items: bool,
}

impl Shape {
    /// Changes the items of a list.
    pub(crate) fn apply<T: Clone>(&self, items: &mut Vec<T>) {
        if self.offline {
            items.clear();
        }
        if let Some((_, after)) = self.web_exception {
            items.truncate(after);
        }
        disturb(items, self.duplicate, self.unordered);
    }
}
