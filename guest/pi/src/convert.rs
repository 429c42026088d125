//! An event as the server wrote it → a row of the table.
//!
//! What a JSON value means depends on the point: the same string is a time on a Timestamp point and a number, `"NaN"`,
//! on a Float point. Nothing is coerced to NULL because it is unexpected: what has no place becomes a reject.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tidegate_sdk::{
    events::{EXACT, Row, ValueType},
    micros,
    time::parse_instant,
};

use crate::api::{Item, Stamp, State, Value};

/// What kind of values a point holds, as far as that changes how they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PointKind {
    Float,
    Int,
    Digital,
    String,
    Timestamp,
    /// Blobs, types of a later server, streams that are no points.
    #[default]
    Other,
}

impl PointKind {
    /// From `PointType`.
    pub(crate) fn of(point_type: &str) -> Self {
        let kinds = [
            ("float", Self::Float),
            ("int", Self::Int),
            ("digital", Self::Digital),
            ("string", Self::String),
            ("timestamp", Self::Timestamp),
        ];
        let name = point_type.to_ascii_lowercase();
        kinds.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(Self::Other, |(_, kind)| kind)
    }

    /// The type of a value that is not there.
    fn of_null(self) -> ValueType {
        match self {
            Self::Int => ValueType::Int,
            Self::Digital => ValueType::Digital,
            Self::String => ValueType::String,
            Self::Timestamp => ValueType::Timestamp,
            Self::Float | Self::Other => ValueType::Float,
        }
    }
}

/// A value in the three columns that hold it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped<'a> {
    pub(crate) value: Option<f64>,
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) value_type: ValueType,
}

impl<'a> Mapped<'a> {
    fn new(value: Option<f64>, text: Option<Cow<'a, str>>, value_type: ValueType) -> Self {
        Self { value, text, value_type }
    }
}

/// The columns of a value, or why it has no place in them.
#[inline]
pub(crate) fn map<'a>(value: &'a Value<'a>, kind: PointKind) -> Result<Mapped<'a>, &'static str> {
    Ok(match value {
        Value::Float(number) if kind == PointKind::Int && number.fract() == 0.0 => {
            Mapped::new(Some(*number), None, ValueType::Int)
        }
        Value::Float(number) => Mapped::new(Some(*number), None, ValueType::Float),
        Value::Int(whole) => integer(value.number(), whole.unsigned_abs(), || whole.to_string(), kind),
        Value::UInt(whole) => integer(value.number(), *whole, || whole.to_string(), kind),
        Value::Bool(flag) => Mapped::new(Some(f64::from(u8::from(*flag))), None, ValueType::Bool),
        Value::Text(text) => string(text, kind),
        Value::State(state) => self::state(state, kind),
        Value::Errors(text) => Mapped::new(None, Some(text.into()), ValueType::Error),
        Value::Array(json) => Mapped::new(None, Some(json.into()), ValueType::Array),
        Value::Null => Mapped::new(None, None, kind.of_null()),
        Value::Unknown => return Err("the value is an object of an unknown shape"),
    })
}

fn integer<'a>(number: Option<f64>, magnitude: u64, digits: impl Fn() -> String, kind: PointKind) -> Mapped<'a> {
    let value_type = match kind {
        PointKind::Float => ValueType::Float,
        PointKind::Digital => ValueType::Digital,
        _ => ValueType::Int,
    };
    let text = (magnitude > EXACT).then(|| Cow::Owned(digits()));
    Mapped::new(number, text, value_type)
}

fn string<'a>(text: &'a str, kind: PointKind) -> Mapped<'a> {
    let number = match (kind, text) {
        (PointKind::Float, "NaN") => Some(f64::NAN),
        (PointKind::Float, "Infinity" | "+Infinity") => Some(f64::INFINITY),
        (PointKind::Float, "-Infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    };
    match (number, kind) {
        (Some(number), _) => Mapped::new(Some(number), None, ValueType::Float),
        // A bad value on such a point may be any text.
        (None, PointKind::Timestamp) if parse_instant(text).is_ok() => {
            Mapped::new(None, Some(text.into()), ValueType::Timestamp)
        }
        (None, _) => Mapped::new(None, Some(text.into()), ValueType::String),
    }
}

fn state<'a>(state: &'a State<'a>, kind: PointKind) -> Mapped<'a> {
    let label = state.name.as_deref().map(Cow::Borrowed);
    // Servers before 2017 do not say which set a state belongs to: on a point that is not digital it is the system's.
    if state.system.unwrap_or(kind != PointKind::Digital) {
        return Mapped::new(None, label, ValueType::System);
    }
    Mapped::new(state.code, label, ValueType::Digital)
}

/// The row of an event, with the point's units where the event names none.
#[inline]
pub(crate) fn row<'a>(item: &'a Item<'a>, mapped: &'a Mapped<'a>, units: Option<&'a str>) -> Row<'a> {
    let units = item.units_abbreviation.as_deref().filter(|units| !units.is_empty()).or(units);
    Row {
        micros: match item.timestamp {
            Stamp::At(instant) => micros(instant),
            Stamp::Unreadable => 0,
        },
        value: mapped.value,
        text: mapped.text.as_deref(),
        value_type: mapped.value_type,
        units,
        good: item.good,
        questionable: item.questionable,
        substituted: item.substituted,
        annotated: item.annotated,
    }
}

#[cfg(test)]
mod tests;
