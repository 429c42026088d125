//! One call in all the forms in which clients send it.

use serde_json::json;
use tidegate_simulators::canary::Config;

use super::client::{clean, good, launch, path, send};
use crate::client::encode;

#[test]
fn query_form_and_json_mean_the_same() {
    let server = launch(Config { hostile_names: true, ..clean() });
    let tags = [path(&server, 1), path(&server, 4)];
    let json = json!({"tags": tags, "timezone": "UTC", "includeQuality": true});
    let expected = good(&server, "getTagData2", &json);
    assert_eq!(expected["data"].as_object().unwrap().len(), 2);
    let form = format!("tags={}&TAGS={}&TimeZone=UTC&INCLUDEQUALITY=True", encode(&tags[0]), encode(&tags[1]));
    let ask = |method: &str, query: &str, headers: &str, body: &str| {
        let answer = send(&server, method, &format!("/api/v2/getTagData2{query}"), headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(ask("GET", &format!("?{form}"), "", ""), expected);
    assert_eq!(ask("POST", "", form_type, &form), expected);
    assert_eq!(ask("POST", "", "", &json.to_string()), expected, "JSON without a content type");
    assert_eq!(ask("POST", "", form_type, &json.to_string()), expected, "JSON under a wrong one");
    assert_eq!(ask("GET", "", "", &json.to_string()), expected, "GET with a body");
    assert_eq!(ask("POST", "?timezone=India%20Standard%20Time", "", &json.to_string()), expected, "the body counts");
}

#[test]
fn one_string_is_a_list_and_null_is_absent() {
    let server = launch(clean());
    let tag = path(&server, 0);
    let list = good(&server, "getTagData2", &json!({"tags": [tag], "timezone": "UTC"}));
    let one = json!({"TAGS": tag, "timezone": "UTC", "startTime": null, "continuation": null, "aggregateName": null});
    assert_eq!(good(&server, "getTagData2", &one), list);
    assert_eq!(list["data"][&tag].as_array().unwrap().len(), 1, "no times: the last value");
}

#[test]
fn relative_times_are_understood() {
    let server = launch(clean());
    let tag = path(&server, 0);
    let count = |start: &str, end: &str| {
        let ask = json!({"tags": [tag], "startTime": start, "endTime": end, "timezone": "UTC"});
        good(&server, "getTagData2", &ask)["data"][&tag].as_array().unwrap().len()
    };
    assert_eq!(count("Beginning", "Ending"), 720);
    assert_eq!(count("ending - 2Hours", "Ending - 1h - 1Millisecond"), 60);
    assert_eq!(count("now-1d", "now"), 0, "the history ended long ago");
}
