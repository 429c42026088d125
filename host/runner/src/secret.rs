//! Secrets, and the redactor that keeps them out of everything a person or a log collector reads.
//!
//! Two fences: a [`Secret`] never prints itself, and each of them is registered, so that a message which picked one up on
//! a way nobody thought of (a server that echoes a header, a library that quotes a URL) still loses it in [`redact`].
//! This module must never hand a secret to anything but the code that authenticates.

use std::borrow::Cow;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";

/// Shorter values would blot out ordinary words; a password of three characters protects nothing anyway.
const SHORTEST: usize = 4;

/// Every spelling of every registered secret, the longest first, so that no spelling hides a longer one.
static SPELLINGS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// A value that is only ever used, never shown: `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value` and registers it with the redactor.
    #[must_use]
    pub fn new(value: String) -> Self {
        register(&value);
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl schemars::JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "minLength": 1, "writeOnly": true})
    }
}

/// Makes [`redact`] remove `value`, also where it is base64, percent-encoded, or escaped as in JSON or in Rust's `Debug`.
pub fn register(value: &str) {
    if value.chars().count() < SHORTEST {
        return;
    }
    let mut spellings = SPELLINGS.write().unwrap_or_else(PoisonError::into_inner);
    for spelling in spellings_of(value) {
        if spelling.len() >= SHORTEST && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
}

/// `text` with every registered secret replaced by `***`.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let spellings = SPELLINGS.read().unwrap_or_else(PoisonError::into_inner);
    let mut clean = Cow::Borrowed(text);
    for spelling in spellings.iter() {
        if clean.contains(spelling.as_str()) {
            clean = Cow::Owned(clean.replace(spelling.as_str(), REDACTED));
        }
    }
    clean
}

fn spellings_of(value: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let percent = percent_encoded(value);
    let debug = format!("{value:?}");
    let json = serde_json::Value::from(value).to_string();
    vec![
        value.to_owned(),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        percent.to_lowercase(),
        percent,
        form,
        unquoted(&debug),
        unquoted(&json),
    ]
}

/// RFC 3986: everything but the unreserved characters as `%XX`.
fn percent_encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("correct horse".to_owned());
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
        assert_eq!(secret.reveal(), "correct horse");
    }

    #[test]
    fn every_spelling_of_a_registered_secret_is_removed() {
        let value = "pä ss\"w/örd+1";
        register(value);
        for spelling in spellings_of(value) {
            let message = format!("before {spelling} after");
            assert_eq!(redact(&message), "before *** after", "spelling {spelling}");
        }
    }

    #[test]
    fn a_longer_secret_is_removed_whole_when_a_shorter_one_is_part_of_it() {
        register("abcd-secret");
        register("abcd-secret-and-more");
        assert_eq!(redact("x abcd-secret-and-more y"), "x *** y");
    }

    #[test]
    fn short_values_do_not_blot_out_ordinary_words() {
        register("ab");
        assert_eq!(redact("the ab plugin"), "the ab plugin");
    }
}
