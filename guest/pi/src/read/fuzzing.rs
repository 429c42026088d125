//! What must hold of every answer to a batch of recorded values, whatever the server says in it.
//!
//! An input is one answer behind a few bytes that choose what was asked. It is read as a run reads it, by a server that
//! gives the same answer to every question; then cut short; then with one byte changed.

use std::collections::HashMap;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use serde::de::IgnoredAny;
use serde_json::Value;
use tidegate_sdk::{
    Fault, Instant, Interval,
    http::Response,
    micros,
    testing::{changed, cut},
    time::{TimeError, parse_instant},
};

use super::digest::{Round, digest};
use crate::{
    batch::{Batch, Dialect},
    convert::PointKind,
    fuzzing::server,
    pages::{Ask, Pages},
    tag::{Detail, Tag},
};

/// 2024-03-01T00:00:00Z and a day, which the answers kept in the corpus lie in.
const ASKED: Interval = Interval { start: 1_709_251_200_000_000_000, end: 1_709_337_600_000_000_000 };
/// Questions after which reading must have come to an end.
const ROUNDS: usize = 500;

const KINDS: [PointKind; 6] =
    [PointKind::Float, PointKind::Int, PointKind::Digital, PointKind::String, PointKind::Timestamp, PointKind::Other];
const COUNTS: [usize; 8] = [1, 2, 3, 10, 999, 1_000, 1_001, 10_000];

/// What is asked.
struct Question {
    dialect: Dialect,
    tags: Vec<Tag>,
    count: usize,
}

/// One answer of a server: a byte each for the dialect, the number and kind of tags and the page size, two for where it
/// is cut, two and a mask for the byte that changes, and the body.
pub(crate) fn answers(data: &[u8]) {
    let Some(([dialect, tags, count, c0, c1, p0, p1, mask], body)) = data.split_first_chunk::<8>() else { return };
    let tag = |index: u8| {
        let kind = KINDS.get(usize::from(tags / 4 + index) % KINDS.len()).copied().unwrap_or_default();
        let units = if index == 1 { "bar".to_owned() } else { String::new() };
        let detail = Detail { kind, units, dialect: None, limit: None };
        Tag { id: format!("T{index}"), name: format!("tag {index}"), detail }
    };
    let question = Question {
        dialect: if dialect % 2 == 0 { Dialect::Dictionary } else { Dialect::List },
        tags: (0..=tags % 4).map(tag).collect(),
        count: COUNTS.get(usize::from(*count) % COUNTS.len()).copied().unwrap_or(1),
    };
    if question.read(body).is_ok() {
        if let Some(prefix) = cut(body, [*c0, *c1]) {
            assert!(question.read(prefix).is_err(), "a cut answer passed for a whole one");
        }
        // Changed, it may be refused; what is made of it must be as sound as anything.
        let _ = question.read(&changed(body, [*p0, *p1], *mask));
    }
}

impl Question {
    /// Reads until nothing is left to ask.
    fn read(&self, body: &[u8]) -> Result<(), Fault> {
        let server = server();
        let batch = Batch::new(&server, Some(self.dialect));
        let answer = Response::new("POST /batch", 207, body.to_vec());
        let written = serde_json::from_slice(body).ok();
        let intervals = vec![ASKED; self.tags.len()];
        let mut pages = Pages::new(&intervals, self.tags.len(), self.count, None);
        for _ in 0..ROUNDS {
            let asks = pages.round();
            if asks.is_empty() {
                return Ok(());
            }
            let round = digest(&batch, &answer, &asks, &self.tags, &mut pages)?;
            self.check(round, &asks, written.as_ref());
        }
        assert!(pages.round().is_empty(), "the same answer is asked for again and again");
        Ok(())
    }

    /// Proof begins where the question did and ends inside of it, what follows is a gap or asked for again, and of every
    /// event in what is proven there is a row or a reject.
    fn check(&self, round: Round, asks: &[Ask], written: Option<&Value>) {
        let mut covers: HashMap<String, Interval> = HashMap::new();
        for cover in &round.covers {
            assert!(covers.insert(cover.series.clone(), cover.interval).is_none(), "{} is proven twice", cover.series);
        }
        let gaps: HashMap<usize, Interval> = round.gaps.iter().map(|(tag, gap, _)| (*tag, *gap)).collect();
        assert_eq!(gaps.len(), round.gaps.len(), "one tag has two gaps");
        let mut found = HashMap::new();
        for reject in &round.rejects {
            assert!(
                serde_json::from_str::<IgnoredAny>(&reject.raw).is_ok(),
                "a reject without its text: {}",
                reject.raw
            );
            *found.entry(reject.tag).or_insert(0) += 1;
        }
        for (tag, events) in self.rows(round, &covers) {
            *found.entry(tag).or_insert(0) += events;
        }
        for (place, ask) in asks.iter().enumerate() {
            let Some(tag) = self.tags.get(ask.tag) else { continue };
            let nothing = Interval::new(ask.interval.start, ask.interval.start);
            let cover = covers.remove(&tag.id).unwrap_or(nothing);
            assert!(cover.start == ask.interval.start && cover.end <= ask.interval.end, "{cover:?} for {ask:?}");
            assert_eq!(cover.end % 1_000, 0, "{cover:?} cuts a microsecond");
            if let Some(gap) = gaps.get(&ask.tag) {
                assert_eq!((gap.start, gap.end), (cover.end, ask.interval.end), "{gap:?} beside {cover:?}");
            }
            let events = found.remove(&ask.tag).unwrap_or(0);
            if cover.is_empty() {
                assert_eq!(events, 0, "events of {} without proof", tag.id);
            } else if let Some(times) = written.and_then(|written| self.times(written, place, ask.interval.start)) {
                let inside = times.iter().filter(|time| cover.contains(**time)).count();
                assert_eq!(events, inside, "events of {} in {cover:?}", tag.id);
            }
        }
        assert!(covers.is_empty() && found.is_empty(), "what nobody asked for: {covers:?} {found:?}");
    }

    /// How many rows each tag has; every one inside its proof, in the order of time and sequence.
    fn rows(&self, round: Round, covers: &HashMap<String, Interval>) -> HashMap<usize, usize> {
        let mut counts = HashMap::new();
        if round.rows.is_empty() {
            return counts;
        }
        let rows = round.rows.finish();
        assert!(rows.as_ref().is_ok_and(|rows| tidegate_sdk::ipc::batch(rows).is_ok()), "rows that no batch holds");
        let Ok(rows) = rows else { return counts };
        let ids = rows.column(0).as_dictionary::<Int32Type>();
        let ids = ids.downcast_dict::<StringArray>();
        let times = rows.column(2).as_primitive::<TimestampMicrosecondType>();
        let sequences = rows.column(11).as_primitive::<Int32Type>();
        let mut before: Option<(&str, i64, i32)> = None;
        for (id, (time, sequence)) in
            ids.into_iter().flat_map(|ids| ids.into_iter()).flatten().zip(times.values().iter().zip(sequences.values()))
        {
            let inside = covers.get(id).is_some_and(|cover| micros(cover.start) <= *time && *time < micros(cover.end));
            assert!(inside, "a row of {id} at {time} outside {:?}", covers.get(id));
            if let Some((last, at, number)) = before.filter(|(last, ..)| *last == id) {
                assert!((at, number) < (*time, *sequence), "rows of {last} out of order");
            }
            before = Some((id, *time, *sequence));
            let tag = self.tags.iter().position(|tag| tag.id == id);
            assert!(tag.is_some(), "rows of {id}, which is not asked for");
            *counts.entry(tag.unwrap_or_default()).or_insert(0) += 1;
        }
        counts
    }

    /// When the events in the answer to one request happened, read the slow and simple way; one without a readable time
    /// stands with the one before. `None` where the answer gives one request two answers.
    fn times(&self, written: &Value, place: usize, start: Instant) -> Option<Vec<Instant>> {
        let reply = match self.dialect {
            Dialect::List => written.get("Responses")?.get(place)?,
            Dialect::Dictionary => {
                let mut replies = written.as_object()?.iter().filter(|(key, _)| key.parse() == Ok(place));
                let (_, reply) = replies.next()?;
                replies.next().is_none().then_some(reply)?
            }
        };
        let mut before = start;
        let time = |item: &Value| {
            before = match item.get("Timestamp").and_then(Value::as_str).map(parse_instant) {
                Some(Ok(time)) => time,
                Some(Err(TimeError::TooLate)) => Instant::MAX,
                Some(Err(TimeError::TooEarly)) => Instant::MIN,
                Some(Err(TimeError::Malformed)) | None => before,
            };
            before
        };
        Some(reply.get("Content")?.get("Items")?.as_array()?.iter().map(time).collect())
    }
}
