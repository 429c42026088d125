//! The attributes that generated elements and event frames have: one list for each, dealt out in turn.

use std::borrow::Cow;
use std::sync::Arc;

use super::attribute::Attribute;
use super::home::Home;
use crate::pi::event::{Event, Value};
use crate::pi::names;
use crate::pi::tag::{Kind, Tag};
use crate::pi::truth::Catalogue;
use crate::pi::webid::{self, Class, Guid};
use crate::shared::hash::{mix, unit};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A tag.
    Point,
    /// A tag that does not exist.
    Unresolved,
    /// A value of its own.
    Static,
    /// A calculation.
    Formula,
}

/// One attribute of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    name: &'static str,
    type_name: &'static str,
    source: Source,
    flags: u8,
}

/// `IsHidden`.
const HIDDEN: u8 = 1;
/// `IsExcluded`.
const EXCLUDED: u8 = 2;
/// `IsConfigurationItem`.
const CONFIGURATION: u8 = 4;
/// Has attributes below.
const PARENT: u8 = 8;
/// The value is not good.
const BAD: u8 = 16;

const fn of(name: &'static str, type_name: &'static str, source: Source, flags: u8) -> Pattern {
    Pattern { name, type_name, source, flags }
}

/// What elements have.
pub(crate) const ELEMENT: [Pattern; 16] = [
    of("Temperature", "", Source::Point, 0),
    of("Design Pressure", "Double", Source::Static, 0),
    of("Pressure", "", Source::Point, PARENT),
    of("Manufacturer", "String", Source::Static, 0),
    of("Efficiency", "Double", Source::Formula, 0),
    of("Mode", "EnumerationValue", Source::Static, 0),
    of("Raw Signal", "", Source::Point, HIDDEN),
    of("Rating", "Int32", Source::Static, CONFIGURATION),
    of("Spare", "Double", Source::Unresolved, 0),
    of("Obsolete", "String", Source::Static, EXCLUDED),
    of("Serial", "Int64", Source::Static, CONFIGURATION),
    of("Installed", "DateTime", Source::Static, 0),
    of("In Service", "Boolean", Source::Static, 0),
    of("Curve", "DoubleArray", Source::Static, 0),
    of("Flow", "", Source::Point, 0),
    of("Drawing", "Unsupported", Source::Static, 0),
];

/// What lies below an attribute with [`PARENT`].
const CHILDREN: [Pattern; 2] =
    [of("LimitHi", "Double", Source::Static, 0), of("LimitLo", "Double", Source::Static, CONFIGURATION)];

/// What event frames have: every shape of value.
pub(crate) const FRAME: [Pattern; 10] = [
    of("Product", "String", Source::Static, 0),
    of("Quantity", "Double", Source::Static, 0),
    of("State", "EnumerationValue", Source::Static, 0),
    of("Final Reading", "", Source::Point, 0),
    of("Cycles", "Int64", Source::Static, 0),
    of("Inspection", "String", Source::Static, BAD),
    of("Profile", "DoubleArray", Source::Static, 0),
    of("Lost Signal", "Double", Source::Unresolved, 0),
    of("Released", "DateTime", Source::Static, 0),
    of("Approved", "Boolean", Source::Static, 0),
];

/// Whose attribute is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    /// The database.
    pub(crate) home: &'a Home,
    /// All tags.
    pub(crate) tags: &'a Catalogue,
    /// The element or event frame.
    pub(crate) guid: Guid,
    /// Which of the two.
    pub(crate) class: Class,
    /// Its path.
    pub(crate) path: &'a str,
    /// What values are drawn from.
    pub(crate) number: u64,
    /// When values were written, in ticks.
    pub(crate) at: i64,
    /// How many attributes it has at the first level.
    pub(crate) count: usize,
    /// Its list.
    pub(crate) patterns: &'static [Pattern],
}

impl Pattern {
    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The pattern at `slot`, and how often the list has been gone through before.
fn pattern(patterns: &[Pattern], slot: usize) -> Option<(Pattern, usize)> {
    Some((*patterns.get(slot.checked_rem(patterns.len())?)?, slot / patterns.len()))
}

/// The name of the attribute at `slot` of the first level.
pub(crate) fn name(patterns: &[Pattern], slot: usize) -> Cow<'static, str> {
    match pattern(patterns, slot) {
        None => Cow::Borrowed(""),
        Some((pattern, 0)) => Cow::Borrowed(pattern.name),
        Some((pattern, round)) => Cow::Owned(format!("{} {}", pattern.name, round + 1)),
    }
}

/// Whether lists leave out the attribute at `slot` unless asked for it.
pub(crate) fn is_secret(patterns: &[Pattern], slot: usize) -> bool {
    pattern(patterns, slot).is_some_and(|(pattern, _)| pattern.has(HIDDEN | EXCLUDED))
}

impl Owner<'_> {
    /// Every attribute: the first level, each followed by what lies below it.
    pub(crate) fn all(&self) -> Vec<Attribute> {
        let mut all = Vec::with_capacity(self.count + 2);
        for slot in 0..self.count {
            let Some(first) = self.first(slot) else { break };
            let parent = first.has_children.then(|| (first.guid, first.name.clone()));
            all.push(first);
            let below = CHILDREN.iter().enumerate().filter(|_| parent.is_some());
            for (n, pattern) in below {
                all.push(self.make(*pattern, pattern.name.to_owned(), slot * 4 + n + 1, parent.clone()));
            }
        }
        all
    }

    /// The attribute at `slot` of the first level.
    pub(crate) fn first(&self, slot: usize) -> Option<Attribute> {
        let (pattern, _) = pattern(self.patterns, slot).filter(|_| slot < self.count)?;
        Some(self.make(pattern, name(self.patterns, slot).into_owned(), slot * 4, None))
    }

    fn make(&self, pattern: Pattern, name: String, number: usize, parent: Option<(Guid, String)>) -> Attribute {
        let hash = mix(self.home.seed ^ mix(self.number ^ ((number as u64) << 40)));
        let tag = self.tag(pattern, hash);
        let missing = format!(r"\\{}\{name}.{hash:08x}", self.home.server_name);
        let config_string = match (pattern.source, &tag) {
            (Source::Point, Some(tag)) => tag.point.path.clone(),
            (Source::Point | Source::Unresolved, _) => missing,
            (Source::Formula, _) => "A=Temperature;[A*0.5]".to_owned(),
            (Source::Static, _) => String::new(),
        };
        let type_name = if pattern.type_name.is_empty() { type_of(tag.as_deref()) } else { pattern.type_name };
        let digital = type_name == "EnumerationValue";
        let set = tag.as_ref().map_or("Mode", |tag| tag.point.digital_set);
        let warm = pattern.name.starts_with("Temperature");
        let mut attribute = Attribute {
            description: format!("{} of the equipment", name.to_lowercase()),
            path: String::new(),
            type_qualifier: if digital { set.to_owned() } else { String::new() },
            units_name: if warm { "degree Celsius".to_owned() } else { String::new() },
            units: if warm { "°C".to_owned() } else { String::new() },
            data_reference: match pattern.source {
                Source::Point | Source::Unresolved => "PI Point".to_owned(),
                Source::Formula => "Formula".to_owned(),
                Source::Static => String::new(),
            },
            config_string,
            configuration_item: pattern.has(CONFIGURATION),
            excluded: pattern.has(EXCLUDED),
            hidden: pattern.has(HIDDEN),
            has_children: pattern.has(PARENT),
            categories: if pattern.source == Source::Point { vec!["Process".to_owned()] } else { Vec::new() },
            step: tag.as_ref().is_some_and(|tag| tag.point.step),
            trait_name: if parent.is_some() { name.clone() } else { String::new() },
            tag: tag.map(|tag| tag.point.index),
            value: self.value(pattern, type_name, hash),
            type_name: type_name.to_owned(),
            name,
            guid: webid::derive(&self.guid, b'A', number as u64),
            parent,
            owner: self.guid,
            class: self.class,
            server: self.home.server,
        };
        attribute.place(self.path);
        attribute
    }

    /// The tag behind a PI Point reference, as far as the caller may see it.
    fn tag(&self, pattern: Pattern, hash: u64) -> Option<Arc<Tag>> {
        if pattern.source != Source::Point || self.home.tags == 0 {
            return None;
        }
        let tag = self.tags.tags.get((hash % self.home.tags as u64) as usize)?;
        tag.hidden.is_none().then(|| Arc::clone(tag))
    }

    /// The value that no tag gives.
    fn value(&self, pattern: Pattern, type_name: &str, hash: u64) -> Option<Event> {
        if matches!(pattern.source, Source::Point | Source::Unresolved) {
            return None;
        }
        let labels = names::SETS.get(1).map_or(&[][..], |(_, labels)| labels);
        let code = (hash % labels.len().max(1) as u64) as usize;
        let value = match type_name {
            "Double" => Value::Float64((unit(hash) * 1e6).round() / 1e3),
            "String" if pattern.has(BAD) && hash & 1 == 0 => Value::System { name: "Bad Input".into(), code: 255 },
            "String" => {
                let texts = names::TEXTS;
                Value::Text(Cow::Borrowed(texts.get((hash % texts.len() as u64) as usize).copied().unwrap_or("")))
            }
            "EnumerationValue" => {
                Value::Digital { name: labels.get(code).copied().unwrap_or("").into(), code: code as i32 }
            }
            "Int32" => Value::Int(i64::from(hash as i32)),
            "Int64" => Value::Int((1 << 53) + 1 + (hash >> 12) as i64),
            "DateTime" => Value::Timestamp((hash % 50_000_000_000) as i64 * 300_000),
            "Boolean" => Value::Bool(hash & 1 == 0),
            "DoubleArray" => Value::Array((0..hash % 5).map(|n| (unit(mix(hash ^ n)) * 1e4).round() / 10.0).collect()),
            other => Value::Errors(vec![format!("Values of type '{other}' are not supported.")]),
        };
        let good = !pattern.has(BAD) && !matches!(value, Value::Errors(_));
        Some(Event { good, ..Event::good(self.at, value) })
    }
}

/// `Type` of an attribute that shows this tag.
fn type_of(tag: Option<&Tag>) -> &'static str {
    match tag.map(|tag| tag.point.kind) {
        Some(Kind::Float32) => "Single",
        Some(Kind::Float64) | None => "Double",
        Some(Kind::Int32) => "Int32",
        Some(Kind::Int16) => "Int16",
        Some(Kind::Int64) => "Int64",
        Some(Kind::Digital) => "EnumerationValue",
        Some(Kind::Text) => "String",
        Some(Kind::Timestamp) => "DateTime",
        Some(Kind::Bool) => "Boolean",
        Some(Kind::Array) => "DoubleArray",
        Some(Kind::Blob) => "Unsupported",
    }
}
