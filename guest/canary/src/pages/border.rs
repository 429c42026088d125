//! Whether a page begins with what the one before ended with (§6.3 leaves it open).
//!
//! A sample that is the same in time, value and quality as the last of the page before is either shown twice, or there twice.
//! One page tells: a server that repeats does so for every tag. So a single tag whose page begins with something else
//! clears all of them, on that page: of the next page it proves nothing, for a sample that was changed or deleted meanwhile
//! begins a page with something else too.

use tidegate_sdk::Instant;

use crate::api::Sample;

/// How many samples at the beginning of each tag's page are repeated, given how many could be: `None` for a tag that says
/// nothing, because it has no sample on one side.
pub(super) fn repeated(candidates: &[Option<usize>]) -> Vec<usize> {
    let none = candidates.contains(&Some(0));
    candidates.iter().map(|count| if none { 0 } else { count.unwrap_or(0) }).collect()
}

/// How many samples at the beginning of `page` may be repetitions: the longest run that is the same as the end of
/// `before`, within its last instant. `None` where one of them is empty.
pub(super) fn candidates(before: &[(Instant, Sample<'_>)], page: &[Sample<'_>]) -> Option<usize> {
    let (last, _) = before.last()?;
    page.first()?;
    let instant = before.iter().rev().take_while(|(at, _)| at == last).count();
    let longest = instant.min(page.len());
    let same =
        |count: usize| before.iter().skip(before.len() - count).zip(page).all(|((_, held), shown)| held == shown);
    (0..=longest).rev().find(|count| same(*count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Stamp, Value};

    fn samples(pairs: &[(i64, i64)]) -> Vec<Sample<'static>> {
        let sample =
            |(at, value): &(i64, i64)| Sample { stamp: Stamp::At(*at), value: Value::Int(*value), quality: Some(192) };
        pairs.iter().map(sample).collect()
    }

    fn held(pairs: &[(i64, i64)]) -> Vec<(Instant, Sample<'static>)> {
        pairs.iter().map(|(at, _)| *at).zip(samples(pairs)).collect()
    }

    #[test]
    fn a_repetition_is_the_longest_run_of_the_last_instant() {
        type Pairs = &'static [(i64, i64)];
        let table: [(Pairs, Pairs, Option<usize>); 7] = [
            (&[(1, 1), (2, 2)], &[(2, 2), (3, 3)], Some(1)),
            (&[(1, 1), (2, 2)], &[(3, 3)], Some(0)),
            (&[(2, 1), (2, 2)], &[(2, 1), (2, 2), (2, 3)], Some(2)),
            (&[(1, 1), (2, 1)], &[(1, 1), (2, 1)], Some(0)),
            (&[(2, 5), (2, 5)], &[(2, 5), (2, 6)], Some(1)),
            (&[], &[(3, 3)], None),
            (&[(1, 1)], &[], None),
        ];
        for (before, page, expected) in table {
            assert_eq!(candidates(&held(before), &samples(page)), expected, "{before:?} {page:?}");
        }
    }

    #[test]
    fn a_tag_that_begins_with_something_new_clears_all_of_that_page() {
        assert_eq!(repeated(&[Some(1), None, Some(2)]), [1, 0, 2]);
        assert_eq!(repeated(&[Some(1), Some(0)]), [0, 0]);
        assert_eq!(repeated(&[Some(1)]), [1]);
    }
}
