//! A token in a JSON body: how it gets in. Text is spliced and not written anew, so that everything else reaches the other
//! side as it was sent.

use bytes::Bytes;
use serde_json::{Map, Value};

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
}
