//! What must hold of every answer to `getTagData2`, whatever the server says in it.
//!
//! An input is one answer behind a few bytes that choose what was asked. It is read as a run reads it, by a server that
//! gives the same answer to every question; then cut short; then with one byte changed.

use std::collections::HashMap;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use serde_json::Value;
use tidegate_sdk::{
    Fault, Instant, Interval,
    http::Response,
    micros,
    plan::Performance,
    testing::{changed, cut},
    time::{TimeError, parse_instant},
};

use super::digest::{Batch, digest, rows};
use crate::{
    pages::{Doubt, Pages},
    tag::Tag,
};

/// 2024-03-01T00:00:00Z and a day, which the answers kept in the corpus lie in.
const ASKED: Interval = Interval { start: 1_709_251_200_000_000_000, end: 1_709_337_600_000_000_000 };
/// Questions after which reading must have come to an end.
const ROUNDS: usize = 500;
/// Samples of one tag in a page.
const SIZES: [usize; 4] = [1, 10, 1_000, 10_000];
/// Tags as a plant may name them.
const PATHS: [&str; 4] = ["V.a", "V.Plant A.Öl (1)/2", "V.{x}.%41 \"q\"", "V.A b.c#d"];

/// What is asked.
struct Question {
    tags: Vec<Tag>,
    size: usize,
    /// What a tag is that the server does not show.
    doubt: Doubt,
}

/// One answer of a server: `tags` chooses their number, what is known of hidden ones and the page size; then two bytes for
/// where it is cut, two and a mask for the byte that changes, and the body.
pub(crate) fn samples(tags: u8, data: &[u8]) {
    let Some(([c0, c1, p0, p1, mask], body)) = data.split_first_chunk::<5>() else { return };
    let tag = |(index, path): (usize, &&str)| Tag {
        id: format!("T{index}"),
        path: (*path).to_owned(),
        units: (index == 1).then(|| "bar".to_owned()),
    };
    let doubts = [Doubt::Possible, Doubt::Elsewhere, Doubt::Unknown, Doubt::Failed(Fault::external("x", "x"))];
    let question = Question {
        tags: PATHS.iter().enumerate().map(tag).take(1 + usize::from(tags % 4)).collect(),
        size: SIZES.get(usize::from(tags / 4 % 4)).copied().unwrap_or(1),
        doubt: doubts.into_iter().nth(usize::from(tags / 16 % 4)).unwrap_or(Doubt::Unknown),
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
        let answer = Response::new("POST /getTagData2", 200, body.to_vec());
        let written: Option<Value> = serde_json::from_slice(body).ok();
        let intervals = vec![ASKED; self.tags.len()];
        let performance = Performance { max_count_per_request: self.size, ..Performance::default() };
        let mut pages = Pages::new(&intervals, performance);
        let mut at = vec![ASKED.start; self.tags.len()];
        for _ in 0..ROUNDS {
            let Some(ask) = pages.next() else { return self.ended(&at, &pages) };
            let batch = digest(&answer, &ask, &self.tags, &mut pages)?;
            let first = ask.continuation.is_none();
            self.check(batch, &mut at, written.as_ref().filter(|_| first));
            if let Some((doubtful, _)) = pages.doubtful() {
                let doubts = doubtful.into_iter().map(|tag| (tag, self.doubt.clone())).collect();
                self.check(rows(pages.confirm(doubts), &self.tags), &mut at, None);
            }
        }
        assert!(pages.next().is_none(), "the same answer is asked for again and again");
        Ok(())
    }

    /// What is neither proven nor given up is not forgotten.
    fn ended(&self, at: &[Instant], pages: &Pages) -> Result<(), Fault> {
        assert!(pages.rest().is_empty(), "reading ended before its end");
        assert!(at.iter().all(|at| *at <= ASKED.end), "more is proven than was asked for");
        Ok(())
    }

    /// Proof goes on where it had stopped, gaps follow it, and of every sample in what is proven there is a row or a reject.
    fn check(&self, batch: Batch, at: &mut [Instant], written: Option<&Value>) {
        let mut covers: HashMap<&str, Interval> = HashMap::new();
        for cover in &batch.covers {
            let place = self.tags.iter().position(|tag| tag.id == cover.series);
            let Some((tag, at)) = place.and_then(|place| Some((self.tags.get(place)?, at.get_mut(place)?))) else {
                unreachable!("{} was not asked for", cover.series)
            };
            assert_eq!((cover.interval.start, cover.interval.end % 1_000), (*at, 0), "{:?}", cover.interval);
            assert!(cover.interval.end <= ASKED.end && !cover.interval.is_empty(), "{:?}", cover.interval);
            *at = cover.interval.end;
            assert!(covers.insert(&tag.id, cover.interval).is_none(), "{} is proven twice", tag.id);
        }
        for (tag, gap, _) in &batch.gaps {
            let proven = at.get(*tag).copied().unwrap_or_default();
            assert_eq!((gap.start, gap.end), (proven, ASKED.end), "{gap:?}");
        }
        let mut found: HashMap<&str, usize> = HashMap::new();
        for reject in &batch.rejects {
            assert!(serde_json::from_str::<Value>(&reject.raw).is_ok(), "a reject without its text: {}", reject.raw);
            if let Some(tag) = self.tags.get(reject.tag) {
                *found.entry(&tag.id).or_insert(0) += 1;
            }
        }
        for (id, rows) in self.rows(batch.rows, &covers) {
            *found.entry(id).or_insert(0) += rows;
        }
        for tag in &self.tags {
            let events = found.remove(tag.id.as_str()).unwrap_or(0);
            let Some(cover) = covers.get(tag.id.as_str()) else {
                assert_eq!(events, 0, "samples of {} without proof", tag.id);
                continue;
            };
            if let Some(times) = written.and_then(|written| times(written, &tag.path, cover.start)) {
                let inside = times.iter().filter(|time| cover.contains(**time)).count();
                assert_eq!(events, inside, "samples of {} in {cover:?}", tag.id);
            }
        }
        assert!(found.is_empty(), "what nobody asked for: {found:?}");
    }

    /// How many rows each tag has; every one inside its proof, in the order of time and sequence.
    fn rows(
        &self,
        rows: tidegate_sdk::events::TimeSeriesBuilder,
        covers: &HashMap<&str, Interval>,
    ) -> HashMap<&str, usize> {
        let mut counts = HashMap::new();
        if rows.is_empty() {
            return counts;
        }
        let rows = rows.finish();
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
            assert!(inside, "a row of {id} at {time} outside of {:?}", covers.get(id));
            let Some(tag) = self.tags.iter().find(|tag| tag.id == id) else { unreachable!("{id} was not asked for") };
            if let Some((last, at, number)) = before.filter(|(last, ..)| *last == tag.id) {
                assert!((at, number) < (*time, *sequence), "rows of {last} out of order");
            }
            before = Some((&tag.id, *time, *sequence));
            *counts.entry(tag.id.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

/// When the samples of a tag happened, read the slow and simple way; one without a readable time stands with the one
/// before, and at first with `start`, up to which the tag was proven. `None` where the answer does not show the tag once, by
/// the very path that was asked for.
fn times(written: &Value, path: &str, start: Instant) -> Option<Vec<Instant>> {
    let data = written.get("data")?.as_object()?;
    let mut before = start;
    let time = |sample: &Value| {
        let text = sample.get("t").or_else(|| sample.get(0)).and_then(Value::as_str);
        let at = match text.map(parse_instant) {
            Some(Ok(time)) => time,
            Some(Err(TimeError::TooLate)) => Instant::MAX,
            Some(Err(TimeError::TooEarly)) if !text.is_some_and(|text| text.starts_with("0001-01-01")) => Instant::MIN,
            Some(Err(_)) | None => before,
        };
        if at >= start {
            before = at;
        }
        at
    };
    Some(data.get(path)?.as_array()?.iter().map(time).collect())
}
