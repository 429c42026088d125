//! Live data: first what stands, then what arrives, for as long as somebody polls.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Knobs, parse_rfc3339};

use super::client::{END, clean, code, expected, good, launch, path};

#[test]
fn polls_tell_what_has_arrived_since() {
    let server = launch(Config { knobs: Knobs { live_objects: true, ..Knobs::default() }, ..clean() });
    let (a, b) = (path(&server, 0), path(&server, 1));
    let end = parse_rfc3339(END).unwrap();
    for (mode, count) in [("AllValues", 5), ("LastValue", 1)] {
        server.truth().set_end(end - 3_000_000_000);
        let ask = json!({"tags": [a, b], "mode": mode, "includeQuality": true, "timezone": "UTC"});
        let token = good(&server, "getLiveDataToken", &ask)["liveDataToken"].clone();
        let poll = |next: Value| good(&server, "getLiveData", &json!({"liveDataToken": token, "continuation": next}));
        let first = poll(Value::Null);
        assert_eq!(first["data"][&a].as_array().unwrap().len(), 1, "the current value");
        assert_eq!(first["continuation"], json!(["1"]));
        assert_eq!(poll(json!(["1"]))["data"], json!({}), "nothing changed");
        server.truth().set_end(end);
        let news = poll(json!(["2"]))["data"][&a].clone();
        let mut truth = server.truth().events(0, (end - 3_000_000_000) * 100, i64::MAX);
        truth.reverse();
        truth.truncate(count);
        assert_eq!(news, json!(expected(&truth)), "newest first");
        assert_eq!(code(&server, "getLiveData", &json!({"liveDataToken": token, "continuation": ["9"]})), "Errors");
        good(&server, "revokeLiveDataToken", &json!({"liveDataToken": token}));
        assert_eq!(code(&server, "getLiveData", &json!({"liveDataToken": token})), "BadLiveDataToken");
    }
}

#[test]
fn samples_are_arrays_unless_switched_and_idle_tokens_expire() {
    let server = launch(clean());
    let token = good(&server, "getLiveDataToken", &json!({"tags": [path(&server, 0)]}))["liveDataToken"].clone();
    let ask = json!({"liveDataToken": token});
    assert_eq!(good(&server, "getLiveData", &ask)["data"][path(&server, 0)][0].as_array().unwrap().len(), 2);
    server.let_pass(Duration::from_secs(299));
    assert_eq!(code(&server, "getLiveData", &ask), "Good");
    server.let_pass(Duration::from_secs(301));
    assert_eq!(code(&server, "getLiveData", &ask), "BadLiveDataToken");
    assert_eq!(server.stats().live_tokens.expired, 1);
}
