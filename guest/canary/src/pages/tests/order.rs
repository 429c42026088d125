//! Pages that are not in the order of time, and pages that show none.

use super::*;

#[test]
fn pages_in_no_order_are_held_until_the_window_ends() {
    let (mut pages, _) = one(1);
    let round = pages.settle(page(&[(START + 9_000, 1), (START + 1_000, 2)]), next(r#"["a"]"#)).unwrap();
    assert!(round.taken.is_empty());
    let round = pages.settle(page(&[(START + 5_000, 3)]), None).unwrap();
    let values: Vec<i64> = round.taken[0].1.iter().map(|(at, _)| (at - START) / 1_000).collect();
    assert_eq!(values, [1, 5, 9]);
}

#[test]
fn a_server_that_begins_with_the_newest_is_read_whatever_its_pages_hold() {
    let (mut pages, _) = one(1);
    for at in [9_000, 5_000] {
        let round = pages.settle(page(&[(START + at, 1)]), next(&format!(r#"["{at}"]"#))).unwrap();
        assert!(round.taken.is_empty() && round.gaps.is_empty(), "one sample shows no order");
    }
    let round = pages.settle(page(&[(START + 1_000, 3)]), None).unwrap();
    let values: Vec<i64> = round.taken[0].1.iter().map(|(at, _)| (at - START) / 1_000).collect();
    assert_eq!(values, [1, 5, 9]);
    let hour = Interval::new(START, START + 3_600 * SECOND);
    assert_eq!(Pages::new(&[hour], performance(1)).next().unwrap().size, 2);
}

/// The newest samples first, as many as were asked for, and not a word about more.
fn newest(events: &[Event], ask: &Ask) -> Vec<Sample<'static>> {
    let inside = events.iter().rev().filter(|(at, _)| (ask.start..=ask.end).contains(at));
    inside.take(ask.size).copied().map(sample).collect()
}

/// The same from the oldest on.
fn oldest(events: &[Event], ask: &Ask) -> Vec<Sample<'static>> {
    let inside = events.iter().filter(|(at, _)| (ask.start..=ask.end).contains(at));
    inside.take(ask.size).copied().map(sample).collect()
}

#[test]
fn a_full_page_in_no_order_is_asked_for_in_shorter_windows() {
    let hours = Interval::new(START, START + 10 * 3_600 * SECOND);
    let events = |step: i64| (0..36_000 / step).map(|n| (START + n * step * SECOND, n)).collect::<Vec<Event>>();
    // A minute holds less than a page of the one that begins with the newest; the last tag is never shown.
    let tags = [events(7), events(11), Vec::new()];
    let mut pages = Pages::new(&[hours; 3], performance(10));
    let mut read = Read { rows: vec![Vec::new(); 3], at: vec![START; 3], asked: 0 };
    while let Some(ask) = pages.next() {
        read.asked += 1;
        assert!(read.asked < 5_000, "reading does not end");
        let shown = |tag: &usize| match tag {
            0 => Some(newest(&tags[0], &ask)),
            1 => Some(oldest(&tags[1], &ask)),
            _ => None,
        };
        read.take(pages.settle(ask.tags.iter().map(shown).collect(), None).unwrap());
        if let Some((doubtful, _)) = pages.doubtful() {
            read.take(pages.confirm(doubtful.into_iter().map(|tag| (tag, Doubt::Possible)).collect()));
        }
    }
    let counts = [&read.rows[..], &tags].map(|tags| tags.iter().map(Vec::len).collect::<Vec<_>>());
    assert!(read.rows == tags, "{counts:?} samples of each tag");
    assert_eq!(read.at, [hours.end; 3]);
}

#[test]
fn where_no_window_is_shorter_the_page_grows() {
    let minute = Interval::new(START, START + 60 * SECOND);
    let events: Vec<Event> = (0..599).map(|n| (START + n * SECOND / 10, n)).collect();
    let mut pages = Pages::new(&[minute; 100], performance(10_000));
    let first = pages.next().unwrap();
    assert!(first.size < events.len());
    let shown = |ask: &Ask| -> Vec<Option<Vec<Sample<'static>>>> {
        ask.tags.iter().map(|tag| Some(if *tag == 0 { newest(&events, ask) } else { Vec::new() })).collect()
    };
    let round = pages.settle(shown(&first), None).unwrap();
    assert!(round.gaps.is_empty() && round.taken.iter().all(|(tag, ..)| *tag != 0));
    let larger = pages.next().unwrap();
    assert_eq!(larger.tags, [0]);
    let round = pages.settle(shown(&larger), None).unwrap();
    assert_eq!((round.taken[0].1.len(), round.taken[0].2), (events.len(), minute));
    assert!(pages.next().is_none());
}

#[test]
fn a_full_page_in_no_order_that_cannot_be_shortened_is_a_gap() {
    // Of two samples of one instant nothing tells either which comes first on this server.
    for at in [[1, 5, 9], [1, 5, 5]] {
        let events = at.map(|at| (START + at * SECOND, at));
        let hour = Interval::new(START, START + 3_600 * SECOND);
        let mut pages = Pages::new(&[hour], performance(2));
        let mut gaps = Vec::new();
        while let Some(ask) = pages.next() {
            let round = pages.settle(vec![Some(newest(&events, &ask))], None).unwrap();
            assert!(round.taken.is_empty(), "{:?}", round.taken);
            gaps.extend(round.gaps);
        }
        let [(0, interval, fault)] = gaps.as_slice() else { panic!("{gaps:?}") };
        assert_eq!((*interval, fault.code.as_str()), (hour, "page-limit"));
    }
}
