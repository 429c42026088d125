//! Records of what left: one for each request, whatever became of it.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::*;

#[derive(Default)]
struct Log {
    records: Mutex<Vec<Record>>,
    broken: AtomicBool,
}

impl Audit for Log {
    fn ready(&self) -> Result<(), Fault> {
        let broken = self.broken.load(Ordering::Relaxed);
        if broken { Err(Fault::internal("audit-log", "the disk is full")) } else { Ok(()) }
    }

    fn keep(&self, record: &Record) {
        self.records.lock().unwrap().push(record.clone());
    }
}

impl Log {
    /// `METHOD path status|error|refused bytes/request bytes` of each record.
    fn lines(&self, server: &Server) -> Vec<String> {
        let records = self.records.lock().unwrap();
        let line = |record: &Record| {
            let Record { method, url, status, error, refused, bytes, request_bytes, .. } = record;
            let path = url.replace(&format!("http://127.0.0.1:{}", server.port), "");
            let outcome = [status.map(|status| status.to_string()), error.clone(), refused.clone()];
            let outcome = outcome.into_iter().flatten().collect::<Vec<_>>().join(" ");
            format!("{method} {path} {outcome} {bytes}/{request_bytes}")
        };
        records.iter().map(line).collect()
    }
}

fn guest(server: &Server) -> (Guest, Arc<Log>) {
    let log = Arc::new(Log::default());
    let audit = Some(Arc::clone(&log) as Arc<dyn Audit>);
    let base = format!("http://127.0.0.1:{}", server.port);
    (Guest::new(EgressConfig { audit, ..config(&base) }), log)
}

#[tokio::test]
async fn each_attempt_and_each_redirect_is_a_record() {
    let replies = vec![
        Reply::new("503 Service Unavailable", "retry-after: 0\r\n", b"later"),
        Reply::new("302 Found", "location: /b\r\n", b""),
        Reply::ok("there"),
    ];
    let server = Server::start(replies, None).await;
    let (guest, log) = guest(&server);
    let response = guest.send(Method::POST, "/a?q=1", &[], "{\"n\":1}").await.unwrap();
    assert_eq!(log.lines(&server).len(), 2, "the third is under way until its body has ended");
    assert_eq!(text(response).await.unwrap(), "there");
    assert_eq!(log.lines(&server), ["POST /a?q=1 503 0/7", "POST /a?q=1 302 0/7", "GET /b 200 5/0"]);
}

#[tokio::test]
async fn what_breaks_off_or_is_dropped_is_a_record_too() {
    let cut = Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123".to_vec());
    let server = Server::start(vec![cut, Reply::ok("unread"), Reply::Hang(Vec::new())], None).await;
    let (guest, log) = guest(&server);
    text(guest.get("/a").await.unwrap()).await.unwrap_err();
    drop(guest.get("/a").await.unwrap());
    assert!(tokio::time::timeout(Duration::from_millis(50), guest.get("/b")).await.is_err());
    assert_eq!(log.lines(&server), ["GET /a 200 truncated-body 4/0", "GET /a 200 0/0", "GET /b abandoned 0/0"]);
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let gone = Guest::new(EgressConfig {
        audit: Some(Arc::clone(&log) as Arc<dyn Audit>),
        attempts: 1,
        ..config(&format!("http://127.0.0.1:{port}"))
    });
    gone.get("/a").await.unwrap_err();
    assert!(log.lines(&server).last().unwrap().ends_with("/a connection-refused 0/0"));
}

#[tokio::test]
async fn what_the_policy_refuses_is_recorded_with_the_reason_and_without_user_information() {
    let redirect = Reply::new("302 Found", "location: http://elsewhere.example/x?t=s3cret\r\n", b"");
    let server = Server::start(vec![redirect], None).await;
    let (guest, log) = guest(&server);
    guest.get("/c?d=1").await.unwrap_err();
    let evil = Request::builder().uri("http://jo:pass@evil.example/a");
    let body = Full::new(Bytes::new()).map_err(WasiError::from).boxed_unsync();
    guest.egress.send(evil.body(body).unwrap(), guest.caller.clone()).await.unwrap_err();
    guest.get("/a").await.unwrap_err();
    let lines = log.lines(&server);
    assert!(lines[0].starts_with("GET /c?d=1 the plugin asked for `GET /c`"), "{lines:?}");
    assert!(lines[1].starts_with("GET http://evil.example/a the plugin asked for another origin"), "{lines:?}");
    assert!(lines[2].starts_with("GET http://elsewhere.example/x GET /a: the server redirects to"), "{lines:?}");
    assert_eq!(lines[3], "GET /a 302 0/0");
    assert!(!lines.concat().contains("s3cret") && !lines.concat().contains("pass@"));
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn the_hosts_own_calls_are_records_without_their_bodies() {
    let answers = ["{\"token\":\"tok-s3cret\"}", "{}", "{}"].map(Reply::ok);
    let server = Server::start(answers.into(), None).await;
    let (guest, log) = guest(&server);
    let config = EgressConfig {
        credentials: Credentials::Session { calls: super::session::calls(), login: None },
        ..guest.egress.config.clone()
    };
    let guest = Guest::new(config);
    text(guest.send(Method::POST, "/a", &[], "{}").await.unwrap()).await.unwrap();
    guest.egress.close().await;
    assert_eq!(log.lines(&server), ["POST /login 200 22/18", "POST /a 200 2/22", "POST /logout 200 2/22"]);
}

#[tokio::test]
async fn nothing_is_asked_that_cannot_be_recorded() {
    let server = Server::start(vec![Reply::ok("x")], None).await;
    let (guest, log) = guest(&server);
    log.broken.store(true, Ordering::Relaxed);
    let failure = guest.get("/a").await.unwrap_err();
    assert_eq!(failure.note.fault.code, "audit-log");
    assert_eq!((guest.egress.compresses().await, server.asked().len()), (None, 0));
    assert_eq!(guest.egress.figures(), Figures::default());
}
