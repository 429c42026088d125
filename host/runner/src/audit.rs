//! The audit log: one line of JSON for every request that was made to the historian, or that the policy refused.
//!
//! A line is written at once and in one piece when its exchange has ended: nothing is buffered that a killed process
//! could lose, and the lines of several pipelines may share one file. A line that cannot be written stops all requests
//! and fails the run; none is dropped in silence.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tidegate_model::{Domain, Fault, Retry};
use tidegate_sandbox::{Audit, Record};

use crate::exit::Failure;
use crate::secret::redact;

/// The code of the fault that keeps requests from being made.
pub const UNRECORDED: &str = "audit-log";

/// The log of one pipeline.
pub struct AuditLog {
    path: PathBuf,
    plugin: String,
    pipeline: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    /// Why lines can no longer be written.
    broken: Option<String>,
}

/// A line. What is null says nothing.
#[derive(Serialize)]
struct Line<'a> {
    /// When the request was sent, RFC 3339 in UTC.
    time: String,
    plugin: &'a str,
    pipeline: &'a str,
    method: &'a str,
    /// Without secrets.
    url: &'a str,
    /// Of the answer, where one began.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The code of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// Why the request was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
    /// Of the answer's body, unpacked.
    bytes: u64,
    request_bytes: u64,
    duration_ms: u64,
}

impl AuditLog {
    /// A log at `path`; nothing is touched yet.
    #[must_use]
    pub fn new(path: PathBuf, plugin: &str, pipeline: &str) -> Self {
        Self { path, plugin: plugin.to_owned(), pipeline: pipeline.to_owned(), state: Mutex::default() }
    }

    /// Opens the file, and creates it for its owner alone where there is none.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&self) -> Result<(), Failure> {
        let opened = open(&self.path)
            .map_err(|error| Failure::usage(format!("audit.file: cannot write {}: {error}", self.path.display())));
        self.state().file = Some(opened?);
        Ok(())
    }

    /// Whether every line was written.
    ///
    /// # Errors
    /// Why not.
    pub fn whole(&self) -> Result<(), Failure> {
        match &self.state().broken {
            None => Ok(()),
            Some(reason) => Err(Failure::failed(self.explain(reason))),
        }
    }

    fn explain(&self, reason: &str) -> String {
        let path = self.path.display();
        format!("the audit log {path} cannot be written: {reason}; no request is made without it: make room for it")
    }

    fn line(&self, record: &Record) -> Vec<u8> {
        let (url, refused) = (redact(&record.url), record.refused.as_deref().map(redact));
        let time: DateTime<Utc> = record.time.into();
        let line = Line {
            time: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            plugin: &self.plugin,
            pipeline: &self.pipeline,
            method: &record.method,
            url: &url,
            status: record.status,
            error: record.error.as_deref(),
            refused: refused.as_deref(),
            bytes: record.bytes,
            request_bytes: record.request_bytes,
            duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
        };
        // Text and numbers always have a JSON form.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        line
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audit for AuditLog {
    fn ready(&self) -> Result<(), Fault> {
        let state = self.state();
        let reason = match (&state.broken, &state.file) {
            (Some(reason), _) => reason.as_str(),
            (None, None) => "it is not open",
            (None, Some(_)) => return Ok(()),
        };
        let message = self.explain(reason);
        Err(Fault { domain: Domain::User, retry: Retry::Later, code: UNRECORDED.to_owned(), message })
    }

    fn keep(&self, record: &Record) {
        let line = self.line(record);
        let mut state = self.state();
        if state.broken.is_some() {
            return;
        }
        let written = match &mut state.file {
            Some(file) => file.write_all(&line),
            None => Err(io::Error::other("it is not open")),
        };
        if let Err(error) = written {
            state.broken = Some(error.to_string());
        }
    }
}

fn open(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::Value;

    use super::*;
    use crate::secret;

    fn record(url: &str) -> Record {
        Record {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            method: "GET".to_owned(),
            url: url.to_owned(),
            status: Some(200),
            error: None,
            refused: None,
            bytes: 7,
            request_bytes: 3,
            duration: Duration::from_millis(12),
        }
    }

    #[test]
    fn a_line_says_what_was_asked_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let log = AuditLog::new(path.clone(), "x", "plant-a");
        log.begin().unwrap();
        secret::register("t0p-s3cret");
        log.keep(&record("https://h/a?key=t0p-s3cret&b=1"));
        log.keep(&Record { status: None, refused: Some("not allowed".to_owned()), ..record("https://evil/") });
        log.whole().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = serde_json::json!({"time": "1970-01-01T00:00:01.500Z", "plugin": "x", "pipeline": "plant-a",
            "method": "GET", "url": "https://h/a?key=***&b=1", "status": 200, "bytes": 7, "request_bytes": 3,
            "duration_ms": 12});
        assert_eq!(lines[0], expected);
        assert_eq!((lines[1].get("status"), lines[1].get("refused")), (None, Some(&Value::from("not allowed"))));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn two_pipelines_write_whole_lines_into_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::thread::scope(|scope| {
            for pipeline in ["a", "b"] {
                let log = AuditLog::new(path.clone(), "x", pipeline);
                log.begin().unwrap();
                scope.spawn(move || (0..500).for_each(|_| log.keep(&record(&"u".repeat(3_000)))));
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1_000);
        assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_before_anything_is_asked() {
        let log = AuditLog::new("/nowhere/audit.jsonl".into(), "x", "p");
        let failure = log.begin().unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        assert!(failure.message.contains("audit.file: cannot write /nowhere/audit.jsonl"), "{failure}");
        assert_eq!(log.ready().unwrap_err().code, UNRECORDED);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_stops_requests_and_fails_the_run() {
        let log = AuditLog::new("/dev/full".into(), "x", "p");
        log.begin().unwrap();
        log.ready().unwrap();
        log.keep(&record("https://h/"));
        assert!(log.ready().unwrap_err().message.contains("No space left on device"));
        assert_eq!(log.whole().unwrap_err().exit, crate::exit::Exit::Failed);
    }
}
