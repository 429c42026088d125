//! What must hold of every page of event frames and of every answer about their values.

use std::collections::HashSet;

use tidegate_sdk::{
    Interval,
    http::Response,
    ipc, micros,
    slices::Slice,
    tables::event_frames::{FrameRow, batch},
    testing::{changed, cut},
};

use super::{
    list::Found,
    rows::row,
    values::{Attributes, answered},
};
use crate::{
    api::{Frame, Page},
    batch::{Batch, Dialect},
    fuzzing::server,
    listing::Listed,
};

/// 2024-03-01T00:00:00Z and a day, which the pages kept in the corpus lie in.
const ASKED: Interval = Interval { start: 1_709_251_200_000_000_000, end: 1_709_337_600_000_000_000 };

/// Stands between the page and the answer about values: no JSON holds it.
const SEPARATOR: u8 = 0;

/// A byte for the dialect and the kind of slice, two for where the values are cut, two and a mask for the byte of them
/// that changes; then a page of event frames, a zero, and an answer about their values.
pub(crate) fn event_frames(data: &[u8]) {
    let Some(([flags, c0, c1, p0, p1, mask], bodies)) = data.split_first_chunk::<6>() else { return };
    let mut bodies = bodies.splitn(2, |byte| *byte == SEPARATOR);
    let (page, values) = (bodies.next().unwrap_or_default(), bodies.next().unwrap_or_default());
    let slice = Slice { interval: ASKED, opening: flags & 1 == 0 };
    let dialect = if flags & 2 == 0 { Dialect::Dictionary } else { Dialect::List };
    let answer = Response::new("GET /x", 200, page.to_vec());
    let Ok(page) = crate::server::decoded::<Page<Frame>>("GET /x", &answer) else { return };
    if page.items.iter().any(|frame| frame.problem().is_some()) {
        // A listing that holds such a frame is refused as a whole.
        return;
    }
    let listed = page.items.len();
    let mut found = Found::default();
    found.take(page.items, &slice);
    assert!(found.frames.len() + found.rejects.len() <= listed, "more frames than the page holds");
    assert!(found.began_in(&slice) <= found.frames.len(), "frames that begin and are not there");
    for (frame, life) in &found.frames {
        assert!(life.belongs_to(&slice), "frame {} does not belong to its slice", frame.web_id);
    }
    let read = |values: &[u8]| {
        let ids: Vec<&str> = found.frames.iter().map(|(frame, _)| frame.web_id.as_str()).collect();
        let batch = Batch::new(&server(), Some(dialect));
        let answer = Response::new("POST /batch", 207, values.to_vec());
        answered(&batch, &answer, &ids).map(|attributes| rows(&found, attributes)).is_ok()
    };
    if read(values) {
        if let Some(prefix) = cut(values, [*c0, *c1]) {
            assert!(!read(prefix), "values that are cut off passed for all");
        }
        read(&changed(values, [*p0, *p1], *mask));
    }
}

/// Every frame becomes one row that the host can take, with each attribute once.
fn rows(found: &Found, attributes: Vec<Attributes>) {
    assert_eq!(found.frames.len(), attributes.len(), "one verdict for each frame");
    let mut rows: Vec<FrameRow> = Vec::new();
    for ((frame, life), attributes) in found.frames.iter().zip(attributes) {
        let map = match attributes {
            Attributes::Read(map) | Attributes::Partly(map, _) => Some(map),
            Attributes::Unreadable(_) => None,
            Attributes::Gone => continue,
        };
        let names: HashSet<&String> = map.iter().flatten().map(|(name, _)| name).collect();
        assert_eq!(names.len(), map.as_ref().map_or(0, Vec::len), "an attribute comes twice");
        assert!(life.end.is_none_or(|end| micros(end) < micros(i64::MAX)), "an end that stands for none");
        rows.push(row(frame.clone(), *life, map, "I1RD"));
    }
    let encoded = batch(&rows).and_then(|batch| ipc::batch(&batch));
    assert!(encoded.is_ok(), "rows that no batch holds: {:?}", encoded.err());
}

/// The text of one value.
pub(crate) fn value(json: &str) {
    if let Ok(Some(text)) = super::text::text(json) {
        assert!(text.len() <= json.len() * 2 + 64, "{json} became {text}");
    }
}
