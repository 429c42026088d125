//! The envelope of every answer (§3), read in one pass, and what it says of the answer inside.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_sdk::{Domain, Fault, Retry, http::Response, quote};

use super::Continuation;

/// What an answer is about: the value of one member of the envelope.
pub(crate) trait Payload {
    /// The member's name.
    const KEY: &'static str;
}

/// Everything that an answer says beside its payload, which may be missing.
#[derive(Debug)]
pub(crate) struct Envelope<P> {
    status: Option<String>,
    errors: Vec<String>,
    continuation: Option<Continuation>,
    payload: Option<P>,
}

/// The same envelope where the payload is not looked at.
struct Unread<P>(PhantomData<P>);

impl<P: Payload> Payload for Unread<P> {
    const KEY: &'static str = P::KEY;
}

impl<'de, P> Deserialize<'de> for Unread<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

impl<'de, P: Payload + Deserialize<'de>> Deserialize<'de> for Envelope<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<P>(PhantomData<P>);

impl<'de, P: Payload + Deserialize<'de>> Visitor<'de> for EnvelopeVisitor<P> {
    type Value = Envelope<P>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer with statusCode")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<P>, A::Error> {
        let mut envelope = Envelope { status: None, errors: Vec::new(), continuation: None, payload: None };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "statusCode" => {
                    envelope.status = map.next_value::<serde_json::Value>().map(|status| words(&status).pop())?
                }
                "errors" => envelope.errors.extend(words(&map.next_value()?)),
                "continuation" => envelope.continuation = Continuation::of(map.next_value::<&'de RawValue>()?),
                key if key == P::KEY => {
                    if envelope.payload.is_some() {
                        return Err(A::Error::custom(format_args!("{key} comes twice")));
                    }
                    envelope.payload = map.next_value()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

/// The texts of a string, or of a list of them; other JSON as it is.
fn words(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Null => Vec::new(),
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(several) => several.iter().flat_map(words).collect(),
        other => vec![other.to_string()],
    }
}

/// The payload of a sound answer and where it goes on; `what` names the request in messages.
///
/// # Errors
/// The HTTP status; an answer that is cut, is not JSON, or says that it failed; one without its payload.
pub(crate) fn judge<'a, P: Payload + Deserialize<'a>>(
    what: &str,
    answer: &'a Response,
) -> Result<(P, Option<Continuation>), Fault> {
    if !(200..300).contains(&answer.status()) {
        return Err(Fault::status(answer.status(), what, &String::from_utf8_lossy(answer.body())));
    }
    let envelope = match answer.json::<Envelope<P>>() {
        Ok(envelope) => envelope,
        // A payload of another shape may belong to an answer that says what went wrong.
        Err(fault) => match answer.json::<Envelope<Unread<P>>>() {
            Ok(unread) => return Err(unread.failure(what).unwrap_or(fault)),
            Err(_) => return Err(fault),
        },
    };
    if let Some(fault) = envelope.failure(what) {
        return Err(fault);
    }
    let missing =
        || Fault::external("payload-missing", format!("{what}: an answer without `{}` proves nothing", P::KEY));
    Ok((envelope.payload.ok_or_else(missing)?, envelope.continuation))
}

/// As [`judge`], of a call that is documented to have one page.
///
/// # Errors
/// `continuation-unread`, when there is more of the answer than what was read.
pub(crate) fn judge_whole<'a, P: Payload + Deserialize<'a>>(what: &str, answer: &'a Response) -> Result<P, Fault> {
    match judge(what, answer)? {
        (payload, None) => Ok(payload),
        (_, Some(_)) => {
            let text = format!("{what}: the server has more to tell than one answer holds, and no way to ask for it");
            Err(Fault::external("continuation-unread", text))
        }
    }
}

impl<P> Envelope<P> {
    /// Why the answer is none. Some calls are documented without a status: where there is none, and no error, it is good.
    fn failure(&self, what: &str) -> Option<Fault> {
        let said = || match self.errors.as_slice() {
            [] => String::new(),
            errors => format!(": {}", quote(&errors.join("; "))),
        };
        match self.status.as_deref() {
            None | Some("Good") if self.errors.is_empty() => None,
            None | Some("Good" | "Errors" | "Error") => Some(Fault {
                domain: Domain::External,
                retry: Retry::Never,
                code: "canary-errors".to_owned(),
                message: format!("{what}: the server reports errors{}", said()),
            }),
            Some("BadUserToken") => {
                let text = format!("{what}: the server takes no token of ours{}; check `auth`", said());
                Some(Fault::user("bad-user-token", text))
            }
            Some("BadLicense") => {
                let text = format!(
                    "{what}: the server is not licensed for third-party reads{}; ask its administrator for the licence",
                    said()
                );
                Some(Fault::user("bad-license", text))
            }
            Some(other) => {
                let text = format!("{what}: the server answers {}{}", quote(other), said());
                Some(Fault::external("canary-status", text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Tags;

    fn read(status: u16, text: &str) -> Result<(Vec<String>, Option<String>), Fault> {
        let answer = Response::new("POST /browseTags", status, text.as_bytes().to_vec());
        judge::<Tags>("browseTags", &answer).map(|(tags, next)| (tags.0, next.map(|next| next.raw().get().to_owned())))
    }

    #[test]
    fn only_a_good_answer_with_its_payload_is_one() {
        let table = [
            (200, r#"{"statusCode":"Good","errors":[],"tags":[],"continuation":null}"#, None),
            (200, r#"{"tags":["a"]}"#, None),
            (200, r#"{"statusCode":"Errors","errors":["no such view"],"tags":null}"#, Some("canary-errors")),
            (200, r#"{"statusCode":"Error","errors":["no such view"]}"#, Some("canary-errors")),
            (200, r#"{"statusCode":"Errors","errors":["x"],"tags":{"a":1}}"#, Some("canary-errors")),
            (200, r#"{"statusCode":"Good","errors":["half of it failed"],"tags":["a"]}"#, Some("canary-errors")),
            (200, r#"{"statusCode":"BadUserToken","errors":[]}"#, Some("bad-user-token")),
            (200, r#"{"statusCode":"BadLicense"}"#, Some("bad-license")),
            (200, r#"{"statusCode":"BadLiveDataToken","tags":[]}"#, Some("canary-status")),
            (200, r#"{"statusCode":"Good","errors":[]}"#, Some("payload-missing")),
            (200, r#"{"statusCode":"Good","tags":null}"#, Some("payload-missing")),
            (200, r#"{"statusCode":"Good","tags":["a"],"tags":["b"]}"#, Some("malformed-answer")),
            (200, r#"{"statusCode":"Good","tags":["a","#, Some("truncated-body")),
            (200, "<html>starting</html>", Some("malformed-answer")),
            (200, "", Some("truncated-body")),
            (404, "<html>no such page</html>", Some("http-404")),
            (503, "", Some("http-503")),
        ];
        for (status, text, code) in table {
            assert_eq!(read(status, text).err().map(|fault| fault.code).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn where_one_page_is_all_another_one_is_not_forgotten() {
        let whole = |text: &str| {
            let answer = Response::new("POST /browseNodes", 200, text.as_bytes().to_vec());
            judge_whole::<Tags>("browseNodes", &answer).map(|tags| tags.0.len()).map_err(|fault| fault.code)
        };
        assert_eq!(whole(r#"{"tags":["a"],"continuation":null}"#), Ok(1));
        assert_eq!(whole(r#"{"tags":["a"],"continuation":"next"}"#), Err("continuation-unread".to_owned()));
        assert_eq!(whole(r#"{"statusCode":"Errors","continuation":"next"}"#), Err("canary-errors".to_owned()));
    }

    #[test]
    fn a_fault_names_the_call_and_what_the_server_said() {
        let fault = read(200, r#"{"statusCode":"Errors","errors":["tag A\nis locked","again"]}"#).unwrap_err();
        assert_eq!(fault.message, "browseTags: the server reports errors: tag A is locked; again");
    }

    #[test]
    fn a_continuation_with_a_tab_comes_back_as_it_was() {
        let next = read(200, r#"{"tags":["a"],"continuation":"pathid=V. a \tindex=1 "}"#).unwrap().1.unwrap();
        assert_eq!(next, r#""pathid=V. a \tindex=1 ""#);
    }
}
