//! The body of `getTagData2` for raw samples (§6.1).

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    api::Continuation,
    pages::Ask,
    server::{ZONE, ticks},
    tag::Tag,
};

/// One page of raw samples. Absolute times, so that they mean the same on every page, and all the same but the continuation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Samples<'a> {
    tags: Vec<&'a str>,
    start_time: String,
    end_time: String,
    include_quality: bool,
    include_bounds: bool,
    timezone: &'static str,
    max_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation: Option<&'a RawValue>,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(ask: &'a Ask, tags: &'a [Tag]) -> Self {
        Self {
            tags: ask.tags.iter().filter_map(|place| tags.get(*place)).map(|tag| tag.path.as_str()).collect(),
            start_time: ticks(ask.start),
            end_time: ticks(ask.end),
            include_quality: true,
            include_bounds: false,
            timezone: ZONE,
            max_size: ask.size,
            continuation: ask.continuation.as_ref().map(Continuation::raw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_in_utc_with_the_continuation_as_it_came() {
        let tag = |path: &str| Tag { id: "i".into(), path: path.into(), units: None };
        let tags = [tag("V.a"), tag("V.\"b\"\t"), tag("V.c")];
        let continuation = r#"[ "xqR72nAHu3",null , "a\tb" ]"#;
        let ask = Ask {
            tags: vec![2, 1],
            start: 1_709_276_400_445_999_000,
            end: 1_709_280_000_000_000_000,
            size: 400,
            continuation: Continuation::of(serde_json::from_str(continuation).unwrap()),
        };
        let text = serde_json::to_string(&Samples::new(&ask, &tags)).unwrap();
        let expected = format!(
            r#"{{"tags":["V.c","V.\"b\"\t"],"startTime":"2024-03-01T07:00:00.4459990Z","endTime":"2024-03-01T08:00:00.0000000Z","includeQuality":true,"includeBounds":false,"timezone":"UTC","maxSize":400,"continuation":{continuation}}}"#
        );
        assert_eq!(text, expected);
        let first = Ask { continuation: None, ..ask };
        assert!(!serde_json::to_string(&Samples::new(&first, &tags)).unwrap().contains("continuation"));
    }
}
