//! Event frames: searched, sorted, paged, begun, ended and gone.

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Server, parse_rfc3339};

use super::client::{END, clean, code, good, launch, with};

/// Whether an event with this start and end is wanted.
type Keep<'a> = &'a dyn Fn(i64, Option<i64>) -> bool;

fn plant() -> Server {
    launch(Config { days: 20.0, frames_per_day: 24.0, open_frames: 2, tags: 45, interval_seconds: 600.0, ..clean() })
}

/// Ids of all events, page after page, and the number of pages.
fn ids(server: &Server, ask: Value) -> (Vec<String>, usize) {
    let ask = with(&json!({"timezone": "UTC", "includeMinDurationEvents": true}), ask);
    let (mut found, mut next) = (Vec::new(), Value::Null);
    for page in 1.. {
        let answer = good(server, "getEvents", &with(&ask, json!({"continuation": next})));
        found.extend(answer["events"].as_array().unwrap().iter().map(|it| it["Id"].as_str().unwrap().to_owned()));
        next = answer["continuation"].clone();
        if next.is_null() {
            return (found, page);
        }
    }
    unreachable!()
}

#[test]
fn pages_in_either_order_hold_every_frame_once() {
    let server = plant();
    let truth: Vec<String> = server.truth().frames().into_iter().map(|frame| frame.id).collect();
    assert_eq!(truth.len(), 480);
    let (up, pages) = ids(&server, json!({"sortOrder": "start time ascending"}));
    assert_eq!((&up, pages), (&truth, 5));
    let (mut down, pages) = ids(&server, json!({"limit": 1000}));
    assert_eq!(pages, 2, "never more than 250");
    down.reverse();
    assert_eq!(down, truth);
}

#[test]
fn search_modes_choose_by_start_and_end() {
    let server = plant();
    let (from, to) = (parse_rfc3339("2024-02-20T00:00:00Z").unwrap(), parse_rfc3339("2024-02-22T00:00:00Z").unwrap());
    let frames = server.truth().frames();
    let expected = |keep: Keep<'_>| -> Vec<String> {
        frames.iter().filter(|it| keep(it.starts_at, it.ends_at)).map(|it| it.id.clone()).collect()
    };
    let inside = |at: i64| (from..=to).contains(&at);
    let modes: [(&str, Keep<'_>); 5] = [
        ("active during range", &|start, end| start <= to && end.is_none_or(|end| end >= from)),
        ("started in range", &|start, _| inside(start)),
        ("ended in range", &|_, end| end.is_some_and(inside)),
        ("started & ended in range", &|start, end| inside(start) && end.is_some_and(inside)),
        ("in process", &|_, end| end.is_none()),
    ];
    for (mode, keep) in modes {
        let ask = json!({"startsAt": "2024-02-20T00:00:00Z", "endsAt": "2024-02-22T00:00:00Z", "searchMode": mode,
            "sortOrder": "start time ascending"});
        assert_eq!(ids(&server, ask).0, expected(keep), "{mode}");
    }
}

#[test]
fn filters_narrow_and_short_events_need_asking_for() {
    let server = plant();
    let frames = server.truth().frames();
    let all = good(&server, "getEvents", &json!({"limit": 250, "searchMode": "in process"}));
    assert_eq!(all["events"].as_array().unwrap().len(), 2);
    assert!(all["events"][0]["EndsAt"].is_null());
    let short = good(&server, "getEvents", &json!({"eventType": "Downtime", "limit": 250}));
    let expected = frames.iter().filter(|it| it.event_type == "Downtime" && !it.below_min_duration).count();
    assert_eq!(short["events"].as_array().unwrap().len(), expected);
    assert!(frames.iter().any(|it| it.below_min_duration));
    let shown = short["events"][0]["StartsAt"].as_str().unwrap();
    assert!(shown.ends_with("-5:00"), "a one-digit hour, as documented: {shown}");
    let hours = |it: &&tidegate_simulators::canary::EventFrame| {
        it.ends_at.is_some_and(|end| end - it.starts_at >= 36_000_000_000)
    };
    let long = ids(&server, json!({"duration": ">=1h", "searchMode": "ended in range"})).0;
    assert_eq!(long.len(), frames.iter().filter(hours).count());
    assert_eq!(code(&server, "getEvents", &json!({"duration": "1h"})), "Errors");
}

#[test]
fn frames_begin_end_and_vanish() {
    let server = launch(clean());
    let truth = server.truth();
    let end = parse_rfc3339(END).unwrap();
    let id = truth.begin_frame(end - 100_000_000);
    let shown = || good(&server, "getEvents", &json!({"timezone": "UTC"}))["events"].clone();
    assert_eq!(
        (&shown()[0]["Id"], &shown()[0]["EndsAt"], &shown()[0]["Duration"]),
        (&json!(id), &json!(null), &json!("00:00:10"))
    );
    assert!(truth.end_frame(&id, end - 50_000_000));
    assert_eq!(shown()[0]["EndsAt"], "2024-03-01T06:59:55.0000000+0:00");
    assert!(truth.remove_frame(&id) && !truth.remove_frame(&id));
    assert_eq!(shown(), json!([]));
}

#[test]
fn batch_events_have_filters_and_no_envelope() {
    let server = plant();
    let ask = json!({"filters": {"eventTypes": ["Batch"], "status": "Completed",
        "durationFilters": [{"duration": "1h", "comparison": "GreaterThan"}],
        "metadataFilters": [{"key": "Reason", "value": "störung", "comparison": "Contains"}]},
        "maxCount": 3, "includeMetadata": true, "timezone": "UTC"});
    let answer = super::client::call(&server, "getBatchEvents", &ask);
    assert!(answer.get("statusCode").is_none());
    let expected = server
        .truth()
        .frames()
        .iter()
        .filter(|it| it.event_type == "Batch" && it.ends_at.is_some_and(|end| end - it.starts_at > 36_000_000_000))
        .count();
    assert_eq!(
        (answer["totalCount"].as_u64().unwrap() as usize, answer["events"].as_array().unwrap().len()),
        (expected, 3)
    );
    assert_eq!(answer["events"][0]["status"]["status"], "Completed");
    assert_eq!(code(&server, "getBatchEvents", &json!({"filters": {"status": "Lost"}})), "Errors");
}
