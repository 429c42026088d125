//! What the tables must hold of a Canary server, worked out from the simulator's truth by the rules of the product
//! contract.

use tidegate_simulators::canary::{Config, Point, Sample, Server, Value};

use crate::plant::{Series, Simulator};
use crate::table::{Key, Row};
use crate::truth::{numbered, whole};

/// The names of qualities (reference §6.4), which stand where there is no value.
const STATES: [(u32, &str); 15] = [
    (0, "Bad"),
    (4, "Config Error"),
    (8, "Not Connected"),
    (12, "Device Failure"),
    (16, "Sensor Failure"),
    (20, "Last Known Value"),
    (24, "Comm Failure"),
    (28, "Out of Service"),
    (64, "Uncertain"),
    (68, "Last Usable"),
    (80, "Sensor Not Accurate"),
    (84, "EU Exceeded"),
    (88, "Sub-Normal"),
    (192, "Good"),
    (216, "Good Local Override"),
];

/// Everything of a quality but its limit bits.
const STATUS: u32 = 0xFC;

impl Simulator for Server {
    type Config = Config;
    const PLUGIN: &'static str = "canary";

    fn launch(config: Config) -> Self {
        Self::launch(config).unwrap()
    }

    fn url(&self) -> String {
        self.url()
    }

    /// The tags of the historian's own view, without those that tell about the historian itself.
    fn series(&self, start: i64, end: i64) -> Vec<Series> {
        let truth = self.truth();
        let points = truth.points().into_iter().filter(|point| !point.hidden && !point.diagnostic);
        let series = |point: Point| Series {
            tag: point.index,
            id: id(&point).to_owned(),
            rows: rows(&point, &point.path, &truth.events(point.index, start, end)),
        };
        points.map(series).collect()
    }
}

/// A tag is the stored item behind it, and its path where there is none.
pub fn id(point: &Point) -> &str {
    point.historian_item_id.as_deref().unwrap_or(&point.path)
}

/// The rows that samples of `point` become, read by the name `path`.
pub fn rows(point: &Point, path: &str, samples: &[Sample]) -> Vec<(Key, Row)> {
    numbered(id(point), samples.iter().map(|sample| (sample.micros(), row(point, path, sample))))
}

fn row(point: &Point, path: &str, sample: &Sample) -> Row {
    let number = |value: f64| Some(value.to_bits());
    let (value, text, kind) = match &sample.value {
        Value::Null => (None, Some(state(sample)), "system"),
        Value::Float32(value) => (number(f64::from(*value)), None, "float"),
        Value::Float64(value) => (number(*value), None, "float"),
        Value::Int(value) => {
            let (value, text) = whole(*value);
            (value, text, "int")
        }
        Value::Bool(value) => (number(f64::from(u8::from(*value))), None, "bool"),
        Value::Text(text) => (None, Some(text.to_string()), "string"),
    };
    Row {
        name: path.to_owned(),
        value,
        good: Some(sample.is_good()),
        questionable: Some(sample.is_uncertain()),
        substituted: Some(!sample.is_no_data() && sample.quality & STATUS == 216),
        // Canary has remarks on times, and none on samples.
        annotated: None,
        units: (!point.units.is_empty()).then(|| point.units.to_owned()),
        text,
        kind: kind.to_owned(),
    }
}

fn state(sample: &Sample) -> String {
    if sample.is_no_data() {
        return "No Data".to_owned();
    }
    let found = STATES.iter().find(|(quality, _)| *quality == sample.quality & STATUS);
    found.unwrap_or_else(|| panic!("{} has no name", sample.quality)).1.to_owned()
}
