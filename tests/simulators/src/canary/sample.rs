//! One stored sample and its value.

use std::borrow::Cow;

use crate::shared::text;

/// Quality of a sample that is good.
pub const GOOD: u32 = 192;
/// Quality of the marker "No Data" that ends a session.
pub const NO_DATA: u32 = 32_768;

/// One stored sample. A tag has at most one at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// 100 ns ticks since the Unix epoch.
    pub ticks: i64,
    /// What was stored.
    pub value: Value,
    /// OPC DA quality with its limit bits, or [`NO_DATA`].
    pub quality: u32,
}

impl Sample {
    /// A good sample.
    pub fn good(ticks: i64, value: Value) -> Sample {
        Sample { ticks, value, quality: GOOD }
    }

    /// The marker that ends a session.
    pub fn no_data(ticks: i64) -> Sample {
        Sample { ticks, value: Value::Null, quality: NO_DATA }
    }

    /// Nanoseconds since the Unix epoch; saturates beyond the year 2262.
    pub fn nanos(&self) -> i64 {
        self.ticks.saturating_mul(100)
    }

    /// Microseconds since the Unix epoch, rounded down: the precision of Delta tables.
    pub fn micros(&self) -> i64 {
        self.ticks.div_euclid(10)
    }

    /// Whether it is the marker that ends a session.
    pub fn is_no_data(&self) -> bool {
        self.quality == NO_DATA
    }

    /// Whether its quality is good: both high bits of the low byte, and not the marker (reference §6.4).
    pub fn is_good(&self) -> bool {
        !self.is_no_data() && self.quality & 0xC0 == 0xC0
    }

    /// Whether its quality is uncertain.
    pub fn is_uncertain(&self) -> bool {
        !self.is_no_data() && self.quality & 0xC0 == 0x40
    }
}

/// A value in the shapes that the Views service gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// Stored as `f32`, printed widened: `71.08000183105469`.
    Float32(f32),
    /// Printed with the fewest digits that tell the `f64`.
    Float64(f64),
    /// Any integer; beyond 2^53 a double cannot hold it.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Text(Cow<'static, str>),
}

impl Value {
    /// The JSON text that the server sends for this value.
    pub fn json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Float32(value) => text::float64(out, f64::from(*value)),
            Value::Float64(value) => text::float64(out, *value),
            Value::Int(value) => text::int(out, *value),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Text(value) => text::string(out, value),
        }
    }

    /// As a number, where it is one; booleans count as 0 and 1.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::Float32(value) => Some(f64::from(*value)),
            Value::Float64(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            Value::Bool(value) => Some(f64::from(u8::from(*value))),
            Value::Null | Value::Text(_) => None,
        }
    }
}
