//! A sample as the server wrote it → a row of the table.
//!
//! The documents name no type of a tag, so each value is what its JSON is (§6.2): a number without fraction and exponent is
//! whole. Nothing becomes NULL because it is unexpected: a value that is not there is named by its quality, as a state of the
//! historian, and what has no place in the table becomes a reject.

use std::borrow::Cow;

use tidegate_sdk::events::{EXACT, Row, ValueType};

use crate::{
    api::{Sample, Value},
    quality::{self, worth},
};

/// A value in the three columns that hold it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped<'a> {
    pub(crate) value: Option<f64>,
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) value_type: ValueType,
}

/// The columns of a value, or why it has no place in them.
///
/// A value of the quality "No Data" is kept: what the server shows is mirrored, and its quality says the rest.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "the exact digits of a long integer go to value_text")]
pub(crate) fn map<'a>(sample: &'a Sample<'a>) -> Result<Mapped<'a>, &'static str> {
    let of = |value, text, value_type| Ok(Mapped { value, text, value_type });
    match &sample.value {
        Value::Float(number) => of(Some(*number), None, ValueType::Float),
        Value::Int(whole) => {
            let text = (whole.unsigned_abs() > EXACT).then(|| whole.to_string().into());
            of(Some(*whole as f64), text, ValueType::Int)
        }
        Value::UInt(whole) => of(Some(*whole as f64), Some(whole.to_string().into()), ValueType::Int),
        Value::Bool(flag) => of(Some(f64::from(u8::from(*flag))), None, ValueType::Bool),
        Value::Text(text) => of(None, Some(text.as_ref().into()), ValueType::String),
        Value::Null => of(None, Some(quality::name(sample.quality).into()), ValueType::System),
        Value::Other(_) => Err("the value is neither a number nor a text"),
    }
}

/// The row of a sample at `micros`.
#[inline]
pub(crate) fn row<'a>(micros: i64, sample: &Sample<'_>, mapped: &'a Mapped<'a>, units: Option<&'a str>) -> Row<'a> {
    let worth = worth(sample.quality);
    Row {
        micros,
        value: mapped.value,
        text: mapped.text.as_deref(),
        value_type: mapped.value_type,
        units,
        good: worth.good,
        questionable: worth.questionable,
        substituted: worth.substituted,
        // Annotations are another call, and about tags and times rather than samples (§6.8).
        annotated: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(json: &str) -> Result<(Option<f64>, Option<String>, &'static str), &'static str> {
        let sample: Sample<'_> = serde_json::from_str(json).unwrap();
        map(&sample).map(|mapped| (mapped.value, mapped.text.map(Cow::into_owned), mapped.value_type.name()))
    }

    #[test]
    fn each_value_has_its_columns() {
        let text = |text: &str| Some(text.to_owned());
        let table = [
            ("71.08000183105469,192", Ok((Some(71.080_001_831_054_69), None, "float"))),
            ("1.0,192", Ok((Some(1.0), None, "float"))),
            ("1E+3,192", Ok((Some(1_000.0), None, "float"))),
            ("-7,192", Ok((Some(-7.0), None, "int"))),
            ("9007199254740992,192", Ok((Some(9_007_199_254_740_992.0), None, "int"))),
            ("9007199254740993,192", Ok((Some(9_007_199_254_740_992.0), text("9007199254740993"), "int"))),
            ("18446744073709551615,192", Ok((Some(18_446_744_073_709_551_615.0), text("18446744073709551615"), "int"))),
            ("true,192", Ok((Some(1.0), None, "bool"))),
            ("false,0", Ok((Some(0.0), None, "bool"))),
            ("\"Öl 7\",192", Ok((None, text("Öl 7"), "string"))),
            ("\"\",192", Ok((None, text(""), "string"))),
            ("null,32768", Ok((None, text("No Data"), "system"))),
            ("null", Ok((None, text("No Data"), "system"))),
            ("null,24", Ok((None, text("Comm Failure"), "system"))),
            ("5.5,32768", Ok((Some(5.5), None, "float"))),
            ("[1],192", Err("the value is neither a number nor a text")),
            ("{\"Error\":\"x\"},192", Err("the value is neither a number nor a text")),
        ];
        for (tail, expected) in table {
            assert_eq!(mapped(&format!(r#"["2025-11-01T19:35:24Z",{tail}]"#)), expected, "{tail}");
        }
    }
}
