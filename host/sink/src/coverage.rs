//! What a batch proves: per series, the stretches that it covers and the rows that it brings. Pure; the staged file is
//! this, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidegate_model::{Instant, Interval, Intervals, Watermark};

use crate::events::Advance;
use crate::{Error, Result};

/// Proof for many series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    series: HashMap<String, Proof>,
}

/// Proof for one series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub name: String,
    /// One stretch at most in the lane of runs, which have a cursor.
    #[serde(with = "pairs")]
    pub covered: Intervals,
    pub rows: i64,
}

/// Intervals as pairs of nanoseconds since the Unix epoch.
mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use tidegate_model::{Instant, Interval, Intervals};

    pub(super) fn serialize<S: Serializer>(intervals: &Intervals, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<(i64, i64)> = intervals.as_slice().iter().map(|part| (part.start.0, part.end.0)).collect();
        pairs.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Intervals, D::Error> {
        let pairs = Vec::<(i64, i64)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|(start, end)| Interval::new(Instant(start), Instant(end))).collect())
    }
}

impl Coverage {
    /// Whether it proves nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The proven stretch of a series, from its first instant to its last.
    pub(crate) fn covered(&self, series: &str) -> Option<Interval> {
        self.series.get(series)?.covered.hull()
    }

    /// What is proven, by series.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = (&String, &Proof)> {
        self.series.iter()
    }

    /// Adds an advance that must join what is covered, by this coverage or already `known`.
    ///
    /// # Errors
    /// A stretch that does not: moving the cursor over the hole would lose it for ever.
    pub(crate) fn advance(&mut self, table: &str, known: Option<Interval>, advance: &Advance) -> Result<()> {
        let id = &advance.series.id;
        if let Some(new) = advance.covered.filter(|new| !new.is_empty()) {
            let base = self.covered(id).or(known);
            if let Some(base) = base.filter(|base| new.start > base.end || new.end < base.start) {
                let what = format!("series {id} is covered over {base:?}; {new:?} would leave a hole");
                return Err(Error::contract(table, what));
            }
        }
        self.add(advance);
        Ok(())
    }

    /// Adds an advance, wherever it lies.
    pub(crate) fn add(&mut self, advance: &Advance) {
        let proof = self.series.entry(advance.series.id.clone()).or_default();
        proof.name.clone_from(&advance.series.name);
        proof.covered.extend(advance.covered);
        proof.rows = proof.rows.saturating_add(advance.rows);
    }

    /// The proofs of some series, to be changed apart.
    pub(crate) fn subset<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Self {
        let proofs = ids.filter_map(|id| self.series.get_key_value(id));
        Self { series: proofs.map(|(id, proof)| (id.clone(), proof.clone())).collect() }
    }

    /// Puts changed proofs in the place of the old ones.
    pub(crate) fn put(&mut self, changed: Self) {
        self.series.extend(changed.series);
    }

    /// Adds what a later batch proved.
    pub(crate) fn extend(&mut self, later: Coverage) {
        for (id, new) in later.series {
            match self.series.get_mut(&id) {
                None => {
                    self.series.insert(id, new);
                }
                Some(old) => {
                    if !new.name.is_empty() {
                        old.name = new.name;
                    }
                    old.rows = old.rows.saturating_add(new.rows);
                    old.covered.extend(new.covered.as_slice().iter().copied());
                }
            }
        }
    }

    /// The same with more rows counted, also of series that prove nothing here.
    pub(crate) fn counting(&self, rows: &HashMap<String, i64>) -> Self {
        let mut counting = self.clone();
        for (id, more) in rows.iter().filter(|(_, more)| **more != 0) {
            let proof = counting.series.entry(id.clone()).or_default();
            proof.rows = proof.rows.saturating_add(*more);
        }
        counting
    }

    /// Moves watermarks by this proof.
    pub(crate) fn apply(&self, marks: &mut HashMap<String, Watermark>, run: Instant) {
        for (id, proof) in &self.series {
            let covered = proof.covered.hull();
            match (marks.get_mut(id), covered) {
                (Some(mark), covered) => {
                    // Others may have moved the mark meanwhile; a stretch that no longer joins it bridges nothing.
                    if let Some(new) = covered {
                        mark.advance(new);
                    }
                    if !proof.name.is_empty() {
                        mark.name.clone_from(&proof.name);
                    }
                    mark.rows = mark.rows.saturating_add(proof.rows);
                    mark.last_run = run;
                }
                (None, Some(covered)) => {
                    let mark = Watermark {
                        series: id.clone(),
                        name: proof.name.clone(),
                        covered,
                        rows: proof.rows,
                        last_run: run,
                        stored_until: None,
                    };
                    marks.insert(id.clone(), mark);
                }
                // Rows without a proven stretch do not make a watermark: the next run compares them and moves on.
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::Series;

    use super::*;

    fn interval((start, end): (i64, i64)) -> Interval {
        Interval::new(Instant(start), Instant(end))
    }

    fn advance(start: i64, end: i64, rows: i64) -> Advance {
        let series = Series { id: "s".into(), name: "S".into(), ahead: false, detail: String::new() };
        Advance { series: Arc::new(series), covered: Some(interval((start, end))), rows }
    }

    #[test]
    fn stretches_that_join_grow_one_range_and_a_hole_is_refused() {
        let mut coverage = Coverage::default();
        coverage.advance("t", None, &advance(10, 20, 1)).unwrap();
        coverage.advance("t", None, &advance(20, 30, 2)).unwrap();
        coverage.advance("t", None, &advance(15, 18, 0)).unwrap();
        let error = coverage.advance("t", None, &advance(31, 40, 1)).unwrap_err().to_string();
        assert!(error.contains("would leave a hole"), "{error}");
        let known = Some(interval((0, 5)));
        assert!(Coverage::default().advance("t", known, &advance(6, 7, 0)).is_err());
        Coverage::default().advance("t", known, &advance(5, 7, 0)).unwrap();

        let mut marks = HashMap::new();
        coverage.apply(&mut marks, Instant(99));
        let mark = &marks["s"];
        assert_eq!((mark.covered, mark.rows, mark.last_run), (interval((10, 30)), 3, Instant(99)));
    }

    #[test]
    fn a_stretch_that_no_longer_joins_the_mark_does_not_bridge_the_hole() {
        let mut coverage = Coverage::default();
        coverage.advance("t", None, &advance(50, 60, 1)).unwrap();
        let mut marks = HashMap::new();
        let mut first = Coverage::default();
        first.advance("t", None, &advance(0, 10, 1)).unwrap();
        first.apply(&mut marks, Instant(1));
        coverage.apply(&mut marks, Instant(2));
        assert_eq!((marks["s"].covered, marks["s"].stored_until), (interval((0, 10)), Some(Instant(60))));
    }
}
