//! Paging against streams in memory: nothing lost, nothing doubled, and it ends.

use super::*;

const MICRO: i64 = 1_000;
const SECOND: i64 = 1_000_000_000;

/// A server with one stream a tag: sorted instants on a 100 ns grid.
struct Server {
    streams: Vec<Vec<Instant>>,
    limit: usize,
    /// Ignores `maxCount` and returns this many.
    stubborn: Option<usize>,
}

enum Answer {
    Page(Vec<Instant>),
    TooMany,
}

impl Server {
    /// `recorded` with boundary type Inside: both ends inclusive, the first `count` events.
    fn recorded(&self, ask: &Ask) -> Answer {
        let count = match self.stubborn {
            Some(count) => count,
            None if ask.count > self.limit => return Answer::TooMany,
            None => ask.count,
        };
        let last = ask.interval.end - 100;
        let inside = self.streams[ask.tag].iter().filter(|at| (ask.interval.start..=last).contains(*at));
        Answer::Page(inside.take(count).copied().collect())
    }
}

#[derive(Default)]
struct Tally {
    rows: Vec<Vec<Instant>>,
    covered: Vec<Instant>,
    gaps: Vec<(usize, Interval, String)>,
    requests: usize,
    most_rows: usize,
}

/// Reads to the end, checking at each page what must hold of covers.
fn drain(server: &Server, intervals: &[Interval], pages: &mut Pages) -> Tally {
    let mut tally = Tally {
        rows: vec![Vec::new(); intervals.len()],
        covered: intervals.iter().map(|interval| interval.start).collect(),
        ..Tally::default()
    };
    loop {
        let asks = pages.round();
        if asks.is_empty() {
            return tally;
        }
        tally.requests += 1;
        assert!(tally.requests < 20_000, "paging does not end");
        let mut rows = 0;
        for ask in asks {
            let Answer::Page(page) = server.recorded(&ask) else {
                assert!(pages.shrink(&ask, Some(server.limit)).is_some());
                continue;
            };
            rows += page.len();
            let settled = pages.settle(&ask, &page, None, |at| *at);
            assert_eq!(settled.cover.start, tally.covered[ask.tag], "covers leave a hole");
            assert!(settled.cover.start % MICRO == 0 && settled.cover.end % MICRO == 0, "covers cut a microsecond");
            assert!(page[settled.keep.clone()].iter().all(|at| settled.cover.contains(*at)), "a row outside its cover");
            tally.covered[ask.tag] = settled.cover.end;
            tally.rows[ask.tag].extend(&page[settled.keep]);
            if let Some((interval, fault)) = settled.gap {
                tally.gaps.push((ask.tag, interval, fault.code));
            }
        }
        tally.most_rows = tally.most_rows.max(rows);
    }
}

fn assert_mirrored(server: &Server, intervals: &[Interval], tally: &Tally) {
    assert!(tally.gaps.is_empty(), "{:?}", tally.gaps);
    for (tag, interval) in intervals.iter().enumerate() {
        let truth: Vec<_> = server.streams[tag].iter().copied().filter(|at| interval.contains(*at)).collect();
        assert_eq!(tally.rows[tag], truth, "tag {tag}");
        assert_eq!(tally.covered[tag], interval.end, "tag {tag}");
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// Steady stretches, silence, bursts inside one microsecond, events on ticks inside a microsecond.
fn stream(random: &mut Random, events: u64) -> Vec<Instant> {
    let mut at: i64 = 0;
    let mut stream = Vec::new();
    while (stream.len() as u64) < events {
        at += match random.below(6) {
            0 => 0,
            1 => 100,
            2 => i64::try_from(random.below(10) * 100).unwrap(),
            3 => i64::try_from(random.below(5)).unwrap() * MICRO,
            4 => i64::try_from(random.below(1_000)).unwrap() * MICRO,
            _ => i64::try_from(random.below(50)).unwrap() * SECOND,
        };
        let burst = if random.below(20) == 0 { random.below(40) } else { 1 };
        stream.extend(std::iter::repeat_n(at, usize::try_from(burst).unwrap()));
    }
    stream
}

#[test]
fn every_event_comes_exactly_once_at_any_density_and_page_size() {
    let mut random = Random(7);
    for round in 0..300 {
        let tags = 1 + usize::try_from(random.below(8)).unwrap();
        let streams: Vec<_> = (0..tags)
            .map(|_| {
                let events = random.below(3_000);
                stream(&mut random, events)
            })
            .collect();
        let max_count = 1 + usize::try_from(random.below(400)).unwrap();
        let limit = if random.below(3) == 0 { 1 + usize::try_from(random.below(300)).unwrap() } else { 150_000 };
        // A page must be able to hold the largest burst, or there is a gap by right.
        let limit = limit.max(1_400);
        let server = Server { streams, limit, stubborn: None };
        let intervals: Vec<_> = server
            .streams
            .iter()
            .map(|stream| {
                let last = stream.last().copied().unwrap_or(0) / MICRO * MICRO;
                let start = i64::try_from(random.below(3)).unwrap() * last / 4 / MICRO * MICRO;
                let end = if random.below(2) == 0 { last + SECOND } else { last };
                Interval::new(start, end.max(start))
            })
            .collect();
        let mut pages = Pages::new(&intervals, 100, max_count, None);
        let tally = drain(&server, &intervals, &mut pages);
        assert!(tally.gaps.is_empty(), "round {round}: {:?}", tally.gaps);
        assert_mirrored(&server, &intervals, &tally);
    }
}

fn steady(events: i64, step: i64) -> Vec<Instant> {
    (0..events).map(|index| index * step).collect()
}

#[test]
fn a_page_exactly_full_is_not_taken_for_the_end() {
    for events in [99, 100, 101, 199, 200, 201, 1_000] {
        let server = Server { streams: vec![steady(events, SECOND)], limit: 150_000, stubborn: None };
        let intervals = [Interval::new(0, events * SECOND)];
        let mut pages = Pages::new(&intervals, 100, 100, None);
        assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
    }
}

#[test]
fn more_events_at_one_instant_than_a_page_holds_widen_the_page() {
    let mut stream = steady(50, SECOND);
    stream.splice(20..20, std::iter::repeat_n(20 * SECOND, 5_000));
    stream.sort_unstable();
    let server = Server { streams: vec![stream], limit: 150_000, stubborn: None };
    let intervals = [Interval::new(0, 100 * SECOND)];
    let mut pages = Pages::new(&intervals, 100, 100, None);
    assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
}

#[test]
fn an_instant_beyond_the_servers_limit_is_a_gap_and_what_lies_before_is_kept() {
    let mut stream = steady(10, SECOND);
    stream.extend(std::iter::repeat_n(10 * SECOND, 2_000));
    let server = Server { streams: vec![stream], limit: 500, stubborn: None };
    let intervals = [Interval::new(0, 100 * SECOND)];
    let mut pages = Pages::new(&intervals, 100, 100, None);
    let tally = drain(&server, &intervals, &mut pages);
    assert_eq!(tally.rows[0].len(), 10);
    assert_eq!(tally.covered[0], 10 * SECOND);
    assert_eq!(tally.gaps, [(0, Interval::new(10 * SECOND, 100 * SECOND), "instant-overflow".to_owned())]);
}

#[test]
fn a_limit_below_ours_is_learnt_and_costs_no_event() {
    let server = Server { streams: vec![steady(5_000, SECOND), steady(10, SECOND)], limit: 150, stubborn: None };
    let intervals = [Interval::new(0, 5_000 * SECOND); 2];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    let tally = drain(&server, &intervals, &mut pages);
    assert_mirrored(&server, &intervals, &tally);
}

#[test]
fn a_limit_that_is_not_named_is_found_by_halving() {
    let mut pages = Pages::new(&[Interval::new(0, SECOND)], 100, 10_000, None);
    let mut wanted = Vec::new();
    for _ in 0..3 {
        let asks = pages.round();
        wanted.push(asks[0].count);
        pages.shrink(&asks[0], None);
    }
    assert_eq!(wanted, [10_000, 5_000, 2_500]);
    let one = Ask { tag: 0, interval: Interval::new(0, SECOND), count: 1 };
    assert_eq!(pages.shrink(&one, Some(7)), None);
}

#[test]
fn a_server_that_drops_max_count_loses_nothing() {
    let server = Server { streams: vec![steady(3_500, SECOND)], limit: 150_000, stubborn: Some(1_000) };
    let intervals = [Interval::new(0, 4_000 * SECOND)];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
    // And at one instant, where it cannot be helped, it is a gap and not an end.
    let server = Server { streams: vec![vec![SECOND; 3_500]], limit: 150_000, stubborn: Some(1_000) };
    let mut pages = Pages::new(&[Interval::new(SECOND, 4_000 * SECOND)], 100, 10_000, None);
    let tally = drain(&server, &[Interval::new(SECOND, 4_000 * SECOND)], &mut pages);
    assert_eq!(tally.gaps[0].2, "instant-overflow");
}

#[test]
fn a_page_of_just_the_length_asked_for_does_not_prove_that_max_count_is_heeded() {
    let server =
        Server { streams: vec![steady(700, SECOND), steady(3_500, SECOND)], limit: 150_000, stubborn: Some(1_000) };
    let intervals = [Interval::new(0, 4_000 * SECOND); 2];
    let mut pages = Pages::new(&intervals, 100, 700, None);
    assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
    // The first tag's page comes first and looks obedient; the second tag's looks finished.
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    let ask = |tag, count| Ask { tag, interval: intervals[tag], count };
    let page = |tag: usize| server.streams[tag].iter().take(1_000).copied().collect::<Vec<_>>();
    assert_eq!(pages.settle(&ask(0, 700), &page(0), None, |at| *at).cover.end, 699 * SECOND);
    assert_eq!(pages.settle(&ask(1, 5_000), &page(1), None, |at| *at).cover.end, 999 * SECOND);
}

#[test]
fn exactly_the_default_number_at_one_instant_is_told_from_a_dropped_max_count() {
    let server = Server { streams: vec![vec![SECOND; 1_000]], limit: 150_000, stubborn: None };
    let intervals = [Interval::new(SECOND, 10 * SECOND)];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
}

#[test]
fn requests_follow_the_rows_and_not_the_tags() {
    let server = Server { streams: vec![steady(500, SECOND); 100], limit: 150_000, stubborn: None };
    let intervals = vec![Interval::new(0, 500 * SECOND); 100];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    let tally = drain(&server, &intervals, &mut pages);
    assert_mirrored(&server, &intervals, &tally);
    assert!(tally.requests <= 3, "{} requests for 50,000 rows", tally.requests);
}

#[test]
fn an_answer_stays_within_its_budget_and_time_advances_evenly() {
    let server = Server { streams: vec![steady(20_000, SECOND); 20], limit: 150_000, stubborn: None };
    let intervals = vec![Interval::new(0, 20_000 * SECOND); 20];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    let tally = drain(&server, &intervals, &mut pages);
    assert_mirrored(&server, &intervals, &tally);
    assert!(tally.most_rows <= ROWS_PER_ANSWER, "{} rows in one answer", tally.most_rows);
}

#[test]
fn events_outside_the_interval_are_dropped() {
    let intervals = [Interval::new(10 * MICRO, 20 * MICRO)];
    let mut pages = Pages::new(&intervals, 100, 100, None);
    let ask = pages.round()[0];
    let page = [9 * MICRO + 900, 10 * MICRO, 19 * MICRO + 900, 20 * MICRO];
    let settled = pages.settle(&ask, &page, None, |at| *at);
    assert_eq!((settled.keep, settled.cover), (1..3, intervals[0]));
    assert!(pages.round().is_empty());
}

#[test]
fn events_out_of_order_prove_nothing() {
    let intervals = [Interval::new(0, SECOND)];
    let mut pages = Pages::new(&intervals, 100, 100, None);
    let ask = pages.round()[0];
    let settled = pages.settle(&ask, &[5 * MICRO, 4 * MICRO], None, |at| *at);
    assert!(settled.keep.is_empty() && settled.cover.is_empty());
    assert_eq!(settled.gap.unwrap().1.code, "unordered");
}

#[test]
fn an_event_with_errors_ends_what_is_proven_at_its_microsecond() {
    let intervals = [Interval::new(0, SECOND)];
    let mut pages = Pages::new(&intervals, 100, 100, None);
    let ask = pages.round()[0];
    let page = [MICRO, 7 * MICRO, 7 * MICRO + 100, 9 * MICRO];
    let settled = pages.settle(&ask, &page, Some((2, "offline")), |at| *at);
    assert_eq!((settled.keep, settled.cover), (0..1, Interval::new(0, 7 * MICRO)));
    let (interval, fault) = settled.gap.unwrap();
    assert_eq!((interval, fault.code.as_str()), (Interval::new(7 * MICRO, SECOND), "item-errors"));
    assert!(pages.round().is_empty());
}

#[test]
fn after_a_time_out_the_same_tags_are_asked_for_half_and_then_no_more() {
    let server = Server { streams: vec![steady(500, SECOND); 100], limit: 150_000, stubborn: None };
    let intervals = vec![Interval::new(0, 500 * SECOND); 100];
    let mut pages = Pages::new(&intervals, 100, 10_000, None);
    let late = pages.round();
    assert!(pages.ease());
    let again = pages.round();
    let rows = |asks: &[Ask]| asks.iter().map(|ask| ask.count).sum::<usize>();
    assert_eq!((late.len(), again.len()), (100, 50));
    assert_eq!((rows(&late), rows(&again)), (ROWS_PER_ANSWER, ROWS_PER_ANSWER / 2));
    assert!(again.iter().all(|ask| ask.interval.start == 0), "nothing is skipped");
    assert!(!pages.ease(), "a second time-out is the host's to judge");
    assert_mirrored(&server, &intervals, &drain(&server, &intervals, &mut pages));
}
