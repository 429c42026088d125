//! Calls of the read API over a socket, and what their answers hold.

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Sample, Server, Sprinkle, parse_rfc3339};

use crate::client::{Answer, exchange_at};

/// End of every test server's history.
pub(crate) const END: &str = "2024-03-01T07:00:00Z";
/// Start of every test server's history.
pub(crate) const START: &str = "2024-02-29T19:00:00Z";

/// Ten tags, half a day, ending at [`END`].
pub(crate) fn config() -> Config {
    Config { days: 0.5, end: Some(parse_rfc3339(END).unwrap()), ..Config::default() }
}

/// As [`config`], without unusual samples.
pub(crate) fn clean() -> Config {
    Config { sprinkle: Sprinkle::none(), ..config() }
}

pub(crate) fn launch(config: Config) -> Server {
    Server::launch(config).unwrap()
}

/// Any request: method, path, header lines, body.
pub(crate) fn send(server: &Server, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: canary\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    exchange_at(server.address(), &request)
}

/// `POST /api/v2/<method>` with JSON.
pub(crate) fn post(server: &Server, method: &str, body: &Value) -> Answer {
    send(
        server,
        "POST",
        &format!("/api/v2/{method}"),
        "Content-Type: application/json\r\n",
        body.to_string().as_bytes(),
    )
}

/// As [`post`]; the JSON of an answer with status 200.
pub(crate) fn call(server: &Server, method: &str, body: &Value) -> Value {
    let answer = post(server, method, body);
    assert_eq!(answer.status, 200, "{method}: {}", answer.text());
    answer.json()
}

/// As [`call`], which must succeed.
pub(crate) fn good(server: &Server, method: &str, body: &Value) -> Value {
    let answer = call(server, method, body);
    assert_eq!(answer["statusCode"], "Good", "{method}: {answer}");
    assert_eq!(answer["errors"], json!([]));
    answer
}

/// `statusCode` of an answer.
pub(crate) fn code(server: &Server, method: &str, body: &Value) -> String {
    call(server, method, body)["statusCode"].as_str().unwrap().to_owned()
}

/// Full path of the tag at `index` in the historian view.
pub(crate) fn path(server: &Server, index: usize) -> String {
    server.truth().points()[index].path.clone()
}

/// The parameters of a raw read of the whole history, with quality, in UTC.
pub(crate) fn raw(tags: &[&str]) -> Value {
    json!({"tags": tags, "startTime": START, "endTime": END, "includeQuality": true, "timezone": "UTC"})
}

/// `value` with further members.
pub(crate) fn with(value: &Value, members: Value) -> Value {
    let mut value = value.clone();
    for (name, member) in members.as_object().unwrap() {
        value[name] = member.clone();
    }
    value
}

/// Every page of one tag after the other: samples by tag, and the number of pages.
pub(crate) fn pages(server: &Server, ask: &Value) -> (serde_json::Map<String, Value>, usize) {
    let mut found = serde_json::Map::new();
    let mut next = Value::Null;
    for page in 1.. {
        let answer = good(server, "getTagData2", &with(ask, json!({"continuation": next})));
        for (tag, samples) in answer["data"].as_object().unwrap() {
            let samples = samples.as_array().unwrap().clone();
            found.entry(tag).or_insert_with(|| json!([])).as_array_mut().unwrap().extend(samples);
        }
        next = answer["continuation"].clone();
        if next.is_null() {
            return (found, page);
        }
        assert!(page < 10_000, "pages without end");
    }
    unreachable!()
}

/// What `samples` must look like in UTC with quality.
pub(crate) fn expected(samples: &[Sample]) -> Vec<Value> {
    samples.iter().map(|sample| json!({"t": stamp(sample.ticks), "v": value(sample), "q": sample.quality})).collect()
}

/// The JSON value of a sample.
pub(crate) fn value(sample: &Sample) -> Value {
    serde_json::from_str(&sample.value.json()).unwrap()
}

/// An instant in UTC as the server writes it: always seven digits.
pub(crate) fn stamp(ticks: i64) -> String {
    let text = tidegate_simulators::canary::format_ticks(ticks);
    let text = text.strip_suffix('Z').unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{fraction:0<7}+00:00")
}
