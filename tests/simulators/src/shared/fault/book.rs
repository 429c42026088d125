//! The armed faults, their counters, and what they plan for one call.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Effects, Fault, Junk, Scope, Transport, Wire};
use crate::shared::answer::{Content, Head, page};
use crate::shared::hash::{mix, unit};
use crate::shared::wildcard;

/// All armed faults.
#[derive(Debug)]
pub(crate) struct Book<E> {
    armed: Mutex<Vec<Armed<E>>>,
    seed: u64,
}

#[derive(Debug)]
struct Armed<E> {
    fault: Fault<E>,
    matches: u64,
    fired: u64,
}

/// What the faults do to one call.
#[derive(Debug, Default)]
pub(crate) struct Plan<S> {
    /// Answer with this status.
    pub(crate) status: Option<u16>,
    /// Answer this much later.
    pub(crate) delay: Duration,
    /// What the protocol's own effects do to it.
    pub(crate) shape: S,
    /// Replaces the body under the normal status.
    pub(crate) junk: Option<Junk>,
    /// What happens to the connection.
    pub(crate) transport: Option<Transport>,
}

/// A call, as faults see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incident<'a> {
    /// A sub-request of a batch.
    pub(crate) sub: bool,
    /// Label of its route.
    pub(crate) route: &'a str,
    /// Body of the request.
    pub(crate) body: &'a [u8],
}

impl<E: Effects> Book<E> {
    /// An empty book.
    pub(crate) fn new(seed: u64) -> Book<E> {
        Book { armed: Mutex::new(Vec::new()), seed }
    }

    /// Replaces all faults and their counters.
    pub(crate) fn set(&self, faults: Vec<Fault<E>>) {
        let armed = faults.into_iter().map(|fault| Armed { fault, matches: 0, fired: 0 }).collect();
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = armed;
    }

    /// How often each fault has fired, in the order given to [`Book::set`].
    pub(crate) fn fired(&self) -> Vec<u64> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|armed| armed.fired).collect()
    }

    /// Counts this call against every matching fault and says what those that fire do to it.
    ///
    /// `about` says whether the call is about something that a pattern names.
    pub(crate) fn plan(&self, call: Incident<'_>, about: impl Fn(&str) -> bool) -> Plan<E::Shape> {
        let mut plan = Plan::default();
        let mut book = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, armed) in book.iter_mut().enumerate() {
            if armed.fires(self.seed.wrapping_add(index as u64), call, &about) {
                match armed.fault.effect.wire() {
                    Some(wire) => plan.add(wire),
                    None => armed.fault.effect.shape(armed.fault.tag.as_deref(), &mut plan.shape),
                }
            }
        }
        plan
    }
}

impl<E> Armed<E> {
    fn fires(&mut self, seed: u64, call: Incident<'_>, about: &impl Fn(&str) -> bool) -> bool {
        let Incident { sub, route, body } = call;
        let fault = &self.fault;
        let scope = match fault.scope {
            Scope::Any => true,
            Scope::Request => !sub,
            Scope::Sub => sub,
        };
        let place = fault.route.as_deref().is_none_or(|pattern| wildcard::matches(pattern, route));
        let holds = |text: &String| body.windows(text.len().max(1)).any(|part| part == text.as_bytes());
        let meant = scope && place && fault.body.as_ref().is_none_or(holds);
        if !(meant && fault.tag.as_deref().is_none_or(about)) {
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

impl<S> Plan<S> {
    fn add(&mut self, wire: Wire) {
        match wire {
            Wire::Status(code) => self.status = Some(code),
            Wire::Cut { keep, length } => self.transport = Some(Transport::Cut { keep, length }),
            Wire::Reset => self.transport = Some(Transport::Reset),
            Wire::Delay(ms) => self.delay += Duration::from_millis(ms),
            Wire::Stall(ms) => self.transport = Some(Transport::Stall(Duration::from_millis(ms))),
            Wire::Garbage => self.junk = Some(Junk::Garbage),
            Wire::Html => self.junk = Some(Junk::Html),
            Wire::Empty => self.junk = Some(Junk::Empty),
        }
    }

    /// What the faults do to an answer that is already written, from `start` on.
    pub(crate) fn apply(&self, sub: bool, out: &mut Vec<u8>, start: usize, head: &mut Head) {
        head.delay += self.delay;
        head.transport = self.transport.or(head.transport);
        let Some(junk) = self.junk else { return };
        let body = out.split_off(start);
        (head.status, head.headers) = (200, Vec::new());
        head.content = match junk {
            Junk::Garbage => {
                out.extend_from_slice(body.get(..body.len() / 3).unwrap_or_default());
                out.extend_from_slice(b"\x00}]\xff<not json");
                // Inside a batch the framework can only pass it on as a string.
                if sub { Content::Text } else { Content::Json }
            }
            Junk::Html => {
                page(out, 200, "Sign in");
                Content::Html
            }
            Junk::Empty => Content::Nothing,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pi::{Effect, Shape};

    fn plan(book: &Book<Effect>, sub: bool, route: &str, body: &[u8]) -> Plan<Shape> {
        book.plan(Incident { sub, route, body }, |_| false)
    }

    fn fires(book: &Book<Effect>, times: usize) -> Vec<bool> {
        (0..times).map(|_| plan(book, true, "streams/recorded", b"").status.is_some()).collect()
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
        let transport = |body: &[u8]| plan(&book, false, "batch", body).transport;
        assert_eq!(transport(br#"{"a":"streams/F1DP7/recorded"}"#), Some(Transport::Reset));
        assert_eq!((transport(b"F1DP"), transport(b"")), (None, None));
    }

    #[test]
    fn scope_and_route_must_match() {
        let book = Book::new(1);
        book.set(vec![Fault::new(Effect::Reset).scope(Scope::Request).route("BATCH")]);
        assert_eq!(plan(&book, true, "batch", b"").transport, None);
        assert_eq!(plan(&book, false, "points", b"").transport, None);
        assert_eq!(plan(&book, false, "batch", b"").transport, Some(Transport::Reset));
    }
}
