//! What tests change is what the server then says.

use serde_json::json;
use tidegate_simulators::canary::{Annotation, NO_DATA, Sample, Server, Value, parse_rfc3339};

use super::client::{END, START, clean, expected, good, launch, path, raw, stamp};

fn agrees(server: &Server) -> Vec<Sample> {
    let tag = path(server, 0);
    let truth = server.truth().events(0, 0, i64::MAX);
    assert_eq!(good(server, "getTagData2", &raw(&[&tag]))["data"][&tag], json!(expected(&truth)));
    truth
}

#[test]
fn samples_are_inserted_replaced_and_deleted() {
    let server = launch(clean());
    let truth = server.truth();
    let before = agrees(&server);
    let (a, b) = (before[10].ticks, before[20].ticks);
    assert!(truth.insert(0, Sample::good(a + 1, Value::Int(7))) && truth.insert(0, Sample::no_data(a + 2)));
    assert!(truth.insert(0, Sample::good(b, Value::Text("over".into()))), "one instant holds one sample");
    assert!(truth.replace(0, Sample::good(a, Value::Null)) && !truth.replace(0, Sample::good(a + 5, Value::Null)));
    assert_eq!((truth.delete(0, before[30].ticks), truth.delete(0, before[30].ticks)), (1, 0));
    let after = agrees(&server);
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(after[12].quality, NO_DATA);
    assert!(!truth.insert(99, Sample::good(a, Value::Null)), "no such tag");
}

#[test]
fn the_end_moves_in_both_directions_and_an_outage_empties_lists() {
    let server = launch(clean());
    let end = parse_rfc3339(END).unwrap();
    let before = agrees(&server).len();
    server.truth().set_end(end - 36_000_000_000);
    assert_eq!(agrees(&server).len(), before - 60);
    server.truth().set_end(end);
    server.truth().set_offline(true);
    let tag = path(&server, 0);
    let answer = good(&server, "getTagData2", &raw(&[&tag]));
    assert_eq!((&answer["data"][&tag], &answer["continuation"]), (&json!([]), &json!(null)));
    server.truth().set_offline(false);
    assert_eq!(agrees(&server).len(), before);
}

#[test]
fn annotations_are_found_by_what_they_are_about() {
    let server = launch(clean());
    let at = parse_rfc3339(START).unwrap() + 5;
    let (user, message) = ("José".to_owned(), "said \"so\"".to_owned());
    server.truth().annotate(Annotation { tag_index: 0, at, entered: at + 1, user, message });
    let tag = path(&server, 0);
    let ask = json!({"tags": [tag], "startTime": START, "endTime": END, "timezone": "UTC"});
    let answer = good(&server, "getAnnotations", &ask);
    let entry = json!({"entryTime": stamp(at + 1), "user": "José", "message": "said \"so\""});
    assert_eq!(
        answer["annotations"],
        json!([{"tagName": tag, "annotations": [{"annotationTime": stamp(at), "entries": [entry]}]}])
    );
}
