//! How a batch is written, and how to tell which way a server wants it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};
use tidegate_sdk::http::Response;

use super::Sub;
use crate::server::with_query;

/// The two shapes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// `{"0": {"Method", "Resource"}}` → `{"0": {"Status", "Content"}}`: the real API.
    Dictionary,
    /// `{"Requests": [{"Method", "Resource", "Parameters"}]}` → `{"Responses": [{"Status", "Content"}]}`.
    List,
}

impl Dialect {
    /// The body of a batch. `base` is the address of the Web API, for absolute URLs.
    pub(super) fn body(self, base: &str, subs: &[Sub]) -> Vec<u8> {
        let body = match self {
            Self::Dictionary => dictionary(base, subs),
            Self::List => json!({ "Requests": subs.iter().map(listed).collect::<Vec<_>>() }),
        };
        body.to_string().into_bytes()
    }
}

fn dictionary(base: &str, subs: &[Sub]) -> Value {
    let entries = subs.iter().enumerate().map(|(index, sub)| {
        let query: Vec<(&str, &str)> = sub.query.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let resource = with_query(&format!("{base}{}", sub.path), &query);
        (index.to_string(), json!({ "Method": sub.method, "Resource": resource }))
    });
    Value::Object(entries.collect())
}

fn listed(sub: &Sub) -> Value {
    let parameters = sub.query.iter().map(|(key, value)| {
        // Counts as numbers: a stand-in compares them.
        let value = value.parse::<u64>().map_or_else(|_| Value::from(value.as_str()), Value::from);
        ((*key).to_owned(), value)
    });
    json!({ "Method": sub.method, "Resource": sub.path, "Parameters": Value::Object(parameters.collect()) })
}

/// Whether this answer to a dictionary asks for, or is, a list.
pub(super) fn wants_list(answer: &Response) -> bool {
    let Ok(text) = answer.text() else {
        return false;
    };
    if !(200..300).contains(&answer.status()) {
        return matches!(answer.status(), 400 | 415 | 422 | 500) && text.contains("Requests");
    }
    serde_json::from_str::<HasResponses>(text).is_ok_and(|answer| answer.0)
}

/// Whether an object has the key `Responses`. The first key of a dictionary answers that without reading megabytes.
struct HasResponses(bool);

impl<'de> Deserialize<'de> for HasResponses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = HasResponses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer to a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HasResponses, A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "Responses" {
                map.next_value::<IgnoredAny>()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(HasResponses(true));
            }
            if key.parse::<usize>().is_ok() {
                // Ends the parse early, by an error that the caller reads as "no".
                return Err(serde::de::Error::custom("a dictionary"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(HasResponses(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub() -> Sub {
        Sub {
            method: "GET",
            path: "/streams/F1DP/recorded".into(),
            query: vec![
                ("startTime", "2024-03-01T07:00:00Z".into()),
                ("maxCount", "400".into()),
                ("path", r"\\S\a b&c".into()),
            ],
        }
    }

    fn written(dialect: Dialect) -> Value {
        serde_json::from_slice(&dialect.body("https://h/piwebapi", &[sub(), sub()])).unwrap()
    }

    #[test]
    fn the_dictionary_holds_absolute_encoded_urls() {
        let body = written(Dialect::Dictionary);
        assert_eq!(
            body["1"]["Resource"],
            "https://h/piwebapi/streams/F1DP/recorded?startTime=2024-03-01T07%3A00%3A00Z&maxCount=400&path=%5C%5CS%5Ca%20b%26c"
        );
        assert_eq!(body["0"]["Method"], "GET");
    }

    #[test]
    fn the_list_holds_relative_resources_and_plain_parameters() {
        let body = written(Dialect::List);
        assert_eq!(body["Requests"][1]["Resource"], "/streams/F1DP/recorded");
        assert_eq!(body["Requests"][1]["Parameters"]["maxCount"], 400);
        assert_eq!(body["Requests"][1]["Parameters"]["path"], r"\\S\a b&c");
    }

    #[test]
    fn the_first_answer_shows_the_dialect() {
        let table = [
            (207, r#"{"0":{"Status":200,"Content":{"Responses":1}}}"#, false),
            (200, r#"{"Responses":[]}"#, true),
            (200, r#"{"Count":0,"Responses":[],"More":[1]}"#, true),
            (400, r#"{"Message":"The Requests field is required."}"#, true),
            (400, r#"{"Errors":["something else"]}"#, false),
            (503, "Requests are not served now", false),
            (200, "<html>", false),
            (200, "[]", false),
            (200, r#"{"Responses":["#, false),
        ];
        for (status, text, list) in table {
            let answer = Response::new("POST /batch", status, text.as_bytes().to_vec());
            assert_eq!(wants_list(&answer), list, "{status} {text}");
        }
    }
}
