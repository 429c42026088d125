//! The armed faults, their counters, and what they plan for one call.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Effect, Fault, Scope};
use crate::pi::generate::{mix, unit};
use crate::pi::lookup::Subject;
use crate::pi::wildcard;

/// All armed faults.
#[derive(Debug)]
pub(crate) struct Book {
    armed: Mutex<Vec<Armed>>,
    seed: u64,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    matches: u64,
    fired: u64,
}

/// What the faults do to one call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Answer with this status.
    pub(crate) status: Option<u16>,
    /// Answer this much later.
    pub(crate) delay: Duration,
    /// Changes to a list of events.
    pub(crate) shape: Shape,
    /// Replaces the body under the normal status.
    pub(crate) junk: Option<Junk>,
    /// What happens to the connection.
    pub(crate) transport: Option<Transport>,
}

/// Changes to a list of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// (`StatusCode`, items before it).
    pub(crate) web_exception: Option<(u16, usize)>,
    /// Index of the item that carries `Errors`.
    pub(crate) item_errors: Option<usize>,
    /// Lower `MaxReturnedItemsPerCall`.
    pub(crate) cap: Option<usize>,
    /// Nothing is there.
    pub(crate) offline: bool,
    /// The middle item twice.
    pub(crate) duplicate: bool,
    /// Two neighbours change places.
    pub(crate) unordered: bool,
    /// The list is missing.
    pub(crate) no_items: bool,
}

impl Shape {
    /// Changes the items of a list.
    pub(crate) fn apply<T: Clone>(&self, items: &mut Vec<T>) {
        if self.offline {
            items.clear();
        }
        if let Some((_, after)) = self.web_exception {
            items.truncate(after);
        }
        let middle = items.len() / 2;
        if self.duplicate
            && let Some(item) = items.get(middle).cloned()
        {
            items.insert(middle, item);
        }
        if self.unordered && items.len() >= 2 {
            items.swap(middle - 1, middle);
        }
    }
}

/// A body that is not the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Junk {
    /// Half JSON, half not.
    Garbage,
    /// A page.
    Html,
    /// Nothing.
    Empty,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    /// Reset before the answer.
    Reset,
    /// Cut after this share; with `Content-Length` or chunked.
    Cut {
        /// Share of the body that is sent.
        keep: f64,
        /// Announce the whole length.
        length: bool,
    },
    /// Silence in the middle.
    Stall(Duration),
}

impl Book {
    /// An empty book.
    pub(crate) fn new(seed: u64) -> Book {
        Book { armed: Mutex::new(Vec::new()), seed }
    }

    /// Replaces all faults and their counters.
    pub(crate) fn set(&self, faults: Vec<Fault>) {
        let armed = faults.into_iter().map(|fault| Armed { fault, matches: 0, fired: 0 }).collect();
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = armed;
    }

    /// How often each fault has fired, in the order given to [`Book::set`].
    pub(crate) fn fired(&self) -> Vec<u64> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|armed| armed.fired).collect()
    }

    /// Counts this call against every matching fault and says what those that fire do to it.
    pub(crate) fn plan(&self, sub: bool, route: &str, body: &[u8], subject: impl FnOnce() -> Option<Subject>) -> Plan {
        let mut plan = Plan::default();
        let mut book = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if book.is_empty() {
            return plan;
        }
        let subject = subject();
        for (index, armed) in book.iter_mut().enumerate() {
            if armed.fires(self.seed.wrapping_add(index as u64), sub, route, body, subject.as_ref()) {
                plan.add(&armed.fault.effect);
            }
        }
        plan
    }
}

impl Armed {
    fn fires(&mut self, seed: u64, sub: bool, route: &str, body: &[u8], subject: Option<&Subject>) -> bool {
        let fault = &self.fault;
        let scope = match fault.scope {
            Scope::Any => true,
            Scope::Request => !sub,
            Scope::Sub => sub,
        };
        let place = fault.route.as_deref().is_none_or(|pattern| wildcard::matches(pattern, route));
        let about = fault.tag.as_deref().is_none_or(|pattern| subject.is_some_and(|it| it.answers_to(pattern)));
        let holds = |text: &String| body.windows(text.len().max(1)).any(|part| part == text.as_bytes());
        if !(scope && place && about && fault.body.as_ref().is_none_or(holds)) {
            return false;
        }
        self.matches += 1;
        let due = self.matches >= fault.nth && fault.count.is_none_or(|count| self.fired < count);
        let drawn = fault.probability.is_none_or(|share| unit(mix(mix(seed) ^ self.matches)) < share);
        if due && drawn {
            self.fired += 1;
        }
        due && drawn
    }
}

impl Plan {
    fn add(&mut self, effect: &Effect) {
        match *effect {
            Effect::Status { code } => self.status = Some(code),
            Effect::WebException { status, after } => self.shape.web_exception = Some((status, after)),
            Effect::ItemErrors { index } => self.shape.item_errors = Some(index),
            Effect::Cut { keep } => self.transport = Some(Transport::Cut { keep, length: false }),
            Effect::CutLength { keep } => self.transport = Some(Transport::Cut { keep, length: true }),
            Effect::Reset => self.transport = Some(Transport::Reset),
            Effect::Delay { ms } => self.delay += Duration::from_millis(ms),
            Effect::Stall { ms } => self.transport = Some(Transport::Stall(Duration::from_millis(ms))),
            Effect::Garbage => self.junk = Some(Junk::Garbage),
            Effect::Html => self.junk = Some(Junk::Html),
            Effect::Empty => self.junk = Some(Junk::Empty),
            Effect::NoItems => self.shape.no_items = true,
            Effect::Cap { max } => self.shape.cap = Some(max),
            Effect::Offline => self.shape.offline = true,
            Effect::Duplicate => self.shape.duplicate = true,
            Effect::Unordered => self.shape.unordered = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(book: &Book, times: usize) -> Vec<bool> {
        (0..times).map(|_| book.plan(true, "streams/recorded", b"", || None).status.is_some()).collect()
    }

    #[test]
    fn nth_and_count_select_matches() {
        let book = Book::new(1);
        book.set(vec![Fault::new(Effect::Status { code: 503 }).nth(2).times(2)]);
        assert_eq!(fires(&book, 5), [false, true, true, false, false]);
        assert_eq!(book.fired(), [2]);
    }

    #[test]
    fn probability_repeats_with_the_seed() {
        let fault = Fault::new(Effect::Status { code: 503 }).probability(0.5);
        let [one, two] = [7, 7].map(|seed| {
            let book = Book::new(seed);
            book.set(vec![fault.clone()]);
            fires(&book, 64)
        });
        assert_eq!(one, two);
        assert!(one.contains(&true) && one.contains(&false));
    }

    #[test]
    fn a_body_must_hold_the_text() {
        let book = Book::new(1);
        book.set(vec![Fault::new(Effect::Reset).body("F1DP7")]);
        let transport = |body: &[u8]| book.plan(false, "batch", body, || None).transport;
        assert_eq!(transport(br#"{"a":"streams/F1DP7/recorded"}"#), Some(Transport::Reset));
        assert_eq!((transport(b"F1DP"), transport(b"")), (None, None));
    }

    #[test]
    fn scope_and_route_must_match() {
        let book = Book::new(1);
        book.set(vec![Fault::new(Effect::Reset).scope(Scope::Request).route("BATCH")]);
        assert_eq!(book.plan(true, "batch", b"", || None).transport, None);
        assert_eq!(book.plan(false, "points", b"", || None).transport, None);
        assert_eq!(book.plan(false, "batch", b"", || None).transport, Some(Transport::Reset));
    }
}
