//! Events as servers write them, and the row that each must become.

use super::*;

type Expected<'a> = (Option<f64>, Option<&'a str>, ValueType);

fn mapped(json: &str, kind: PointKind) -> Result<(Option<f64>, Option<String>, ValueType), String> {
    let item: Item<'_> = serde_json::from_str(json).unwrap();
    let mapped = map(&item.value, kind).map_err(str::to_owned)?;
    Ok((mapped.value, mapped.text.map(Cow::into_owned), mapped.value_type))
}

fn assert_maps(kind: PointKind, value: &str, expected: Expected<'_>) {
    let json = format!(r#"{{"Timestamp":"2024-03-01T07:00:00Z","Value":{value},"Good":true}}"#);
    let (number, text, value_type) = expected;
    assert_eq!(mapped(&json, kind), Ok((number, text.map(str::to_owned), value_type)), "{value} on {kind:?}");
}

#[test]
fn numbers_and_booleans() {
    use PointKind::{Digital, Float, Int, Other};
    assert_maps(Float, "81.83204", (Some(81.83204), None, ValueType::Float));
    assert_maps(Float, "82", (Some(82.0), None, ValueType::Float));
    assert_maps(Float, "-1.5e-300", (Some(-1.5e-300), None, ValueType::Float));
    assert_maps(Int, "82", (Some(82.0), None, ValueType::Int));
    assert_maps(Int, "82.0", (Some(82.0), None, ValueType::Int));
    assert_maps(Int, "82.5", (Some(82.5), None, ValueType::Float));
    assert_maps(Other, "82", (Some(82.0), None, ValueType::Int));
    assert_maps(Other, "82.0", (Some(82.0), None, ValueType::Float));
    assert_maps(Digital, "3", (Some(3.0), None, ValueType::Digital));
    assert_maps(Other, "true", (Some(1.0), None, ValueType::Bool));
    assert_maps(Float, "false", (Some(0.0), None, ValueType::Bool));
}

#[test]
fn an_integer_that_a_double_cannot_hold_is_exact_as_text() {
    let edge = 9_007_199_254_740_992.0;
    assert_maps(PointKind::Int, "9007199254740992", (Some(edge), None, ValueType::Int));
    assert_maps(PointKind::Int, "9007199254740993", (Some(edge), Some("9007199254740993"), ValueType::Int));
    assert_maps(PointKind::Int, "-9007199254740993", (Some(-edge), Some("-9007199254740993"), ValueType::Int));
    let top = (Some(18_446_744_073_709_551_615.0), Some("18446744073709551615"), ValueType::Int);
    assert_maps(PointKind::Other, "18446744073709551615", top);
}

#[test]
fn texts_by_the_kind_of_point() {
    use PointKind::{Float, Int, String, Timestamp};
    assert_maps(String, r#""Batch \"7\" Öl""#, (None, Some("Batch \"7\" Öl"), ValueType::String));
    assert_maps(String, r#""NaN""#, (None, Some("NaN"), ValueType::String));
    assert_maps(String, r#""""#, (None, Some(""), ValueType::String));
    let time = r#""2024-03-01T07:00:00Z""#;
    assert_maps(Timestamp, time, (None, Some("2024-03-01T07:00:00Z"), ValueType::Timestamp));
    assert_maps(Float, r#""Infinity""#, (Some(f64::INFINITY), None, ValueType::Float));
    assert_maps(Float, r#""-Infinity""#, (Some(f64::NEG_INFINITY), None, ValueType::Float));
    assert_maps(Int, r#""Bad""#, (None, Some("Bad"), ValueType::String));
    let (number, text, value_type) = mapped(r#"{"Value":"NaN"}"#, Float).unwrap();
    assert!(number.is_some_and(f64::is_nan) && text.is_none() && value_type == ValueType::Float);
}

#[test]
fn states() {
    use PointKind::{Digital, Float, Other};
    let shutdown = r#"{"Name":"Shutdown","Value":254,"IsSystem":true}"#;
    for kind in [Float, Digital, Other] {
        assert_maps(kind, shutdown, (None, Some("Shutdown"), ValueType::System));
    }
    let open = r#"{"Name":"Open","Value":1,"IsSystem":false}"#;
    assert_maps(Digital, open, (Some(1.0), Some("Open"), ValueType::Digital));
    assert_maps(Other, open, (Some(1.0), Some("Open"), ValueType::Digital));
    let older = r#"{"Name":"Open","Value":1}"#;
    assert_maps(Digital, older, (Some(1.0), Some("Open"), ValueType::Digital));
    assert_maps(Float, older, (None, Some("Open"), ValueType::System));
}

#[test]
fn arrays_errors_and_nothing() {
    use PointKind::{Digital, Float, Other};
    assert_maps(Other, "[1.50,2,\"x\"]", (None, Some("[1.50,2,\"x\"]"), ValueType::Array));
    assert_maps(Float, r#"{"Errors":["PI Error 11059"]}"#, (None, Some("PI Error 11059"), ValueType::Error));
    assert_maps(Float, "null", (None, None, ValueType::Float));
    assert_maps(Digital, "null", (None, None, ValueType::Digital));
    assert!(mapped(r#"{"Value":{"Lat":1,"Lon":2}}"#, Other).is_err());
}

#[test]
fn units_come_from_the_event_then_from_the_point() {
    let mapped = Mapped::new(Some(1.0), None, ValueType::Float);
    for (json, expected) in [
        (r#"{"UnitsAbbreviation":"bar"}"#, Some("bar")),
        (r#"{"UnitsAbbreviation":""}"#, Some("°C")),
        ("{}", Some("°C")),
    ] {
        let item: Item<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(row(&item, &mapped, Some("°C")).units, expected, "{json}");
    }
    let item: Item<'_> = serde_json::from_str("{}").unwrap();
    assert_eq!(row(&item, &mapped, None).units, None);
}

#[test]
fn point_types_as_servers_name_them() {
    let table = [
        ("Float16", PointKind::Float),
        ("Float64", PointKind::Float),
        ("Int32", PointKind::Int),
        ("Digital", PointKind::Digital),
        ("Timestamp", PointKind::Timestamp),
        ("String", PointKind::String),
        ("Blob", PointKind::Other),
        ("", PointKind::Other),
    ];
    for (name, kind) in table {
        assert_eq!(PointKind::of(name), kind, "{name}");
    }
}
