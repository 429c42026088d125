//! Many tags asked about together, without one of them spoiling the answer of the others: what fails is asked for again in
//! halves, down to the tag that it is about.

use tidegate_sdk::Fault;

use crate::server::isolates;

/// Tags in one request about tags (§9: 100 to 500).
pub(crate) const TAGS: usize = 200;

/// As many failures of single tags, and no success before them, are no longer about single tags.
pub(crate) const MANY: usize = 10;

/// As many failures of single tags in a row after a success: more than the first ones, for a dataset that is locked may
/// have many tags that stand together.
const IN_A_ROW: usize = 50;

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Batches<T> {
    waiting: Vec<Vec<T>>,
    /// Of single tags, since the last success.
    failures: usize,
    succeeded: bool,
}

/// What follows a failure.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    /// It is asked for again in halves.
    Again,
    /// It is about this one alone.
    Alone(T, Fault),
    /// It is about all of them.
    All(Fault),
}

impl<T> Batches<T> {
    /// In batches of `size`, in their order.
    pub(crate) fn new(all: impl IntoIterator<Item = T>, size: usize) -> Self {
        let mut batches: Vec<Vec<T>> = Vec::new();
        for one in all {
            match batches.last_mut().filter(|batch| batch.len() < size.max(1)) {
                Some(batch) => batch.push(one),
                None => batches.push(vec![one]),
            }
        }
        batches.reverse();
        Self { waiting: batches, failures: 0, succeeded: false }
    }

    /// The batch to ask for now.
    pub(crate) fn next(&mut self) -> Option<Vec<T>> {
        self.waiting.pop()
    }

    /// The last batch was answered.
    pub(crate) fn answered(&mut self) {
        self.succeeded = true;
        self.failures = 0;
    }

    /// What of the last batch is left failed with `fault`.
    pub(crate) fn failed(&mut self, mut left: Vec<T>, fault: Fault) -> Verdict<T> {
        if !isolates(&fault) && !fault.asked_too_much() {
            return Verdict::All(fault);
        }
        if left.len() > 1 {
            let right = left.split_off(left.len() / 2);
            self.waiting.extend([right, left]);
            return Verdict::Again;
        }
        self.failures += 1;
        let most = if self.succeeded { IN_A_ROW } else { MANY };
        match left.pop() {
            // Whether a server that says nothing at all does so because of one tag, nothing tells.
            Some(one) if fault.code != "timeout" && self.failures < most => Verdict::Alone(one, fault),
            _ => Verdict::All(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors() -> Fault {
        Fault::external("canary-errors", "x")
    }

    /// What fails alone, and how many requests it took; a batch fails when it holds one of `bad`.
    fn run(count: usize, bad: &[usize]) -> (Vec<usize>, usize, bool) {
        let mut batches = Batches::new(0..count, 8);
        let (mut alone, mut requests) = (Vec::new(), 0);
        while let Some(batch) = batches.next() {
            requests += 1;
            if !batch.iter().any(|one| bad.contains(one)) {
                batches.answered();
                continue;
            }
            match batches.failed(batch, errors()) {
                Verdict::Again => {}
                Verdict::Alone(one, _) => alone.push(one),
                Verdict::All(_) => return (alone, requests, false),
            }
        }
        (alone, requests, true)
    }

    #[test]
    fn a_bad_tag_is_found_and_the_others_are_answered() {
        assert_eq!(run(20, &[]), (vec![], 3, true));
        assert_eq!(run(20, &[11]), (vec![11], 9, true));
        assert_eq!(run(20, &[0, 19]).0, [0, 19]);
    }

    #[test]
    fn a_server_that_fails_for_all_is_not_asked_for_each() {
        let all: Vec<usize> = (0..1_000).collect();
        let (alone, requests, sound) = run(1_000, &all);
        assert!(!sound && alone.len() < MANY && requests < 40, "{requests}");
        let from_then_on: Vec<usize> = (8..1_000).collect();
        let (alone, requests, sound) = run(1_000, &from_then_on);
        assert!(!sound && alone.len() < IN_A_ROW && requests < 150, "a server that fails from then on: {requests}");
        // Tags of a locked dataset stand together.
        let (alone, _, sound) = run(200, &(50..90).collect::<Vec<_>>());
        assert!(sound && alone.len() == 40);
    }

    #[test]
    fn what_concerns_no_tag_is_not_asked_for_in_halves() {
        let mut batches = Batches::new(0..4, 4);
        let batch = batches.next().unwrap();
        assert!(matches!(batches.failed(batch, Fault::external("http-503", "x")), Verdict::All(_)));
        let mut batches = Batches::new(0..4, 4);
        let batch = batches.next().unwrap();
        assert!(matches!(batches.failed(batch, Fault::external("timeout", "x")), Verdict::Again));
        let one = Fault::external("timeout", "x");
        assert!(matches!(batches.failed(vec![1], one), Verdict::All(_)));
    }

    #[test]
    fn a_tag_that_is_too_much_alone_does_not_stop_the_others() {
        for code in ["http-504", "http-408", "response-too-large"] {
            let mut batches = Batches::new(0..2, 2);
            let batch = batches.next().unwrap();
            assert!(matches!(batches.failed(batch, Fault::external(code, "x")), Verdict::Again), "{code}");
            let one = batches.next().unwrap();
            assert!(matches!(batches.failed(one, Fault::external(code, "x")), Verdict::Alone(0, _)), "{code}");
        }
    }
}
