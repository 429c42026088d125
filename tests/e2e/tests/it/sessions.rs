//! Sessions: the host logs in, carries the token and logs out; the guest, which looks everywhere, sees none of it.

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::plant::{Ended, command, component, tidegate, vouch};
use crate::table;

const USER: &str = "PLANTX\\operator7";
const PASSWORD: &str = "hunter2/Pa+ss=w0rd";
/// What every token holds.
const TOKEN: &str = "t0k3n-of-session";

/// How the historian behaves, and what it knows.
#[derive(Default)]
struct Facts {
    logins: usize,
    asked: usize,
    valid: HashSet<String>,
    /// Every request for data is refused.
    broken: bool,
    /// No login is accepted.
    refusing: bool,
    /// How long data take.
    slow: Duration,
}

/// A historian with tokens that echoes all it is sent, and a folder with a configuration for it.
struct Site {
    folder: TempDir,
    facts: Arc<Mutex<Facts>>,
}

impl Site {
    async fn start() -> Self {
        let facts = Arc::<Mutex<Facts>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(accept(listener, Arc::clone(&facts)));
        let folder = tempfile::tempdir().unwrap();
        vouch(folder.path());
        let plugin = component("programs/session_snoop.wasm");
        let text = format!(
            "version: 1\nname: test\nplugin: {}\nsource: {{url: 'http://127.0.0.1:{port}'}}\n\
             auth: {{type: session, username: '{USER}', password: '${{TIDEGATE_TEST_PASSWORD}}'}}\n\
             audit: {{file: audit.jsonl}}\nsink: {{location: ./lake}}\ningestion: {{start: -30d}}\n\
             performance: {{max_requests_per_second: 10000}}\n",
            plugin.display()
        );
        std::fs::write(folder.path().join("tidegate.yaml"), text).unwrap();
        Self { folder, facts }
    }

    fn tidegate(&self, arguments: &[&str]) -> Ended {
        tidegate(self.folder.path(), arguments, &[("TIDEGATE_TEST_PASSWORD", PASSWORD)])
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    /// Logins so far, and tokens that are valid.
    fn sessions(&self) -> (usize, usize) {
        let facts = self.facts();
        (facts.logins, facts.valid.len())
    }

    /// Starts the program, sends it a signal when there were `logins` logins, and waits for its end.
    async fn interrupted(&self, arguments: &[&str], signal: &str, logins: usize) -> Ended {
        let running = command(self.folder.path(), arguments)
            .env("TIDEGATE_TEST_PASSWORD", PASSWORD)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(60);
        while self.facts().logins < logins {
            assert!(Instant::now() < limit, "{arguments:?}: {:?} instead of {logins} logins", self.sessions());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap().success());
        let ended = running.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: ended.status.code().unwrap(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
    }

    fn table(&self, suffix: &str) -> PathBuf {
        let entries = std::fs::read_dir(self.folder.path().join("lake/checkpoints")).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.to_string_lossy().ends_with(suffix)).unwrap()
    }

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn accept(listener: tokio::net::TcpListener, facts: Arc<Mutex<Facts>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let facts = Arc::clone(&facts);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&facts)));
            // A client that hangs up is no matter of the server's.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(request: Request<Incoming>, facts: Arc<Mutex<Facts>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let sent = body.collect().await.unwrap().to_bytes();
    let slow = facts.lock().unwrap().slow;
    if parts.uri.path() == "/data" {
        tokio::time::sleep(slow).await;
    }
    let (status, said) = facts.lock().unwrap().answer(parts.uri.path(), &sent);
    let echo = String::from_utf8_lossy(&sent).replace(|c: char| c.is_control(), " ");
    let mut response = Response::builder().status(status);
    if parts.uri.path() == "/data" {
        response = response.header("x-echo", echo).header("x-headers", format!("{:?}", parts.headers));
    }
    Ok(response.body(Full::new(Bytes::from(said.to_string()))).unwrap())
}

impl Facts {
    fn answer(&mut self, path: &str, sent: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(sent).unwrap_or_default();
        let token = body["token"].as_str().unwrap_or_default().to_owned();
        match path {
            "/login" if self.refusing || (&body["user"], &body["password"]) != (&json!(USER), &json!(PASSWORD)) => {
                (200, json!({"status": "Error", "errors": [format!("{body} is unknown here")]}))
            }
            "/login" => {
                self.logins += 1;
                let token = format!("{TOKEN}-{}", self.logins);
                self.valid.insert(token.clone());
                (200, json!({ "token": token }))
            }
            "/logout" => (200, json!({"revoked": self.valid.remove(&token)})),
            _ if self.broken => (403, json!({"said": "not for you", "sent": body})),
            _ => {
                self.asked += 1;
                if self.asked == 2 {
                    self.valid.clear();
                }
                let status = if self.valid.contains(&token) { "Good" } else { "BadToken" };
                (200, json!({"status": status, "sent": body}))
            }
        }
    }
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for secret in [PASSWORD, "hunter2", "operator7", TOKEN, "hunter2%2FPa"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{what} holds {secret}");
    }
}

fn assert_folder_clean(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_folder_clean(&path);
        } else {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_looks_everywhere_sees_no_name_no_password_and_no_token() {
    let site = Site::start().await;
    for verbose in ["-vv", "-vvv"] {
        let ended = site.tidegate(&[verbose, "run", "--full-refresh"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        assert!(ended.stderr.contains("settings: "), "the guest's own lines are there: {ended:#?}");
        assert_clean("standard output", ended.stdout.as_bytes());
        assert_clean("standard error", ended.stderr.as_bytes());
    }
    let seen = table::strings(&site.table("_rejects"), "raw_json").await;
    let all = seen.join("\n");
    assert_clean("what the guest has seen", all.as_bytes());
    let words =
        ["\"start\"", "environment: []", "\"status\":\"Good\"", "\"token\":\"***\"", "\"n\":1", "\"n\":2", "Denied"];
    for word in words {
        assert!(all.contains(word), "the guest was to see {word}: {all}");
    }
    assert_folder_clean(&site.folder.path().join("lake"));
    let audit = std::fs::read(site.folder.path().join("audit.jsonl")).unwrap();
    assert_clean("the audit log", &audit);
    let facts = site.facts();
    assert_eq!((facts.logins, facts.valid.len()), (3, 0), "one login a run, one renewal; all tokens are revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_has_a_line_for_every_request() {
    let site = Site::start().await;
    let ended = site.tidegate(&["--output", "json", "run"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    let lines = site.audit();
    let of = |line: &Value| {
        let path = line["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        let outcome = line["status"].as_u64().map_or("refused".to_owned(), |status| status.to_string());
        format!("{} {path} {outcome}", line["method"].as_str().unwrap())
    };
    let expected = [
        "POST login 200",
        "POST data 200",
        "POST data 200",
        "POST login 200",
        "POST data 200",
        "POST data refused",
        "POST data 200",
        "POST login refused",
        "POST logout refused",
        "POST logout 200",
    ];
    assert_eq!(lines.iter().map(of).collect::<Vec<_>>(), expected, "{lines:#?}");
    for line in &lines {
        assert_eq!((&line["plugin"], &line["pipeline"]), (&json!("sessionsnoop"), &json!("test")));
        assert!(line["time"].as_str().unwrap().ends_with('Z') && line["duration_ms"].is_u64(), "{line}");
    }
    let sent = lines.iter().filter(|line| line["status"].is_u64()).count() as u64;
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(summary["requests"].as_u64(), Some(sent), "the end of the session is counted too");
    let bytes: u64 = lines.iter().map(|line| line["bytes"].as_u64().unwrap()).sum();
    assert_eq!(summary["bytes"].as_u64(), Some(bytes), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_ends_its_session_also_when_it_fails_or_is_interrupted() {
    let site = Site::start().await;
    let ended = site.tidegate(&["preview", "-n", "30"]);
    assert_eq!((ended.code, site.sessions()), (0, (2, 0)), "{ended:#?}");
    site.facts().broken = true;
    let ended = site.tidegate(&["run"]);
    assert_eq!((ended.code, site.sessions()), (3, (3, 0)), "{ended:#?}");
    assert_clean("the reason of a gap", table::strings(&site.table("_gaps"), "reason").await.join(" ").as_bytes());
    assert_clean("what is said of it", ended.stderr.as_bytes());
    site.facts().broken = false;
    site.facts().slow = Duration::from_secs(60);
    let interrupted: [(&[&str], &str); 3] =
        [(&["run", "--full-refresh"], "-INT"), (&["run", "--full-refresh"], "-TERM"), (&["preview"], "-TERM")];
    for (nth, (arguments, signal)) in interrupted.into_iter().enumerate() {
        let logins = 4 + nth;
        let ended = site.interrupted(arguments, signal, logins).await;
        assert_eq!((ended.code, site.sessions()), (1, (logins, 0)), "{arguments:?} {signal}: {ended:#?}");
        assert!(ended.stderr.contains("interrupted: what was committed stays"), "{ended:#?}");
        let last = site.audit().pop().unwrap();
        assert!(last["url"].as_str().unwrap().ends_with("/logout"), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pipelines_end_their_sessions_when_they_are_interrupted_and_no_other_begins() {
    let site = Site::start().await;
    site.facts().slow = Duration::from_secs(60);
    let text = std::fs::read_to_string(site.folder.path().join("tidegate.yaml")).unwrap();
    let folder = site.folder.path().join("pipelines");
    std::fs::create_dir(&folder).unwrap();
    vouch(&folder);
    for n in 1..=6 {
        let own = text.replace("name: test", &format!("name: p{n}")).replace("./lake", &format!("./lake{n}"));
        std::fs::write(folder.join(format!("p{n}.yaml")), own).unwrap();
    }
    for (signal, logins) in [("-TERM", 4), ("-INT", 8)] {
        let ended = site.interrupted(&["-c", "pipelines", "run"], signal, logins).await;
        assert_eq!((ended.code, site.sessions()), (1, (logins, 0)), "{ended:#?}");
        assert!(!ended.stderr.contains("p5: ") && ended.stderr.contains("p4: error: interrupted"), "{ended:#?}");
    }
    let audit = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("/logout\"").count(), 8, "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_tried_once_and_told_in_the_servers_words() {
    let site = Site::start().await;
    site.facts().refusing = true;
    let ended = site.tidegate(&["-vv", "run"]);
    let lines = site.audit();
    let logins =
        lines.iter().filter(|line| line["status"].is_u64() && line["url"].as_str().unwrap().ends_with("/login"));
    assert_eq!(logins.count(), 1, "{lines:#?}");
    assert!(lines.iter().all(|line| !line["url"].as_str().unwrap().ends_with("/logout") || line["status"].is_null()));
    assert!(ended.stderr.contains("is unknown here"), "{ended:#?}");
    assert!(!ended.stderr.contains(PASSWORD) && !ended.stderr.contains("hunter2"), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_cannot_mean_is_refused_before_anything_is_asked() {
    let site = Site::start().await;
    let refused = [
        (vec!["--set", "auth={type: bearer, token: abcd, in: body}"], "it takes basic, bearer, session, anonymous"),
        (vec!["--set", "auth={type: session, username: u}"], "must have `username` and `password`, or neither"),
        (vec!["--set", "audit.file=nowhere/audit.jsonl"], "there is no folder"),
        (vec!["--set", "audit.file=lake.jsonl/"], "audit.file"),
    ];
    std::fs::create_dir(site.folder.path().join("lake.jsonl")).unwrap();
    for (options, words) in refused {
        for commanded in ["validate", "run"] {
            let mut arguments = options.clone();
            arguments.push(commanded);
            let ended = site.tidegate(&arguments);
            assert_eq!(ended.code, 2, "{arguments:?}: {ended:#?}");
            assert!(ended.stderr.contains(words), "{arguments:?}: {ended:#?}");
        }
    }
    let full = site.tidegate(&["--set", "audit.file=/dev/full", "run"]);
    assert_eq!(full.code, 1, "{full:#?}");
    assert!(full.stderr.contains("the audit log /dev/full cannot be written"), "{full:#?}");
    assert_eq!(site.facts().asked, 0, "only the login has left, and could not be recorded");
}
