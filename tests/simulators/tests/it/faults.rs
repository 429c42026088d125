//! Each fault does what it says, over the wire and inside a batch, and nothing once it is used up.

use serde_json::{Value, json};
use tidegate_simulators::pi::{Effect, Fault, Scope, Server};

use crate::client::{Answer, END, batch, clean, get, id, items, launch};

fn recorded(server: &Server, index: usize) -> Answer {
    let window = format!("startTime=2024-03-01T00:00:00Z&endTime={END}&maxCount=1000");
    get(server, &format!("/streams/{}/recorded?{window}", id(server, index)))
}

fn two(server: &Server) -> Value {
    let resource = |index: usize| {
        let window = format!("startTime=2024-03-01T00:00:00Z&endTime={END}&maxCount=1000");
        format!("http://pi/piwebapi/streams/{}/recorded?{window}", id(server, index))
    };
    json!({"a": {"Method": "GET", "Resource": resource(0)}, "b": {"Method": "GET", "Resource": resource(1)}})
}

fn arm(server: &Server, spec: &str) {
    server.set_faults(vec![Fault::parse(spec).unwrap()]);
}

#[test]
fn every_status_hits_a_request_or_one_sub_request() {
    let server = launch(clean());
    let name = server.truth().points()[1].name.clone();
    for status in [400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504] {
        arm(&server, &format!("status:{status},route=streams/recorded,count=1"));
        let answer = recorded(&server, 0);
        assert_eq!(answer.status, status);
        assert_eq!(answer.text().contains("<HTML>"), status >= 503, "{status}");
        assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503), "{status}");
        assert_eq!(recorded(&server, 0).status, 200, "once only");
        let fault = Fault::new(Effect::Status { code: status }).tag(&name).scope(Scope::Sub).times(1);
        server.set_faults(vec![fault]);
        let answer = batch(&server, &two(&server));
        assert_eq!((answer.status, &answer.json()["a"]["Status"]), (207, &json!(200)));
        assert_eq!(answer.json()["b"]["Status"], status);
        assert_eq!(server.fired(), [1]);
    }
    assert_eq!(batch(&server, &two(&server)).json()["b"]["Status"], 200);
}

#[test]
fn a_whole_server_refuses_for_a_while() {
    let server = launch(clean());
    arm(&server, "status:503,scope=request,count=3");
    let statuses: Vec<u16> = (0..5).map(|_| get(&server, "/system").status).collect();
    assert_eq!(statuses, [503, 503, 503, 200, 200]);
}

#[test]
fn a_web_exception_under_200_keeps_the_items_before_it() {
    let server = launch(clean());
    arm(&server, "web-exception:502:3");
    let answer = recorded(&server, 0);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["WebException"]["StatusCode"], 502);
    assert_eq!(items(&answer.json()).len(), 3);
    let narrow = get(&server, &format!("/streams/{}/recorded?selectedFields=Items.Value", id(&server, 0))).json();
    assert!(narrow["WebException"]["Errors"][0].is_string(), "present though not selected");
    let sub = batch(&server, &two(&server)).json()["b"].clone();
    assert_eq!((&sub["Status"], &sub["Content"]["WebException"]["StatusCode"]), (&json!(200), &json!(502)));
}

#[test]
fn item_errors_duplicates_and_disorder_are_in_the_list() {
    let server = launch(clean());
    let whole = items(&recorded(&server, 0).json());
    arm(&server, "item-errors:5");
    let hurt = items(&recorded(&server, 0).json());
    assert!(hurt[5]["Errors"][0]["Message"][0].is_string());
    assert_eq!(hurt[4], whole[4]);
    arm(&server, "duplicate");
    let twice = items(&recorded(&server, 0).json());
    assert_eq!(twice.len(), whole.len() + 1);
    arm(&server, "unordered");
    let mixed = items(&recorded(&server, 0).json());
    assert_eq!(mixed.len(), whole.len());
    assert!(mixed.windows(2).any(|w| w[0]["Timestamp"].as_str() > w[1]["Timestamp"].as_str()));
    arm(&server, "offline");
    assert!(items(&recorded(&server, 0).json()).is_empty());
    arm(&server, "no-items");
    assert_eq!(recorded(&server, 0).json()["Items"], Value::Null);
}

#[test]
fn a_lower_cap_refuses_large_pages_only() {
    let server = launch(clean());
    arm(&server, "cap:500");
    let refused = recorded(&server, 0);
    assert_eq!(refused.status, 400);
    assert!(refused.json()["Errors"][0].as_str().unwrap().contains("(500)"));
    let path = format!("/streams/{}/recorded?startTime=2024-03-01T00:00:00Z&maxCount=500", id(&server, 0));
    assert_eq!(get(&server, &path).status, 200);
}

#[test]
fn a_cut_body_ends_early_in_either_framing() {
    let server = launch(clean());
    let whole = recorded(&server, 0);
    assert!(whole.complete);
    arm(&server, "cut:0.5");
    let cut = recorded(&server, 0);
    assert_eq!((cut.status, cut.complete, cut.header("transfer-encoding")), (200, false, Some("chunked")));
    assert_eq!(cut.body, whole.body[..whole.body.len() / 2]);
    arm(&server, "cut-length:0.9");
    let cut = recorded(&server, 0);
    assert!(!cut.complete && cut.header("content-length") == Some(whole.body.len().to_string().as_str()));
    server.set_faults(vec![
        Fault::new(Effect::Cut { keep: 0.5 }).tag(&server.truth().points()[1].name).scope(Scope::Sub),
    ]);
    assert!(!batch(&server, &two(&server)).complete, "a tag's fault on the connection reaches its batch");
    assert!(recorded(&server, 1).complete);
}

#[test]
fn a_reset_leaves_no_answer() {
    let server = launch(clean());
    arm(&server, "reset,count=1");
    assert_eq!(recorded(&server, 0).status, 0);
    assert_eq!(server.stats().statuses[&0], 1);
    assert_eq!(recorded(&server, 0).status, 200);
}

#[test]
fn junk_bodies_come_with_status_200() {
    let server = launch(clean());
    for (spec, kind) in [
        ("garbage", Some("application/json; charset=utf-8")),
        ("html", Some("text/html; charset=us-ascii")),
        ("empty", None),
    ] {
        arm(&server, spec);
        let answer = recorded(&server, 0);
        assert_eq!((answer.status, answer.header("content-type"), answer.complete), (200, kind, true));
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err(), "{spec}");
        arm(&server, &format!("{spec},scope=sub,count=1"));
        let answer = batch(&server, &two(&server)).json();
        let contents = [&answer["a"]["Content"], &answer["b"]["Content"]];
        assert_eq!(contents.iter().filter(|c| c.is_object()).count(), 1, "{spec}: the batch itself stays valid");
    }
}

#[test]
fn slow_answers_arrive_whole() {
    let server = launch(clean());
    let whole = recorded(&server, 0).body;
    for spec in ["delay:50,count=1", "stall:50,count=1"] {
        arm(&server, spec);
        let before = std::time::Instant::now();
        assert_eq!(recorded(&server, 0).body, whole);
        assert!(before.elapsed().as_millis() >= 50, "{spec}");
    }
}
