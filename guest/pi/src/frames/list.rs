//! What to ask for a slice, and what of the answer belongs to it.

use std::collections::HashSet;

use serde_json::json;
use tidegate_sdk::{life::Life, slices::Slice, time::format_instant};

use super::life::life;
use crate::{
    api::{Frame, frame_fields},
    identity::Identity,
    listing::Listed,
};

/// How much wider than the slice the question is, in nanoseconds: AF keeps times to 3.33 ms and rounds the bounds that it
/// is given, and whether a bound itself counts is not the same in all versions.
const MARGIN: i64 = 10_000_000;

/// Frames beginning in one slice that are too many to hold at once.
const MOST: usize = 8_000;

/// A reject: its raw text and why.
pub(super) type Reject = (String, &'static str);

/// How the listing of a slice ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// At its end.
    Whole(Found),
    /// Given up: a shorter slice is better.
    TooMany,
}

/// The frames of a slice.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) frames: Vec<(Frame, Life)>,
    pub(super) rejects: Vec<Reject>,
    seen: HashSet<Identity>,
}

impl Found {
    /// Takes the frames of a page that belong to `slice`, each once: several templates may list the same one.
    pub(super) fn take(&mut self, page: Vec<Frame>, slice: &Slice) {
        for frame in page {
            if !self.seen.insert(frame.identity()) {
                continue;
            }
            match life(&frame) {
                Ok(life) if life.belongs_to(slice) => self.frames.push((frame, life)),
                Ok(_) => {}
                Err(reason) => self.rejects.push((raw(&frame), reason)),
            }
        }
    }

    /// How many of them begin in the slice.
    pub(super) fn began_in(&self, slice: &Slice) -> usize {
        self.frames.iter().filter(|(_, life)| slice.interval.contains(life.start)).count()
    }

    /// Whether a shorter slice would hold less: the frames that were alive before come with any.
    pub(super) fn is_too_much(&self, slice: &Slice) -> bool {
        self.began_in(slice) > MOST
    }
}

/// The query of a listing, without paging.
pub(super) fn query(slice: &Slice, template: Option<&str>) -> Vec<(&'static str, String)> {
    let mode = if slice.opening { "Overlapped" } else { "StartInclusive" };
    // PI knows no time before 1970.
    let start = slice.interval.start.saturating_sub(MARGIN).max(0);
    let mut query = vec![
        ("searchMode", mode.to_owned()),
        ("startTime", format_instant(start)),
        ("endTime", format_instant(slice.interval.end.saturating_add(MARGIN))),
        ("searchFullHierarchy", "true".to_owned()),
        ("sortField", "StartTime".to_owned()),
        ("sortOrder", "Ascending".to_owned()),
        ("webIdType", "IDOnly".to_owned()),
        ("selectedFields", frame_fields()),
    ];
    query.extend(template.map(|template| ("templateName", template.to_owned())));
    query
}

/// What a reject shows of a frame.
pub(super) fn raw(frame: &Frame) -> String {
    json!({
        "WebId": frame.web_id,
        "Name": frame.name,
        "StartTime": frame.start_time,
        "EndTime": frame.end_time,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    fn slice(opening: bool) -> Slice {
        // 2024-03-01T00:00:00Z and a day.
        Slice { interval: Interval::new(1_709_251_200_000_000_000, 1_709_337_600_000_000_000), opening }
    }

    fn frame(web_id: &str, start: &str, end: &str) -> Frame {
        Frame { web_id: web_id.into(), start_time: Some(start.into()), end_time: Some(end.into()), ..Frame::default() }
    }

    #[test]
    fn the_question_is_wider_than_the_slice_and_in_utc() {
        let query = query(&slice(true), Some("Downtime"));
        let value = |key: &str| query.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
        assert_eq!(value("startTime"), Some("2024-02-29T23:59:59.99Z"));
        assert_eq!(value("endTime"), Some("2024-03-02T00:00:00.01Z"));
        assert_eq!((value("searchMode"), value("templateName")), (Some("Overlapped"), Some("Downtime")));
        assert_eq!((value("searchFullHierarchy"), value("sortField")), (Some("true"), Some("StartTime")));
        let later = super::query(&slice(false), None);
        assert!(later.contains(&("searchMode", "StartInclusive".to_owned())));
        let oldest = Slice { interval: Interval::new(0, 1_000_000_000), opening: true };
        assert!(super::query(&oldest, None).contains(&("startTime", "1970-01-01T00:00:00Z".to_owned())));
    }

    #[test]
    fn of_the_answer_only_what_belongs_to_the_slice_counts_and_once() {
        let page = || {
            vec![
                frame("before", "2024-02-20T00:00:00Z", "2024-02-29T23:59:59.995Z"),
                frame("old and open", "2024-02-20T00:00:00Z", "9999-12-31T23:59:59Z"),
                frame("inside", "2024-03-01T07:00:00Z", "2024-03-01T08:00:00Z"),
                frame("at the end", "2024-03-02T00:00:00Z", "2024-03-02T00:00:00Z"),
                frame("no time", "07:00", "08:00"),
            ]
        };
        let ids = |slice: &Slice| {
            let mut found = Found::default();
            found.take(page(), slice);
            found.take(page(), slice);
            assert_eq!(found.rejects.len(), 1);
            assert_eq!(found.began_in(slice), 1);
            found.frames.into_iter().map(|(frame, _)| frame.web_id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&slice(true)), ["old and open", "inside"]);
        assert_eq!(ids(&slice(false)), ["inside"]);
    }

    #[test]
    fn frames_from_before_do_not_make_a_slice_too_long() {
        let many = |start: &str| {
            let mut found = Found::default();
            found.take((0..=MOST).map(|id| frame(&id.to_string(), start, "")).collect(), &slice(true));
            found.is_too_much(&slice(true))
        };
        assert!(many("2024-03-01T07:00:00Z") && !many("2024-02-01T07:00:00Z"));
    }
}
