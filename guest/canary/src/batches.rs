//! Many tags asked about together, without one of them spoiling the answer of the others: what fails is asked for again in
//! halves, down to the tag that it is about.

use tidegate_sdk::Fault;

use crate::server::isolates;

/// Tags in one request about tags (§9: 100 to 500).
pub(crate) const TAGS: usize = 200;

/// As many failures of single tags, and no success, are no longer about single tags.
pub(crate) const MANY: usize = 10;

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Batches<T> {
    waiting: Vec<Vec<T>>,
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
        match left.pop() {
            Some(one) if isolates(&fault) && (self.succeeded || self.failures < MANY) => Verdict::Alone(one, fault),
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
}
