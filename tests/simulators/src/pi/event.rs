//! One archived event and its value, as the server holds it.

use std::borrow::Cow;

use super::render;

/// One archived event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// 100 ns ticks since the Unix epoch.
    pub ticks: i64,
    /// What was recorded.
    pub value: Value,
    /// `Good`.
    pub good: bool,
    /// `Questionable`.
    pub questionable: bool,
    /// `Substituted`.
    pub substituted: bool,
    /// `Annotated`.
    pub annotated: bool,
    /// The newest, provisional value of a server with snapshots; it vanishes when the next event arrives.
    pub provisional: bool,
}

impl Event {
    /// A good event without any flag.
    pub fn good(ticks: i64, value: Value) -> Event {
        Event {
            ticks,
            value,
            good: true,
            questionable: false,
            substituted: false,
            annotated: false,
            provisional: false,
        }
    }

    /// Nanoseconds since the Unix epoch; saturates beyond the year 2262.
    pub fn nanos(&self) -> i64 {
        self.ticks.saturating_mul(100)
    }

    /// Microseconds since the Unix epoch, rounded down: the precision of Delta tables.
    pub fn micros(&self) -> i64 {
        self.ticks.div_euclid(10)
    }

    /// The timestamp exactly as the server prints it.
    pub fn timestamp(&self) -> String {
        super::time::format_ticks(self.ticks)
    }
}

/// A value in the shapes that PI Web API gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Printed with the fewest digits that tell the `f32`.
    Float32(f32),
    /// Printed with the fewest digits that tell the `f64`.
    Float64(f64),
    /// Any integer; beyond 2^53 a double cannot hold it.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A string; also what a bad value looks like at times.
    Text(Cow<'static, str>),
    /// Ticks since the Unix epoch, printed as an ISO 8601 string.
    Timestamp(i64),
    /// A state of a digital set.
    Digital {
        /// Label.
        name: Cow<'static, str>,
        /// Code in its set.
        code: i32,
    },
    /// A system state, on a tag of any kind.
    System {
        /// Label.
        name: Cow<'static, str>,
        /// Code in the SYSTEM set.
        code: i32,
    },
    /// An array of numbers.
    Array(Vec<f64>),
    /// An object with an `Errors` array in place of a value.
    Errors(Vec<String>),
    /// Any JSON, sent as it stands: what a later server might send.
    Json(Cow<'static, str>),
}

impl Value {
    /// The JSON text that the server sends for this value.
    pub fn json(&self) -> String {
        let mut out = Vec::new();
        render::value(&mut out, self);
        String::from_utf8_lossy(&out).into_owned()
    }
}
