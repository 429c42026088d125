//! Differences, decided without a lake.

use super::*;

const POLICY: WindowPolicy =
    WindowPolicy { now: Instant(1_000_000), start: Instant(100_000), lookback_nanos: Some(50_000) };

fn interval(start: i64, end: i64) -> Interval {
    Interval::new(Instant::from_micros(start), Instant::from_micros(end))
}

fn mark(id: &str, start: i64, end: i64) -> Watermark {
    let (covered, last_run) = (interval(start, end), Instant(0));
    Watermark { series: id.into(), name: id.into(), covered, rows: 7, last_run, stored_until: None }
}

fn gap(id: &str, interval: Interval) -> GapRow {
    GapRow {
        table: "t".into(),
        series: id.into(),
        interval: Some(interval),
        reason: "http-503".into(),
        attempts: 1,
        first_seen: Instant(0),
        last_attempt: Instant(0),
        resolved_at: None,
    }
}

fn state(marks: Vec<Watermark>, gaps: Vec<GapRow>) -> TableState {
    TableState { table: "t".into(), marks, gaps }
}

fn import(now: &TableState, document: &TableState) -> Difference {
    Difference::import(now, document, &Unmarked::default(), &POLICY)
}

#[test]
fn a_reset_goes_back_and_says_what_the_next_run_reads_and_which_tags_stay() {
    let now =
        state(vec![mark("a", 200, 900), mark("b", 200, 300), mark("c", 600, 800)], vec![gap("a", interval(250, 260))]);
    let found = Difference::reset(&now, Instant::from_micros(500), &POLICY);
    let shown: Vec<_> =
        found.changes.iter().map(|change| (change.id(), change.restated.after.covered, change.reads)).collect();
    let expected =
        [("a", interval(200, 500), Some(interval(450, 1_000))), ("c", interval(500, 500), Some(interval(500, 1_000)))];
    assert_eq!(shown, expected);
    assert_eq!(found.changes[0].restated.after.stored_until, Some(Instant::from_micros(900)));
    assert_eq!(found.stay, [mark("b", 200, 300)]);
    assert!(
        found.closes.is_empty() && found.opens.is_empty() && found.changes.iter().all(|change| change.skips.is_none())
    );
}

#[test]
fn a_document_of_the_state_itself_changes_nothing() {
    let now =
        state(vec![mark("a", 200, 900).back_to(Instant::from_micros(500)).unwrap()], vec![gap("a", interval(1, 2))]);
    let found = import(&now, &now);
    assert!(found.is_empty() && found.stay.len() == 1, "{found:?}");
}

#[test]
fn an_older_document_puts_cursors_back_and_keeps_in_mind_what_is_stored() {
    let now = state(vec![Watermark { rows: 9, ..mark("a", 200, 900) }, mark("b", 200, 900)], vec![]);
    let found = import(&now, &state(vec![mark("a", 200, 500)], vec![]));
    let [change] = found.changes.as_slice() else { panic!("{found:?}") };
    let after = &change.restated.after;
    assert_eq!((after.covered, after.stored_until), (interval(200, 500), Some(Instant::from_micros(900))));
    assert_eq!((after.rows, change.skips), (9, None), "rows are counted where they are");
    assert_eq!(found.stay, [mark("b", 200, 900)], "a tag that the document does not name stays");
}

#[test]
fn a_reset_is_undone_by_the_document_from_before_it() {
    let before = state(vec![mark("a", 200, 900)], vec![]);
    let reset = state(vec![mark("a", 200, 900).back_to(Instant::from_micros(40)).unwrap()], vec![]);
    let found = import(&reset, &before);
    assert_eq!(found.changes[0].restated.after, before.marks[0]);
    assert_eq!(found.changes[0].skips, None, "all of it was read");
}

#[test]
fn a_cursor_that_would_go_on_over_what_was_not_read_is_shown_as_a_skip() {
    let now = state(vec![mark("a", 200, 500)], vec![]);
    let found = import(&now, &state(vec![mark("a", 200, 900)], vec![]));
    assert_eq!(found.changes[0].skips, Some(interval(500, 900)));
    // A tag that this lake does not know: is what the document calls read stored here?
    let document = state(vec![mark("new", 200, 900)], vec![]);
    assert_eq!(import(&now, &document).changes[0].skips, Some(interval(200, 900)));
    let stored = || HashSet::from(["new".to_owned()]);
    let below = Unmarked { below: stored(), ..Unmarked::default() };
    let found = Difference::import(&now, &document, &below, &POLICY);
    assert_eq!((found.changes[0].skips, found.changes[0].restated.after.stored_until), (None, None));
    let beyond = Unmarked { below: stored(), beyond: stored() };
    let found = Difference::import(&now, &document, &beyond, &POLICY);
    assert_eq!(found.changes[0].restated.after.stored_until, Some(POLICY.now), "rows beyond it must be compared");
    let empty = state(vec![Watermark { rows: 0, ..mark("new", 200, 900) }], vec![]);
    assert_eq!(import(&now, &empty).changes[0].skips, None, "there was nothing to read");
}

#[test]
fn gaps_of_the_series_that_a_document_names_become_as_it_says() {
    let (old, kept, new) = (gap("a", interval(10, 20)), gap("a", interval(30, 40)), gap("a", interval(50, 60)));
    let other = gap("other", interval(10, 20));
    let now = state(vec![mark("a", 0, 900)], vec![old.clone(), kept.clone(), other]);
    let tried = GapRow { attempts: 5, ..kept };
    let found = import(&now, &state(vec![mark("a", 0, 900)], vec![tried, new.clone()]));
    assert_eq!((found.closes, found.opens), (vec![old], vec![new]));
    assert!(found.changes.is_empty());
}
