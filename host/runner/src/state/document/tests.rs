//! Documents: there and back, and whatever else somebody may bring.

use super::*;

const GOOD: &str = r#"{"version": 1, "pipeline": "p", "tables": {"t": {"series": [
    {"id": "a", "name": "A", "first_timestamp": "2026-01-01T00:00:00.000001Z",
     "last_timestamp": "2026-02-01T00:00:00.500000Z", "stored_until": null, "record_count": 7,
     "last_run": "2026-02-01T00:00:00.000000Z"}],
    "gaps": [{"series": "a", "start": "2026-01-02T00:00:00.000000Z", "end": "2026-01-03T00:00:00.000000Z",
     "reason": "http-503", "attempts": 2, "first_seen": "2026-02-01T00:00:00.000000Z",
     "last_attempt": "2026-02-01T00:00:00.000000Z"}]}}}"#;

fn read(text: &str) -> Result<TableState, String> {
    let document = checked("f.json", text, "p").map_err(|failure| failure.message)?;
    document.tables["t"].state("t".to_owned())
}

#[test]
fn a_state_comes_back_as_it_was_and_equal_states_are_equal_text() {
    let state = read(GOOD).unwrap();
    assert_eq!((state.marks[0].covered.start.micros() % 1_000_000, state.marks[0].rows), (1, 7));
    let text = Document::of("p", std::slice::from_ref(&state)).text().unwrap();
    assert_eq!(read(&text).unwrap(), state);
    assert!(text.contains("\"2026-02-01T00:00:00.500000Z\""), "all microseconds: {text}");
    assert_eq!(Document::of("p", &[read(&text).unwrap()]).text().unwrap(), text);
}

#[test]
fn whatever_is_not_as_it_must_be_is_refused_with_its_place() {
    let table = [
        ("", "", "EOF"),
        ("\"version\": 1", "\"version\": 2", "its version is 2, this tidegate reads version 1"),
        ("\"version\": 1", "\"version\": \"1\"", "its version is \"1\""),
        ("\"version\": 1, ", "", "it has no `version`"),
        ("\"pipeline\": \"p\"", "\"pipeline\": \"q\"", "it is of pipeline `q`"),
        ("\"record_count\": 7", "\"record_count\": -7", "record_count -7 is below 0"),
        ("\"record_count\": 7", "\"record_count\": 7.5", "line 3"),
        ("\"record_count\": 7,", "", "missing field `record_count`"),
        ("\"stored_until\"", "\"stored_untl\"", "unknown field `stored_untl`"),
        ("2026-02-01T00:00:00.500000Z", "2025-02-01T00:00:00Z", "lies before first_timestamp"),
        ("2026-02-01T00:00:00.500000Z", "2026-02-30T00:00:00Z", "last_timestamp `2026-02-30T00:00:00Z` is not a time"),
        ("2026-02-01T00:00:00.500000Z", "9999-01-01T00:00:00Z", "outside the years"),
        ("2026-01-03T00:00:00.000000Z", "2026-01-02T00:00:00Z", "does not lie after start"),
        ("\"start\": \"2026-01-02T00:00:00.000000Z\"", "\"start\": null", "only one of `start` and `end`"),
        ("{\"id\": \"a\"", "{\"id\": \"\"", "a series without an `id`"),
        ("}}}", "}}", "EOF"),
    ];
    for (from, to, expected) in table {
        let text = if from.is_empty() { String::new() } else { GOOD.replacen(from, to, 1) };
        assert_ne!(text, GOOD, "{from} is not in the document");
        let error = read(&text).unwrap_err();
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
    let twice = GOOD.replacen("\"series\": [", "\"series\": [{\"id\": \"a\", \"name\": \"A\", \"first_timestamp\": \"2026-01-01T00:00:00Z\", \"last_timestamp\": \"2026-01-01T00:00:00Z\", \"stored_until\": null, \"record_count\": 0, \"last_run\": \"2026-01-01T00:00:00Z\"},", 1);
    assert!(read(&twice).unwrap_err().contains("series `a` stands in it twice"));
}
