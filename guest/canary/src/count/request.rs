//! The body of `getTagData2` for counts (§6.1).
//!
//! An interval of an aggregate holds its start and not its end, as everything in this family of aggregates (§6.6: OPC UA,
//! part 13). The width is a span of time and no calendar day, which would have 23 or 25 hours twice a year.

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_sdk::buckets::Buckets;

use super::SECOND;
use crate::{
    api::Continuation,
    server::{ZONE, ticks},
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    tags: &'a [&'a str],
    start_time: String,
    end_time: String,
    aggregate_name: &'static str,
    /// Left out for a single interval: from start to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_interval: Option<String>,
    include_quality: bool,
    timezone: &'static str,
    max_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation: Option<&'a RawValue>,
}

/// The counts of all buckets in a window.
pub(super) fn request<'a>(window: &Buckets, paths: &'a [&'a str], next: Option<&'a Continuation>) -> Request<'a> {
    Request {
        tags: paths,
        start_time: ticks(window.interval.start),
        end_time: ticks(window.interval.end),
        aggregate_name: "Count",
        aggregate_interval: window.width.map(timespan),
        include_quality: true,
        timezone: ZONE,
        max_size: window.starts().count().saturating_add(1),
        continuation: next.map(Continuation::raw),
    }
}

/// `d.hh:mm:ss` of whole seconds.
fn timespan(nanos: i64) -> String {
    let seconds = nanos / SECOND;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    #[test]
    fn a_day_is_a_span_of_time() {
        let day = 86_400 * SECOND;
        assert_eq!([day, 90 * SECOND, day + 3_661 * SECOND].map(timespan), ["1.00:00:00", "00:01:30", "1.01:01:01"]);
        let days = Buckets { span: 0, interval: Interval::new(0, 2 * day), width: Some(day) };
        let text = serde_json::to_string(&request(&days, &["V.a"], None)).unwrap();
        let expected = r#"{"tags":["V.a"],"startTime":"1970-01-01T00:00:00.0000000Z","endTime":"1970-01-03T00:00:00.0000000Z","aggregateName":"Count","aggregateInterval":"1.00:00:00","includeQuality":true,"timezone":"UTC","maxSize":3}"#;
        assert_eq!(text, expected);
        let piece = Buckets { width: None, ..days };
        assert!(!serde_json::to_string(&request(&piece, &["V.a"], None)).unwrap().contains("aggregateInterval"));
    }
}
