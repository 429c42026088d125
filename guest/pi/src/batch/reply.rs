//! Answers to a batch put beside their requests.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_sdk::{Fault, http::json_fault};

use super::{Dialect, dialect_fault};

/// One answer.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(crate) struct Reply<C> {
    #[serde(default, rename = "Status")]
    pub(crate) status: Option<u16>,
    #[serde(default, rename = "Content")]
    pub(crate) content: Option<C>,
}

/// The answers in the order of their `count` requests; `None` where one is missing.
///
/// # Errors
/// `truncated-body` and `malformed-answer` for text that is not JSON, `batch-dialect` for JSON of another shape, and
/// for a list of another length: without keys, an answer left out would shift all others to the wrong tags.
pub(crate) fn replies<'a, C: Deserialize<'a>>(
    dialect: Dialect,
    text: &'a str,
    count: usize,
) -> Result<Vec<Option<Reply<C>>>, Fault> {
    let answer: Answer<C> = match serde_json::from_str(text) {
        Ok(answer) => answer,
        Err(error) if text.trim_start().starts_with('{') => return Err(json_fault("POST /batch", &error)),
        Err(_) => return Err(dialect_fault(text, "the answer is not an object")),
    };
    match (dialect, answer.listed) {
        (Dialect::List, Some(listed)) if listed.len() == count => Ok(listed.into_iter().map(Some).collect()),
        (Dialect::List, Some(listed)) => {
            Err(dialect_fault(text, &format!("{} answers to {count} requests", listed.len())))
        }
        (Dialect::List, None) => Err(dialect_fault(text, "no `Responses`")),
        (Dialect::Dictionary, _) if answer.keyed.is_empty() => Err(dialect_fault(text, "no key of a request")),
        (Dialect::Dictionary, _) => {
            let mut places: Vec<Option<Reply<C>>> = (0..count).map(|_| None).collect();
            for (index, reply) in answer.keyed {
                if places.get_mut(index).is_some_and(|place| place.replace(reply).is_some()) {
                    return Err(dialect_fault(text, &format!("two answers to request {index}")));
                }
            }
            Ok(places)
        }
    }
}

/// The contents as text: the slow way, for quoting an item or for finding the one answer that cannot be read.
pub(crate) fn raw_contents(dialect: Dialect, text: &str, count: usize) -> Result<Vec<Option<Reply<&RawValue>>>, Fault> {
    replies(dialect, text, count)
}

struct Answer<C> {
    keyed: Vec<(usize, Reply<C>)>,
    listed: Option<Vec<Reply<C>>>,
}

impl<'de, C: Deserialize<'de>> Deserialize<'de> for Answer<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnswerVisitor(PhantomData))
    }
}

struct AnswerVisitor<C>(PhantomData<C>);

impl<'de, C: Deserialize<'de>> Visitor<'de> for AnswerVisitor<C> {
    type Value = Answer<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer to a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer<C>, A::Error> {
        let mut answer = Answer { keyed: Vec::new(), listed: None };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if let Ok(index) = key.parse() {
                answer.keyed.push((index, map.next_value()?));
            } else if key == "Responses" {
                answer.listed = map.next_value::<List<C>>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(answer)
    }
}

/// A list of replies, or anything else.
struct List<C>(Option<Vec<Reply<C>>>);

impl<'de, C: Deserialize<'de>> Deserialize<'de> for List<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<C>(PhantomData<C>);

impl<'de, C: Deserialize<'de>> Visitor<'de> for ListVisitor<C> {
    type Value = List<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<C>, A::Error> {
        let mut list = Vec::new();
        while let Some(reply) = seq.next_element()? {
            list.push(reply);
        }
        Ok(List(Some(list)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Raw<'a> = Vec<Option<Reply<&'a RawValue>>>;

    fn statuses(replies: Raw<'_>) -> Vec<Option<u16>> {
        replies.into_iter().map(|reply| reply.and_then(|reply| reply.status)).collect()
    }

    #[test]
    fn a_dictionary_is_matched_by_key_and_not_by_order() {
        let text = r#"{"2":{"Status":404,"Headers":{},"Content":null},"0":{"Content":{},"Status":200},"x":1,"9":{}}"#;
        let replies = raw_contents(Dialect::Dictionary, text, 3).unwrap();
        assert_eq!(statuses(replies), [Some(200), None, Some(404)]);
    }

    #[test]
    fn a_list_is_matched_by_order_and_only_when_complete() {
        let text = r#"{"Responses":[{"Status":200,"Content":{}},{"Status":503,"Content":"x"}]}"#;
        assert_eq!(statuses(raw_contents(Dialect::List, text, 2).unwrap()), [Some(200), Some(503)]);
        assert_eq!(raw_contents(Dialect::List, text, 3).unwrap_err().code, "batch-dialect");
    }

    #[test]
    fn what_fits_neither_dialect_is_an_error_and_never_zero_rows() {
        for text in ["{}", r#"{"Errors":["no"]}"#, "<html>", "[]", "null", r#""x""#, ""] {
            let fault = raw_contents(Dialect::Dictionary, text, 1).unwrap_err();
            assert_eq!(fault.code, "batch-dialect", "{text}");
        }
        let keyed = r#"{"0":{"Status":200,"Content":{}}}"#;
        assert_eq!(raw_contents(Dialect::List, keyed, 1).unwrap_err().code, "batch-dialect");
        let listed = r#"{"Responses":[{"Status":200,"Content":{}}]}"#;
        assert_eq!(raw_contents(Dialect::Dictionary, listed, 1).unwrap_err().code, "batch-dialect");
    }

    #[test]
    fn two_answers_to_one_request_are_none() {
        for text in
            [r#"{"0":{"Status":200,"Content":{}},"0":{"Status":404}}"#, r#"{"0":{"Status":200},"+0":{"Status":200}}"#]
        {
            assert_eq!(raw_contents(Dialect::Dictionary, text, 1).unwrap_err().code, "batch-dialect", "{text}");
        }
    }

    #[test]
    fn a_cut_answer_is_told_as_such() {
        let fault = raw_contents(Dialect::Dictionary, r#"{"0":{"Status":200,"Content":{"Items":[{"#, 1).unwrap_err();
        assert_eq!(fault.code, "truncated-body");
    }
}
