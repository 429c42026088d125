//! Stream Updates: signups, what is announced of each kind of change, and every way to lose a marker.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tidegate_simulators::pi::{Config, Effect, Event, Fault, Form, Server, Value};

use crate::client::{Answer, batch, clean, exchange, get, id, items, launch, plant};

const SECOND: i64 = 10_000_000;

fn sign_up(server: &Server, path: &str) -> Answer {
    let request = format!(
        "POST /piwebapi{path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\nContent-Length: 0\r\n\
         X-Requested-With: test\r\n\r\n"
    );
    exchange(server, request.as_bytes())
}

/// Signs the tag up; its marker.
fn marker(server: &Server, tag: usize) -> String {
    let answer = sign_up(server, &format!("/streams/{}/updates", id(server, tag)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["LatestMarker"].as_str().unwrap().to_owned()
}

fn retrieve(server: &Server, marker: &str) -> Answer {
    get(server, &format!("/streams/updates/{marker}"))
}

/// `Action`, `PreviousEventAction` and `Timestamp` of each event, and the next marker.
fn events(server: &Server, marker: &str) -> (Vec<[String; 3]>, String) {
    let answer = retrieve(server, marker);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["RequestedMarker"], marker);
    let text = |event: &Json, name: &str| event[name].as_str().unwrap().to_owned();
    let row = |event: &Json| ["Action", "PreviousEventAction", "Timestamp"].map(|name| text(event, name));
    let events = body["Events"].as_array().unwrap().iter().map(row).collect();
    (events, body["LatestMarker"].as_str().unwrap().to_owned())
}

fn number(marker: &str) -> usize {
    marker.split_once('_').unwrap().1.parse().unwrap()
}

#[test]
fn a_signup_says_where_to_ask_and_a_second_one_is_the_same() {
    let server = launch(clean());
    let path = format!("/streams/{}/updates", id(&server, 0));
    let answer = sign_up(&server, &path);
    let body = answer.json();
    assert_eq!((answer.status, &body["Status"], &body["Source"]), (200, &"Succeeded".into(), &id(&server, 0).into()));
    let marker = body["LatestMarker"].as_str().unwrap();
    assert!(marker.len() == 34 && marker.ends_with("_0"), "{marker}");
    assert!(answer.header("location").unwrap().ends_with(&format!("/piwebapi/streams/updates/{marker}")));
    let again = sign_up(&server, &format!("{path}?webIdType=IDOnly")).json();
    assert_eq!((&again["Status"], &again["LatestMarker"]), (&"AlreadyRegistered".into(), &marker.into()));
    assert_eq!(again["Source"], server.truth().points()[0].web_id(Form::IdOnly));
    assert_eq!(events(&server, marker), (Vec::new(), marker.to_owned()));
}

#[test]
fn a_signup_needs_post_and_the_forgery_header() {
    let server = launch(clean());
    let path = format!("/streams/{}/updates", id(&server, 0));
    assert_eq!(get(&server, &path).status, 405);
    let request =
        format!("POST /piwebapi{path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(exchange(&server, request.as_bytes()).status, 400);
    assert_eq!(sign_up(&server, "/streams/garbage/updates").status, 400);
}

#[test]
fn edits_deletes_and_late_events_are_announced_as_such() {
    let server = launch(clean());
    let truth = server.truth();
    let first = marker(&server, 0);
    let held = truth.events(0, 0, i64::MAX);
    let (edited, deleted, newest) = (&held[10], &held[20], held.last().unwrap());
    assert!(truth.replace(0, edited.ticks, 0, Event::good(edited.ticks, Value::Int(7))));
    assert_eq!(truth.delete(0, deleted.ticks), 1);
    let late = Event::good(deleted.ticks + 1, Value::Int(8));
    truth.insert(0, late.clone());
    let new = Event::good(newest.ticks + 30 * SECOND, Value::Int(9));
    truth.insert(0, new.clone());
    // Of another tag, and therefore of no interest.
    truth.insert(1, new.clone());
    let (events, latest) = events(&server, &first);
    let expected = [
        ["Update", "None", &edited.timestamp()],
        ["Delete", "None", &deleted.timestamp()],
        ["Update", "None", &late.timestamp()],
        ["Add", "PreviousEventArchived", &new.timestamp()],
    ];
    assert_eq!(events, expected.map(|row| row.map(str::to_owned)));
    assert_eq!(number(&latest), 4);
}

#[test]
fn what_arrives_by_time_is_announced_with_snapshots_that_no_archive_keeps() {
    let server = launch(clean());
    let (truth, first) = (server.truth(), marker(&server, 1));
    let end = truth.range().1;
    truth.set_end(end + 600 * SECOND);
    let (events, latest) = events(&server, &first);
    let archived = truth.events(1, end * 100 + 100, i64::MAX);
    let announced: Vec<&str> = events.iter().map(|event| event[2].as_str()).collect();
    assert!(archived.iter().all(|event| announced.contains(&event.timestamp().as_str())), "{events:?}");
    assert!(archived.len() >= 9 && events.len() > archived.len(), "{} of {}", events.len(), archived.len());
    assert!(events.iter().any(|event| event[1] == "PreviousEventDiscarded"));
    assert_eq!(number(&latest), events.len());
    truth.set_end(end);
    let (events, _) = self::events(&server, &latest);
    assert_eq!(events.iter().map(|event| event[0].as_str()).collect::<Vec<_>>(), ["Refresh"]);
}

#[test]
fn a_marker_can_be_asked_for_again_unless_the_server_gives_each_event_once() {
    let server = launch(clean());
    let first = marker(&server, 0);
    server.truth().insert(0, Event::good(1_000 * SECOND, Value::Int(1)));
    assert_eq!(events(&server, &first), events(&server, &first));
    let mut once = clean();
    once.knobs.updates_repeatable = false;
    let server = launch(once);
    let first = marker(&server, 0);
    server.truth().insert(0, Event::good(1_000 * SECOND, Value::Int(1)));
    let (events, latest) = events(&server, &first);
    assert_eq!((events.len(), number(&latest)), (1, 1));
    assert_eq!(retrieve(&server, &first).status, 409);
    assert_eq!(retrieve(&server, &latest).status, 200);
}

#[test]
fn markers_are_lost_by_idling_by_a_restart_and_by_being_wrong() {
    let server = launch(clean());
    assert_eq!(retrieve(&server, "00000000000000000000000000000000_0").status, 404, "nothing is signed up");
    let marker = || self::marker(&server, 0);
    let first = marker();
    for wrong in ["00000000000000000000000000000000_0", "x", "x_1", &format!("{first}9")] {
        assert_eq!(retrieve(&server, wrong).status, 409, "{wrong}");
    }
    server.let_pass(Duration::from_secs(14 * 60));
    assert_eq!(retrieve(&server, &first).status, 200, "asked for in time");
    server.let_pass(Duration::from_secs(14 * 60));
    assert_eq!(retrieve(&server, &first).status, 200);
    server.let_pass(Duration::from_secs(16 * 60));
    let answer = retrieve(&server, &first);
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("cache was not found"), "{}", answer.text());
    let second = marker();
    assert_ne!(first, second);
    server.forget_updates();
    assert_eq!(retrieve(&server, &second).status, 404);
}

#[test]
fn a_spoilt_signup_ends_with_an_error_and_can_be_made_again() {
    let server = launch(clean());
    let first = marker(&server, 0);
    let _other = marker(&server, 1);
    assert_eq!(server.truth().spoil_updates(0), 1);
    let body = retrieve(&server, &first).json();
    assert_eq!((&body["LatestMarker"], &body["Status"]), (&"".into(), &"Failed".into()));
    assert!(body["Exception"]["Errors"][0].as_str().unwrap().starts_with("The signup was updated"));
    assert_eq!(retrieve(&server, &first).status, 409);
    assert_ne!(marker(&server, 0), first);
}

#[test]
fn a_set_has_one_marker_for_each_stream_and_one_bad_id_fails_it() {
    let server = launch(clean());
    let path = format!("/streamsets/updates?webId={}&webId={}", id(&server, 0), id(&server, 1));
    let answer = sign_up(&server, &path);
    let markers: Vec<String> =
        items(&answer.json()).iter().map(|item| item["LatestMarker"].as_str().unwrap().to_owned()).collect();
    let set = format!("/streamsets/updates?marker={}&marker={}", markers[0], markers[1]);
    assert!(answer.header("location").unwrap().ends_with(&set));
    server.truth().insert(1, Event::good(1_000 * SECOND, Value::Int(1)));
    let found = items(&get(&server, &set).json());
    let counts: Vec<usize> = found.iter().map(|item| item["Events"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [0, 1]);
    assert_eq!(sign_up(&server, &format!("{path}&webId=garbage")).status, 400);
    assert_eq!(get(&server, &format!("{set}&marker=garbage")).status, 409);
    assert_eq!(sign_up(&server, "/streamsets/updates").status, 400);
}

#[test]
fn an_attribute_is_announced_as_its_point_is_and_a_static_one_cannot_be() {
    let server = launch(plant());
    let assets = server.truth().assets();
    let all: Vec<_> = assets.elements("Plant").iter().flat_map(|element| assets.attributes(&element.id)).collect();
    let stream = all.iter().find(|attribute| attribute.tag.is_some() && !attribute.hidden).unwrap();
    let fixed = all.iter().find(|attribute| attribute.data_reference.is_empty() && !attribute.hidden).unwrap();
    let answer = sign_up(&server, &format!("/streams/{}/updates", stream.web_id(Form::IdOnly)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let marker = answer.json()["LatestMarker"].as_str().unwrap().to_owned();
    server.truth().insert(stream.tag.unwrap(), Event::good(1_000 * SECOND, Value::Int(1)));
    assert_eq!(events(&server, &marker).0.len(), 1);
    assert_eq!(sign_up(&server, &format!("/streams/{}/updates", fixed.web_id(Form::IdOnly))).status, 409);
}

#[test]
fn both_work_inside_a_batch_and_faults_reach_them() {
    let server = launch(clean());
    let url = |path: &str| format!("http://pi/piwebapi{path}");
    let body = json!({
        "0": {"Method": "POST", "Resource": url(&format!("/streams/{}/updates", id(&server, 0)))},
        "1": {"Method": "POST", "Resource": url(&format!("/streams/{}/updates", id(&server, 1)))},
    });
    let answer = batch(&server, &body).json();
    assert_eq!((&answer["0"]["Status"], &answer["1"]["Content"]["Status"]), (&200.into(), &"Succeeded".into()));
    assert!(answer["0"]["Headers"]["Location"].as_str().unwrap().contains("/streams/updates/"));
    let marker = answer["0"]["Content"]["LatestMarker"].as_str().unwrap();
    server.truth().insert(0, Event::good(1_000 * SECOND, Value::Int(1)));
    let fields = "selectedFields=LatestMarker;Events.Timestamp;Events.Action";
    let body = json!({"0": {"Method": "GET", "Resource": url(&format!("/streams/updates/{marker}?{fields}"))}});
    let answer = batch(&server, &body).json();
    let events = answer["0"]["Content"]["Events"].as_array().unwrap();
    assert_eq!(events, &[json!({"Timestamp": "1970-01-01T00:16:40Z", "Action": "Update"})]);
    server.set_faults(vec![
        Fault::new(Effect::Status { code: 503 }).route("streams/updates/get").times(1),
        Fault::new(Effect::WebException { status: 500, after: 0 }).route("streams/updates/get").nth(2),
        Fault::new(Effect::Status { code: 500 }).route("streams/updates").tag(&server.truth().points()[1].name),
    ]);
    assert_eq!(retrieve(&server, marker).status, 503);
    assert_eq!(retrieve(&server, marker).json()["WebException"]["StatusCode"], 500);
    assert_eq!(sign_up(&server, &format!("/streams/{}/updates", id(&server, 1))).status, 500);
    assert_eq!(sign_up(&server, &format!("/streams/{}/updates", id(&server, 0))).status, 200);
}

#[test]
fn an_older_server_does_not_know_the_routes() {
    let mut config: Config = clean();
    config.knobs.stream_updates = false;
    let server = launch(config);
    for answer in [
        sign_up(&server, &format!("/streams/{}/updates", id(&server, 0))),
        sign_up(&server, &format!("/streamsets/updates?webId={}", id(&server, 0))),
        retrieve(&server, "00000000000000000000000000000000_0"),
    ] {
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("No HTTP resource"), "{}", answer.text());
    }
}
