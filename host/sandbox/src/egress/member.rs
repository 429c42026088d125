//! A token in a JSON body: how it gets in, and how it is kept from coming back. Text is spliced and not written anew, so
//! that everything else reaches the other side as it was sent.

use bytes::Bytes;
use serde_json::{Map, Value};

/// What stands in the place of a token.
const MASK: &str = "***";
/// Shorter texts would blot out ordinary words; a token of three characters protects nothing anyway.
const SHORTEST: usize = 4;

/// Where a JSON object takes one more member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Behind the opening brace.
    at: usize,
    /// Whether the object has no members yet.
    empty: bool,
}

/// A body that holds the member already, in whatever capitals: some servers read names without regard to them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken;

impl Slot {
    /// The place for `member` in `body`; none where that is no JSON object.
    pub(super) fn of(body: &[u8], member: &str) -> Result<Option<Self>, Taken> {
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(body) else { return Ok(None) };
        if object.keys().any(|key| key.eq_ignore_ascii_case(member)) {
            return Err(Taken);
        }
        let brace = body.iter().position(|byte| *byte == b'{');
        Ok(brace.map(|brace| Self { at: brace + 1, empty: object.is_empty() }))
    }

    /// `body` with one member more.
    pub(super) fn fill(self, body: &Bytes, member: &str, token: &str) -> Bytes {
        let (before, after) = body.split_at_checked(self.at).unwrap_or((body, &[]));
        let comma = if self.empty { "" } else { "," };
        let filled = format!("{}:{}{comma}", Value::from(member), Value::from(token));
        Bytes::from([before, filled.as_bytes(), after].concat())
    }
}

/// `text` without `secret`, as it is and as JSON spells it.
pub(super) fn masked(text: &[u8], secret: &str) -> Option<Vec<u8>> {
    if secret.len() < SHORTEST {
        return None;
    }
    let quoted = Value::from(secret).to_string();
    let escaped = quoted.trim_start_matches('"').trim_end_matches('"');
    let mut spellings = vec![secret.as_bytes()];
    if escaped != secret {
        spellings.push(escaped.as_bytes());
    }
    let clean = spellings.into_iter().fold(None, |clean: Option<Vec<u8>>, spelling| {
        let without = replaced(clean.as_deref().unwrap_or(text), spelling);
        without.or(clean)
    });
    clean
}

/// Whether `text` holds `secret`.
pub(super) fn holds(text: &[u8], secret: &str) -> bool {
    secret.len() >= SHORTEST && text.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn replaced(text: &[u8], spelling: &[u8]) -> Option<Vec<u8>> {
    let mut clean = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(spelling.len()).position(|window| window == spelling) {
        let (before, after) = rest.split_at_checked(at)?;
        clean.extend_from_slice(before);
        clean.extend_from_slice(MASK.as_bytes());
        rest = after.get(spelling.len()..)?;
    }
    if clean.is_empty() {
        return None;
    }
    clean.extend_from_slice(rest);
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(body: &str) -> Option<String> {
        let slot = Slot::of(body.as_bytes(), "token").unwrap()?;
        let filled = slot.fill(&Bytes::from(body.to_owned()), "token", "a\"b");
        Some(String::from_utf8(filled.to_vec()).unwrap())
    }

    #[test]
    fn everything_else_in_the_object_stays_as_it_was_sent() {
        let body = " \n{ \"n\" : 1.50, \"n\":1e2, \"big\": 12345678901234567890 , \"s\":\"\\u00e9{\" }\n";
        let expected = format!(" \n{{\"token\":\"a\\\"b\",{}", body.split_once('{').unwrap().1);
        assert_eq!(filled(body).unwrap(), expected);
        assert_eq!(filled("{ }").unwrap(), "{\"token\":\"a\\\"b\" }");
        for whole in [filled(body), filled("{ }")] {
            let read: Map<String, Value> = serde_json::from_str(&whole.unwrap()).unwrap();
            assert_eq!(read.get("token"), Some(&Value::from("a\"b")));
        }
    }

    #[test]
    fn what_is_no_object_takes_no_token() {
        for body in ["", "[]", "[{}]", "\"{}\"", "1", "{", "{}x", "token=1", "\u{feff}{}"] {
            assert_eq!(filled(body), None, "{body}");
        }
    }

    #[test]
    fn a_member_that_is_there_already_is_noticed_however_it_is_spelt() {
        for body in [r#"{"token":1}"#, r#"{"a":1,"to\u006ben":""}"#, r#"{"TOKEN":null}"#] {
            assert_eq!(Slot::of(body.as_bytes(), "token"), Err(Taken), "{body}");
        }
        assert!(Slot::of(br#"{"a":{"token":1}}"#, "token").is_ok());
    }

    #[test]
    fn a_token_is_masked_in_every_spelling_and_nothing_else_is_touched() {
        let token = "to\"ken";
        let text = br#"{"a":"to\"ken","b":"to"ken to"ken"}"#;
        assert_eq!(masked(text, token).unwrap(), br#"{"a":"***","b":"*** ***"}"#);
        assert_eq!(masked(b"nothing here", token), None);
        assert_eq!(masked(b"abc", "abc"), None);
        assert_eq!(masked(b"token-at-the-start", "token"), Some(b"***-at-the-start".to_vec()));
        assert!(holds(b"x token", "token") && !holds(b"x", "token") && !holds(b"abc", "abc"));
    }
}
