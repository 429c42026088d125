//! A tag: what its point looks like from outside, where its events come from, and what edits lie over them.

use super::config::Hidden;
use super::event::Event;
use super::generate::Generator;
use super::webid::{self, Class, Form, Guid, Local};
use crate::shared::series::Edits;

/// Kind of value that a tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PI `Float32`.
    Float32,
    /// PI `Float64`.
    Float64,
    /// PI `Int32`.
    Int32,
    /// PI `Int16`.
    Int16,
    /// Integers beyond 2^53, which AF attributes have and points lack.
    Int64,
    /// PI `Digital`.
    Digital,
    /// PI `String`.
    Text,
    /// PI `Timestamp`.
    Timestamp,
    /// JSON booleans, which AF attributes have and points lack.
    Bool,
    /// Arrays of numbers, which AF attributes have and points lack.
    Array,
    /// PI `Blob`: reading a value is answered 501.
    Blob,
}

impl Kind {
    /// Every kind with its name, as `--kinds` and `PointType` spell it.
    pub const ALL: [(Kind, &'static str); 11] = [
        (Kind::Float32, "Float32"),
        (Kind::Float64, "Float64"),
        (Kind::Int32, "Int32"),
        (Kind::Int16, "Int16"),
        (Kind::Int64, "Int64"),
        (Kind::Digital, "Digital"),
        (Kind::Text, "String"),
        (Kind::Timestamp, "Timestamp"),
        (Kind::Bool, "Boolean"),
        (Kind::Array, "Array"),
        (Kind::Blob, "Blob"),
    ];

    /// The mix of a plant: among any ten neighbours every readable kind, among twenty mostly floats.
    pub fn plant_mix() -> Vec<Kind> {
        use Kind::{Array, Bool, Digital, Float32, Float64, Int16, Int32, Int64, Text, Timestamp};
        let mut mix = vec![Float32, Digital, Text, Int32, Float64, Bool, Timestamp, Array, Int16, Int64];
        mix.extend([Float32; 8]);
        mix.extend([Float64, Int32]);
        mix
    }

    /// Reads a name without case.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(kind, _)| *kind)
    }

    /// The name that `PointType` shows.
    pub fn point_type(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, _)| *kind == self).map_or("Null", |(_, name)| name)
    }
}

/// What a point looks like from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Position in the truth's list; stable.
    pub index: usize,
    /// `Id`, unique on its server.
    pub id: u32,
    /// `Name`.
    pub name: String,
    /// `Path`, such as `\\SIMPI\TAG1`.
    pub path: String,
    /// `Descriptor`.
    pub descriptor: String,
    /// Kind of value.
    pub kind: Kind,
    /// `DigitalSetName`, empty unless digital.
    pub digital_set: &'static str,
    /// `EngineeringUnits`.
    pub units: &'static str,
    /// `Zero`.
    pub zero: f64,
    /// `Span`.
    pub span: f64,
    /// `Step`.
    pub step: bool,
    /// `Future`.
    pub future: bool,
    /// The caller may not see it.
    pub hidden: bool,
    pub(crate) server: Guid,
}

impl Point {
    /// The point's WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::Point, &self.server, Local::Number(self.id), &self.path)
    }
}

/// A point, its generator and its edits.
#[derive(Debug)]
pub(crate) struct Tag {
    /// Seen from outside.
    pub(crate) point: Point,
    /// Where events come from.
    pub(crate) generator: Generator,
    /// How direct reads are refused.
    pub(crate) hidden: Option<Hidden>,
    /// What has been changed by hand.
    pub(crate) edits: Edits<Event>,
}

impl Tag {
    /// A tag without edits.
    pub(crate) fn new(point: Point, generator: Generator, hidden: Option<Hidden>) -> Tag {
        Tag { point, generator, hidden, edits: Edits::default() }
    }
}
