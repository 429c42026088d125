//! How a run tells Canary who asks: an API token, a user's token, nobody. Tokens are renewed and always given back, a
//! wrong word is a clear error, and nothing secret is in any output, table, log or cache.

use std::time::Duration;

use tidegate_simulators::canary::{ApiTokenRefusal, Auth, Config, Effect, Fault, Knobs, Server};

use super::{config, path};
use crate::crash::random::files;
use crate::plant::{CanaryPlant, Ended};

const USER: &str = "PLANT\\histreader";
const PASSWORD: &str = "s3cr3t/Pa+ss=w0rd";
/// Tokens that a test may use.
const TOKENS: u64 = 40;
const TOKEN: &str = "c0ffee00-1111-4222-8333-444455556666";

/// Credentials are taken without TLS, so that what goes over the wire is the same with less work.
fn plain() -> Knobs {
    Knobs { plain_credentials: true, ..Knobs::default() }
}

fn user() -> Config {
    let auth = Auth::User { username: USER.to_owned(), password: PASSWORD.to_owned() };
    Config { tags: 6, auth, knobs: plain(), ..config() }
}

fn token(knobs: Knobs) -> Config {
    Config { tags: 6, auth: Auth::ApiToken { token: TOKEN.to_owned() }, knobs, ..config() }
}

/// A plant whose configuration finds its secrets in a file beside it.
fn plant(config: Config, auth: &str, secret: &str) -> CanaryPlant {
    let plant = CanaryPlant::start(config);
    std::fs::write(plant.folder.path().join("secret"), secret).unwrap();
    plant.configure(|settings| {
        settings.auth = auth.to_owned();
        settings.performance =
            "{max_requests_per_second: 10000, max_count_per_request: 100, parallel_batches: 2}".to_owned();
    });
    plant
}

fn as_user(config: Config) -> CanaryPlant {
    plant(config, &format!("{{type: session, username: '{USER}', password: '${{file:secret}}'}}"), PASSWORD)
}

/// No token is open, and none was lost but those that the server took away.
fn assert_given_back(plant: &CanaryPlant, issued: u64, expired: u64) {
    let tokens = plant.server.stats().user_tokens;
    assert_eq!(
        (tokens.open, tokens.issued, tokens.revoked, tokens.expired),
        (0, issued, issued - expired, expired),
        "{tokens:?}"
    );
}

#[tokio::test]
async fn an_api_token_goes_in_the_header_over_tls() {
    let plant =
        plant(Config { tls: true, ..token(Knobs::default()) }, "{type: bearer, token: '${file:secret}'}", TOKEN);
    std::fs::write(plant.folder.path().join("ca.pem"), plant.server.ca_pem().unwrap()).unwrap();
    let ca = ["--set", "tls.ca_file=ca.pem", "run"];
    let ended = plant.tidegate(&ca);
    assert_eq!(ended.code, 0, "{ended:#?}");
    plant.assert_mirrors().await;
    let stats = plant.server.stats();
    assert_eq!((stats.tokens_in("header"), stats.tokens_in("body")), (stats.total_requests(), 0), "{stats:?}");
}

#[tokio::test]
async fn an_api_token_goes_in_the_body_where_no_header_is_read() {
    let body = "{type: bearer, token: '${file:secret}', in: body}";
    let plant = plant(token(Knobs { bearer: false, ..plain() }), body, TOKEN);
    plant.run(0);
    plant.assert_mirrors().await;
    let stats = plant.server.stats();
    // Two methods need none, and still it goes along.
    assert!(stats.tokens_in("body") > 5 && stats.tokens_in("header") == 0, "{stats:?}");
    assert_eq!(stats.tokens_in("query"), 0, "{stats:?}");
}

#[tokio::test]
async fn a_token_that_is_not_known_fails_the_run_clearly() {
    let refusals = [
        ApiTokenRefusal::BadUserToken,
        ApiTokenRefusal::Errors,
        ApiTokenRefusal::Unauthorized,
        ApiTokenRefusal::Forbidden,
    ];
    for api_token_refusal in refusals {
        let wrong = "0badc0de-0000-4000-8000-000000000000";
        let config = token(Knobs { api_token_refusal, ..plain() });
        let plant = plant(config, "{type: bearer, token: '${file:secret}'}", wrong);
        let ended = plant.tidegate(&["-vv", "run"]);
        assert_eq!(ended.code, 1, "{api_token_refusal:?}: {ended:#?}");
        let advice = ["`auth`", "API token", "read permission"];
        assert!(advice.iter().any(|words| ended.stderr.contains(words)), "{api_token_refusal:?}: {ended:#?}");
        assert!(!ended.stderr.contains(wrong), "{api_token_refusal:?}: {ended:#?}");
        assert!(!plant.table("timeseries").exists(), "{api_token_refusal:?}");
    }
}

#[tokio::test]
async fn one_token_serves_a_run_and_is_given_back_at_its_end() {
    // One licence: a second login before the first token is back would be refused.
    let plant = as_user(Config { licences: Some(1), ..user() });
    for run in 1..=2 {
        plant.run(0);
        plant.assert_mirrors().await;
        assert_given_back(&plant, run, 0);
    }
    for command in [&["check"][..], &["plan"], &["preview", "-n", "2"], &["discover"], &["reconcile"]] {
        let ended = plant.tidegate(command);
        assert_eq!(ended.code, 0, "{command:?}: {ended:#?}");
        assert_eq!(plant.server.stats().user_tokens.open, 0, "{command:?}");
    }
    let backfilled = plant.tidegate(&["backfill", "--from", "-20d", "--to", "-10d"]);
    assert_eq!((backfilled.code, plant.server.stats().user_tokens.open), (0, 0), "{backfilled:#?}");
    assert_eq!(plant.server.stats().tokens_in("header") + plant.server.stats().tokens_in("query"), 0);
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_of_a_run_is_renewed_and_nothing_is_lost() {
    for (route, body) in [("getTagData2", "\"continuation\":["), ("getTagContext", "{"), ("browseTags", "{")] {
        let plant = as_user(user());
        plant.server.set_faults(vec![Fault::new(Effect::ExpireTokens).route(route).body(body).times(1)]);
        let summary = plant.run(0);
        assert_eq!((plant.server.fired()[0], &summary["gaps"]), (1, &0.into()), "{route}: {summary}");
        plant.assert_mirrors().await;
        assert_given_back(&plant, 2, 1);
    }
}

#[tokio::test]
async fn a_login_that_fails_in_the_middle_of_a_run_is_repeated_as_a_read_would_be() {
    let plant = as_user(Config { knobs: Knobs { retry_after: Some(0), ..plain() }, ..user() });
    // A service that restarts: its tokens are gone, and for all attempts of a request it gives out none.
    let expired = Fault::new(Effect::ExpireTokens).route("getTagData2").times(1);
    let starting = Fault::new(Effect::Status { code: 503 }).route("getUserToken").nth(2).times(4);
    plant.server.set_faults(vec![expired, starting]);
    let summary = plant.run(0);
    assert_eq!((plant.server.fired(), &summary["gaps"]), (vec![1, 4], &0.into()), "{summary}");
    plant.assert_mirrors().await;
    assert_given_back(&plant, 2, 1);
}

#[tokio::test]
async fn a_token_that_idles_too_long_is_renewed() {
    let plant = as_user(Config { token_idle: Duration::from_millis(300), ..user() });
    plant.configure(|settings| {
        settings.auth = format!("{{type: session, username: '{USER}', password: '${{file:secret}}'}}");
        settings.performance =
            "{max_requests_per_second: 10000, max_count_per_request: 100, parallel_batches: 1}".to_owned();
    });
    // An answer that is longer in coming than a token lives.
    plant.server.set_faults(vec![Fault::new(Effect::Delay { ms: 600 }).route("getTagData2").times(1)]);
    let summary = plant.run(0);
    assert_eq!(summary["gaps"], 0, "{summary}");
    plant.assert_mirrors().await;
    assert_given_back(&plant, 2, 1);
}

#[tokio::test]
async fn a_token_that_is_refused_as_soon_as_it_is_given_out_is_not_fetched_again_and_again() {
    let plant = as_user(user());
    plant.server.set_faults(vec![Fault::new(Effect::BadUserToken).route("getTagData2")]);
    let ended = plant.tidegate(&["run"]);
    assert_ne!(ended.code, 0, "{ended:#?}");
    let stats = plant.server.stats();
    // The first is not known any more, says the server; the second is given back.
    assert_eq!((stats.requests("getUserToken"), stats.user_tokens.revoked), (2, 1), "{stats:?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_run_that_fails_gives_its_token_back() {
    let plant = as_user(user());
    let mut command = plant.command(&["run"]);
    let ended = command.env("TIDEGATE_STORE_FAULT", "refuse-put:canary_timeseries/partition_date").output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_given_back(&plant, 1, 0);
    plant.server.set_faults(vec![Fault::new(Effect::Errors).tag(&path(&plant, 2)).route("getTagData2")]);
    plant.run(3);
    assert_given_back(&plant, 2, 0);
    plant.server.set_faults(vec![Fault::new(Effect::Errors).route("browseNodes")]);
    assert_ne!(plant.tidegate(&["run"]).code, 0);
    assert_given_back(&plant, 3, 0);
}

#[tokio::test]
async fn a_session_of_nobody_and_no_session_at_all_read_an_open_server() {
    let plant = plant(Config { tags: 4, ..config() }, "{type: session}", "");
    plant.run(0);
    plant.assert_mirrors().await;
    assert_given_back(&plant, 1, 0);
    plant.configure(|_| {});
    plant.run(0);
    assert_given_back(&plant, 1, 0);
}

/// What must be nowhere: the user, the password, the API token and the tokens that the server gives out, which follow
/// from its seed.
async fn secrets() -> Vec<String> {
    let twin = Server::launch(user()).unwrap();
    let mut secrets: Vec<String> = [PASSWORD, TOKEN, "histreader", "s3cr3t%2FPa"].map(str::to_owned).to_vec();
    let body = serde_json::json!({"username": USER, "password": PASSWORD, "application": "twin"});
    for _token in 0..TOKENS {
        let request = reqwest::Client::new().post(format!("{}/getUserToken", twin.url()));
        let answer = request.body(body.to_string()).send().await.unwrap().text().await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        secrets.push(answer["userToken"].as_str().unwrap().to_owned());
    }
    secrets
}

fn assert_clean(secrets: &[String], what: &str, bytes: &[u8]) {
    for secret in secrets {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{what} holds {secret}");
    }
}

#[tokio::test]
async fn no_name_no_password_and_no_token_is_in_any_output_table_or_log() {
    let secrets = secrets().await;
    let plant = as_user(user());
    let run = |arguments: &[&str]| -> Ended {
        let line = [&["-vvv", "--set", "audit.file=audit.jsonl"], arguments].concat();
        let ended = plant.tidegate(&line);
        assert_clean(&secrets, &format!("stdout of {arguments:?}"), ended.stdout.as_bytes());
        assert_clean(&secrets, &format!("stderr of {arguments:?}"), ended.stderr.as_bytes());
        ended
    };
    for arguments in [&["run"][..], &["check"], &["plan"], &["preview"], &["discover"], &["validate"], &["status"]] {
        let ended = run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:#?}");
    }
    for effect in [Effect::BadUserToken, Effect::Errors, Effect::Status { code: 500 }, Effect::Garbage] {
        plant.server.set_faults(vec![Fault::new(effect.clone()).route("getTagData2").times(3)]);
        run(&["run"]);
    }
    plant.server.set_faults(vec![Fault::new(Effect::ExpireTokens).route("getTagData2").times(1)]);
    assert_eq!(run(&["run", "--retry-gaps"]).code, 0);
    plant.assert_mirrors().await;
    assert!(plant.server.stats().user_tokens.issued <= TOKENS, "more tokens than the twin has told");
    for file in files(&plant.folder.path().join("lake")) {
        assert_clean(&secrets, &file.display().to_string(), &std::fs::read(&file).unwrap());
    }
    let audit = std::fs::read(plant.folder.path().join("audit.jsonl")).unwrap();
    assert!(!audit.is_empty());
    assert_clean(&secrets, "the audit log", &audit);
}

#[tokio::test]
async fn a_wrong_password_fails_the_run_in_the_servers_words_and_asks_once() {
    let plant = as_user(user());
    std::fs::write(plant.folder.path().join("secret"), "wr0ng-passw0rd").unwrap();
    let ended = plant.tidegate(&["-vv", "run"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("the user name or password is incorrect"), "{ended:#?}");
    for secret in ["wr0ng-passw0rd", "histreader"] {
        assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "{secret}: {ended:#?}");
    }
    // More than one would lock an account out.
    assert_eq!(plant.server.stats().requests("getUserToken"), 1);
    assert_eq!(plant.server.stats().user_tokens.open, 0);
    assert!(!plant.table("timeseries").exists());
}

#[tokio::test]
async fn a_server_without_a_free_licence_says_so() {
    let plant = as_user(Config { licences: Some(0), ..user() });
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("BadLicense"), "{ended:#?}");
}
