//! The hot path: events as JSON, straight into the buffer that goes to the socket.
//!
//! What follows a value is one of sixteen ready texts (four flags), the day of a timestamp is kept, numbers go through
//! `itoa` and `zmij`. No value is ever turned into an object on the way.

use super::archive::{Item, flags_of};
use super::event::{Event, Value};
use super::fields::Selection;
use super::generate::Flags;
use super::json::Obj;
use super::tag::Tag;
use super::time::Stamper;
pub(crate) use crate::shared::text::{float32, float64, int, string};

/// Appends a value in the shape that PI Web API gives it (reference §2.3).
pub(crate) fn value(out: &mut Vec<u8>, value: &Value) {
    selected_value(out, value, Selection::All);
}

/// As [`value`], where only some members of an object value may be selected.
fn selected_value(out: &mut Vec<u8>, value: &Value, selection: Selection<'_>) {
    match value {
        Value::Float32(number) => float32(out, *number),
        Value::Float64(number) => float64(out, *number),
        Value::Int(number) => int(out, *number),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Text(text) => string(out, text),
        Value::Timestamp(ticks) => {
            out.push(b'"');
            Stamper::new().write(out, *ticks);
            out.push(b'"');
        }
        Value::Digital { name, code } => state(out, name, *code, false, selection),
        Value::System { name, code } => state(out, name, *code, true, selection),
        Value::Array(numbers) => {
            out.push(b'[');
            for (index, number) in numbers.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                float64(out, *number);
            }
            out.push(b']');
        }
        Value::Errors(texts) => {
            let mut object = Obj::open(out, selection);
            object.array("Errors", texts, |out, _, text| string(out, text));
            object.close();
        }
        Value::Json(text) => out.extend_from_slice(text.as_bytes()),
    }
}

fn state(out: &mut Vec<u8>, name: &str, code: i32, system: bool, selection: Selection<'_>) {
    let mut object = Obj::open(out, selection);
    object.text("Name", name).int("Value", i64::from(code)).bool("IsSystem", system);
    object.close();
}

/// Renders events under one selection.
#[derive(Debug)]
pub(crate) struct Rows<'f> {
    timestamp: bool,
    value: Option<Selection<'f>>,
    annotations: bool,
    errors: bool,
    tails: [Vec<u8>; 16],
    stamper: Stamper,
}

impl<'f> Rows<'f> {
    /// Prepares for `selection` below an item; `annotations` as the `associations` parameter asks.
    pub(crate) fn new(selection: Selection<'f>, annotations: bool, errors_always: bool) -> Rows<'f> {
        Rows::in_units(selection, annotations, errors_always, "")
    }

    /// As [`Rows::new`], for values in these units.
    pub(crate) fn in_units(selection: Selection<'f>, annotations: bool, errors_always: bool, units: &str) -> Rows<'f> {
        let (timestamp, value) = (selection.has("Timestamp"), selection.pick("Value"));
        let tails = std::array::from_fn(|flags| {
            let flags = Flags(flags as u8);
            let mut tail = Vec::new();
            let mut object = Obj::open(&mut tail, selection);
            object.text("UnitsAbbreviation", units);
            object.bool("Good", flags.has(Flags::GOOD));
            object.bool("Questionable", flags.has(Flags::QUESTIONABLE));
            object.bool("Substituted", flags.has(Flags::SUBSTITUTED));
            object.bool("Annotated", flags.has(Flags::ANNOTATED));
            object.close();
            // The members that stand before decide whether the tail starts with a comma.
            if tail.len() > 2 && (timestamp || value.is_some()) {
                tail[0] = b',';
            } else {
                tail.remove(0);
            }
            tail
        });
        Rows {
            timestamp,
            value,
            annotations: annotations && selection.has("Annotations"),
            errors: errors_always || selection.has("Errors"),
            tails,
            stamper: Stamper::new(),
        }
    }

    /// Appends one event.
    pub(crate) fn item(&mut self, out: &mut Vec<u8>, tag: &Tag, item: &Item) {
        match item {
            Item::Made(draft) => {
                let (value, flags) = tag.generator.value(*draft);
                self.write(out, draft.ticks, &value, flags);
            }
            Item::Kept(event) => self.event(out, event),
        }
    }

    /// Appends one whole event.
    pub(crate) fn event(&mut self, out: &mut Vec<u8>, event: &Event) {
        self.write(out, event.ticks, &event.value, flags_of(event));
    }

    fn write(&mut self, out: &mut Vec<u8>, ticks: i64, value: &Value, flags: Flags) {
        out.push(b'{');
        if self.timestamp {
            out.extend_from_slice(b"\"Timestamp\":\"");
            self.stamper.write(out, ticks);
            out.push(b'"');
        }
        if let Some(selection) = self.value {
            out.extend_from_slice(if self.timestamp { b",\"Value\":" } else { b"\"Value\":" });
            selected_value(out, value, selection);
        }
        out.extend_from_slice(&self.tails[usize::from(flags.0 & 15)]);
        if self.annotations && flags.has(Flags::ANNOTATED) {
            self.extra(out, |rows, out| {
                out.extend_from_slice(
                    b"\"Annotations\":[{\"Id\":\"7b0a2c5e-0000-0000-0000-000000000001\",\
                    \"Name\":\"note\",\"Description\":\"\",\"Value\":\"checked\",\"Creator\":\"SIM\\\\operator\",\
                    \"CreationDate\":\"",
                );
                rows.stamper.write(out, ticks);
                out.extend_from_slice(b"\",\"Modifier\":\"SIM\\\\operator\",\"ModifyDate\":\"");
                rows.stamper.write(out, ticks);
                out.extend_from_slice(b"\"}]");
            });
        }
    }

    /// Adds `Errors` to the item that was written last.
    pub(crate) fn errors(&mut self, out: &mut Vec<u8>) {
        if self.errors {
            item_errors(out, "Value");
        }
    }

    fn extra(&mut self, out: &mut Vec<u8>, member: impl FnOnce(&mut Self, &mut Vec<u8>)) {
        reopen(out);
        member(self, out);
        out.push(b'}');
    }
}

/// Takes the end off the object that was written last, ready for a further member.
pub(crate) fn reopen(out: &mut Vec<u8>) {
    out.pop();
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

/// Adds `Errors` about `field` to the object that was written last.
pub(crate) fn item_errors(out: &mut Vec<u8>, field: &str) {
    reopen(out);
    let text = format!("\"Errors\":[{{\"FieldName\":\"{field}\",\"Message\":[\"Simulated item error.\"]}}]}}");
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pi::fields::Fields;

    fn event(value: Value) -> Event {
        Event { annotated: true, ..Event::good(17_092_764_014_459_991, value) }
    }

    fn row(fields: &str, annotations: bool) -> String {
        let fields = Fields::parse(Some(fields));
        let mut out = Vec::new();
        Rows::new(fields.root(), annotations, false).event(&mut out, &event(Value::Float32(81.83204)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_whole_item_reads_as_documented() {
        assert_eq!(
            row("", false),
            r#"{"Timestamp":"2024-03-01T07:00:01.4459991Z","Value":81.83204,"UnitsAbbreviation":"","Good":true,"Questionable":false,"Substituted":false,"Annotated":true}"#
        );
    }

    #[test]
    fn unselected_members_are_absent() {
        assert_eq!(row("Value", false), r#"{"Value":81.83204}"#);
        assert_eq!(row("Good;Timestamp", false), r#"{"Timestamp":"2024-03-01T07:00:01.4459991Z","Good":true}"#);
        assert_eq!(row("Annotated", false), r#"{"Annotated":true}"#);
        assert_eq!(row("Nothing", false), "{}");
        assert!(row("Annotations", true).starts_with(r#"{"Annotations":[{"Id""#));
    }

    #[test]
    fn every_value_is_valid_json_of_its_shape() {
        for (value, text) in [
            (Value::Float32(1.0), "1.0"),
            (Value::Float64(1e300), "1E+300"),
            (Value::Float64(5e-324), "5E-324"),
            (Value::Float64(f64::NAN), "\"NaN\""),
            (Value::Int(9_007_199_254_740_993), "9007199254740993"),
            (Value::Text("a\"\\\n\u{1}\u{2028}\u{85}é🚀".into()), r#""a\"\\\n\u0001\u2028\u0085é🚀""#),
            (
                Value::System { name: "Shutdown".into(), code: 254 },
                r#"{"Name":"Shutdown","Value":254,"IsSystem":true}"#,
            ),
            (Value::Array(vec![1.5, 2.0]), "[1.5,2.0]"),
            (Value::Errors(vec!["x".into()]), r#"{"Errors":["x"]}"#),
            (Value::Timestamp(0), "\"1970-01-01T00:00:00Z\""),
        ] {
            assert_eq!(value.json(), text);
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
    }
}
