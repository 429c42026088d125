//! Tokens in bodies: where they come from, and when they are renewed.

use std::collections::HashSet;
use std::sync::Mutex;

use futures::future::join_all;
use serde_json::{Map, Value, json};

use super::*;
use crate::Session;

const PASSWORD: &str = "hunter2-pässword";

pub(super) fn calls() -> Session {
    let post = |path: &str| Capability { method: "POST".into(), path: path.into() };
    Session {
        login: post("login"),
        login_body: Map::from_iter([("app".to_owned(), json!("Tidegate"))]),
        username_member: "user".into(),
        password_member: "password".into(),
        token_member: "token".into(),
        logout: Some(post("logout")),
        expired_member: "status".into(),
        expired_value: "BadToken".into(),
    }
}

/// A guest whose source gives out tokens.
pub(super) fn guest(server: &Server) -> Guest {
    let login = Login { username: "PLANT\\jo".into(), password: PASSWORD.into() };
    guest_of(server, Credentials::Session { calls: calls(), login: Some(login) })
}

fn guest_of(server: &Server, credentials: Credentials) -> Guest {
    Guest::new(EgressConfig { credentials, ..config(&format!("http://127.0.0.1:{}", server.port)) })
}

/// One to whom every token has lasted long enough.
fn patient(server: &Server) -> Guest {
    let mut guest = guest(server);
    Arc::get_mut(&mut guest.egress).unwrap().session.lasting = Duration::ZERO;
    guest
}

impl Guest {
    async fn post(&self, body: &str) -> Result<String, Failure> {
        Ok(text(self.send(Method::POST, "/a", &[], body).await?).await.unwrap())
    }
}

/// What a source knows of its tokens.
#[derive(Default)]
struct Source {
    valid: HashSet<String>,
    issued: usize,
    /// Requests with a token, valid or not.
    asked: usize,
    /// After so many of them every token expires.
    expires_every: usize,
}

impl Source {
    async fn start(expires_every: usize) -> (Server, Arc<Mutex<Self>>) {
        let source = Arc::new(Mutex::new(Self { expires_every, ..Self::default() }));
        let shared = Arc::clone(&source);
        (Server::by(move |request| shared.lock().unwrap().answer(request)).await, source)
    }

    fn answer(&mut self, request: &str) -> Reply {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let token = body["token"].as_str().unwrap_or_default();
        if head.starts_with("POST /login ") {
            self.issued += 1;
            self.valid.insert(format!("tok-{}-s3cret", self.issued));
            return Reply::Late(
                Duration::from_millis(20),
                bytes(&json!({"token": format!("tok-{}-s3cret", self.issued)})),
            );
        }
        if head.starts_with("POST /logout ") {
            return Reply::ok(&json!({"revoked": self.valid.remove(token)}).to_string());
        }
        self.asked += 1;
        if self.expires_every > 0 && self.asked.is_multiple_of(self.expires_every) {
            self.valid.clear();
        }
        let known = self.valid.contains(token);
        Reply::ok(
            &if known { json!({"status": "Good", "n": body["n"]}) } else { json!({"status": "BadToken"}) }.to_string(),
        )
    }
}

pub(super) fn bytes(answer: &Value) -> Vec<u8> {
    let body = answer.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_first_request_that_takes_a_token_logs_in_and_the_guest_sees_none_of_it() {
    let (server, _) = Source::start(0).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let secrets = Arc::clone(&told);
    let base = format!("http://127.0.0.1:{}", server.port);
    let login = Login { username: "PLANT\\jo".into(), password: PASSWORD.into() };
    let guest = Guest::new(EgressConfig {
        credentials: Credentials::Session { calls: calls(), login: Some(login) },
        secrets: Arc::new(move |secret| secrets.lock().unwrap().push(secret.to_owned())),
        ..config(&base)
    });
    guest.get("/a?q=1").await.unwrap();
    guest.send(Method::POST, "/a", &[], "[1]").await.unwrap();
    assert!(server.asked().iter().all(|request| !request.contains("login") && !request.contains("token")));
    let answer = guest.post("{ \"n\": 1.50, \"x\":[{}] }").await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({"n": 1.5, "status": "Good"}));
    let asked = server.asked();
    let (login, data) = (&asked[2], &asked[3]);
    assert!(login.starts_with("POST /login ") && login.to_lowercase().contains("content-type: application/json"));
    assert_eq!(body(login), json!({"app": "Tidegate", "user": "PLANT\\jo", "password": PASSWORD}));
    assert!(data.ends_with("\r\n\r\n{\"token\":\"tok-1-s3cret\", \"n\": 1.50, \"x\":[{}] }"), "{data}");
    assert!(!data.split_once("\r\n\r\n").unwrap().0.contains("s3cret"), "a token belongs in no header and no URL");
    assert_eq!(*told.lock().unwrap(), ["tok-1-s3cret"]);
    assert_eq!(guest.egress.figures().requests, 4);
}

#[tokio::test]
async fn everybody_waits_for_one_login() {
    let (server, source) = Source::start(0).await;
    let guest = guest(&server);
    let bodies: Vec<String> = (0..20).map(|n| json!({ "n": n }).to_string()).collect();
    let answers = join_all(bodies.iter().map(|body| guest.post(body))).await;
    for (n, answer) in answers.into_iter().enumerate() {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(answer, json!({"status": "Good", "n": n}));
    }
    assert_eq!(source.lock().unwrap().issued, 1);
}

#[tokio::test]
async fn tokens_that_expire_while_many_ask_cost_one_login_each_and_no_answer() {
    let (server, source) = Source::start(40).await;
    let guest = patient(&server);
    let pages = join_all((0..8_u64).map(|instance| {
        let guest = &guest;
        async move {
            for page in 0..20 {
                let n = instance * 100 + page;
                let answer = guest.post(&json!({ "n": n }).to_string()).await.unwrap();
                assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({"status": "Good", "n": n}));
            }
        }
    }));
    pages.await;
    let source = source.lock().unwrap();
    let expired = source.asked / 40;
    assert!(expired >= 4, "{expired}");
    // All that were under way when a token expired share the login that follows.
    assert!((expired..=expired + 1).contains(&source.issued), "{} logins for {expired}", source.issued);
    assert!(source.asked - 160 <= expired * 8, "each request is repeated once at most: {}", source.asked);
}

#[tokio::test]
async fn a_request_is_repeated_once_and_then_the_answer_is_the_guests() {
    let (server, source) = Source::start(1).await;
    let guest = guest(&server);
    assert_eq!(guest.post("{}").await.unwrap(), r#"{"status":"BadToken"}"#);
    let source = source.lock().unwrap();
    assert_eq!((source.issued, source.asked), (2, 2));
}

#[tokio::test]
async fn a_compressed_answer_says_as_well_that_a_token_has_expired() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(br#"{"status":"BadToken"}"#).unwrap();
    let expired = Reply::new("200 OK", "content-encoding: gzip\r\n", &packed.finish().unwrap());
    let login = || Reply::Bytes(bytes(&json!({"token": "tok-s3cret"})));
    let server = Server::start(vec![login(), expired, login(), Reply::ok("{\"fine\":1}")], None).await;
    assert_eq!(guest(&server).post("{}").await.unwrap(), "{\"fine\":1}");
}

#[tokio::test]
async fn a_refused_login_is_told_in_the_servers_words_and_never_tried_again() {
    let words = format!("{{\"status\":\"Error\",\n\"errors\":[\"unknown user: jo / {PASSWORD}\"]}}");
    for status in ["200 OK", "400 Bad Request", "401 Unauthorized", "403 Forbidden"] {
        let server = Server::start(vec![Reply::new(status, "", words.as_bytes())], None).await;
        let guest = guest(&server);
        for _ in 0..2 {
            let failure = guest.post("{}").await.unwrap_err();
            let fault = guest.caller.trail.complete(Fault::internal("x", "it failed"));
            assert_eq!((fault.code.as_str(), fault.domain, fault.retry), ("login-refused", Domain::User, Retry::Never));
            assert!(matches!(failure.error, WasiError::ConfigurationError));
            assert!(fault.message.contains("unknown user: jo / ***"), "{fault}");
            assert!(
                fault.message.contains("check auth.username and auth.password") && !fault.message.contains(PASSWORD)
            );
        }
        assert_eq!(server.asked().len(), 1, "to ask again would lock the account");
    }
}

#[tokio::test]
async fn an_answer_without_a_usable_token_is_no_login_and_is_not_quoted() {
    for answer in [r#"{"token":""}"#, r#"{"token":7777777}"#, r#"{"token":{"a":"7777777"}}"#] {
        let server = Server::start(vec![Reply::ok(answer)], None).await;
        let failure = guest(&server).post("{}").await.unwrap_err();
        let text = failure.note.to_string();
        assert!(text.contains("no usable `token`") && !text.contains("7777777"), "{text}");
    }
}

#[tokio::test]
async fn a_login_that_the_network_or_the_server_spoils_is_repeated_and_may_come_later() {
    let busy = || Reply::new("503 Service Unavailable", "retry-after: 0\r\n", b"later");
    let login = Reply::Bytes(bytes(&json!({"token": "tok-s3cret"})));
    let server = Server::start(vec![busy(), Reply::Close(Vec::new()), login, Reply::ok("{}")], None).await;
    assert_eq!(guest(&server).post("{}").await.unwrap(), "{}");
    let server = Server::start(vec![busy(), busy(), busy()], None).await;
    let guest = guest(&server);
    let failure = guest.post("{}").await.unwrap_err();
    let fault = &failure.note.fault;
    assert_eq!((fault.code.as_str(), fault.domain, fault.retry), ("login-failed", Domain::External, Retry::Later));
    assert_eq!(server.asked().len(), 3, "the request that waited does not repeat the attempts");
    guest.post("{}").await.unwrap_err();
    assert!(server.asked().len() > 3, "a failure that may pass does not last");
}

/// What a guest reports that was told so much of a request.
fn reported(error: &WasiError) -> Fault {
    match error {
        WasiError::ConfigurationError => {
            Fault { domain: Domain::User, retry: Retry::Never, code: "configuration".into(), message: "no".into() }
        }
        _ => Fault { domain: Domain::External, retry: Retry::Later, code: "transport".into(), message: "no".into() },
    }
}

#[tokio::test]
async fn a_login_that_may_come_later_is_no_mistake_of_the_configuration_to_anybody_who_waits_for_it() {
    let busy = Reply::new("503 Service Unavailable", "retry-after: 0\r\n", b"restarting");
    let server = Server::by(move |_| busy.clone()).await;
    let guest = guest(&server);
    let failures = join_all((0..4).map(|_| guest.post("{}"))).await;
    for failure in failures.into_iter().map(Result::unwrap_err) {
        let fault = guest.caller.trail.complete(reported(&failure.error));
        assert_eq!((fault.code.as_str(), fault.domain, fault.retry), ("transport", Domain::External, Retry::Later));
        assert!(fault.message.contains("POST /login: no login, the server answers 503"), "{fault}");
    }
}

#[tokio::test]
async fn an_anonymous_session_sends_no_name_and_no_password() {
    let (server, _) = Source::start(0).await;
    let guest = guest_of(&server, Credentials::Session { calls: calls(), login: None });
    guest.post("{\"n\":1}").await.unwrap();
    assert_eq!(body(&server.asked()[0]), json!({"app": "Tidegate"}));
}

#[tokio::test]
async fn the_end_of_the_work_revokes_the_token_and_lets_nothing_more_pass() {
    let (server, source) = Source::start(0).await;
    let guest = guest(&server);
    guest.egress.close().await;
    assert!(server.asked().is_empty(), "there was no session to end");
    let guest = super::session::guest(&server);
    guest.post("{}").await.unwrap();
    guest.egress.close().await;
    guest.egress.close().await;
    let asked = server.asked();
    assert!(asked[2].starts_with("POST /logout "), "{asked:?}");
    assert_eq!(body(&asked[2]), json!({"token": "tok-1-s3cret"}));
    assert!(source.lock().unwrap().valid.is_empty());
    assert!(guest.post("{}").await.unwrap_err().note.to_string().contains("has ended"));
    assert_eq!((server.asked().len(), guest.egress.figures().requests), (3, 3));
}

#[tokio::test]
async fn a_login_that_nobody_waits_for_any_more_is_revoked_too() {
    let (server, source) = Source::start(0).await;
    let guest = guest(&server);
    let asking = guest.post("{}");
    assert!(tokio::time::timeout(Duration::from_millis(5), asking).await.is_err(), "the login takes longer");
    guest.egress.close().await;
    let source = source.lock().unwrap();
    assert_eq!((source.issued, source.valid.len()), (1, 0));
}

#[tokio::test]
async fn a_token_of_the_operator_goes_into_the_body_as_well() {
    let server = Server::start(vec![Reply::ok(r#"{"status":"BadToken"}"#)], None).await;
    let guest = guest_of(&server, Credentials::Member { name: "apiToken".into(), token: "op-t0ken".into() });
    assert_eq!(guest.post("{}").await.unwrap(), r#"{"status":"BadToken"}"#);
    guest.egress.close().await;
    let asked = server.asked();
    assert_eq!((asked.len(), body(&asked[0])), (1, json!({"apiToken": "op-t0ken"})));
}

#[tokio::test]
async fn a_guest_cannot_fill_in_the_token_itself_or_reach_the_calls_of_the_session() {
    let (server, _) = Source::start(0).await;
    let guest = guest(&server);
    for body in [r#"{"token":"mine"}"#, r#"{"TOKEN":null}"#] {
        let text = guest.post(body).await.unwrap_err().note.to_string();
        assert!(text.contains("filled in `token`") && text.contains("only the gate sends them"), "{text}");
    }
    for path in ["/login", "/logout"] {
        let failure = guest.send(Method::POST, path, &[], "{}").await.unwrap_err();
        assert_eq!(failure.note.fault.code, "egress-refused");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_source_that_accepts_none_of_its_tokens_is_not_asked_for_ever() {
    let (server, source) = Source::start(1).await;
    let guest = guest(&server);
    for _ in 0..2 {
        assert_eq!(guest.post("{}").await.unwrap(), r#"{"status":"BadToken"}"#);
    }
    for _ in 0..3 {
        guest.post("{}").await.unwrap_err();
        let fault = guest.caller.trail.complete(Fault::internal("x", "it failed"));
        assert_eq!((fault.code.as_str(), fault.domain, fault.retry), ("login-refused", Domain::User, Retry::Never));
        assert!(fault.message.contains("not go on to accept them: 3 in a row"), "{fault}");
    }
    let source = source.lock().unwrap();
    assert_eq!((source.issued, source.asked), (3, 5));
}

#[tokio::test]
async fn a_source_that_accepts_its_tokens_once_is_not_asked_for_ever_either() {
    let (server, source) = Source::start(2).await;
    let guest = guest(&server);
    for _ in 0..3 {
        assert!(guest.post("{}").await.unwrap().contains("Good"));
    }
    for _ in 0..3 {
        guest.post("{}").await.unwrap_err();
        let fault = guest.caller.trail.complete(Fault::internal("x", "it failed"));
        assert_eq!((fault.code.as_str(), fault.domain, fault.retry), ("login-refused", Domain::User, Retry::Never));
        assert!(fault.message.contains("within 30 s; may the user"), "{fault}");
    }
    let source = source.lock().unwrap();
    assert_eq!((source.issued, source.asked), (3, 6));
}

#[tokio::test]
async fn tokens_that_have_lasted_may_expire_as_often_as_they_like() {
    let (server, source) = Source::start(2).await;
    let guest = patient(&server);
    for n in 0..10 {
        assert_eq!(
            guest.post(&json!({ "n": n }).to_string()).await.unwrap(),
            json!({"status": "Good", "n": n}).to_string()
        );
    }
    assert!(source.lock().unwrap().issued > 5);
}

#[tokio::test]
async fn a_large_answer_is_not_waited_for() {
    let long = "x".repeat(100_000);
    let chunk = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n", long.len());
    for rest in ["content-length: 1000000\r\n\r\nabc", chunk.as_str()] {
        let login = Reply::Bytes(bytes(&json!({"token": "tok-s3cret"})));
        let begun = Reply::Hang(format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes());
        let server = Server::start(vec![login, begun], None).await;
        let mut guest = guest(&server);
        guest.caller.response_bytes = 10_000_000;
        let mut response = guest.send(Method::POST, "/a", &[], "{}").await.unwrap();
        let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(rest.contains(std::str::from_utf8(&first).unwrap()) && !first.is_empty());
    }
}

#[tokio::test]
async fn a_small_answer_that_is_cut_is_still_an_error() {
    let login = Reply::Bytes(bytes(&json!({"token": "tok-s3cret"})));
    let cut = Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"n\":".to_vec());
    let server = Server::start(vec![login, cut], None).await;
    let guest = guest(&server);
    let mut response = guest.send(Method::POST, "/a", &[], "{}").await.unwrap();
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(&first[..], b"{\"n\":");
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, WasiError::HttpResponseIncomplete), "{error}");
    let fault = guest.caller.trail.complete(Fault::internal("x", "no JSON"));
    assert!(fault.message.contains("POST /a: the answer broke off before its end"), "{fault}");
}
