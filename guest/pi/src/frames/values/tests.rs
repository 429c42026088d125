//! Answers as servers write them, and what they say of a frame's attributes.

use super::*;
use crate::server::Server;

fn answered(reply: &str) -> Result<Attributes, String> {
    let reply: Reply<Content<Streams<'_>>> = serde_json::from_str(reply).unwrap();
    read("I1Fm", Some(reply)).map_err(|fault| fault.code)
}

fn pair(key: &str, value: Option<&str>) -> (String, Option<String>) {
    (key.to_owned(), value.map(str::to_owned))
}

#[test]
fn every_attribute_is_a_key_and_a_value_of_null_keeps_it() {
    let reply = r#"{"Status":200,"Content":{"Links":{},"Items":[
        {"WebId":"a","Name":"Product","Path":"\\\\AF1\\P\\EventFrames[EF-1]|Product","Value":{"Timestamp":"2024-03-01T07:00:00Z","Value":"Oil \"7\"","Good":true}},
        {"Name":"Limit","Path":"\\\\AF1\\P\\EventFrames[EF-1]|Product|Limit","Value":{"Timestamp":"x","Value":81.83204,"Good":true}},
        {"Name":"Operator","Value":{"Timestamp":"x","Value":null}},
        {"Name":"Nothing"}]}}"#;
    let expected = vec![
        pair("Product", Some("Oil \"7\"")),
        pair("Product|Limit", Some("81.83204")),
        pair("Operator", None),
        pair("Nothing", None),
    ];
    assert_eq!(answered(reply), Ok(Attributes::Read(expected)));
    assert_eq!(answered(r#"{"Status":200,"Content":{"Items":[]}}"#), Ok(Attributes::Read(Vec::new())));
}

#[test]
fn one_attribute_that_cannot_be_read_is_null_with_its_reason_and_keeps_no_other_away() {
    for broken in [
        r#"{"Name":"A","Errors":[{"Message":["archive offline"]}]}"#,
        r#"{"Name":"A","Value":{"Timestamp":"x","Errors":["archive offline"]}}"#,
    ] {
        let reply =
            format!(r#"{{"Status":200,"Content":{{"Items":[{broken},{{"Name":"B","Value":{{"Value":7}}}}]}}}}"#);
        let Ok(Attributes::Partly(map, fault)) = answered(&reply) else { panic!("{reply}") };
        assert_eq!(map, [pair("A", None), pair("B", Some("7"))]);
        assert!(fault.code == "item-errors" && fault.message.contains("A: ") && fault.message.contains("offline"));
    }
}

#[test]
fn what_could_not_be_read_never_passes_for_no_attributes() {
    let table = [
        (r#"{"Status":503,"Content":"<html>"}"#, "http-503"),
        (r#"{"Status":200,"Content":{}}"#, "items-missing"),
        (r#"{"Status":200,"Content":{"Items":null}}"#, "items-missing"),
        (r#"{"Status":200,"Content":null}"#, "empty-content"),
        (r#"{"Status":200,"Content":{"Items":[],"WebException":{"StatusCode":500}}}"#, "web-exception"),
        (r#"{"Status":200,"Content":{"Items":[{"Value":{"Timestamp":"x","Value":1}}]}}"#, "malformed-answer"),
    ];
    for (reply, code) in table {
        assert_eq!(answered(reply), Err(code.to_owned()), "{reply}");
    }
    for (status, code) in [(403, "http-403"), (404, "http-404")] {
        let reply = format!(r#"{{"Status":{status},"Content":{{"Errors":["no"]}}}}"#);
        assert!(matches!(answered(&reply), Ok(Attributes::Unreadable(fault)) if fault.code == code), "{status}");
    }
}

#[test]
fn a_refusal_of_all_frames_is_a_gap_and_one_of_a_single_frame_its_own() {
    let (read, gone) = (Attributes::Read(Vec::new()), Attributes::Gone);
    let unreadable = Attributes::Unreadable(Fault::status(403, "x", ""));
    let three = [unreadable.clone(), gone.clone(), unreadable.clone(), unreadable.clone()];
    assert_eq!(refused(&three).map(|fault| fault.code).as_deref(), Some("http-403"));
    assert_eq!(refused(&[unreadable.clone(), unreadable.clone()]), None, "all that a quiet day holds");
    assert_eq!(refused(&[read.clone(), unreadable.clone(), unreadable.clone(), unreadable]), None);
    assert_eq!(refused(&[gone]), None);
    assert_eq!(refused(&[read]), None);
    assert_eq!(refused(&[]), None);
}

#[test]
fn only_a_frame_that_is_not_found_is_asked_for_again() {
    assert!(not_found(&Attributes::Unreadable(Fault::status(404, "x", ""))));
    assert!(!not_found(&Attributes::Unreadable(Fault::status(403, "x", ""))));
    assert!(!not_found(&Attributes::Gone) && !not_found(&Attributes::Read(Vec::new())));
    assert_eq!(sub("I1Fm a").path, "/streamsets/I1Fm%20a/value");
    let server = Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h"}}"#).unwrap());
    assert_eq!(Values::new(Batch::new(&server, None), 100).batch_size, 100);
}
