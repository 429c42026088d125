//! What must hold of every page of events.

use std::collections::HashSet;

use tidegate_sdk::{Interval, http::Response, ipc, slices::Slice, tables::event_frames::batch, testing::cut};

use super::{found::Found, scope::Scope};
use crate::api::{Events, judge};

/// 2024-03-01T00:00:00Z and a day, which the pages kept in the corpus lie in.
const ASKED: Interval = Interval { start: 1_709_251_200_000_000_000, end: 1_709_337_600_000_000_000 };

/// A byte for the kind of slice, two for where the page is cut, and a page of events.
pub(crate) fn events(data: &[u8]) {
    let Some(([opening, c0, c1], body)) = data.split_first_chunk::<3>() else { return };
    let slice = Slice { interval: ASKED, opening: opening % 2 == 0 };
    let scope = Scope::new("UNS", opening % 4 < 2, &["UNS".to_owned(), "V".to_owned()]);
    let answer = Response::new("POST /getEvents", 200, body.to_vec());
    let Ok((Events(page), _)) = judge::<Events>("getEvents", &answer) else { return };
    if let Some(prefix) = cut(body, [*c0, *c1]) {
        let cut = Response::new("POST /getEvents", 200, prefix.to_vec());
        assert!(judge::<Events>("getEvents", &cut).is_err(), "a cut page passed for a whole one");
    }
    let listed = page.len();
    let mut found = Found::default();
    let fresh = found.take(page.clone(), &slice, &scope);
    assert!(found.rows.len() + found.rejects.len() <= listed && fresh <= listed, "more events than the page holds");
    let rows = found.rows.len();
    assert_eq!((found.take(page, &slice, &scope), found.rows.len()), (0, rows), "an event comes twice");
    let ids: HashSet<&str> = found.rows.iter().map(|row| row.id.as_str()).collect();
    assert!(ids.len() == rows && !ids.contains(""), "rows without an identity of their own");
    for row in &found.rows {
        assert!(row.life.belongs_to(&slice), "event {} does not belong to its slice", row.id);
        let names: HashSet<&String> = row.attributes.iter().flatten().map(|(name, _)| name).collect();
        assert_eq!(names.len(), row.attributes.as_ref().map_or(0, Vec::len), "an attribute comes twice");
        assert!(row.primary.as_deref().is_none_or(|path| path.starts_with("UNS")), "{:?}", row.primary);
    }
    let encoded = batch(&found.rows).and_then(|batch| ipc::batch(&batch));
    assert!(encoded.is_ok(), "rows that no batch holds: {:?}", encoded.err());
}
