//! `tidegate-sim canary`: one line on stdout, the options, the control requests.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::{Answer, exchange_at};

fn ask(address: SocketAddr, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: c\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    exchange_at(address, request.as_bytes())
}

#[test]
fn it_says_where_it_listens_obeys_its_options_and_its_control_requests() {
    let options = "canary --tags 12 --days 0.1 --end 2024-03-01T07:00:00Z --auth user --username u --password p \
        --plain-credentials --licences 2 --frames-per-day 40 --kinds Float32=2,Bool --clean --control \
        --fault status:503,count=1 --server-version 24.1 --null-entries --tag-interval 1=1";
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate-sim"))
        .args(options.split_ascii_whitespace())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on http://").unwrap();
    let address: SocketAddr = url.strip_suffix("/api/v2").unwrap().parse().unwrap();
    let call = |method: &str, body: Value| ask(address, "POST", &format!("/api/v2/{method}"), &body);
    let login = json!({"application": "t", "username": "u", "password": "p"});
    assert_eq!(call("getUserToken", login.clone()).status, 503, "the fault");
    let token = call("getUserToken", login).json()["userToken"].clone();
    assert_eq!(call("getBatchEvents", json!({"userToken": token})).status, 404);
    let control = |method: &str, path: &str, body: Value| {
        let answer = ask(address, method, &format!("/_sim/{path}"), &body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    let points = control("GET", "points", Value::Null);
    assert_eq!(points.as_array().unwrap().len(), 14);
    let tag = points[1]["path"].as_str().unwrap().to_owned();
    let edit =
        json!({"tag": tag, "insert": [{"timestamp": "2024-03-01T06:59:59.0000001Z", "value": null, "quality": 32768}]});
    let truth = || control("GET", &format!("truth?tag={}", crate::client::encode(&tag)), Value::Null);
    let before = truth().as_array().unwrap().len();
    assert!((8639..=8641).contains(&before), "one second between samples: {before}");
    assert_eq!(control("POST", "events", edit)["inserted"], 1);
    let after = truth();
    let marked = after.as_array().unwrap().iter().filter(|sample| sample["quality"] == 32_768).count();
    assert_eq!((after.as_array().unwrap().len(), marked), (before + 1, 1));
    assert!(!control("GET", "frames", Value::Null).as_array().unwrap().is_empty());
    control("POST", "state", json!({"pass_seconds": 301}));
    assert_eq!(call("browseNodes", json!({"userToken": token})).json()["statusCode"], "BadUserToken");
    assert_eq!(control("GET", "stats", Value::Null)["user_tokens"]["expired"], 1);
    control("POST", "faults", json!(["errors,count=1"]));
    assert_eq!(call("getTimeZones", Value::Null).json()["statusCode"], "Errors");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn wrong_options_are_refused_before_anything_listens() {
    for (options, about) in [
        ("canary --fault web-exception", "web-exception"),
        ("canary --kinds Digital", "--kinds"),
        ("canary --auth api-token", "--token"),
        ("canary --server-version x", "--server-version"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tidegate-sim")).args(options.split_ascii_whitespace()).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{options}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(about), "{options}: {message}");
    }
}
