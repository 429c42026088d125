//! What a wish would change: decided from the state, without touching it. A cursor only goes back by itself; one that shall
//! go on over what was not read here needs the operator's word, because nothing would ever read it.

use std::collections::HashSet;

use tidegate_model::{Instant, Interval, Series, Watermark, WindowPolicy};
use tidegate_sink::{GapRow, Restated};

use super::TableState;

/// What would change in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Its full name.
    pub(crate) table: String,
    /// By identity of the series.
    pub(crate) changes: Vec<Change>,
    /// Selected series that stay as they are.
    pub(crate) stay: Vec<Watermark>,
    /// Gaps that are given up.
    pub(crate) closes: Vec<GapRow>,
    /// Gaps that are owed from then on.
    pub(crate) opens: Vec<GapRow>,
}

/// What would change of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) restated: Restated,
    /// What the next run would read of it if it began now.
    pub(crate) reads: Option<Interval>,
    /// What the cursor would move over although it was not read here.
    pub(crate) skips: Option<Interval>,
}

/// What the table holds of series that it has no watermark of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unmarked {
    /// Series with rows in what their document calls read.
    pub(crate) below: HashSet<String>,
    /// Series with rows from the cursor of their document on.
    pub(crate) beyond: HashSet<String>,
}

impl Difference {
    /// Whether nothing would change.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.closes.is_empty() && self.opens.is_empty()
    }

    /// All cursors that lie beyond `to` go back to it.
    pub(crate) fn reset(state: &TableState, to: Instant, policy: &WindowPolicy) -> Self {
        let mut difference = Self { table: state.table.clone(), ..Self::default() };
        for mark in &state.marks {
            match mark.back_to(to) {
                Some(after) => difference.changes.push(Change::new(Some(mark), after, None, policy)),
                None => difference.stay.push(mark.clone()),
            }
        }
        difference
    }

    /// The series and gaps that a document names become as it says; others stay.
    pub(crate) fn import(
        state: &TableState,
        document: &TableState,
        unmarked: &Unmarked,
        policy: &WindowPolicy,
    ) -> Self {
        let mut difference = Self { table: state.table.clone(), ..Self::default() };
        for wanted in &document.marks {
            let before = state.marks.iter().find(|mark| mark.series == wanted.series);
            let after = imported(before, wanted, unmarked, policy.now);
            if before != Some(&after) {
                let skips = skipped(before, &after, unmarked);
                difference.changes.push(Change::new(before, after, skips, policy));
            }
        }
        let changes: HashSet<&str> = difference.changes.iter().map(Change::id).collect();
        let stay = state.marks.iter().filter(|mark| !changes.contains(mark.series.as_str()));
        difference.stay = stay.cloned().collect();
        let named: HashSet<&str> = document.marks.iter().map(|mark| mark.series.as_str()).collect();
        let named: HashSet<&str> =
            named.into_iter().chain(document.gaps.iter().map(|gap| gap.series.as_str())).collect();
        let lacks = |gaps: &[GapRow], gap: &GapRow| !gaps.iter().any(|other| other.is_same(gap));
        let open = state.gaps.iter().filter(|gap| named.contains(gap.series.as_str()));
        difference.closes = open.filter(|gap| lacks(&document.gaps, gap)).cloned().collect();
        difference.opens = document.gaps.iter().filter(|gap| lacks(&state.gaps, gap)).cloned().collect();
        difference
    }
}

impl Change {
    fn new(before: Option<&Watermark>, after: Watermark, skips: Option<Interval>, policy: &WindowPolicy) -> Self {
        // Whether it is a forecast only the historian knows; where reading begins does not depend on it.
        let (id, name) = (after.series.clone(), after.name.clone());
        let series = Series { id, name, ahead: false, detail: String::new() };
        let reads = policy.window(&series, Some(&after)).map(|window| window.read);
        Self { restated: Restated { before: before.cloned(), after }, reads, skips }
    }

    fn id(&self) -> &str {
        &self.restated.after.series
    }
}

/// The mark of a document as it is right for this lake.
fn imported(before: Option<&Watermark>, wanted: &Watermark, unmarked: &Unmarked, now: Instant) -> Watermark {
    let mut after = wanted.clone();
    let beyond = unmarked.beyond.contains(&wanted.series).then(|| now.floor_micros());
    let stored = before.map(Watermark::stored_end).or(beyond).unwrap_or(wanted.covered.end);
    after.remember(wanted.stored_end().max(stored));
    // Rows are counted where they are: what is read again and equal is not counted again.
    after.rows = before.map_or(wanted.rows, |mark| mark.rows);
    after
}

/// What a cursor would move over although nothing says that it was read into this lake.
fn skipped(before: Option<&Watermark>, after: &Watermark, unmarked: &Unmarked) -> Option<Interval> {
    let from = match before {
        Some(mark) => mark.stored_end(),
        None if after.rows == 0 || unmarked.below.contains(&after.series) => after.covered.end,
        None => after.covered.start,
    };
    Some(Interval::new(from, after.covered.end)).filter(|skipped| !skipped.is_empty())
}

#[cfg(test)]
mod tests;
