//! What a real server rejects, this one rejects.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_simulators::pi::{Auth, Config, Form, Hidden, Kind, Knobs};

use crate::client::{batch, clean, config, database, encode, exchange, get, get_with, id, items, launch, plant, post};

#[test]
fn bad_parameters_are_400_and_units_of_a_point_409() {
    let server = launch(clean());
    let stream = format!("/streams/{}/recorded", id(&server, 0));
    for (query, status) in [
        ("maxCount=150001", 400),
        ("maxCount=150000", 200),
        ("maxCount=0", 400),
        ("maxCount=many", 400),
        ("startTime=soon", 400),
        ("startTime=2024-03-01T00:00:00+01:00", 400),
        ("startTime=2024-03-01T00:00:00%2B01:00", 200),
        ("boundaryType=Around", 400),
        ("desiredUnits=degC", 409),
        ("filterExpression='.'%20%3E%203", 409),
        ("timeZone=Nowhere", 400),
        ("includeFilteredValues=perhaps", 400),
        ("STARTTIME=*-1h&EndTime=*", 200),
        ("somethingElse=1", 200),
    ] {
        let answer = get(&server, &format!("{stream}?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    let text = get(&server, &format!("{stream}?maxCount=200000")).json()["Errors"][0].as_str().unwrap().to_owned();
    assert_eq!(text, "Parameter 'maxCount' is greater than the maximum allowed (150000).");
    let strict = launch(Config { knobs: Knobs { refuse_unknown_parameters: true, ..Knobs::default() }, ..clean() });
    assert_eq!(get(&strict, &format!("{stream}?somethingElse=1")).status, 400);
}

#[test]
fn unknown_routes_methods_and_web_ids_are_told_apart() {
    let server = launch(clean());
    for (path, status) in [
        ("/nowhere", 404),
        ("/streams/garbage!/value", 400),
        ("/streams/P1DPU0lNUElcVEFHMQ/value", 404),
        ("/streams/I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g/value", 404),
        ("/points", 400),
        ("/assetdatabases", 400),
        ("/points?path=nothing", 400),
        ("/system/configuration", 403),
        ("/SYSTEM/UserInfo", 200),
        ("/", 200),
    ] {
        assert_eq!(get(&server, path).status, status, "{path}");
    }
    assert!(get(&server, "/nowhere").json()["Message"].as_str().unwrap().starts_with("No HTTP resource was found"));
    let put = exchange(
        &server,
        b"PUT /piwebapi/system HTTP/1.1\r\nHost: pi\r\nX-Requested-With: x\r\nConnection: close\r\n\r\n",
    );
    assert_eq!((put.status, put.header("allow")), (405, Some("GET")));
    assert_eq!(get(&server, "/batch").status, 405);
    assert_eq!(exchange(&server, b"GET /other HTTP/1.1\r\nHost: pi\r\nConnection: close\r\n\r\n").status, 404);
}

#[test]
fn post_needs_the_csrf_header_and_json() {
    let server = launch(clean());
    let body = json!({"a": {"Method": "GET", "Resource": "http://pi/piwebapi/"}});
    assert_eq!(post(&server, "", body.to_string().as_bytes()).status, 400);
    assert_eq!(batch(&server, &body).status, 207);
    let request = "POST /piwebapi/batch HTTP/1.1\r\nHost: pi\r\nConnection: close\r\nX-Requested-With: x\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(exchange(&server, request.as_bytes()).status, 415);
    let lax = launch(Config { knobs: Knobs { csrf: false, ..Knobs::default() }, ..clean() });
    assert_eq!(post(&lax, "", body.to_string().as_bytes()).status, 207);
}

#[test]
fn http_sys_refuses_long_segments_lines_and_bodies_with_html() {
    let server = launch(Config { max_body: 1000, ..clean() });
    let long = get(&server, &format!("/streams/{}/value", "A".repeat(261)));
    assert_eq!((long.status, long.text().contains("Invalid URL")), (400, true));
    let line = get(&server, &format!("/streamsets/value?webId={}", "A".repeat(16_400)));
    assert_eq!((line.status, line.text().contains("Request Too Long")), (400, true));
    let body = post(&server, "X-Requested-With: x\r\n", &[b' '; 1001]);
    assert_eq!((body.status, body.text().contains("<HTML>")), (413, true));
}

#[test]
fn credentials_are_asked_for() {
    let auth = Auth::Basic { username: "ops".into(), password: "secret".into() };
    let server = launch(Config { auth, ..clean() });
    let refused = get(&server, "/system");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic"));
    assert!(refused.json()["Message"].as_str().unwrap().starts_with("Authorization has been denied"));
    assert_eq!(get_with(&server, "/system", "Authorization: Basic b3BzOnNlY3JldA==\r\n").status, 200);
    assert_eq!(get_with(&server, "/system", "Authorization: Basic b3BzOndyb25n\r\n").status, 401);
}

#[test]
fn the_rate_limit_answers_429_with_retry_after() {
    let server = launch(Config { rate_limit: Some(3), ..clean() });
    let statuses: Vec<u16> = (0..40).map(|_| get(&server, "/system").status).collect();
    assert_eq!(statuses[..3], [200; 3]);
    assert!(statuses.contains(&429));
    let knobs = Knobs { rate_limit_counts_subs: true, rate_limit_json: false, retry_after: None, ..Knobs::default() };
    let server = launch(Config { rate_limit: Some(3), knobs, ..clean() });
    let home = json!({"Method": "GET", "Resource": "http://pi/piwebapi/"});
    let answer = batch(&server, &json!({"a": home, "b": home, "c": home, "d": home})).json();
    let limited: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|id| answer[id]["Status"] == 429).collect();
    assert_eq!(limited.len(), 2);
    assert!(answer[limited[0]]["Content"].as_str().unwrap().starts_with("Rate limit was reached"));
}

#[test]
fn hidden_tags_are_absent_from_lists_and_refused_when_read() {
    let hidden = BTreeMap::from([(0, Hidden::Forbidden), (1, Hidden::NotFound), (2, Hidden::BadGateway)]);
    let server = launch(Config { hidden, ..clean() });
    let list = items(&get(&server, "/dataservers").json())[0]["WebId"].as_str().unwrap().to_owned();
    assert_eq!(items(&get(&server, &format!("/dataservers/{list}/points")).json()).len(), 7);
    for (index, status) in [(0, 403), (1, 404), (2, 502), (3, 200)] {
        assert_eq!(get(&server, &format!("/streams/{}/value", id(&server, index))).status, status);
    }
    let path = encode(&server.truth().points()[0].path);
    assert_eq!(get(&server, &format!("/points?path={path}")).status, 404);
    let both = get(&server, &format!("/points/multiple?webId={}&webId={}", id(&server, 0), id(&server, 3)));
    assert_eq!(both.status, 207);
    assert!(items(&both.json())[0]["Exception"]["Errors"][0].is_string());
    assert!(items(&both.json())[1]["Object"]["Name"].is_string());
}

#[test]
fn one_bad_web_id_fails_a_stream_set() {
    let server = launch(clean());
    let [a, b] = [id(&server, 0), id(&server, 1)];
    let window = "startTime=2024-03-01T06:00:00Z&endTime=2024-03-01T07:00:00Z&maxCount=10";
    let good = get(&server, &format!("/streamsets/recorded?webId={a}&webId={b}&{window}"));
    assert_eq!(items(&good.json()).iter().map(|s| items(s).len()).collect::<Vec<_>>(), [10, 10]);
    assert_eq!(get(&server, &format!("/streamsets/recorded?webId={a}&webId=xyz&{window}")).status, 400);
    assert_eq!(get(&server, "/streamsets/value").status, 400);
}

#[test]
fn blobs_cannot_be_read_and_old_servers_have_no_search() {
    let knobs = Knobs { points_search: false, ..Knobs::default() };
    let server = launch(Config { kinds: vec![Kind::Blob], knobs, ..config() });
    assert_eq!(get(&server, &format!("/streams/{}/recorded", id(&server, 0))).status, 501);
    assert_eq!(get(&server, "/points/search?query=x").status, 404);
}

#[test]
fn control_exists_only_where_it_is_asked_for() {
    let closed = launch(clean());
    let ask = |server, path: &str| {
        exchange(server, format!("GET {path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\n\r\n").as_bytes())
    };
    assert_eq!(ask(&closed, "/_sim/stats").status, 404);
    let open = launch(Config { control: true, auth: Auth::Bearer { token: "t".into() }, ..clean() });
    let name = open.truth().points()[0].name.clone();
    let truth = ask(&open, &format!("/_sim/truth?tag={}&start=2024-03-01T06:00:00Z", encode(&name)));
    assert_eq!(truth.json().as_array().unwrap().len(), open.truth().count(0, 1_709_272_800_000_000_000, i64::MAX));
    let post = |path: &str, body: String| {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        exchange(&open, format!("{head}{body}").as_bytes())
    };
    let at = "2024-03-01T06:30:00.1234567Z";
    let row = json!({"timestamp": at, "value": {"Name": "Shutdown", "Value": 254, "IsSystem": true}, "good": false});
    assert_eq!(post("/_sim/events", json!({"tag": name, "insert": [row]}).to_string()).json()["inserted"], 1);
    assert_eq!(post("/_sim/events", json!({"tag": name, "delete": [at]}).to_string()).json()["deleted"], 1);
    assert_eq!(post("/_sim/faults", json!(["reset,count=1"]).to_string()).json()["armed"], 1);
    assert_eq!(post("/_sim/faults", json!(["nonsense"]).to_string()).status, 400);
    assert_eq!(post("/_sim/tags", json!({"name": "LATE", "kind": "Float64"}).to_string()).json()["index"], 10);
    assert_eq!(open.truth().index_of("late"), Some(10));
}

#[test]
fn everyone_reads_the_clock_and_an_administrator_the_limits() {
    let knobs = Knobs { admin: true, ..Knobs::default() };
    let server = launch(Config { knobs, max_items: 7000, rate_limit: Some(900), ..clean() });
    assert!(get(&server, "/system/status").json()["ServerTime"].as_str().unwrap().ends_with('Z'));
    let limits = get(&server, "/system/configuration").json();
    assert_eq!(limits["MaxReturnedItemsPerCall"], 7000);
    assert_eq!((&limits["RateLimitMaxRequests"], &limits["RateLimitDuration"]), (&json!(900), &json!(1)));
    let one = get(&server, "/system/configuration/MaxReturnedItemsPerCall").json();
    assert_eq!(one["MaxReturnedItemsPerCall"], 7000);
}

#[test]
fn every_documented_parameter_of_asset_framework_is_known_and_no_other() {
    let knobs = Knobs { refuse_unknown_parameters: true, ..Knobs::default() };
    let server = launch(Config { knobs, ..plant() });
    let truth = server.truth();
    let base = database(&server);
    let element = truth.assets().elements("Plant")[0].web_id(Form::IdOnly);
    let frame = truth.frames().all("Plant")[0].web_id(Form::IdOnly);
    let page = "sortField=Name&sortOrder=Ascending&startIndex=0&maxCount=9&selectedFields=Items.Id&webIdType=IDOnly";
    let elements = format!("nameFilter=*&descriptionFilter=*&categoryName=*&templateName=*&elementType=Any&{page}");
    let attributes = "nameFilter=*&categoryName=*&templateName=*&valueType=Double&searchFullHierarchy=true\
        &showExcluded=true&showHidden=true&trait=LimitHi&traitCategory=x&associations=DataReference";
    let bulk = "attributeNameFilter=*&attributeDescriptionFilter=*&attributeCategory=*&attributeType=Double\
        &searchFullHierarchy=true&associations=DataReference";
    let times = "searchMode=Overlapped&startTime=*-1d&endTime=*";
    let frames = format!(
        "{times}&nameFilter=*&categoryName=*&templateName=*&severity=None&canBeAcknowledged=true&isAcknowledged=true&{page}"
    );
    let referenced = "referencedElementNameFilter=*&referencedElementTemplateName=*&searchFullHierarchy=true";
    for path in [
        format!("{base}/elements?searchFullHierarchy=true&associations=Paths&{elements}"),
        format!("/elements/{element}/elements?searchFullHierarchy=true&associations=Paths&{elements}"),
        format!("/elements/{element}/referencedelements?{elements}"),
        format!("/elements/{element}/attributes?{attributes}&{page}"),
        format!("/eventframes/{frame}/attributes?{attributes}&{page}"),
        format!(
            "{base}/elementattributes?elementNameFilter=*&elementDescriptionFilter=*&elementCategory=*\
             &elementTemplate=*&elementType=Any&{bulk}&{page}"
        ),
        format!(
            "{base}/eventframeattributes?eventFrameNameFilter=*&eventFrameDescriptionFilter=*&eventFrameCategory=*\
             &eventFrameTemplate=*&referencedElementNameFilter=*&{times}&{bulk}&{page}"
        ),
        format!("{base}/eventframes?{referenced}&{frames}"),
        format!("/eventframes/{frame}/eventframes?{referenced}&{frames}"),
        format!("/elements/{element}/eventframes?{frames}"),
        format!("/streamsets/{frame}/value?nameFilter=*&categoryName=*&templateName=*&showHidden=true&time=*"),
    ] {
        assert_eq!(get(&server, &path).status, 200, "{path}: {}", get(&server, &path).text());
        assert_eq!(get(&server, &format!("{path}&modifiedSince=*")).status, 400, "{path}");
    }
    assert_eq!(get(&server, &format!("/elements/{element}/eventframes?{referenced}")).status, 400);
    assert_eq!(get(&server, &format!("{base}/elementtemplates?startIndex=0")).status, 400);
}
