//! The gate against a real server on loopback.
mod audit;
mod echo;
mod server;
mod session;
mod tls;

use std::io::Write;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tidegate_model::{Domain, Fault, Retry};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use self::server::{Reply, Server};
use super::exchange::Caller;
use super::failure::Failure;
use super::*;
use crate::limits::Busy;

/// A header that a test recognises anywhere.
struct Secret(&'static str);

#[async_trait]
impl Authorization for Secret {
    async fn authorization(&self) -> Result<HeaderValue, Fault> {
        match self.0 {
            "broken" => Err(Fault::internal("token", "the token endpoint refuses the client")),
            secret => Ok(HeaderValue::from_static(secret)),
        }
    }

    fn password(&self) -> Option<Arc<str>> {
        Some("p4ssw0rd".into())
    }
}

fn config(base: &str) -> EgressConfig {
    let capability = |method: &str, path: &str| Capability { method: method.into(), path: path.into() };
    EgressConfig {
        base: Url::parse(base).unwrap(),
        capabilities: vec![capability("GET", "a"), capability("GET", "b"), capability("POST", "a")],
        credentials: Credentials::Header(Arc::new(Secret("Basic czNjcmV0"))),
        secrets: Arc::new(|_| {}),
        audit: None,
        ca_pem: None,
        insecure_skip_verify: false,
        in_flight: 2,
        requests_per_second: 1e6,
        quiet_hours: Vec::new(),
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(5),
        attempts: 3,
    }
}

fn egress(config: EgressConfig) -> Egress {
    let mut egress = Egress::new(config).unwrap();
    egress.backoff.base = Duration::from_millis(1);
    egress
}

struct Guest {
    egress: Arc<Egress>,
    caller: Caller,
    origin: String,
}

impl Guest {
    fn new(config: EgressConfig) -> Self {
        let origin = config.base.as_str().trim_end_matches('/').to_owned();
        let caller = Caller {
            trail: Arc::default(),
            busy: Busy::default(),
            options: wasmtime_wasi_http::RequestOptions::default(),
            request_bytes: 1_000,
            response_bytes: 10_000,
        };
        Self { egress: Arc::new(egress(config)), caller, origin }
    }

    fn of(server: &Server) -> Self {
        Self::new(config(&format!("http://127.0.0.1:{}", server.port)))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<WasiBody>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned())).map_err(WasiError::from).boxed_unsync();
        self.egress.send(request.body(body).unwrap(), self.caller.clone()).await
    }

    async fn get(&self, path: &str) -> Result<Response<WasiBody>, Failure> {
        self.send(Method::GET, path, &[], "").await
    }
}

async fn text(response: Response<WasiBody>) -> Result<String, WasiError> {
    Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn the_gate_attaches_the_credentials_and_strips_what_the_guest_claims() {
    let server = Server::start(vec![Reply::ok("fine")], None).await;
    let guest = Guest::of(&server);
    let claims = [("authorization", "Bearer mine"), ("cookie", "x=y"), ("host", "evil"), ("x-requested-with", "t")];
    let response = guest.send(Method::GET, "/a?q=1", &claims, "").await.unwrap();
    assert_eq!(text(response).await.unwrap(), "fine");
    let asked = server.asked().concat();
    assert!(
        asked.starts_with("GET /a?q=1 HTTP/1.1\r\n") && asked.contains("authorization: Basic czNjcmV0\r\n"),
        "{asked}"
    );
    assert!(asked.contains("x-requested-with: t") && asked.contains("user-agent: Tidegate/"), "{asked}");
    assert!(asked.contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{asked}");
    assert!(!asked.contains("mine") && !asked.contains("cookie") && !asked.contains("evil"), "{asked}");
    assert_eq!(guest.egress.figures(), Figures { requests: 1, retries: 0, bytes_received: 4 });
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_server() {
    let server = Server::start(vec![], None).await;
    let guest = Guest::of(&server);
    let failure = guest.get("/c?secret=1").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::HttpRequestDenied));
    let fault = guest.caller.trail.complete(Fault::internal("x", "it failed"));
    assert_eq!(fault.code, "egress-refused");
    assert!(
        fault.message.contains("it failed: the plugin asked for `GET /c`") && !fault.message.contains("secret"),
        "{fault}"
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_passing_fault_of_the_server_is_repeated_with_the_same_body() {
    let busy = Reply::new("503 Service Unavailable", "retry-after: 0\r\n", b"later");
    let server = Server::start(vec![busy, Reply::Close(Vec::new()), Reply::ok("done")], None).await;
    let guest = Guest::of(&server);
    let response = guest.send(Method::POST, "/a", &[("content-type", "application/json")], "{\"a\":1}").await.unwrap();
    assert_eq!(text(response).await.unwrap(), "done");
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|request| request.ends_with("\r\n\r\n{\"a\":1}") && request.contains("application/json")));
    assert_eq!(guest.egress.figures().retries, 2);
}

#[tokio::test]
async fn after_the_last_attempt_the_guest_gets_the_real_answer() {
    let reply = Reply::new("502 Bad Gateway", "", b"proxy says no");
    let server = Server::start(vec![reply; 3], None).await;
    let response = Guest::of(&server).get("/a").await.unwrap();
    assert_eq!((response.status().as_u16(), server.asked().len()), (502, 3));
    assert_eq!(text(response).await.unwrap(), "proxy says no");
}

#[tokio::test]
async fn a_server_that_names_a_time_is_not_asked_before() {
    let busy = Reply::new("429 Too Many Requests", "retry-after: 1\r\n", b"");
    let server = Server::start(vec![busy, Reply::ok("")], None).await;
    let start = Instant::now();
    Guest::of(&server).get("/a").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_the_plugin_or_the_operator_must_mend_is_not_repeated() {
    for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let server = Server::start(
            vec![Reply::new(status, "www-authenticate: Negotiate t0ken\r\nset-cookie: s=1\r\n", b"")],
            None,
        )
        .await;
        let response = Guest::of(&server).get("/a").await.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(response.headers().get("www-authenticate").unwrap(), "Negotiate");
        assert!(!response.headers().contains_key("set-cookie"));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_inside_the_origin_and_the_capabilities_is_followed() {
    let server =
        Server::start(vec![Reply::new("302 Found", "location: /b?x=1\r\n", b""), Reply::ok("there")], None).await;
    let response = Guest::of(&server).send(Method::POST, "/a", &[], "body").await.unwrap();
    assert_eq!(text(response).await.unwrap(), "there");
    let asked = server.asked();
    let last = asked.last().unwrap();
    assert!(
        last.starts_with("GET /b?x=1 ") && last.contains("authorization: Basic") && !last.contains("body"),
        "{last}"
    );
}

#[tokio::test]
async fn no_redirect_leads_to_another_origin_or_past_the_policy() {
    let other = Server::start(vec![Reply::ok("gotcha")], None).await;
    for target in [
        format!("http://127.0.0.1:{}/a?t=s3cret", other.port),
        format!("//localhost:{}/a", other.port),
        "/c".into(),
        "/x/../c".into(),
        "http://[".into(),
    ] {
        let server =
            Server::start(vec![Reply::new("307 Temporary Redirect", &format!("location: {target}\r\n"), b"")], None)
                .await;
        let failure = Guest::of(&server).get("/a").await.unwrap_err();
        let text = failure.note.to_string();
        assert!(text.contains("which is not followed") && !text.contains("s3cret"), "{text}");
        assert!(matches!(failure.error, WasiError::HttpRequestDenied));
        assert_eq!(server.asked().len(), 1);
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let reply = Reply::new("301 Moved Permanently", "location: /a\r\n", b"");
    let server = Server::start(vec![reply; 20], None).await;
    let failure = Guest::of(&server).get("/a").await.unwrap_err();
    assert!(failure.note.to_string().contains("redirected more than 5 times"));
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn gzip_is_unpacked_by_the_gate() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"unpacked").unwrap();
    let reply = Reply::new("200 OK", "content-encoding: gzip\r\n", &packed.finish().unwrap());
    let server = Server::start(vec![reply], None).await;
    let response = Guest::of(&server).send(Method::GET, "/a", &[("accept-encoding", "br")], "").await.unwrap();
    assert!(!response.headers().contains_key("content-encoding") && !response.headers().contains_key("content-length"));
    assert_eq!(text(response).await.unwrap(), "unpacked");
    let asked = server.asked().concat();
    assert!(asked.contains("accept-encoding: gzip\r\n") && !asked.contains("br\r\n"), "{asked}");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit_of_what_it_unpacks_to() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 10_000_000]).unwrap();
    let server =
        Server::start(vec![Reply::new("200 OK", "content-encoding: gzip\r\n", &packed.finish().unwrap())], None).await;
    let guest = Guest::of(&server);
    let error = text(guest.get("/a").await.unwrap()).await.unwrap_err();
    assert!(matches!(error, WasiError::HttpResponseBodySize(Some(10_000))), "{error}");
}

#[tokio::test]
async fn a_body_that_is_cut_is_an_error_and_not_an_end() {
    for head in ["content-length: 100\r\n\r\n0123", "transfer-encoding: chunked\r\n\r\n4\r\n0123\r\n"] {
        let server = Server::start(vec![Reply::Close(format!("HTTP/1.1 200 OK\r\n{head}").into_bytes())], None).await;
        let guest = Guest::of(&server);
        let error = text(guest.get("/a").await.unwrap()).await.unwrap_err();
        assert!(matches!(error, WasiError::HttpResponseIncomplete), "{error}");
        let fault = guest.caller.trail.complete(Fault::internal("x", "no JSON"));
        assert!(fault.message.contains("GET /a: the answer broke off before its end"), "{fault}");
        assert_eq!(server.asked().len(), 1, "what the guest has begun to read is not asked for again");
    }
}

#[tokio::test]
async fn silence_ends_a_request_before_and_inside_the_answer() {
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"] {
        let server = Server::start(vec![Reply::Hang(bytes.to_vec())], None).await;
        let mut quick = config(&format!("http://127.0.0.1:{}", server.port));
        (quick.response_timeout, quick.connect_timeout) = (Duration::from_millis(50), Duration::from_millis(50));
        let guest = Guest::new(quick);
        let error = match guest.get("/a").await {
            Ok(response) => text(response).await.unwrap_err(),
            Err(failure) => failure.error,
        };
        assert!(matches!(error, WasiError::HttpResponseTimeout), "{error}");
        let fault = guest.caller.trail.complete(Fault::internal("x", "x"));
        assert!(fault.message.contains("for 0.05 s; the server is slow"), "{fault}");
        assert_eq!(server.asked().len(), 1, "a server that is too slow is not asked the same again");
    }
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_body_has_ended() {
    let server = Server::start(vec![Reply::ok("one"), Reply::ok("two")], None).await;
    let mut narrow = config(&format!("http://127.0.0.1:{}", server.port));
    narrow.in_flight = 1;
    let guest = Guest::new(narrow);
    let first = guest.get("/a").await.unwrap();
    let second = guest.get("/b");
    tokio::pin!(second);
    assert!(futures::poll!(second.as_mut()).is_pending());
    assert_eq!(text(first).await.unwrap(), "one");
    assert_eq!(text(second.await.unwrap()).await.unwrap(), "two");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_explained() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let guest = Guest::new(config(&format!("http://127.0.0.1:{port}")));
    let failure = guest.get("/a").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::ConnectionRefused));
    let text = failure.note.to_string();
    assert!(text.contains("GET /a: `127.0.0.1` refuses the connection; check source.url"), "{text}");
    assert_eq!(guest.egress.figures(), Figures { requests: 3, retries: 2, bytes_received: 0 });
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_explained() {
    let mut unknown = config("http://no-such-host.invalid");
    unknown.attempts = 1;
    let failure = Guest::new(unknown).get("/a").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::DnsError { .. }), "{failure:?}");
    assert!(failure.note.to_string().contains("no address for `no-such-host.invalid`"));
}

#[tokio::test]
async fn a_request_larger_than_allowed_is_not_sent() {
    let server = Server::start(vec![], None).await;
    let failure = Guest::of(&server).send(Method::POST, "/a", &[], &"x".repeat(1_001)).await.unwrap_err();
    assert!(matches!(failure.error, WasiError::HttpRequestBodySize(Some(1_000))));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_reason_is_kept() {
    let server = Server::start(vec![], None).await;
    let mut broken = config(&format!("http://127.0.0.1:{}", server.port));
    broken.credentials = Credentials::Header(Arc::new(Secret("broken")));
    let guest = Guest::new(broken);
    guest.get("/a").await.unwrap_err();
    let said = Fault { domain: Domain::External, retry: Retry::Later, code: "x".into(), message: "no answer".into() };
    let fault = guest.caller.trail.complete(said);
    assert_eq!((fault.code.as_str(), fault.domain), ("token", Domain::Internal));
    assert!(fault.message.contains("the token endpoint refuses the client") && server.asked().is_empty());
}

#[test]
fn settings_that_cannot_be_are_refused_with_the_setting() {
    let refusal = |base: &str| Egress::new(config(base)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refusal("ftp://acme").contains("must be http or https"));
    assert!(refusal("https://u:p@acme").contains("section auth") && !refusal("https://u:p@acme").contains("u:p"));
    assert!(refusal("http://169.254.169.254/x").contains("never reachable"));
    assert!(refusal("http://[::ffff:a9fe:a9fe]/x").contains("never reachable"));
    assert!(refusal("http://0/x").contains("never reachable"));
    assert!(refusal("https://acme/x?y").contains("must end with the path"));
    let none = EgressConfig { requests_per_second: 0.0, ..config("https://acme") };
    assert!(Egress::new(none).err().unwrap().to_string().contains("must be above 0"));
    let pem = EgressConfig { ca_pem: Some(b"no pem".to_vec()), ..config("https://acme") };
    assert!(Egress::new(pem).err().unwrap().to_string().contains("tls.ca_file holds no usable certificate"));
}

#[tokio::test]
async fn it_is_found_out_whether_answers_come_compressed() {
    for (headers, expected) in [("content-encoding: gzip\r\n", Some(true)), ("", Some(false))] {
        let server = Server::start(vec![Reply::new("200 OK", headers, b"x")], None).await;
        assert_eq!(Guest::of(&server).egress.compresses().await, expected);
        let asked = server.asked().concat().to_lowercase();
        assert!(asked.contains("accept-encoding: gzip") && asked.contains("authorization: basic"), "{asked}");
    }
    let server = Server::start(vec![Reply::new("403 Forbidden", "", b"x")], None).await;
    assert_eq!(Guest::of(&server).egress.compresses().await, None);
}
