//! Reading to the end against servers that do whatever the documents leave open, compared with what they hold.

mod order;

use tidegate_sdk::{micros, testing::Dice};

use super::*;
use crate::api::{Sample, Stamp, Value};

const SECOND: i64 = 1_000_000_000;
const START: Instant = 1_709_251_200_000_000_000;

type Event = (Instant, i64);

/// A server, as far as paging is concerned.
#[derive(Clone, Debug)]
struct Server {
    tags: Vec<Vec<Event>>,
    /// The last sample of a page comes again on the next.
    repeats: bool,
    end_exclusive: bool,
    /// A tag without samples in the window is not shown.
    omits: bool,
    /// Finished tags keep a place in the continuation.
    nulls: bool,
    /// Pages may be shorter than asked for although more follows.
    short: bool,
    /// Answers that come whole, and do not fill a page, are in no order.
    shuffled: bool,
    /// A tag that is finished is not shown on the pages that follow.
    drops: bool,
}

impl Server {
    /// One page: the places in a continuation are how many samples of each tag were shown.
    fn answer(&self, ask: &Ask, dice: &mut Dice) -> (Vec<Option<Vec<Sample<'static>>>>, Option<Continuation>) {
        let text = ask.continuation.as_ref().map_or("[]", |next| next.raw().get());
        let places: Vec<Option<String>> = serde_json::from_str(text).unwrap();
        let mut page = Vec::new();
        let mut next = Vec::new();
        for tag in &ask.tags {
            let inside =
                |(at, _): &&Event| *at >= ask.start && if self.end_exclusive { *at < ask.end } else { *at <= ask.end };
            let all: Vec<Event> = self.tags[*tag].iter().filter(inside).copied().collect();
            let named = places.iter().flatten().find_map(|place| place.strip_prefix(&format!("{tag}:")));
            let from = match (named, ask.continuation.is_some()) {
                (Some(place), _) => place.parse().unwrap(),
                (None, true) => all.len(),
                (None, false) => 0,
            };
            let again = usize::from(self.repeats && from > 0 && from < all.len());
            let size = if self.short { 1 + usize::try_from(dice.roll(ask.size as i64)).unwrap() } else { ask.size };
            let mut to = (from + size).min(all.len());
            // Two samples that are the same on either side of a border cannot be told from one that comes twice.
            while !self.repeats && to < all.len() && to > from && all[to] == all[to - 1] {
                to += 1;
            }
            let mut shown: Vec<Event> = all[from - again..to].to_vec();
            next.push((to < all.len()).then(|| format!("{tag}:{to}")));
            if self.shuffled && from == 0 && to == all.len() && to < ask.size {
                shown.reverse();
                // Stable sorting must find samples of one instant as the server has them.
                shown.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
                let mut groups: Vec<Vec<Event>> = Vec::new();
                for event in all.iter().rev() {
                    match groups.last_mut().filter(|group| group[0].0 == event.0) {
                        Some(group) => group.insert(0, *event),
                        None => groups.push(vec![*event]),
                    }
                }
                shown = groups.concat();
            }
            let dropped = self.drops && ask.continuation.is_some() && from == all.len();
            page.push((!(dropped || self.omits && all.is_empty())).then(|| shown.into_iter().map(sample).collect()));
        }
        if next.iter().all(Option::is_none) {
            return (page, None);
        }
        next.retain(|place| self.nulls || place.is_some());
        let text = serde_json::to_string(&next).unwrap();
        (page, Continuation::of(serde_json::from_str(&text).unwrap()))
    }
}

fn sample((at, value): Event) -> Sample<'static> {
    Sample { stamp: Stamp::At(at), value: Value::Int(value), quality: Some(192) }
}

fn performance(max_count_per_request: usize) -> Performance {
    Performance { max_count_per_request, ..Performance::default() }
}

/// What was read of each tag, and how far each is proven.
struct Read {
    rows: Vec<Vec<Event>>,
    at: Vec<Instant>,
    asked: usize,
}

impl Read {
    fn take(&mut self, round: Round<'_>) {
        assert!(round.gaps.is_empty() && round.denied.is_empty(), "{:?} {:?}", round.gaps, round.denied);
        for (tag, samples, cover) in round.taken {
            assert_eq!(cover.start, self.at[tag], "a hole or an overlap");
            assert_eq!((cover.start % 1_000, cover.end % 1_000), (0, 0), "{cover:?} cuts a microsecond");
            for (at, sample) in samples {
                assert!(cover.contains(at), "{at} outside of {cover:?}");
                let Value::Int(value) = sample.value else { unreachable!() };
                self.rows[tag].push((at, value));
            }
            self.at[tag] = cover.end;
        }
    }
}

fn read(server: &Server, intervals: &[Interval], max_count: usize, dice: &mut Dice) -> Read {
    let mut pages = Pages::new(intervals, performance(max_count));
    let at = intervals.iter().map(|interval| interval.start).collect();
    let mut read = Read { rows: vec![Vec::new(); intervals.len()], at, asked: 0 };
    while let Some(ask) = pages.next() {
        read.asked += 1;
        assert!(read.asked < 50_000, "reading does not end");
        assert!(ask.size <= max_count && ask.size * ask.tags.len() <= 1_000_000);
        let (page, next) = server.answer(&ask, dice);
        read.take(pages.settle(page, next).unwrap());
        if let Some((doubtful, window)) = pages.doubtful() {
            let doubt = |tag: usize| {
                let inside = server.tags[tag].iter().any(|(at, _)| window.contains(*at));
                assert!(!inside || server.drops, "a tag that was shown is in doubt");
                (tag, if inside || dice.roll(2) == 0 { Doubt::Possible } else { Doubt::Elsewhere })
            };
            let doubts = doubtful.into_iter().map(doubt).collect();
            read.take(pages.confirm(doubts));
        }
    }
    assert!(pages.rest().is_empty());
    read
}

/// Samples of any density, some of which share a microsecond or an instant.
fn samples(dice: &mut Dice, interval: Interval) -> Vec<Event> {
    let count = [0, 1, 5, 300, 2_000][usize::try_from(dice.roll(5)).unwrap()];
    let ticks = interval.nanos() / TICK + 20;
    let mut events: Vec<Event> = Vec::new();
    for _ in 0..count {
        let at = interval.start - 10 * TICK + dice.roll(ticks) * TICK;
        let value = dice.roll(3);
        events.push((at, value));
        match dice.roll(20) {
            0 => events.push((at + TICK, value)),
            1 => events.extend([(at, value + 1), (at, value)]),
            2 => events.extend((0..dice.roll(12)).map(|more| (at + more % 3, value + more))),
            _ => {}
        }
    }
    events.extend([interval.start, interval.end, interval.end - TICK, interval.start - TICK].map(|at| (at, 7)));
    events.sort_by_key(|(at, _)| *at);
    events
}

#[test]
fn every_sample_is_read_once_whatever_the_server_does_that_the_documents_leave_open() {
    let mut dice = Dice(11);
    let mut asked = 0;
    for round in 0..400 {
        let tags = 1 + usize::try_from(dice.roll(4)).unwrap();
        let interval = |dice: &mut Dice| {
            let start = START + dice.roll(600) * SECOND + dice.roll(2) * 7_000;
            Interval::new(start, start + (1 + dice.roll(3 * 86_400)) * SECOND / 1_000 * 1_000)
        };
        let intervals: Vec<Interval> = (0..tags).map(|_| interval(&mut dice)).collect();
        let coin = |dice: &mut Dice| dice.roll(2) == 0;
        let mut server = Server {
            tags: intervals.iter().map(|interval| samples(&mut dice, *interval)).collect(),
            repeats: coin(&mut dice),
            end_exclusive: coin(&mut dice),
            omits: coin(&mut dice),
            nulls: coin(&mut dice),
            short: coin(&mut dice),
            shuffled: coin(&mut dice),
            drops: coin(&mut dice),
        };
        if dice.roll(4) == 0 {
            server.tags[0].clear();
        }
        if server.repeats {
            // What comes twice on such a server cannot be told from what is there twice.
            server.tags.iter_mut().for_each(|tag| tag.dedup());
        }
        let max_count = [3, 10, 150, 10_000][usize::try_from(dice.roll(4)).unwrap()];
        let read = read(&server, &intervals, max_count, &mut dice);
        asked += read.asked;
        for (tag, interval) in intervals.iter().enumerate() {
            let expected: Vec<Event> =
                server.tags[tag].iter().filter(|(at, _)| interval.contains(*at)).copied().collect();
            assert_eq!(read.rows[tag], expected, "round {round}, tag {tag}, {server:?}");
            assert_eq!(read.at[tag], interval.end);
        }
    }
    assert!(asked > 2_000, "{asked}");
}

/// Pages of hours of one tag, and what the first settles to.
fn one(hours: i64) -> (Pages, Ask) {
    let mut pages = Pages::new(&[Interval::new(START, START + hours * 3_600 * SECOND)], performance(1_000));
    let ask = pages.next().unwrap();
    (pages, ask)
}

fn next(text: &str) -> Option<Continuation> {
    Continuation::of(serde_json::from_str(text).unwrap())
}

fn page(events: &[Event]) -> Vec<Option<Vec<Sample<'static>>>> {
    vec![Some(events.iter().copied().map(sample).collect())]
}

#[test]
fn a_page_that_may_go_on_proves_nothing_from_its_last_microsecond_on() {
    let (mut pages, _) = one(1);
    let last = START + 5 * SECOND;
    let round = pages.settle(page(&[(START, 1), (last, 2), (last + TICK, 3)]), next(r#"["a"]"#)).unwrap();
    let (_, samples, cover) = &round.taken[0];
    assert_eq!((samples.len(), *cover), (1, Interval::new(START, last)));
    // A page with fewer samples than asked for is no end either.
    let round = pages.settle(page(&[]), next(r#"["b"]"#)).unwrap();
    assert!(round.taken.is_empty());
    // The marker that follows a tick later is in the same microsecond.
    let round = pages.settle(page(&[(last + 2 * TICK, 4)]), None).unwrap();
    let (_, samples, cover) = &round.taken[0];
    assert_eq!(samples.iter().map(|(at, _)| micros(*at)).collect::<Vec<_>>(), [micros(last); 3]);
    assert_eq!(*cover, Interval::new(last, START + 3_600 * SECOND));
    assert!(pages.next().is_none());
}

#[test]
fn a_sample_older_than_what_is_proven_ends_its_tag() {
    let (mut pages, _) = one(1);
    let at = START + 5 * SECOND;
    pages.settle(page(&[(START, 1), (at, 2)]), next(r#"["a"]"#)).unwrap();
    let round = pages.settle(page(&[(START + 1_000, 3)]), next(r#"["b"]"#)).unwrap();
    let (tag, interval, fault) = &round.gaps[0];
    assert_eq!((*tag, interval.start, fault.code.as_str()), (0, at, "unordered"));
    assert!(pages.next().is_none());
}

/// Pages of `count` tags of an hour, two samples of each in a page.
fn narrow(count: usize) -> Pages {
    let mut pages = Pages::new(&vec![Interval::new(START, START + 3_600 * SECOND); count], performance(2));
    pages.next().unwrap();
    pages
}

fn both(one: &[Event], other: Option<&[Event]>) -> Vec<Option<Vec<Sample<'static>>>> {
    let shown = |events: &[Event]| events.iter().copied().map(sample).collect();
    vec![Some(shown(one)), other.map(shown)]
}

#[test]
fn a_tag_that_is_missing_behind_a_full_page_is_not_finished() {
    let (at, end) = (START + 5 * SECOND, START + 3_600 * SECOND);
    let mut pages = narrow(2);
    let full = both(&[(START, 1), (at, 2)], Some(&[(START, 1), (at, 2)]));
    pages.settle(full, next(r#"["a",null]"#)).unwrap();
    let round = pages.settle(both(&[(at + SECOND, 3)], None), None).unwrap();
    assert_eq!(round.taken.iter().map(|(tag, _, cover)| (*tag, cover.end)).collect::<Vec<_>>(), [(0, end)]);
    assert_eq!(pages.doubtful().unwrap().0, [1]);
    assert!(pages.confirm(vec![(1, Doubt::Elsewhere)]).taken.is_empty());
    // It is asked for from where it is proven, and has more.
    let again = pages.next().unwrap();
    assert_eq!((again.tags.as_slice(), again.start), ([1].as_slice(), at - TICK));
    let round = pages.settle(page(&[(at, 2), (at + 1_000, 3)]), next(r#"["b"]"#)).unwrap();
    assert_eq!(round.taken[0].2, Interval::new(at, at + 1_000));
    let round = pages.settle(page(&[(at + 1_000, 4)]), None).unwrap();
    assert_eq!((round.taken[0].1.len(), round.taken[0].2.end), (2, end));
    assert!(pages.next().is_none());
}

#[test]
fn a_tag_that_filled_a_page_and_is_not_shown_again_is_a_gap() {
    let at = START + 5 * SECOND;
    let mut pages = narrow(2);
    let full = both(&[(START, 1), (at, 2)], Some(&[(START, 1), (at, 2)]));
    pages.settle(full, next(r#"["a",null]"#)).unwrap();
    pages.settle(both(&[(at + SECOND, 3)], None), None).unwrap();
    pages.confirm(vec![(1, Doubt::Possible)]);
    pages.settle(vec![None], None).unwrap();
    let (doubtful, _) = pages.doubtful().unwrap();
    let round = pages.confirm(vec![(doubtful[0], Doubt::Possible)]);
    let (tag, interval, fault) = &round.gaps[0];
    assert_eq!((*tag, interval.start, fault.code.as_str()), (1, at, "samples-missing"));
    assert!(pages.next().is_none());
}

#[test]
fn a_window_that_ends_with_a_full_page_is_asked_for_to_its_end() {
    let (at, end) = (START + 5 * SECOND, START + 3_600 * SECOND);
    let mut pages = narrow(2);
    let round = pages.settle(both(&[(START, 1), (at, 2)], Some(&[(START, 1)])), None).unwrap();
    assert_eq!(round.taken.iter().map(|(tag, _, cover)| (*tag, cover.end)).collect::<Vec<_>>(), [(0, at), (1, end)]);
    let rest = pages.next().unwrap();
    assert_eq!((rest.tags.as_slice(), rest.start, rest.end), ([0].as_slice(), at - TICK, end));
    let round = pages.settle(page(&[(at, 2), (at + SECOND, 3)]), None).unwrap();
    assert_eq!(round.taken[0].2, Interval::new(at, at + SECOND));
    let round = pages.settle(page(&[(at + SECOND, 3)]), None).unwrap();
    assert_eq!((round.taken[0].1.len(), round.taken[0].2.end), (1, end));
    assert!(pages.next().is_none());
}

#[test]
fn a_tag_that_the_server_denies_is_given_up_and_the_others_go_on() {
    let hour = Interval::new(START, START + 3_600 * SECOND);
    let mut pages = Pages::new(&[hour, hour], performance(1_000));
    pages.next().unwrap();
    let denied = Sample { stamp: Stamp::Never, ..Sample::default() };
    let both = vec![Some(vec![denied]), Some(vec![sample((START, 1))])];
    let round = pages.settle(both, None).unwrap();
    assert_eq!(round.denied, [(0, hour)]);
    assert_eq!((round.taken.len(), round.taken[0].0, round.taken[0].2), (1, 1, hour));
}

#[test]
fn a_tag_that_is_not_shown_is_empty_only_when_it_is_confirmed() {
    let hour = Interval::new(START, START + 3_600 * SECOND);
    let mut pages = Pages::new(&[hour; 4], performance(1_000));
    pages.next().unwrap();
    let round = pages.settle(vec![None, None, None, Some(Vec::new())], None).unwrap();
    assert_eq!(round.taken.iter().map(|(tag, ..)| *tag).collect::<Vec<_>>(), [3]);
    let (doubtful, _) = pages.doubtful().unwrap();
    assert_eq!(doubtful, [0, 1, 2]);
    let round = pages.confirm(vec![(0, Doubt::Possible), (1, Doubt::Unknown), (2, Doubt::Elsewhere)]);
    assert_eq!((round.denied.len(), round.taken.iter().map(|(tag, ..)| *tag).collect::<Vec<_>>()), (1, vec![2]));
    // It is asked for once more, alone, and this time it is there.
    let again = pages.next().unwrap();
    assert_eq!((again.tags.as_slice(), again.continuation), ([0].as_slice(), None));
    let round = pages.settle(page(&[(START, 1)]), None).unwrap();
    assert_eq!((round.taken[0].1.len(), round.taken[0].2), (1, hour));
    assert!(pages.next().is_none());
}

#[test]
fn a_server_that_goes_round_in_circles_is_left() {
    let (mut pages, _) = one(1);
    pages.settle(page(&[(START, 1)]), next(r#"["a"]"#)).unwrap();
    pages.settle(page(&[]), next(r#"["b"]"#)).unwrap();
    assert_eq!(pages.settle(page(&[]), next(r#"["b"]"#)).unwrap_err().code, "continuation-loop");
    let (mut pages, _) = one(1);
    let turn = |number: i32| pages.settle(page(&[]), next(&format!(r#"["{number}"]"#))).err();
    assert_eq!((0..200).find_map(turn).unwrap().code, "continuation-loop");
    // The first page again and again.
    let (mut pages, _) = one(1);
    let turn = |_| pages.settle(page(&[(START + SECOND, 1), (START, 2)]), next(r#"["a"]"#)).err();
    assert_eq!((0..5).find_map(turn).unwrap().code, "continuation-loop");
}

#[test]
fn time_outs_shorten_the_window_and_what_was_proven_is_not_read_twice() {
    let (mut pages, first) = one(1_000);
    let at = START + 5 * SECOND;
    pages.settle(page(&[(START, 1), (at, 2)]), next(r#"["a"]"#)).unwrap();
    assert!(pages.ease());
    let shorter = pages.next().unwrap();
    assert!(shorter.end < first.end && shorter.continuation.is_none() && shorter.size < first.size);
    let round = pages.settle(page(&[(START, 1), (at, 2)]), None).unwrap();
    assert_eq!((round.taken[0].1.len(), round.taken[0].2.start), (1, at));
    let eased = (0..10).take_while(|_| pages.next().is_some() && pages.ease()).count();
    assert_eq!(eased, 5);
}

#[test]
fn requests_follow_the_density() {
    let mut dice = Dice(5);
    let day = 86_400 * SECOND;
    let every =
        |step: i64, days: i64| (0..days * day / step).map(|n| (START + n * step, n % 5)).collect::<Vec<Event>>();
    let plain = Server {
        tags: Vec::new(),
        repeats: false,
        end_exclusive: true,
        omits: false,
        nulls: false,
        short: false,
        shuffled: false,
        drops: false,
    };
    // Ten minutes of a hundred tags: one request.
    let minutes = Server { tags: vec![every(60 * SECOND, 1); 100], ..plain.clone() };
    let window = Interval::new(START, START + 600 * SECOND);
    assert_eq!(read(&minutes, &[window; 100], 10_000, &mut dice).asked, 1);
    // A month of one dense tag among sparse ones: 2,592,000 samples, in answers of about 40,000.
    let mut mixed = vec![every(3_600 * SECOND, 30); 9];
    mixed.push(every(SECOND, 30));
    let window = Interval::new(START, START + 30 * day);
    let asked = read(&Server { tags: mixed, ..plain.clone() }, &[window; 10], 10_000, &mut dice).asked;
    assert!(asked < 300, "{asked}");
    // Ten years of nothing.
    let decade = Interval::new(START, START + 3_650 * day);
    let asked = read(&Server { tags: vec![Vec::new(); 100], ..plain }, &[decade; 100], 10_000, &mut dice).asked;
    assert!(asked < 20, "{asked}");
}
