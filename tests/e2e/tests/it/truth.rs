//! What the tables must hold, worked out from the simulator's truth by the rules of the product contract and by nothing
//! that the product itself computes.

use tidegate_simulators::pi::{Config, Event, Form, Point, Server, Value};

use crate::plant::{Series, Simulator};
use crate::table::{Key, Row, Rows};

/// How the table differs from the truth; all zero when it mirrors it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub missing: usize,
    pub doubled: usize,
    pub altered: usize,
    pub extra: usize,
    /// The first few, for people.
    pub examples: Vec<String>,
}

/// The rows that `events` of `point` become; what cannot be mapped becomes none.
pub fn rows(point: &Point, events: &[Event]) -> Vec<(Key, Row)> {
    let kept = events.iter().filter(|event| !is_reject(event));
    numbered(&point.web_id(Form::Full), kept.map(|event| (event.micros(), row(point, event))))
}

/// Rows of one series with their keys: those that share a stored timestamp are numbered in the server's order.
pub fn numbered(id: &str, rows: impl Iterator<Item = (i64, Row)>) -> Vec<(Key, Row)> {
    let mut last = (i64::MIN, 0);
    let number = |(micros, row)| {
        last = if last.0 == micros { (micros, last.1 + 1) } else { (micros, 0) };
        ((id.to_owned(), micros, last.1), row)
    };
    rows.map(number).collect()
}

/// The columns of an integer: exact as text too where a double cannot hold it.
pub fn whole(value: i64) -> (Option<u64>, Option<String>) {
    let exact = (value as f64) as i128 == i128::from(value) && value.unsigned_abs() <= 1 << 53;
    (Some((value as f64).to_bits()), (!exact).then(|| value.to_string()))
}

impl Simulator for Server {
    type Config = Config;
    const PLUGIN: &'static str = "pi";

    fn launch(config: Config) -> Self {
        Self::launch(config).unwrap()
    }

    fn url(&self) -> String {
        self.url()
    }

    fn series(&self, start: i64, end: i64) -> Vec<Series> {
        let truth = self.truth();
        let series = |point: &Point| Series {
            tag: point.index,
            id: point.web_id(Form::Full),
            rows: rows(point, &truth.events(point.index, start, end)),
        };
        truth.points().iter().map(series).collect()
    }
}

/// The first of these times, but for the outermost, that is there once.
pub fn alone(micros: &[i64]) -> usize {
    let alone = |at: &usize| micros[*at] != micros[at - 1] && micros[*at] != micros[at + 1];
    (1..micros.len() - 1).find(alone).unwrap()
}

/// Whether the product keeps it among the rejects and not in the table.
pub fn is_reject(event: &Event) -> bool {
    matches!(event.value, Value::Json(_))
}

/// Compares a table with the truth.
pub fn compare(truth: impl IntoIterator<Item = (Key, Row)>, table: &Rows) -> Difference {
    let mut difference = Difference::default();
    let mut expected = std::collections::BTreeMap::new();
    for (key, row) in truth {
        assert!(expected.insert(key, row).is_none(), "the truth has a key twice");
    }
    let mut note = |text: String| {
        if difference.examples.len() < 5 {
            difference.examples.push(text);
        }
    };
    for (key, row) in &expected {
        match table.get(key).map(Vec::as_slice) {
            None => {
                difference.missing += 1;
                note(format!("missing {key:?}: {row:?}"));
            }
            Some([found]) if found == row => {}
            Some([found]) => {
                difference.altered += 1;
                note(format!("altered {key:?}: expected {row:?}, found {found:?}"));
            }
            Some(many) => {
                difference.doubled += many.len() - 1;
                note(format!("doubled {key:?}"));
            }
        }
    }
    for key in table.keys().filter(|key| !expected.contains_key(*key)) {
        difference.extra += 1;
        note(format!("extra {key:?}: {:?}", table[key]));
    }
    difference
}

fn row(point: &Point, event: &Event) -> Row {
    let number = |value: f64| Some(value.to_bits());
    let (value, text, kind) = match &event.value {
        Value::Float32(_) => (number(event.value.json().parse().unwrap()), None, "float"),
        Value::Float64(value) => (number(*value), None, "float"),
        Value::Int(value) => {
            let (value, text) = whole(*value);
            (value, text, "int")
        }
        Value::Bool(value) => (number(f64::from(u8::from(*value))), None, "bool"),
        Value::Text(text) => (None, Some(text.to_string()), "string"),
        Value::Timestamp(ticks) => (None, Some(tidegate_simulators::pi::format_ticks(*ticks)), "timestamp"),
        Value::Digital { name, code } => (number(f64::from(*code)), Some(name.to_string()), "digital"),
        Value::System { name, .. } => (None, Some(name.to_string()), "system"),
        Value::Array(_) => (None, Some(event.value.json()), "array"),
        Value::Errors(texts) => (None, Some(texts.join("; ")), "error"),
        Value::Json(json) => panic!("{json} has no place in the table: it is a reject"),
    };
    Row {
        name: point.name.clone(),
        value,
        good: Some(event.good),
        questionable: Some(event.questionable),
        substituted: Some(event.substituted),
        annotated: Some(event.annotated),
        units: (!point.units.is_empty()).then(|| point.units.to_owned()),
        text,
        kind: kind.to_owned(),
    }
}
