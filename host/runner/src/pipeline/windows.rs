//! What a run reads of each series, in rounds: first what is new together with the look-back, then what earlier runs still
//! owe below it, then what the historian says it changed there. In this order, because a stretch that fails on every run
//! must not keep new events from being read.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use tidegate_model::{
    Fault, Hint, Instant, Interval, Intervals, Series, Span, Watermark, Window, WindowPolicy, next_attempt,
};
use tidegate_sandbox::{Partition, TableSpec};
use tidegate_sink::{GapRow, Lake};

use super::job::Job;
use super::writer::LANE;
use super::{Run, intake};
use crate::config::Start;

/// Rounds of repair in one run; what is left waits for the next. Many, because a gap that fails again and again waits by
/// itself.
const REPAIRS: usize = 32;
/// Open records of one series that are looked after beyond the look-back; each takes a few requests.
const LOOKED_AFTER: usize = 50;

/// Missing intervals by series.
pub(crate) type Owed = HashMap<String, Vec<Interval>>;

/// What earlier runs could not prove.
#[derive(Default)]
pub(crate) struct Gaps {
    /// All of it.
    open: Owed,
    /// The first missing instant of each series.
    since: HashMap<String, Instant>,
    /// What it is time to try again, that which has waited longest first.
    due: Owed,
    /// How many rounds may be spent on it.
    rounds: usize,
}

/// Which gaps below the look-back are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Those whose pause is over at this instant.
    Until(Instant),
    /// All of them, at once.
    Over,
}

/// What is read again although no look-back reaches it.
#[derive(Default)]
pub(crate) struct Again {
    /// What earlier runs could not prove.
    pub(crate) gaps: Gaps,
    /// Where records are stored that had no end yet.
    pub(crate) open: Owed,
    /// What the historian says it changed, by series.
    pub(crate) hints: HashMap<String, Hint>,
    /// What backfills have read, by series: changes there are read again as well.
    pub(crate) backfilled: HashMap<String, Intervals>,
}

/// One pass over some series: each has one window.
pub(crate) struct Round {
    pub(crate) windows: Vec<(Arc<Series>, Window)>,
    pub(crate) partitions: Vec<Partition>,
}

impl Round {
    /// Seconds of event time that it reads.
    pub(crate) fn seconds(&self) -> i64 {
        self.windows.iter().map(|(_, window)| intake::past(*window, window.read)).sum()
    }
}

/// The intervals of `table` that earlier runs could not prove.
///
/// # Errors
/// A ledger that cannot be read.
pub(crate) async fn gaps(job: &Job, lake: &Lake, table: &TableSpec, patience: Patience) -> Result<Gaps> {
    let name = job.full_name(table);
    let ledger = lake.gaps().await?;
    Ok(Gaps::of(ledger.rows().iter().filter(|row| row.table == name), patience))
}

impl Gaps {
    fn of<'a>(rows: impl Iterator<Item = &'a GapRow>, patience: Patience) -> Self {
        let mut open: Vec<(&GapRow, Interval)> =
            rows.filter(|row| row.resolved_at.is_none()).filter_map(|row| Some((row, row.interval?))).collect();
        open.sort_by_key(|(row, interval)| (row.last_attempt, *interval));
        let rounds = match patience {
            Patience::Until(_) => REPAIRS,
            Patience::Over => usize::MAX,
        };
        let mut gaps = Self { rounds, ..Self::default() };
        for (row, interval) in open {
            let since = gaps.since.entry(row.series.clone()).or_insert(interval.start);
            *since = interval.start.min(*since);
            let due = match patience {
                Patience::Until(now) => next_attempt(row.attempts, row.last_attempt) <= now,
                Patience::Over => true,
            };
            gaps.open.entry(row.series.clone()).or_default().push(interval);
            if due {
                gaps.due.entry(row.series.clone()).or_default().push(interval);
            }
        }
        gaps
    }
}

/// What a run reads. While series have no cursor, a relative start is where the first run began that has not come to its
/// end: a run that died must not move it.
///
/// # Errors
/// A lake that cannot be written.
pub(crate) async fn begin(
    run: &Run<'_>,
    table: &TableSpec,
    series: &[Arc<Series>],
    marks: &HashMap<String, Watermark>,
) -> Result<WindowPolicy> {
    let policy = run.job.window_policy(run.stamp, run.options);
    let Start::Ago(ago) = run.job.config().ingestion.start else { return Ok(policy) };
    if series.iter().all(|series| marks.contains_key(&series.id)) {
        return Ok(policy);
    }
    let (name, setting) = (run.job.full_name(table), format!("{} s", ago.as_secs_f64()));
    let start = run.lake.begin(&name, LANE, &setting, policy.start).await?;
    Ok(WindowPolicy { start, ..policy })
}

/// All rounds of a run, each cut into partitions by the plugin. A round without windows is left out.
///
/// # Errors
/// The plugin's fault.
pub(crate) async fn rounds(
    job: &Job,
    table: &TableSpec,
    series: &[Arc<Series>],
    marks: &HashMap<String, Watermark>,
    again: &Again,
    policy: &WindowPolicy,
) -> Result<Vec<Round>, Fault> {
    let mut live = live(series, marks, again, policy);
    let changed = changed(&mut live, marks, again, policy);
    let repairs = repairs(&live, marks, &again.gaps.due, again.gaps.rounds).into_iter();
    let repairs = repairs.chain(changed).chain(open(&live, marks, &again.open));
    let repairs: Vec<_> = repairs.collect();
    let mut rounds = Vec::new();
    for windows in std::iter::once(live).chain(repairs).filter(|windows| !windows.is_empty()) {
        let partitions = partitions(job, table, &windows).await?;
        rounds.push(Round { windows, partitions });
    }
    Ok(rounds)
}

/// A series without a cursor starts where it is configured to, or where the ledger says that it began: a relative start
/// moves with the clock, and what the first run missed at the low end would never be asked for again. Not where a backfill
/// has been: what the ledger holds may be its, years below, and is repaired by itself once there is a cursor.
fn live(
    series: &[Arc<Series>],
    marks: &HashMap<String, Watermark>,
    again: &Again,
    policy: &WindowPolicy,
) -> Vec<(Arc<Series>, Window)> {
    let window = |series: &Arc<Series>| {
        let since = again.gaps.since.get(&series.id).filter(|_| !again.backfilled.contains_key(&series.id));
        let start = since.map_or(policy.start, |since| policy.start.min(*since));
        let policy = WindowPolicy { start, ..*policy };
        Some((Arc::clone(series), policy.window(series, marks.get(&series.id))?))
    };
    let mut windows: Vec<_> = series.iter().filter_map(window).collect();
    // As the files are sorted: then the series of one partition lie close together in them, and the look-back reads little.
    windows.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    windows
}

/// The n-th missing interval of each series makes the n-th round, `most` rounds at most.
fn repairs(
    live: &[(Arc<Series>, Window)],
    marks: &HashMap<String, Watermark>,
    owed: &Owed,
    most: usize,
) -> Vec<Vec<(Arc<Series>, Window)>> {
    let most = owed.values().map(Vec::len).max().unwrap_or_default().min(most);
    let mut rounds: Vec<Vec<(Arc<Series>, Window)>> = vec![Vec::new(); most];
    for (series, window) in live.iter().filter(|(series, _)| marks.contains_key(&series.id)) {
        let gaps = owed.get(&series.id).map(Vec::as_slice).unwrap_or_default();
        // Rounds of one run must not overlap: what one has read the next would not find stored yet.
        let parts = gaps.iter().enumerate().filter_map(|(at, gap)| {
            let before = gaps.get(..at).unwrap_or_default();
            Some(Window::repair(*gap, window)?.without(before))
        });
        for (round, missing) in rounds.iter_mut().zip(parts.flatten()) {
            round.push((Arc::clone(series), missing));
        }
    }
    rounds
}

/// What the historian says it changed: cuts the look-back down to it where that is allowed, and makes the n-th stretch
/// below it the n-th round. What is owed there is left to its repair, and keeps the look-back whole if it lies in it: an
/// archive that was not believed is looked at as widely as before.
fn changed(
    live: &mut [(Arc<Series>, Window)],
    marks: &HashMap<String, Watermark>,
    again: &Again,
    policy: &WindowPolicy,
) -> Vec<Vec<(Arc<Series>, Window)>> {
    let mut rounds: Vec<Vec<(Arc<Series>, Window)>> = Vec::new();
    for (series, window) in live {
        let Some(hint) = again.hints.get(&series.id) else { continue };
        let mark = marks.get(&series.id);
        let mut stored = again.backfilled.get(&series.id).cloned().unwrap_or_default();
        stored.extend(mark.map(|mark| mark.covered));
        // Without a cursor all of the window is read, and only what backfills have read below it can have changed.
        let cursor = mark.map_or(window.read.start, |mark| mark.covered.end);
        let gaps = again.gaps.open.get(&series.id).map(Vec::as_slice).unwrap_or_default();
        let owes = gaps.iter().any(|gap| !gap.intersection(window.read).is_empty());
        let narrow = hint.narrow && mark.is_some() && !owes && !series.ahead && policy.lookback_nanos.is_some();
        let (narrowed, below) = Hint { narrow, ..hint.clone() }.windows(*window, cursor, &stored);
        *window = narrowed;
        for (round, window) in below.into_iter().flat_map(|window| window.without(gaps)).enumerate() {
            if round == rounds.len() {
                rounds.push(Vec::new());
            }
            if let Some(round) = rounds.get_mut(round) {
                round.push((Arc::clone(series), window));
            }
        }
    }
    rounds
}

/// A record that began before the look-back and has not ended may have been ended meanwhile, at a time before it too.
fn open(
    live: &[(Arc<Series>, Window)],
    marks: &HashMap<String, Watermark>,
    open: &Owed,
) -> Vec<Vec<(Arc<Series>, Window)>> {
    let most = open.values().map(Vec::len).max().unwrap_or_default();
    if most > LOOKED_AFTER {
        tracing::warn!(most, "more open records than are looked after; the oldest {LOOKED_AFTER} are read again");
    }
    repairs(live, marks, open, LOOKED_AFTER)
}

/// One round, cut by the plugin.
///
/// # Errors
/// The plugin's fault.
pub(crate) async fn partitions(
    job: &Job,
    table: &TableSpec,
    windows: &[(Arc<Series>, Window)],
) -> Result<Vec<Partition>, Fault> {
    let span = |(series, window): &(Arc<Series>, Window)| Span { series: Arc::clone(series), interval: window.read };
    job.connection().plan(&table.name, windows.iter().map(span).collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_micros(start), Instant::from_micros(end))
    }

    fn series(id: &str) -> Arc<Series> {
        Arc::new(Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() })
    }

    fn mark(id: &str, covered: Interval) -> (String, Watermark) {
        let last_run = covered.end;
        let stored_until = None;
        (id.into(), Watermark { series: id.into(), name: id.into(), covered, rows: 0, last_run, stored_until })
    }

    fn at(micros: i64) -> Instant {
        Instant::from_micros(micros)
    }

    /// A gap that was last tried at the epoch.
    fn row(series: &str, start: i64, end: i64, attempts: i32) -> GapRow {
        GapRow {
            table: "t".into(),
            series: series.into(),
            interval: Some(interval(start, end)),
            reason: "x".into(),
            attempts,
            first_seen: at(0),
            last_attempt: at(0),
            resolved_at: None,
        }
    }

    const POLICY: WindowPolicy =
        WindowPolicy { now: Instant(1_000_000), start: Instant(500_000), lookback_nanos: Some(100_000) };

    #[test]
    fn what_the_first_run_missed_at_the_low_end_is_asked_for_again() {
        let gaps = Gaps::of([row("a", 200, 400, 9)].iter(), Patience::Until(Instant(0)));
        assert!(gaps.due.is_empty(), "it has to wait, but the window holds it");
        let again = Again { gaps, ..Again::default() };
        let windows = live(&[series("a"), series("b")], &HashMap::new(), &again, &POLICY);
        assert_eq!(windows[0].1.read, interval(200, 1_000));
        assert_eq!(windows[1].1.read, interval(500, 1_000));
        let owed = Owed::from([("a".into(), vec![interval(200, 400)])]);
        let repairs = repairs(&windows, &HashMap::new(), &owed, REPAIRS);
        assert!(repairs.iter().all(Vec::is_empty), "the window holds the gap already");
        let backfilled = HashMap::from([("a".into(), [interval(100, 200)].into_iter().collect())]);
        let windows = live(&[series("a")], &HashMap::new(), &Again { backfilled, ..again }, &POLICY);
        assert_eq!(windows[0].1.read, interval(500, 1_000), "what a backfill missed is no reason to read it all");
    }

    fn hinted(dirty: &[Interval], gaps: &[GapRow], policy: &WindowPolicy) -> (Interval, Vec<Vec<Interval>>) {
        const SECOND: i64 = 1_000_000;
        let marks = HashMap::from([mark("a", interval(0, 100_000 * SECOND))]);
        let hint = Hint { dirty: dirty.to_vec(), narrow: true };
        let again = Again {
            gaps: Gaps::of(gaps.iter(), Patience::Over),
            hints: HashMap::from([("a".into(), hint)]),
            ..Again::default()
        };
        let mut windows = live(&[series("a")], &marks, &again, policy);
        let rounds = changed(&mut windows, &marks, &again, policy);
        let reads = |round: Vec<(Arc<Series>, Window)>| round.into_iter().map(|(_, window)| window.read).collect();
        (windows[0].1.read, rounds.into_iter().map(reads).collect())
    }

    #[test]
    fn a_hint_cuts_the_look_back_and_adds_what_lies_below_save_what_is_owed_there() {
        const SECOND: i64 = 1_000_000;
        let at = |from: i64, to: i64| interval(from * SECOND, to * SECOND);
        let nanos = 1_000_000_000;
        let policy =
            WindowPolicy { now: Instant(100_100 * nanos), start: Instant(0), lookback_nanos: Some(50_000 * nanos) };
        let dirty = [at(10_000, 10_001), at(60_000, 60_001)];
        let around = |from: i64| at(from - 600, from + 601);
        let (live, rounds) = hinted(&dirty, &[], &policy);
        assert_eq!((live, rounds), (at(99_400, 100_100), vec![vec![around(10_000)], vec![around(60_000)]]));
        let (live, rounds) = hinted(&dirty, &[row("a", 9_000 * SECOND, 10_000 * SECOND, 1)], &policy);
        assert_eq!((live, &rounds[0]), (at(99_400, 100_100), &vec![at(10_000, 10_601)]));
        let (live, rounds) = hinted(&dirty, &[row("a", 70_000 * SECOND, 70_001 * SECOND, 1)], &policy);
        assert_eq!(
            (live, rounds),
            (at(50_000, 100_100), vec![vec![around(10_000)]]),
            "a gap keeps the look-back whole"
        );
        let all = WindowPolicy { lookback_nanos: None, ..policy };
        assert_eq!(hinted(&dirty, &[], &all), (at(0, 100_100), Vec::new()), "a full refresh reads all");
    }

    #[test]
    fn gaps_below_the_look_back_are_rounds_of_their_own_and_do_not_hold_back_new_events() {
        let marks = HashMap::from([mark("a", interval(100, 900)), mark("b", interval(100, 900))]);
        let owed = Owed::from([
            ("a".into(), vec![interval(100, 150), interval(300, 400), interval(850, 1_000)]),
            ("b".into(), vec![interval(700, 950)]),
        ]);
        let windows = live(&[series("a"), series("b")], &marks, &Again::default(), &POLICY);
        assert!(windows.iter().all(|(_, window)| window.read == interval(800, 1_000)));
        let repairs: Vec<Vec<Interval>> = repairs(&windows, &marks, &owed, REPAIRS)
            .into_iter()
            .map(|round| round.into_iter().map(|(_, window)| window.read).collect())
            .collect();
        assert_eq!(repairs[0], [interval(100, 150), interval(700, 800)]);
        assert_eq!(repairs[1], [interval(300, 400)]);
        assert!(repairs[2..].iter().all(Vec::is_empty));
    }

    #[test]
    fn a_gap_that_fails_every_time_waits_and_lets_the_others_go_first() {
        const SECOND: i64 = 1_000_000;
        let rows = [
            row("a", 100, 150, 1),
            GapRow { last_attempt: at(-30 * SECOND), ..row("a", 200, 250, 2) },
            GapRow { last_attempt: at(-90 * SECOND), ..row("a", 300, 350, 2) },
            GapRow { resolved_at: Some(at(0)), ..row("a", 0, 50, 1) },
            GapRow { interval: None, ..row("a", 0, 50, 1) },
        ];
        let due = |patience| Gaps::of(rows.iter(), patience).due.remove("a").unwrap_or_default();
        assert_eq!(due(Patience::Until(at(0))), [interval(300, 350), interval(100, 150)]);
        assert_eq!(due(Patience::Until(at(30 * SECOND))).len(), 3);
        assert_eq!(due(Patience::Over), [interval(300, 350), interval(200, 250), interval(100, 150)]);
        let many: Vec<GapRow> = (0..50).map(|n| row("a", n * 10, n * 10 + 5, 5)).collect();
        let rounds = |patience| {
            let marks = HashMap::from([mark("a", interval(0, 900))]);
            let gaps = Gaps::of(many.iter(), patience);
            let again = Again { gaps, ..Again::default() };
            let windows = live(&[series("a")], &marks, &again, &POLICY);
            repairs(&windows, &marks, &again.gaps.due, again.gaps.rounds).len()
        };
        assert_eq!((rounds(Patience::Until(at(9 * 60 * SECOND))), rounds(Patience::Over)), (REPAIRS, 50));
    }
}
