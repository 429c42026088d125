//! Tokens: who gets one, where it may stand, how long it lives.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_simulators::canary::{ApiTokenRefusal, Auth, Config, Knobs};

use super::client::{call, clean, code, good, launch, post, send};

fn user(change: impl FnOnce(&mut Config)) -> Config {
    let auth = Auth::User { username: "ops".into(), password: "s3cret".into() };
    let mut config = Config { auth, knobs: Knobs { plain_credentials: true, ..Knobs::default() }, ..clean() };
    change(&mut config);
    config
}

fn api(change: impl FnOnce(&mut Knobs)) -> Config {
    let mut knobs = Knobs { plain_credentials: true, ..Knobs::default() };
    change(&mut knobs);
    Config { auth: Auth::ApiToken { token: "tok-1".into() }, knobs, ..clean() }
}

fn login() -> Value {
    json!({"username": "OPS", "password": "s3cret", "application": "test", "timezone": "India Standard Time"})
}

#[test]
fn a_user_token_lives_while_used_and_is_given_back() {
    let server = launch(user(|_| {}));
    assert_eq!(code(&server, "browseNodes", &json!({})), "BadUserToken");
    assert_eq!(code(&server, "browseNodes", &json!({"userToken": "x"})), "BadUserToken");
    for wrong in [
        json!({"password": "S3CRET"}),
        json!({"username": "root"}),
        json!({"password": null}),
        json!({"application": null}),
    ] {
        assert_eq!(code(&server, "getUserToken", &super::client::with(&login(), wrong)), "Errors");
    }
    let token = good(&server, "getUserToken", &login())["userToken"].clone();
    let ask = json!({"userToken": token});
    for _ in 0..3 {
        server.let_pass(Duration::from_secs(200));
        assert_eq!(code(&server, "browseNodes", &ask), "Good");
    }
    assert_eq!(server.stats().user_tokens.open, 1);
    server.let_pass(Duration::from_secs(301));
    assert_eq!(code(&server, "browseNodes", &ask), "BadUserToken");
    let token = good(&server, "getUserToken", &login())["userToken"].clone();
    assert_eq!(code(&server, "revokeUserToken", &json!({"userToken": token})), "Good");
    assert_eq!(code(&server, "revokeUserToken", &json!({"userToken": token})), "BadUserToken");
    let tokens = server.stats().user_tokens;
    assert_eq!((tokens.open, tokens.issued, tokens.revoked, tokens.expired), (0, 2, 1, 1));
}

#[test]
fn the_zone_of_a_user_token_is_fixed_when_it_is_made() {
    let server = launch(user(|_| {}));
    let token = good(&server, "getUserToken", &login())["userToken"].clone();
    let tag = server.truth().points()[0].path.clone();
    let answer = good(&server, "getTagData2", &json!({"tags": [tag], "timezone": "UTC", "userToken": token}));
    assert!(answer["data"][&tag][0]["t"].as_str().unwrap().ends_with("+05:30"), "{answer}");
}

#[test]
fn licences_run_out() {
    let server = launch(user(|config| config.licences = Some(1)));
    let token = good(&server, "getUserToken", &login())["userToken"].clone();
    assert_eq!(code(&server, "getUserToken", &login()), "BadLicense");
    good(&server, "revokeUserToken", &json!({"userToken": token}));
    good(&server, "getUserToken", &login());
    server.let_pass(Duration::from_secs(301));
    good(&server, "getUserToken", &login());
    let unlicensed = launch(Config { licensed: false, ..clean() });
    assert_eq!(code(&unlicensed, "browseNodes", &json!({})), "BadLicense");
}

#[test]
fn credentials_need_https() {
    let server = launch(user(|config| config.knobs.plain_credentials = false));
    assert_eq!(code(&server, "getUserToken", &login()), "Errors");
    let server = launch(api(|knobs| knobs.plain_credentials = false));
    assert_eq!(code(&server, "browseNodes", &json!({"apiToken": "tok-1"})), "Errors");
}

#[test]
fn an_api_token_may_stand_in_three_places_and_is_seen_there() {
    let server = launch(api(|_| {}));
    let ask = |path: &str, headers: &str, body: &str| {
        send(&server, "POST", &format!("/api/v2/{path}"), headers, body.as_bytes()).json()["statusCode"].clone()
    };
    assert_eq!(ask("browseNodes", "Authorization: bearer tok-1\r\n", ""), "Good");
    assert_eq!(ask("browseNodes", "", r#"{"ApiToken":"tok-1"}"#), "Good");
    assert_eq!(ask("browseNodes", "", r#"{"accessToken":"tok-1"}"#), "Good");
    assert_eq!(ask("browseNodes?apitoken=tok-1", "", ""), "Good");
    let stats = server.stats();
    assert_eq!((stats.tokens_in("header"), stats.tokens_in("body"), stats.tokens_in("query")), (1, 2, 1));
    assert_eq!(ask("browseNodes", "apiToken: tok-1\r\n", ""), "BadUserToken", "there is no such header");
    assert_eq!(ask("browseNodes", "Authorization: Bearer tok-2\r\n", ""), "BadUserToken");
    assert_eq!(ask("browseNodes", "Authorization: Basic tok-1\r\n", ""), "BadUserToken");
    assert_eq!(ask("browseNodes", "", ""), "BadUserToken");
    assert_eq!(ask("getAggregates", "", ""), "Good", "the ping needs none");
    assert_eq!(ask("getUserToken", "", r#"{"application":"x"}"#), "Errors");
}

#[test]
fn older_builds_do_not_read_the_header() {
    let server = launch(api(|knobs| knobs.bearer = false));
    let bearer = "Authorization: Bearer tok-1\r\n";
    assert_eq!(send(&server, "POST", "/api/v2/browseNodes", bearer, b"").json()["statusCode"], "BadUserToken");
    assert_eq!(code(&server, "browseNodes", &json!({"apiToken": "tok-1"})), "Good");
}

#[test]
fn a_wrong_api_token_is_refused_as_switched() {
    for (refusal, status, text) in [
        (ApiTokenRefusal::BadUserToken, 200, "BadUserToken"),
        (ApiTokenRefusal::Errors, 200, "Errors"),
        (ApiTokenRefusal::Unauthorized, 401, "Unauthorized"),
        (ApiTokenRefusal::Forbidden, 403, "Forbidden"),
    ] {
        let server = launch(api(|knobs| knobs.api_token_refusal = refusal));
        let answer = post(&server, "browseNodes", &json!({"apiToken": "tok-2"}));
        assert_eq!(answer.status, status);
        assert!(answer.text().contains(text), "{}", answer.text());
    }
}

#[test]
fn anonymous_access_needs_a_user_token_on_version_1_alone() {
    let server = launch(clean());
    assert_eq!(code(&server, "browseNodes", &json!({})), "Good");
    assert_eq!(code(&server, "browseNodes", &json!({"apiToken": "11111111-2222-3333-4444-555555555555"})), "Good");
    assert_eq!(code(&server, "browseNodes", &json!({"apiToken": "x"})), "BadUserToken");
    let old = |body: &Value| send(&server, "POST", "/api/v1/browseNodes", "", body.to_string().as_bytes()).json();
    assert_eq!(old(&json!({}))["statusCode"], "BadUserToken");
    let token = call(&server, "getUserToken", &json!({"application": "x"}))["userToken"].clone();
    assert_eq!(old(&json!({"userToken": token}))["statusCode"], "Good");
    assert_eq!(code(&server, "getUserToken", &json!({"application": "x", "username": "u", "password": "p"})), "Errors");
}
