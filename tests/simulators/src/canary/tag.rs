//! A tag: what it looks like from outside, where its samples come from, and what edits lie over them.

use super::generate::Generator;
use super::sample::Sample;
use crate::shared::series::Edits;

/// Kind of value that a tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floats, sent widened.
    Float32,
    /// 64-bit floats.
    Float64,
    /// Integers, some beyond 2^53.
    Int,
    /// Booleans.
    Bool,
    /// Strings.
    Text,
}

impl Kind {
    /// Every kind with its name, as `--kinds` spells it.
    pub const ALL: [(Kind, &'static str); 5] = [
        (Kind::Float32, "Float32"),
        (Kind::Float64, "Float64"),
        (Kind::Int, "Int"),
        (Kind::Bool, "Bool"),
        (Kind::Text, "String"),
    ];

    /// The mix of a plant: every kind among any ten neighbours, mostly floats.
    pub fn plant_mix() -> Vec<Kind> {
        use Kind::{Bool, Float32, Float64, Int, Text};
        vec![Float32, Float64, Int, Bool, Float32, Text, Float32, Float32, Int, Float32]
    }

    /// Reads a name without case.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(kind, _)| *kind)
    }
}

/// What a tag looks like from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Position in the truth's list; stable.
    pub index: usize,
    /// Name of its dataset.
    pub dataset: String,
    /// Name below the dataset.
    pub name: String,
    /// Full path in the historian view, such as `SIMHIST.Plant A.Line 000.Pump0000.Flow`.
    pub path: String,
    /// Full path in the virtual view; `None`: it is not mapped there.
    pub asset_path: Option<String>,
    /// Type of the asset that it belongs to; empty for none.
    pub asset_type: &'static str,
    /// `historianItemId`, the identity of the stored tag behind all its paths; `None` for calculated tags.
    pub historian_item_id: Option<String>,
    /// Kind of value.
    pub kind: Kind,
    /// Engineering units; empty for none.
    pub units: &'static str,
    /// The property that holds the units: `Units`, or `engUnit` with some collectors.
    pub units_property: &'static str,
    /// Description; empty for none.
    pub description: String,
    /// It belongs to the built-in dataset.
    pub diagnostic: bool,
    /// Tag Security hides it.
    pub hidden: bool,
}

impl Point {
    /// Every path that names it.
    pub fn paths(&self) -> Vec<&str> {
        std::iter::once(self.path.as_str()).chain(self.asset_path.as_deref()).collect()
    }

    /// Its properties as `getTagProperties` shows them, in order.
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let mut properties = Vec::new();
        if let Some(id) = &self.historian_item_id {
            properties.push(("Historian ItemId", id.clone()));
            properties.push(("Source ItemId", id.clone()));
        }
        if !self.description.is_empty() {
            properties.push(("Description", self.description.clone()));
        }
        if !self.units.is_empty() {
            properties.push((self.units_property, self.units.to_owned()));
            properties.push(("Default High Scale", "150".to_owned()));
            properties.push(("Default Low Scale", "0".to_owned()));
        }
        properties
    }
}

/// A point, its generator and its edits.
#[derive(Debug)]
pub(crate) struct Tag {
    /// Seen from outside.
    pub(crate) point: Point,
    /// Where samples come from.
    pub(crate) generator: Generator,
    /// What has been changed by hand.
    pub(crate) edits: Edits<Sample>,
}
