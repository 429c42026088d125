//! Each fault does what it says, and nothing once it is used up.

use serde_json::json;
use tidegate_simulators::canary::{Config, Effect, Fault, Server};

use super::client::{clean, code, expected, good, launch, path, post, raw, with};

fn arm(server: &Server, spec: &str) {
    server.set_faults(vec![Fault::parse(spec).unwrap()]);
}

#[test]
fn http_failures_come_with_pages_and_envelope_failures_with_200() {
    let server = launch(clean());
    let ask = raw(&[&path(&server, 0)]);
    for status in [401, 404, 429, 500, 503] {
        arm(&server, &format!("status:{status},route=getTagData2,count=1"));
        let answer = post(&server, "getTagData2", &ask);
        assert_eq!((answer.status, answer.text().contains("<HTML>")), (status, true));
        assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503));
        assert_eq!(post(&server, "getTagData2", &ask).status, 200, "once only");
        assert_eq!(server.fired(), [1]);
    }
    for (spec, expected) in [
        ("errors", "Errors"),
        ("bad-user-token", "BadUserToken"),
        ("bad-license", "BadLicense"),
        ("bad-live-data-token", "BadLiveDataToken"),
    ] {
        arm(&server, &format!("{spec},route=getTag*,count=1"));
        assert_eq!(code(&server, "browseNodes", &json!({})), "Good", "another route");
        assert_eq!(code(&server, "getTagData2", &ask), expected);
    }
}

#[test]
fn broken_bodies_are_broken_as_told() {
    let server = launch(clean());
    let ask = raw(&[&path(&server, 0)]);
    for spec in ["cut:0.5", "cut-length:0.5"] {
        arm(&server, spec);
        let answer = post(&server, "getTagData2", &ask);
        assert!(!answer.complete && serde_json::from_slice::<serde_json::Value>(&answer.body).is_err(), "{spec}");
    }
    arm(&server, "reset");
    assert_eq!(post(&server, "getTagData2", &ask).status, 0);
    for spec in ["garbage", "html", "empty"] {
        arm(&server, spec);
        let answer = post(&server, "getTagData2", &ask);
        assert_eq!(answer.status, 200);
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err(), "{spec}");
    }
    arm(&server, "no-payload");
    assert_eq!(good(&server, "getTagData2", &ask), json!({"statusCode": "Good", "errors": []}));
}

#[test]
fn lists_lose_double_and_swap_samples() {
    let server = launch(clean());
    let tag = path(&server, 0);
    let ask = raw(&[&tag]);
    let truth = expected(&server.truth().events(0, 0, i64::MAX));
    let shown = |spec: &str| {
        arm(&server, spec);
        good(&server, "getTagData2", &ask)["data"][&tag].as_array().unwrap().clone()
    };
    assert_eq!(shown("offline"), [] as [serde_json::Value; 0]);
    let mut doubled = shown("duplicate");
    assert_eq!(doubled.len(), truth.len() + 1);
    doubled.dedup();
    assert_eq!(doubled, truth);
    let swapped = shown("unordered");
    assert_ne!(swapped, truth);
    assert_eq!(swapped.len(), truth.len());
}

#[test]
fn tokens_expire_and_continuations_are_rejected_between_pages() {
    let server = launch(clean());
    let token = good(&server, "getUserToken", &json!({"application": "x"}))["userToken"].clone();
    let ask = with(&raw(&[&path(&server, 0)]), json!({"maxSize": 100, "userToken": token}));
    server.set_faults(vec![Fault::new(Effect::ExpireTokens).route("getTagData2").nth(2).times(1)]);
    let next = good(&server, "getTagData2", &ask)["continuation"].clone();
    let more = with(&ask, json!({"continuation": next}));
    assert_eq!(code(&server, "getTagData2", &more), "BadUserToken");
    let token = good(&server, "getUserToken", &json!({"application": "x"}))["userToken"].clone();
    let more = with(&more, json!({"userToken": token}));
    assert_eq!(code(&server, "getTagData2", &more), "Good", "the continuation outlives the token");
    arm(&server, "reject-continuation");
    assert_eq!(code(&server, "getTagData2", &ask), "BadUserToken");
    assert_eq!(code(&server, "getTagData2", &with(&ask, json!({"userToken": null}))), "Good");
    assert_eq!(code(&server, "getTagData2", &with(&more, json!({"userToken": null}))), "Errors");
}

#[test]
fn tags_vanish_and_sequences_bump() {
    let server = launch(Config { tags: 10, ..clean() });
    let (a, b) = (path(&server, 0), path(&server, 1));
    server.set_faults(vec![Fault::new(Effect::Vanish).tag(&b)]);
    let answer = good(&server, "getTagData2", &raw(&[&a, &b]));
    assert!(answer["data"][&a].as_array().unwrap().len() > 100);
    assert_eq!(answer["data"][&b][0]["t"], "0001-01-01T00:00:00.0000000");
    good(&server, "getTagData2", &raw(&[&a]));
    assert_eq!(server.fired(), [1], "only requests about that tag");
    let before = server.truth().sequence("UNS");
    arm(&server, "bump-sequence,count=1");
    good(&server, "browseStatus", &json!({}));
    assert_ne!(server.truth().sequence("UNS"), before);
}

#[test]
fn a_tag_is_left_out_of_the_contexts_alone() {
    let server = launch(Config { tags: 10, ..clean() });
    let (a, b) = (path(&server, 0), path(&server, 1));
    server.set_faults(vec![Fault::parse("omit-context,count=1").unwrap().tag(&b)]);
    let shown = || good(&server, "getTagContext", &json!({"tags": [&a, &b]}))["data"].as_array().unwrap().clone();
    let contexts = shown();
    assert_eq!((contexts.len(), &contexts[0]["tagName"]), (1, &json!(a)));
    assert_eq!(shown().len(), 2, "once only");
}

#[test]
fn effects_of_another_server_are_refused() {
    for spec in ["web-exception", "item-errors", "no-items", "cap:5", "expire-tokens:3", "status:200"] {
        assert!(Fault::parse(spec).is_err(), "{spec}");
    }
    assert!(tidegate_simulators::pi::Fault::parse("expire-tokens").is_err());
}
