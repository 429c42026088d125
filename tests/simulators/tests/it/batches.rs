//! Batches in both dialects.

use serde_json::{Value, json};
use tidegate_simulators::pi::{Config, Dialect, Hidden, Knobs};

use crate::client::{END, batch, clean, config, get, id, items, launch, post};

#[test]
fn a_dictionary_is_answered_by_a_dictionary_with_status_207() {
    let server = launch(config());
    let window = format!("startTime=2024-03-01T00:00:00Z&endTime={END}&maxCount=5000");
    let mut body = serde_json::Map::new();
    for index in 0..10 {
        let resource = format!("https://elsewhere/PIWebAPI/Streams/{}/Recorded?{window}", id(&server, index));
        body.insert(index.to_string(), json!({"Method": "GET", "Resource": resource}));
    }
    let answer = batch(&server, &Value::Object(body));
    assert_eq!(answer.status, 207);
    for index in 0..10 {
        let sub = &answer.json()[index.to_string()];
        assert_eq!(sub["Status"], 200);
        assert_eq!(sub["Headers"]["Content-Type"], "application/json; charset=utf-8");
        let direct = get(&server, &format!("/streams/{}/recorded?{window}", id(&server, index))).json();
        assert_eq!(sub["Content"], direct);
    }
    let order: Vec<String> =
        answer.text().match_indices("\":{\"Status\"").map(|(at, _)| answer.text()[at - 1..at].to_owned()).collect();
    assert_eq!(order.len(), 10);
    assert!(!order.is_sorted(), "clients may not rely on the order: {order:?}");
    assert_eq!(server.stats().sub_requests["streams/recorded"], 10);
    assert_eq!(server.stats().requests["batch"], 1);
}

#[test]
fn one_failing_sub_request_leaves_the_others_alone() {
    let server = launch(Config { hidden: [(1, Hidden::Forbidden), (2, Hidden::BadGateway)].into(), ..clean() });
    let stream = |index: usize| format!("http://pi/piwebapi/streams/{}/value", id(&server, index));
    let answer = batch(
        &server,
        &json!({
            "ok": {"Method": "GET", "Resource": stream(0)},
            "denied": {"Method": "GET", "Resource": stream(1)},
            "backend": {"Method": "GET", "Resource": stream(2)},
            "garbage": {"Method": "GET", "Resource": "http://pi/piwebapi/streams/xyz/value"},
            "missing": {"Method": "GET", "Resource": "http://pi/piwebapi/streams/P1DPU0lNUElcVEFHMQ/value"},
            "relative": {"Method": "GET", "Resource": "/piwebapi/system"},
            "elsewhere": {"Method": "GET", "Resource": "http://pi/other/system"},
            "write": {"Method": "DELETE", "Resource": stream(0)},
            "nothing": {"Resource": stream(0)},
        }),
    );
    assert_eq!(answer.status, 207);
    let answer = answer.json();
    for (id, status) in [
        ("ok", 200),
        ("denied", 403),
        ("backend", 502),
        ("garbage", 400),
        ("missing", 404),
        ("relative", 400),
        ("elsewhere", 404),
        ("write", 405),
        ("nothing", 400),
    ] {
        assert_eq!(answer[id]["Status"], status, "{id}: {}", answer[id]);
    }
    assert!(answer["denied"]["Content"]["Message"].is_string());
    assert!(answer["missing"]["Content"]["Errors"][0].is_string());
}

#[test]
fn json_paths_and_templates_read_their_parents() {
    let server = launch(clean());
    let list = items(&get(&server, "/dataservers").json())[0]["Links"]["Points"].as_str().unwrap().to_owned();
    let answer = batch(
        &server,
        &json!({
            "values": {"Method": "GET", "ParentIds": ["points"], "Parameters": ["$.points.Content.Items[*].WebId"],
                "RequestTemplate": {"Resource": "https://pi/piwebapi/streams/{0}/value?selectedFields=Good"}},
            "points": {"Method": "GET", "Resource": format!("{list}?maxCount=3")},
            "first": {"Method": "GET", "ParentIds": ["points"], "Resource": "$.points.Content.Links.First"},
            "orphan": {"Method": "GET", "Resource": "$.points.Content.Links.First"},
            "nothing": {"Method": "GET", "ParentIds": ["points"], "Resource": "$.points.Content.Links.Nowhere"},
            "broken": {"Method": "GET", "Resource": "http://pi/piwebapi/nowhere"},
            "child": {"Method": "GET", "ParentIds": ["broken"], "Resource": "http://pi/piwebapi/system"},
        }),
    )
    .json();
    assert_eq!(answer["values"]["Status"], 207);
    assert_eq!(answer["values"]["Content"]["Total"], 3);
    assert_eq!(answer["values"]["Content"]["Items"][2]["Content"], json!({"Good": true}));
    assert_eq!(items(&answer["first"]["Content"]).len(), 3);
    assert_eq!(answer["orphan"]["Status"], 400);
    assert_eq!(answer["nothing"]["Status"], 400);
    assert_eq!(answer["broken"]["Status"], 404);
    assert_eq!(answer["child"]["Status"], 400);
}

#[test]
fn a_malformed_batch_is_refused_as_a_whole() {
    let server = launch(Config { knobs: Knobs { batch_limit: Some(2), ..Knobs::default() }, ..clean() });
    let home = json!({"Method": "GET", "Resource": "http://pi/piwebapi/"});
    for body in [
        json!([home]),
        json!({"Requests": [home]}),
        json!({"a": 1}),
        json!({"a": {"Method": "GET", "ParentIds": ["b"], "Resource": "http://pi/piwebapi/"}}),
        json!({"a": home, "b": home, "c": home}),
    ] {
        assert_eq!(batch(&server, &body).status, 400, "{body}");
    }
    assert_eq!(post(&server, "X-Requested-With: x\r\n", b"{\"a\":").status, 400);
    assert_eq!(batch(&server, &json!({"a": home, "b": home})).status, 207);
}

#[test]
fn the_other_dialect_takes_lists_and_relative_resources() {
    let server = launch(Config { dialect: Dialect::Requests, ..clean() });
    let home = json!({"a": {"Method": "GET", "Resource": "http://pi/piwebapi/"}});
    assert_eq!(batch(&server, &home).status, 400);
    let resource = format!("/streams/{}/recorded", id(&server, 0));
    let answer = batch(
        &server,
        &json!({"Requests": [
            {"Method": "GET", "Resource": resource, "Parameters": {"startTime": "2024-03-01T06:00:00Z", "endTime": END, "maxCount": 7}},
            {"Method": "GET", "Resource": "/piwebapi/streams/xyz/recorded"},
            {"Method": "GET", "Resource": "http://pi/piwebapi/system"},
            {"Method": "GET", "Resource": "/points/multiple", "Parameters": {"webId": [id(&server, 0), id(&server, 1)]}},
        ]}),
    );
    assert_eq!(answer.status, 200);
    let responses = answer.json()["Responses"].as_array().unwrap().clone();
    assert_eq!(responses.iter().map(|r| r["Status"].as_u64().unwrap()).collect::<Vec<_>>(), [200, 400, 400, 200]);
    assert_eq!(items(&responses[0]["Content"]).len(), 7);
    assert_eq!(items(&responses[3]["Content"]).len(), 2);
}
