//! Bodies as the reference shows them, and what must come of them.

use super::*;
use crate::batch::{Dialect, replies};

/// 2024-03-01T07:00:00Z
const AT: i64 = 1_709_276_400_000_000_000;
const HEX: &str = "0cbbec466f3a42288c8c47112f54b852";

fn old(n: usize, newest: Option<i64>) -> Bookmark {
    Bookmark { marker: format!("{HEX}_{n}"), newest }
}

fn content(old: &Bookmark, status: u16, content: &str) -> Retrieved {
    let text = format!(r#"{{"0":{{"Status":{status},"Headers":{{}},"Content":{content}}}}}"#);
    let reply = replies(Dialect::Dictionary, &text, 1).unwrap().pop().unwrap();
    retrieved(old, reply)
}

/// What `events` since `old` give, where the markers count them all: the newest value, where something changed, and whether
/// that is all.
fn told(old: &Bookmark, events: &[&str]) -> (Option<i64>, Vec<(i64, i64)>, bool) {
    let to = old.events_until(&format!("{HEX}_1000")).map_or(0, |left| 1000 - left) + events.len();
    let body = format!(
        r#"{{"Source":"I1AbE","SourceName":"Temp","RequestedMarker":"{}","LatestMarker":"{HEX}_{to}","Status":"Updated","Events":[{}],"Links":{{}}}}"#,
        old.marker,
        events.join(",")
    );
    let Retrieved::News { bookmark, dirty, complete } = content(old, 200, &body) else { panic!("{body}") };
    assert_eq!(bookmark.marker, format!("{HEX}_{to}"));
    let pairs = dirty.into_iter().map(|it| (it.start - AT, it.end - AT)).collect();
    (bookmark.newest.map(|at| at - AT), pairs, complete)
}

/// The same where it is all.
fn news(old: &Bookmark, events: &[&str]) -> (Option<i64>, Option<Vec<(i64, i64)>>) {
    let (newest, dirty, complete) = told(old, events);
    assert!(complete, "{events:?}");
    (newest, Some(dirty))
}

fn event(action: &str, previous: &str, second: u32) -> String {
    format!(
        r#"{{"Action":"{action}","PreviousEventAction":"{previous}","Timestamp":"2024-03-01T07:00:{second:02}Z","Value":12.3,"Good":true}}"#
    )
}

#[test]
fn each_event_marks_its_microsecond_and_neighbours_are_joined() {
    let update = event("Update", "None", 10);
    assert_eq!(news(&old(0, None), &[&update]), (None, Some(vec![(10 * SECOND, 10 * SECOND + MICRO)])));
    let (first, last) = (event("Delete", "None", 50), event("Add", "PreviousEventArchived", 5));
    assert_eq!(
        news(&old(7, None), &[&first, &last]),
        (Some(5 * SECOND), Some(vec![(5 * SECOND, 50 * SECOND + MICRO)]))
    );
    assert_eq!(news(&old(7, Some(AT)), &[]), (Some(0), Some(Vec::new())));
}

#[test]
fn a_refresh_and_what_nobody_has_heard_of_mark_all_from_there_on() {
    for action in ["Refresh", "Rewrite"] {
        let event = event(action, "None", 10);
        assert_eq!(news(&old(0, None), &[&event]), (None, Some(vec![(10 * SECOND, LAST - AT)])), "{action}");
    }
}

#[test]
fn a_new_value_that_discards_the_snapshot_before_it_marks_that_too() {
    let add = event("Add", "PreviousEventDiscarded", 40);
    let hour = 3_600 * SECOND;
    let expected = vec![(-hour, MICRO - hour), (40 * SECOND, 40 * SECOND + MICRO)];
    assert_eq!(news(&old(0, Some(AT - hour)), &[&add]), (Some(40 * SECOND), Some(expected)));
    // Whose time nobody knows: then the look-back finds it.
    let expected = vec![(40 * SECOND, 40 * SECOND + MICRO)];
    assert_eq!(told(&old(0, None), &[&add]), (Some(40 * SECOND), expected, false));
    // Of two new values only the first one's predecessor lies before the bookmark.
    let archived = event("Add", "PreviousEventArchived", 30);
    let expected = vec![(30 * SECOND, 40 * SECOND + MICRO)];
    assert_eq!(news(&old(0, None), &[&archived, &add]).1, Some(expected));
}

#[test]
fn an_event_that_does_not_say_when_leaves_the_rest_known() {
    let update = event("Update", "None", 10);
    for unclear in
        [r#"{"Action":"Add","PreviousEventAction":"None","Timestamp":"yesterday"}"#, r#"{"Action":"Update"}"#]
    {
        let (_, dirty, complete) = told(&old(0, Some(AT)), &[unclear, &update]);
        assert_eq!((dirty, complete), (vec![(10 * SECOND, 10 * SECOND + MICRO)], false), "{unclear}");
    }
    let never = r#"{"Action":"Update","Timestamp":"9999-12-31T23:59:59.9999999Z"}"#;
    assert_eq!(news(&old(0, None), &[never]).1, Some(vec![(LAST - MICRO - AT, LAST - AT)]));
}

#[test]
fn fewer_events_than_the_markers_count_are_not_all_of_them() {
    let body = format!(r#"{{"LatestMarker":"{HEX}_9","Status":"Updated","Events":[{}]}}"#, event("Update", "None", 1));
    let Retrieved::News { bookmark, dirty, complete } = content(&old(0, None), 200, &body) else { panic!() };
    assert_eq!((bookmark.marker, dirty.len(), complete), (format!("{HEX}_9"), 1, false));
    let other = r#"{"LatestMarker":"ffbbec466f3a42288c8c47112f54b852_0","Events":[]}"#;
    assert!(matches!(content(&old(0, None), 200, other), Retrieved::News { complete: false, .. }));
}

#[test]
fn a_lost_marker_is_told_from_a_server_in_trouble() {
    let gone = [
        (404, r#"{"Errors":["The cache was not found."]}"#),
        (409, r#"{"Errors":["The specified marker is invalid."]}"#),
        (
            200,
            r#"{"LatestMarker":"","Status":"Failed","Events":[],"Exception":{"Errors":["The signup was updated and any cached data could be invalid."]}}"#,
        ),
        (200, r#"{"LatestMarker":null,"Events":[]}"#),
    ];
    for (status, body) in gone {
        assert!(matches!(content(&old(0, None), status, body), Retrieved::Lost(_)), "{body}");
    }
    let trouble = [
        (503, "\"<html>busy</html>\"".to_owned()),
        (500, "null".to_owned()),
        (200, "null".to_owned()),
        (200, "\"not json\"".to_owned()),
        (200, format!(r#"{{"LatestMarker":"{HEX}_4"}}"#)),
        (200, format!(r#"{{"LatestMarker":"{HEX}_4","Events":[],"WebException":{{"StatusCode":500}}}}"#)),
    ];
    for (status, body) in trouble {
        assert_eq!(content(&old(0, None), status, &body), Retrieved::Unanswered, "{body}");
    }
    assert_eq!(retrieved(&old(0, None), None), Retrieved::Unanswered);
}

#[test]
fn a_signup_gives_a_marker_or_says_why_not() {
    let read = |status: u16, content: &str| {
        let text = format!(r#"{{"0":{{"Status":{status},"Content":{content}}}}}"#);
        signed_up(replies(Dialect::Dictionary, &text, 1).unwrap().pop().unwrap())
    };
    for status in ["Succeeded", "Succeded", "AlreadyRegistered"] {
        let body = format!(r#"{{"Source":"F1DP","LatestMarker":"{HEX}_3","Status":"{status}"}}"#);
        assert_eq!(read(200, &body), SignedUp::At(old(3, None)));
    }
    let failed = r#"{"LatestMarker":"","Status":"Failed","Exception":{"Errors":["no"]}}"#;
    assert_eq!(read(200, failed), SignedUp::Refused("no".to_owned()));
    assert!(matches!(read(409, r#"{"Errors":["static"]}"#), SignedUp::Refused(_)));
    assert_eq!(read(404, r#"{"Message":"No HTTP resource was found"}"#), SignedUp::Unknown);
    assert_eq!(read(501, "null"), SignedUp::Unknown);
}

#[test]
fn many_changes_become_few_intervals_that_hold_them_all() {
    let apart: Vec<Interval> = (0..1_000).map(|n| moment(AT + n * 100 * SECOND)).collect();
    let few = joined(apart.iter().rev().copied().collect());
    assert!(few.len() <= MOST && few.windows(2).all(|pair| pair[0].end < pair[1].start), "{}", few.len());
    assert!(apart.iter().all(|one| few.iter().any(|it| it.start <= one.start && one.end <= it.end)));
}
