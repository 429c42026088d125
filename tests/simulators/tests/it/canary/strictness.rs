//! What a real server rejects is rejected here.

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Knobs};

use super::client::{END, START, call, clean, code, good, launch, path, raw, send, with};

#[test]
fn routes_exist_only_where_their_version_has_them() {
    let server = launch(clean());
    let status = |method: &str, path: &str| send(&server, method, path, "", b"{}").status;
    for (method, path, expected) in [
        ("POST", "/api/v2/getCurrentValue", 404),
        ("POST", "/api/v2/browseAssets", 404),
        ("POST", "/api/v3/getAggregates", 404),
        ("POST", "/api/v2/getAggregates/x", 404),
        ("POST", "/views", 404),
        ("POST", "/api/v1/getTagData2", 404),
        ("POST", "/api/v1/getEvents", 404),
        ("GET", "/api/v1/getTimeZones", 405),
        ("PUT", "/api/v2/getTimeZones", 405),
        ("GET", "/api/v2/getTimeZones", 200),
        ("GET", "/api/v2/GETTIMEZONES", 200),
        ("POST", "/api/v1/getTimeZones", 200),
        ("GET", "/help", 200),
    ] {
        assert_eq!(status(method, path), expected, "{method} {path}");
    }
    let missing = send(&server, "POST", "/api/v2/getCurrentValue", "", b"{}");
    assert!(missing.header("content-type").unwrap().starts_with("text/html") && missing.text().contains("<HTML>"));
    let old = launch(Config { v2: false, version: (20, 0), ..clean() });
    assert_eq!(send(&old, "POST", "/api/v2/getAggregates", "", b"{}").status, 404);
    let older = launch(Config { version: (24, 1), ..clean() });
    assert_eq!(send(&older, "POST", "/api/v2/getBatchEvents", "", b"{}").status, 404);
}

#[test]
fn parameters_of_the_wrong_kind_are_errors() {
    let server = launch(clean());
    let tag = path(&server, 0);
    for wrong in [
        json!({"maxSize": "ten"}),
        json!({"maxSize": -1}),
        json!({"maxSize": 1.5}),
        json!({"includeQuality": "yes"}),
        json!({"tags": {"a": 1}}),
        json!({"tags": [1]}),
        json!({"tags": null}),
        json!({"timezone": "America/New_York"}),
        json!({"timezone": 5}),
        json!({"startTime": "yesterday"}),
        json!({"startTime": 1_700_000_000}),
        json!({"startTime": null}),
        json!({"startTime": END, "endTime": START}),
        json!({"startTime": "2024-02-30T00:00:00Z"}),
        json!({"continuation": ["xqR72anHAu3"]}),
    ] {
        let answer = call(&server, "getTagData2", &with(&raw(&[&tag]), wrong.clone()));
        assert_eq!(answer["statusCode"], "Errors", "{wrong}");
        assert!(answer["errors"][0].is_string() && answer.get("data").is_none(), "{answer}");
    }
    assert_eq!(code(&server, "getTagData2", &with(&json!({"tags": [tag]}), json!({"quality": "best"}))), "Errors");
    assert_eq!(code(&server, "getUserToken", &json!({})), "Errors", "an application is required");
    assert_eq!(code(&server, "getTagContext", &json!({})), "Errors");
    assert_eq!(code(&server, "getEvents", &json!({"searchMode": "all"})), "Errors");
    let singular = launch(Config { knobs: Knobs { error_singular: true, ..Knobs::default() }, ..clean() });
    assert_eq!(code(&singular, "getTagContext", &json!({})), "Error");
}

#[test]
fn unknown_tags_have_one_sample_of_the_year_1_and_unknown_datasets_are_errors() {
    let server = launch(Config { hidden: vec![4], ..clean() });
    let unknown = "SIMHIST.Plant A.No such (tag)";
    for tag in [unknown, &path(&server, 4)] {
        let answer = good(&server, "getTagData2", &raw(&[tag]));
        let sample = json!([{"t": "0001-01-01T00:00:00.0000000", "v": null, "q": 32_768}]);
        assert_eq!(answer["data"][tag], sample, "hidden tags are as unknown as others");
        let context = good(&server, "getTagContext", &json!({"tags": [tag]}));
        assert_eq!(context["data"][0]["tagContext"]["historianItemId"], Value::Null);
        assert_eq!(good(&server, "getTagProperties", &json!({"tags": [tag]}))["properties"], json!({}));
    }
    for tag in ["SIMHIST.Plant B.x", "OTHER.Plant A.x", "SIMHIST", "x"] {
        assert_eq!(code(&server, "getTagData2", &raw(&[tag])), "Errors", "{tag}");
    }
    let lenient = Knobs { unknown_dataset_errors: false, ..Knobs::default() };
    let server = launch(Config { knobs: lenient, ..clean() });
    assert_eq!(good(&server, "getTagData2", &raw(&["OTHER.x"]))["data"], json!({"OTHER.x": []}));
}

#[test]
fn a_body_that_cannot_be_read_is_no_call() {
    let server = launch(clean());
    for body in ["{\"tags\":", "[1]", "\"x\"", "tags", "\u{feff}{"] {
        assert_eq!(send(&server, "POST", "/api/v2/getTagData2", "", body.as_bytes()).status, 400, "{body}");
    }
    assert_eq!(send(&server, "POST", "/api/v2/getTagData2", "", b"\xff").status, 400);
    let small = launch(Config { max_body: 100, ..clean() });
    assert_eq!(send(&small, "POST", "/api/v2/getTagData2", "", &[b' '; 101]).status, 413);
}

#[test]
fn too_many_requests_are_refused_with_a_page() {
    let server = launch(Config { rate_limit: Some(2), ..clean() });
    let statuses: Vec<u16> = (0..4).map(|_| send(&server, "GET", "/api/v2/getTimeZones", "", b"").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    let refused = (0..4).map(|_| send(&server, "GET", "/api/v2/getTimeZones", "", b"")).find(|it| it.status == 429);
    assert_eq!(refused.unwrap().header("retry-after"), Some("1"));
}
