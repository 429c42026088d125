//! What the historian says it changed: asked before anything is read, kept once all of it has been read.
//!
//! The order is what makes it safe. A bookmark is taken first, so that what changes while the run reads is told by the next
//! one. It is kept last, when everything that it made necessary is committed or in the gap ledger, so that a run which dies
//! in between leaves the old one. Whatever goes wrong here costs the hints of this run: the look-back is read as usual.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::stream::{self, StreamExt};
use tidegate_model::{Fault, Hint, Instant, Series, Window};
use tidegate_sandbox::{Bookmarked, Change, Shape, TableSpec};
use tidegate_sink::Bookmark;

use super::Run;
use super::windows::Round;
use crate::config::nanos;

/// The hints of one table.
#[derive(Default)]
pub(crate) struct Hints {
    /// By series, for the windows.
    pub(crate) hints: HashMap<String, Hint>,
    hinted: u64,
    /// What is kept in the end.
    new: Vec<Bookmark>,
    /// Series that have no bookmark any more.
    gone: HashSet<String>,
    /// Series whose look-back is read in full by this run.
    full: HashSet<String>,
    /// Series with a bookmark whose changes are not known all the same.
    fell_back: u64,
}

/// Asks what has changed since the bookmarks of the last run. A historian that has none is asked once.
///
/// # Errors
/// Bookmarks that cannot be read.
pub(crate) async fn fetch(run: &Run<'_>, table: &TableSpec, series: &[Arc<Series>]) -> Result<Hints> {
    if table.shape != Shape::Events || series.is_empty() {
        return Ok(Hints::default());
    }
    let stored = run.lake.bookmarks(&run.job.full_name(table)).await?;
    let asked = series.iter().map(|series| Bookmarked {
        series: Arc::clone(series),
        bookmark: stored.get(&series.id).map(|row| row.text.clone()).unwrap_or_default(),
    });
    let asked: Vec<Bookmarked> = asked.collect();
    let (size, parallel) = (run.job.config().performance.batch_size as usize, run.job.parallel().max(1));
    let (first, rest) = asked.split_at(size.clamp(1, asked.len()));
    let connection = run.job.connection();
    let mut answers = vec![(first, connection.changes(&table.name, first).await)];
    if knows_any(&answers) || rest.iter().any(|it| !it.bookmark.is_empty()) {
        let chunk = rest.len().div_ceil(parallel).next_multiple_of(size.max(1)).max(1);
        let call = |chunk| async move { (chunk, connection.changes(&table.name, chunk).await) };
        let calls: Vec<_> = rest.chunks(chunk).map(call).collect();
        answers.extend(stream::iter(calls).buffer_unordered(parallel).collect::<Vec<_>>().await);
    }
    if !knows_any(&answers) && answers.iter().all(|(_, answer)| answer.is_ok()) {
        // The historian does not tell, or is not to be asked any more.
        return Ok(Hints { gone: series.iter().map(|series| series.id.clone()).collect(), ..Hints::default() });
    }
    let every = run.job.config().ingestion.full_lookback_every;
    let mut hints = Hints::default();
    for (asked, answer) in answers {
        match answer {
            Ok(changes) => hints.take(run.stamp.at, every, &stored, asked, changes),
            Err(fault) => hints.fail(table, asked, &fault),
        }
    }
    Ok(hints)
}

/// What was asked together, and what came back.
type Answer<'a> = (&'a [Bookmarked], Result<Vec<Change>, Fault>);

fn knows_any(answers: &[Answer<'_>]) -> bool {
    answers.iter().any(|(_, answer)| answer.iter().flatten().any(|change| !change.bookmark.is_empty()))
}

impl Hints {
    fn take(
        &mut self,
        now: Instant,
        every: Duration,
        stored: &HashMap<String, Bookmark>,
        asked: &[Bookmarked],
        changes: Vec<Change>,
    ) {
        let mut changes: HashMap<String, Change> = changes.into_iter().map(|it| (it.series.clone(), it)).collect();
        for Bookmarked { series, bookmark: old } in asked {
            let change = changes.remove(&series.id).filter(|change| !change.bookmark.is_empty());
            let full = stored.get(&series.id).and_then(|row| row.full_lookback_at);
            let told = change.as_ref().filter(|_| !old.is_empty());
            let complete = told.is_some_and(|change| change.complete);
            self.fell_back += u64::from(!complete && !old.is_empty());
            if let Some(Change { dirty, .. }) = told {
                let fresh = full.is_some_and(|at| now.0.saturating_sub(at.0) < nanos(every));
                self.hints.insert(series.id.clone(), Hint { dirty: dirty.clone(), narrow: complete && fresh });
            }
            match change {
                Some(Change { series, bookmark: text, .. }) => {
                    self.new.push(Bookmark { series, text, taken_at: now, full_lookback_at: full });
                }
                None => {
                    self.gone.insert(series.id.clone());
                }
            }
        }
    }

    /// The bookmarks of these stay as they are: what has changed since is told by a later run.
    fn fail(&mut self, table: &TableSpec, asked: &[Bookmarked], fault: &Fault) {
        tracing::warn!(table = table.name, code = fault.code, "what changed is not known: {}", fault.message);
        self.fell_back += asked.iter().filter(|it| !it.bookmark.is_empty()).count() as u64;
    }

    /// Notes which series are looked back on in full, by the first round.
    pub(crate) fn planned(&mut self, rounds: &[Round]) {
        let windows = rounds.first().map(|round| round.windows.as_slice()).unwrap_or_default();
        let full = windows.iter().filter(|(_, window): &&(Arc<Series>, Window)| window.changed.is_none());
        self.full = full.map(|(series, _)| series.id.clone()).collect();
        self.hinted = windows.len().saturating_sub(self.full.len()) as u64;
    }

    /// Notes series with an interval that was not read: their look-back was not read in full.
    pub(crate) fn missed(&mut self, broken: &HashSet<String>) {
        self.full.retain(|series| !broken.contains(series));
    }

    /// Of how many series the look-back was cut down, and of how many the historian should have told and did not.
    pub(crate) fn figures(&self) -> (u64, u64) {
        (self.hinted, self.fell_back)
    }

    /// Keeps the bookmarks, once everything that they made necessary has been read or is in the gap ledger.
    ///
    /// # Errors
    /// Bookmarks that cannot be written.
    pub(crate) async fn keep(mut self, run: &Run<'_>, table: &TableSpec) -> Result<()> {
        for row in &mut self.new {
            if self.full.contains(&row.series) {
                row.full_lookback_at = Some(run.stamp.at);
            }
        }
        Ok(run.lake.keep_bookmarks(&run.job.full_name(table), &self.new, &self.gone).await?)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::Interval;

    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn asked(id: &str, bookmark: &str) -> Bookmarked {
        let series = Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() };
        Bookmarked { series: Arc::new(series), bookmark: bookmark.into() }
    }

    fn change(id: &str, bookmark: &str, complete: bool) -> Change {
        let dirty = vec![Interval::new(Instant(0), Instant(1_000))];
        Change { series: id.into(), bookmark: bookmark.into(), dirty, complete }
    }

    fn stored(id: &str, full: Option<i64>) -> (String, Bookmark) {
        let full_lookback_at = full.map(|hours| Instant(hours * HOUR));
        (id.into(), Bookmark { series: id.into(), text: "old".into(), taken_at: Instant(0), full_lookback_at })
    }

    #[test]
    fn a_look_back_is_narrowed_by_an_unbroken_bookmark_and_only_for_a_while() {
        let stored = HashMap::from([stored("fresh", Some(95)), stored("stale", Some(93)), stored("never", None)]);
        let asked = ["fresh", "stale", "never"].map(|id| asked(id, "old"));
        let changes = ["fresh", "stale", "never"].map(|id| change(id, "new", true));
        let mut hints = Hints::default();
        hints.take(Instant(100 * HOUR), Duration::from_secs(6 * 3_600), &stored, &asked, changes.into());
        assert_eq!(["fresh", "stale", "never"].map(|id| hints.hints[id].narrow), [true, false, false]);
        assert_eq!(hints.figures().1, 0);
        assert_eq!(hints.new[0].full_lookback_at, Some(Instant(95 * HOUR)));
    }

    #[test]
    fn what_was_lost_falls_back_and_what_is_new_is_no_hint_yet() {
        let every = Duration::from_secs(3_600);
        let stored = HashMap::from([stored("lost", Some(1)), stored("gone", Some(1)), stored("left-out", Some(1))]);
        let asked = [asked("lost", "old"), asked("gone", "old"), asked("left-out", "old"), asked("new", "")];
        // A plugin that tells changes since a bookmark that nobody gave it is not believed.
        let changes = [change("lost", "again", false), change("gone", "", true), change("new", "first", true)];
        let mut hints = Hints::default();
        hints.take(Instant(HOUR), every, &stored, &asked, changes.into());
        assert_eq!(hints.figures(), (0, 3));
        let known: Vec<_> = hints.hints.iter().map(|(series, hint)| (series.as_str(), hint.narrow)).collect();
        assert_eq!(known, [("lost", false)], "what is known is read again, beside the whole look-back");
        assert_eq!(hints.new.iter().map(|row| row.series.as_str()).collect::<Vec<_>>(), ["lost", "new"]);
        assert_eq!(hints.gone, HashSet::from(["gone".to_owned(), "left-out".to_owned()]));
    }
}
