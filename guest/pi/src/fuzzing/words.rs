//! Small texts of a server: times, WebIds, paths, refusals, single values.

use tidegate_sdk::{
    Fault, pattern, quote,
    time::{TimeError, format_instant, parse_instant},
};

use crate::{
    af,
    api::{Value, texts},
    convert::{self, PointKind},
    frames,
    identity::Identity,
    read, web_id,
};

/// The first instant that text can tell: the second in which 64 bits of nanoseconds begin is left out.
const FIRST: i64 = -9_223_372_036_000_000_000;

/// A byte for the kind of word, and the word.
pub(super) fn words(data: &[u8]) {
    let Some((kind, word)) = data.split_first() else { return };
    if kind % 8 == 0
        && let Some(nanos) = word.first_chunk::<8>()
    {
        written(i64::from_le_bytes(*nanos));
        return;
    }
    let Ok(text) = std::str::from_utf8(word) else { return };
    match kind % 8 {
        1 => time(text),
        2 => id(text),
        3 => path(text),
        4 => refusal(text),
        5 => matching(text),
        6 => value(text),
        _ => errors(text),
    }
}

/// What is written reads back the same.
fn written(instant: i64) {
    let read = parse_instant(&format_instant(instant));
    let expected = if instant < FIRST { Err(TimeError::TooEarly) } else { Ok(instant) };
    assert_eq!(read, expected, "{instant}");
}

fn time(text: &str) {
    if let Ok(instant) = parse_instant(text) {
        assert!(instant >= FIRST, "{text} is {instant}");
        written(instant);
    }
}

/// Forms of one WebId are one object, and a WebId without a path has one form only.
fn id(text: &str) {
    if let Some(short) = web_id::id_only(text) {
        assert!(web_id::is_id_only(&short), "{short}");
        assert_eq!(web_id::id_only(&short).as_ref(), Some(&short));
        assert_eq!(web_id::object(&short), web_id::object(text), "{text}");
        assert_eq!(web_id::owner_element(&short), web_id::owner_element(text), "{text}");
        assert_eq!(
            Identity::of_object(None, &short),
            match web_id::object(text) {
                Some(_) => Identity::of_object(None, text),
                None => Identity::of_text(&short),
            }
        );
        if let Some(owner) = web_id::owner_id_only(text) {
            assert_eq!(web_id::object(&owner), web_id::owner_element(text), "{text}");
        }
    }
    if let Some(last) = web_id::in_link(text, "elements") {
        assert!(text.contains(last) && !last.is_empty() && !last.contains('/'), "{text}");
    }
    if let Some(guid) = web_id::guid(text) {
        assert_eq!(web_id::guid(&text.to_uppercase()), Some(guid), "{text}");
    }
}

/// The way up from an element ends at the top, one level at a time.
fn path(text: &str) {
    assert!(af::readable(text).is_none_or(|path| path.starts_with('/') || path.starts_with('|')), "{text}");
    let mut at = text;
    while let Some(above) = af::parent(at) {
        assert!(above.len() < at.len(), "{text}");
        assert!(af::depth(above) <= af::depth(at), "{text}");
        at = above;
    }
}

/// The words of a refusal, in a message of one short line.
fn refusal(text: &str) {
    let _ = read::limit_in(text);
    let line = quote(text);
    assert!(line.chars().count() <= 301 && !line.contains(['\n', '\r']), "{line}");
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        let fault = Fault::status(status, "GET /x", text);
        assert!(fault.message.len() < 4_096 && fault.code == format!("http-{status}"), "{}", fault.message);
    }
}

/// A pattern and a name, in lines.
fn matching(text: &str) {
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    let found = pattern::matches(pattern, name);
    assert!(pattern::matches("*", name) && pattern::matches(&format!("{pattern}*"), name) >= found, "{text}");
    if !pattern.contains(['*', '?']) {
        assert_eq!(found, pattern.to_lowercase() == name.to_lowercase(), "{text}");
    }
}

/// A value of any shape has its columns on a point of any kind, or a reason why not.
fn value(text: &str) {
    let Ok(value) = serde_json::from_str::<Value<'_>>(text) else { return };
    let kinds = ["Float32", "Int32", "Digital", "String", "Timestamp", "Blob"].map(PointKind::of);
    for kind in kinds {
        match convert::map(&value, kind) {
            Ok(mapped) => {
                let null = mapped.value.is_none() && mapped.text.is_none();
                let says_nothing = matches!(&value, Value::Null | Value::State(_));
                assert!(!null || says_nothing, "{text} became NULL on {kind:?}");
            }
            Err(_) => assert_eq!(value, Value::Unknown, "{text}"),
        }
    }
}

fn errors(text: &str) {
    if let Ok(errors) = serde_json::from_str::<serde_json::Value>(text) {
        let _ = texts(&errors);
    }
    frames::fuzzing::value(text);
}
