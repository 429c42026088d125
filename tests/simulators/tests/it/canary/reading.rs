//! What data calls return is what the truth holds, in every mode and shape.

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Knobs, Sprinkle, parse_rfc3339};

use super::client::{
    END, START, call, clean, config, expected, good, launch, pages, path, raw, send, stamp, value, with,
};

#[test]
fn every_page_of_every_tag_adds_up_to_the_truth_in_both_views() {
    let server = launch(Config { hostile_names: true, tags: 30, ..config() });
    let points = server.truth().points();
    let (found, count) = {
        let paths: Vec<&str> = points.iter().flat_map(|point| point.paths()).collect();
        pages(&server, &with(&raw(&paths), json!({"maxSize": 97})))
    };
    assert!(count > 5);
    let mut samples = 0;
    for point in &points {
        let truth = expected(&server.truth().events(point.index, 0, i64::MAX));
        for path in point.paths() {
            assert_eq!(found[path], json!(truth), "{path}");
        }
        samples += truth.len();
    }
    assert!(samples > 30 * 500);
    let all: Vec<&Value> = found.values().flat_map(|list| list.as_array().unwrap()).collect();
    assert!(all.iter().any(|it| it["q"] == 32_768 && it["v"].is_null()), "a session ends");
    for shape in [Value::is_f64, Value::is_i64, Value::is_boolean, Value::is_string, Value::is_null] {
        assert!(all.iter().any(|it| shape(&it["v"])));
    }
    assert_eq!(server.stats().requests("getTagData2"), count as u64);
}

#[test]
fn floats_are_widened_and_versions_differ_in_shape_and_zone() {
    let server = launch(clean());
    let tag = path(&server, 0);
    let sample = server.truth().events(0, 0, i64::MAX)[0].clone();
    let tidegate_simulators::canary::Value::Float32(number) = sample.value else { panic!("{sample:?}") };
    let ask = json!({"tags": [tag], "startTime": START, "endTime": END, "includeQuality": true, "maxSize": 1});
    let local = good(&server, "getTagData2", &ask);
    let first = &local["data"][&tag][0];
    assert_eq!(first["v"].as_f64().unwrap(), f64::from(number));
    assert!(first["t"].as_str().unwrap().ends_with("-05:00"), "the server's own zone");
    let token = good(&server, "getUserToken", &json!({"application": "test"}))["userToken"].clone();
    let old =
        send(&server, "POST", "/api/v1/getTagData", "", with(&ask, json!({"userToken": token})).to_string().as_bytes());
    // The token was made under version 2, so its zone is the server's.
    assert_eq!(old.json()["data"][&tag][0], json!([first["t"], first["v"], 192]), "{}", old.text());
    let token =
        send(&server, "POST", "/api/v1/getUserToken", "", br#"{"application":"x"}"#).json()["userToken"].clone();
    let old =
        send(&server, "POST", "/api/v1/getTagData", "", with(&ask, json!({"userToken": token})).to_string().as_bytes());
    assert_eq!(old.json()["data"][&tag][0][0], stamp(sample.ticks));
}

#[test]
fn timestamps_follow_the_zone_across_a_change_of_clocks() {
    let end = Some(parse_rfc3339("2025-03-10T00:00:00Z").unwrap());
    let server = launch(Config { days: 2.0, interval_seconds: 1800.0, end, ..clean() });
    let tag = path(&server, 0);
    let ask = json!({"tags": [tag], "startTime": "2025-03-09T06:00:00Z", "endTime": "2025-03-09T08:59:59Z",
        "timezone": "eastern standard time"});
    let answer = good(&server, "getTagData2", &ask);
    let times: Vec<&str> =
        answer["data"][&tag].as_array().unwrap().iter().map(|it| it["t"].as_str().unwrap()).collect();
    assert!(times.iter().any(|t| t.starts_with("2025-03-09T01:") && t.ends_with("-05:00")), "{times:?}");
    assert!(times.iter().any(|t| t.starts_with("2025-03-09T03:") && t.ends_with("-04:00")));
    assert!(!times.iter().any(|t| t.starts_with("2025-03-09T02:")), "an hour that does not exist");
}

#[test]
fn sizes_count_per_tag_or_across_all_tags() {
    let server = launch(Config { max_values: 1000, ..clean() });
    let paths: Vec<String> = (0..3).map(|index| path(&server, index)).collect();
    let tags: Vec<&str> = paths.iter().map(String::as_str).collect();
    let sizes = |answer: &Value| -> Vec<usize> {
        tags.iter().map(|tag| answer["data"][tag].as_array().map_or(0, Vec::len)).collect()
    };
    let ten = good(&server, "getTagData2", &with(&raw(&tags), json!({"maxSize": 10})));
    assert_eq!(sizes(&ten), [10, 10, 10]);
    assert_eq!(ten["continuation"].as_array().unwrap().len(), 3);
    let all = good(&server, "getTagData2", &raw(&tags));
    assert_eq!(sizes(&all), [720, 280, 0], "the cap on the whole answer");
    assert_eq!(all["continuation"].as_array().unwrap().len(), 2);
    let (found, _) = pages(&server, &raw(&tags));
    assert!(tags.iter().all(|tag| found[*tag].as_array().unwrap().len() == 720));
    let old = good(&server, "getTagData", &with(&raw(&tags), json!({"maxSize": 1000})));
    assert_eq!(sizes(&old), [720, 280, 0]);
    let server = launch(Config { interval_seconds: 1.0, ..clean() });
    let old = good(&server, "getTagData", &with(&raw(&tags), json!({"maxSize": 1_000_000})));
    assert_eq!(sizes(&old), [10_000, 0, 0], "never more than 10,000");
    assert!(!old["continuation"].is_null());
}

#[test]
fn ends_are_inclusive_unless_switched_and_bounds_lie_outside() {
    let server = launch(clean());
    let tag = path(&server, 0);
    let truth = server.truth().events(0, 0, i64::MAX);
    let window =
        |from: usize, to: usize| json!({"startTime": stamp(truth[from].ticks), "endTime": stamp(truth[to].ticks)});
    let read = |server: &_, extra: Value| {
        let ask = with(&with(&raw(&[&tag]), window(10, 20)), extra);
        good(server, "getTagData2", &ask)["data"][&tag].clone()
    };
    assert_eq!(read(&server, json!({})), json!(expected(&truth[10..=20])));
    assert_eq!(read(&server, json!({"includeBounds": true})), json!(expected(&truth[9..=21])));
    let paged =
        pages(&server, &with(&with(&raw(&[&tag]), window(10, 20)), json!({"includeBounds": true, "maxSize": 4})));
    assert_eq!(paged.0[&tag], json!(expected(&truth[9..=21])));
    let server = launch(Config { knobs: Knobs { end_exclusive: true, ..Knobs::default() }, ..clean() });
    assert_eq!(read(&server, json!({})), json!(expected(&truth[10..20])));
}

#[test]
fn the_last_value_may_be_extended_and_chosen_by_quality() {
    let only_bad = Sprinkle { bad_span: u16::MAX, ..Sprinkle::none() };
    let server = launch(Config { sprinkle: only_bad, ..config() });
    let tag = path(&server, 0);
    let truth = server.truth().events(0, 0, i64::MAX);
    let last = |extra: Value| {
        let ask = with(&json!({"tags": [tag], "timezone": "UTC", "includeQuality": true}), extra);
        good(&server, "getTagData2", &ask)["data"][&tag][0].clone()
    };
    let newest = truth.last().unwrap();
    let stored = last(json!({"useTimeExtension": false}));
    assert_eq!((&stored["t"], &stored["v"]), (&json!(stamp(newest.ticks)), &value(newest)));
    let best = truth.iter().rev().find(|sample| sample.is_good()).unwrap();
    assert_eq!(last(json!({"quality": "good"}))["t"], stamp(best.ticks), "never extended");
    let extended = last(json!({}));
    let expected = if newest.is_good() { parse_rfc3339(END).unwrap() } else { newest.ticks };
    assert_eq!(extended["t"], stamp(expected));
}

#[test]
fn aggregates_come_at_interval_starts_page_by_page() {
    let server = launch(clean());
    let tags: Vec<String> = (0..2).map(|index| path(&server, index)).collect();
    let ask = json!({"tags": tags, "startTime": START, "endTime": END, "aggregateName": "Count",
        "aggregateInterval": "01:00:00", "timezone": "UTC"});
    let whole = good(&server, "getTagData2", &ask);
    let rows = whole["data"][&tags[0]].as_array().unwrap();
    assert_eq!(rows.len(), 12);
    assert_eq!(rows[0]["t"], "2024-02-29T19:00:00.0000000+00:00");
    assert_eq!(rows.iter().map(|row| row["v"].as_i64().unwrap()).sum::<i64>(), 720);
    let page = good(&server, "getTagData2", &with(&ask, json!({"maxSize": 5})));
    assert_eq!(page["continuation"], json!(["2024-03-01T00:00:00.0000000+00:00"; 2].to_vec()));
    let (paged, count) = pages(&server, &with(&ask, json!({"maxSize": 5})));
    assert_eq!((count, &paged[&tags[1]]), (3, &whole["data"][&tags[1]]));
    for name in good(&server, "getAggregates", &json!({}))["aggregates"].as_object().unwrap().keys() {
        let answer = good(&server, "getTagData2", &with(&ask, json!({"aggregateName": name})));
        assert_eq!(answer["data"][&tags[0]].as_array().unwrap().len(), 12, "{name}");
    }
    let one = with(&ask, json!({"aggregateInterval": null}));
    assert_eq!(good(&server, "getTagData2", &one)["data"][&tags[0]].as_array().unwrap().len(), 1, "one row");
    for wrong in [json!({"aggregateName": "Last"}), json!({"aggregateInterval": "soon"}), json!({"endTime": START})] {
        assert_eq!(call(&server, "getTagData2", &with(&ask, wrong))["statusCode"], "Errors");
    }
}

#[test]
fn tags_are_found_by_path_and_search_where_none_are_named() {
    let server = launch(clean());
    let ask = json!({"path": "UNS", "deep": true, "search": "site flow", "timezone": "UTC"});
    let answer = good(&server, "getTagData2", &ask);
    let found: Vec<&String> = answer["data"].as_object().unwrap().keys().collect();
    assert!(found.len() == 2 && found.iter().all(|tag| tag.starts_with("UNS.") && tag.ends_with(".Flow")), "{found:?}");
}

#[test]
fn two_servers_of_one_seed_agree_and_of_two_do_not() {
    let [one, same, other] = [1, 1, 2].map(|seed| launch(Config { seed, ..config() }).truth().events(3, 0, i64::MAX));
    assert_eq!(one, same);
    assert_ne!(one, other);
}
