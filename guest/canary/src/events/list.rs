//! What to ask for a slice, page after page.

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_sdk::{Fault, slices::Slice};

use crate::{
    api::{Continuation, Event, Events},
    server::{Server, ticks},
};

/// Events in a page, the most that the server allows (§7).
pub(super) const LIMIT: usize = 250;

/// How much wider than the slice the question is, in nanoseconds: whether a bound itself counts is not told.
const MARGIN: i64 = 1_000_000_000;

/// Pages in a row that bring nothing new, after which a listing is not going anywhere.
const STILL: usize = 100;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    starts_at: String,
    ends_at: String,
    search_mode: &'static str,
    sort_order: &'static str,
    limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation: Option<&'a RawValue>,
}

/// A listing under way.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    request: Request<'a>,
    next: Option<Continuation>,
    repeated: bool,
    still: usize,
    ended: bool,
    full: bool,
}

impl<'a> Listing<'a> {
    /// The events that belong to `slice`.
    pub(super) fn new(slice: &Slice, event_type: Option<&'a str>) -> Self {
        let request = Request {
            event_type,
            starts_at: ticks(slice.interval.start.saturating_sub(MARGIN)),
            ends_at: ticks(slice.interval.end.saturating_add(MARGIN)),
            search_mode: if slice.opening { "active during range" } else { "started in range" },
            sort_order: "start time ascending",
            limit: LIMIT,
            continuation: None,
        };
        Self { request, next: None, repeated: false, still: 0, ended: false, full: false }
    }

    /// The next page; `None` at the end.
    pub(super) async fn page(&mut self, server: &Server) -> Result<Option<Vec<Event>>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let continuation = self.next.as_ref().map(Continuation::raw);
        let request = Request { continuation, ..self.request.clone() };
        let (Events(events), next) = server.ask("getEvents", &request).await?;
        self.full = events.len() >= LIMIT;
        self.goes_on(next);
        Ok(Some(events))
    }

    /// Whether the list ended with a full page: nothing tells it from one that the server cut there.
    pub(super) fn may_be_cut_off(&self) -> bool {
        self.ended && self.full
    }

    /// Why a list that may be cut off proves nothing.
    pub(super) fn cut_off() -> Fault {
        let text =
            format!("getEvents: the server ends a list with a full page of {LIMIT}; nothing tells whether that is all");
        Fault::external("page-limit", text)
    }

    fn goes_on(&mut self, next: Option<Continuation>) {
        self.ended = next.is_none();
        self.repeated = next.is_some() && next == self.next;
        self.next = next;
    }

    /// The page just read held so many events that were not known before.
    ///
    /// # Errors
    /// `continuation-loop`, when the server goes on and has nothing new.
    pub(super) fn turned(&mut self, fresh: usize) -> Result<(), Fault> {
        self.still = if fresh == 0 { self.still + 1 } else { 0 };
        if !self.ended && ((fresh == 0 && self.repeated) || self.still >= STILL) {
            let text = "getEvents: the server goes on without another event; nothing tells where the list ends";
            return Err(Fault::external("continuation-loop", text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    fn slice(opening: bool) -> Slice {
        // 2024-03-01T00:00:00Z and a day.
        Slice { interval: Interval::new(1_709_251_200_000_000_000, 1_709_337_600_000_000_000), opening }
    }

    #[test]
    fn the_question_is_wider_than_the_slice_and_in_utc() {
        let listing = Listing::new(&slice(true), Some("Downtime"));
        let expected = r#"{"eventType":"Downtime","startsAt":"2024-02-29T23:59:59.0000000Z","endsAt":"2024-03-02T00:00:01.0000000Z","searchMode":"active during range","sortOrder":"start time ascending","limit":250}"#;
        assert_eq!(serde_json::to_string(&listing.request).unwrap(), expected);
        let later = serde_json::to_string(&Listing::new(&slice(false), None).request).unwrap();
        assert!(later.contains("started in range") && !later.contains("eventType"), "{later}");
    }

    #[test]
    fn a_list_that_ends_with_a_full_page_may_be_cut_off() {
        let mut listing = Listing::new(&slice(true), None);
        for (full, next, expected) in [(true, "\"a\"", false), (false, "null", false), (true, "null", true)] {
            listing.full = full;
            listing.goes_on(Continuation::of(serde_json::from_str(next).unwrap()));
            assert_eq!(listing.may_be_cut_off(), expected, "{next}");
        }
    }

    #[test]
    fn a_server_that_goes_round_in_circles_is_left() {
        let next = |text: &str| Continuation::of(serde_json::from_str(text).unwrap());
        let mut listing = Listing::new(&slice(true), None);
        listing.goes_on(next("\"a\""));
        assert!(listing.turned(0).is_ok());
        listing.goes_on(next("\"a\""));
        assert_eq!(listing.turned(0).unwrap_err().code, "continuation-loop");
        listing.goes_on(next("null"));
        assert!(listing.turned(0).is_ok());
    }
}
