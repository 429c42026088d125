//! The configuration as the program uses it: parsed, with paths made absolute and secrets wrapped.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tidegate_sandbox::QuietHours;
use url::Url;

use super::durations::Start;
pub use super::form::{Mirror, Place, Quality};
use crate::secret::{self, Secret};

/// One pipeline.
#[derive(Debug)]
pub struct Config {
    /// The file as the operator named it.
    pub file: String,
    /// Absolute folder of the file: relative paths start here.
    pub folder: PathBuf,
    /// Names the checkpoint lineage.
    pub name: String,
    /// The bundle as configured.
    pub plugin: String,
    /// The historian.
    pub source: Source,
    /// Who we are to it.
    pub auth: Auth,
    /// How its certificate is verified.
    pub tls: Tls,
    /// Where the tables are.
    pub sink: Sink,
    /// What is read.
    pub ingestion: Ingestion,
    /// Budgets.
    pub performance: Performance,
    /// Absolute path of the log of all requests, where one is kept.
    pub audit: Option<PathBuf>,
    /// Absolute path of the folder for the figures of the last run, where they are wanted.
    pub metrics: Option<PathBuf>,
    /// When `serve` would run.
    pub schedule: Option<Schedule>,
    /// What is accepted but deserves a word, one line each.
    pub warnings: Vec<String>,
    /// What is well formed but cannot run in this version, one line each.
    pub unavailable: Vec<String>,
    /// What the plugin gets; holds no credential.
    pub(super) settings: Value,
}

/// `source`
#[derive(Debug)]
pub struct Source {
    /// Base of all requests, without a trailing slash.
    pub url: Url,
}

/// `auth`
#[derive(Debug)]
pub enum Auth {
    /// User name and password with every request.
    Basic {
        /// Often `DOMAIN\user`.
        username: String,
        /// Never printed.
        password: Secret,
    },
    /// A fixed token with every request.
    Bearer {
        /// Never printed.
        token: Secret,
        /// Where it travels.
        place: Place,
    },
    /// Tokens that the historian gives out itself.
    Session {
        /// Who logs in; `None` for an anonymous session.
        login: Option<Login>,
    },
    /// No credentials.
    Anonymous,
    /// A type that this version knows but cannot use; see [`Config::unavailable`].
    Later(&'static str),
}

/// Name and password of a session.
#[derive(Debug)]
pub struct Login {
    /// Often `DOMAIN\user`.
    pub username: String,
    /// Never printed.
    pub password: Secret,
}

/// `tls`
#[derive(Debug)]
pub struct Tls {
    /// Absolute path of a PEM file with further authorities.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// `sink`
#[derive(Debug)]
pub struct Sink {
    /// An absolute path, or a URL.
    pub location: String,
    /// Settings of the object store.
    pub storage_options: StorageOptions,
    /// Schema of the data tables.
    pub schema: String,
    /// Schema and table of the cursors, where configured.
    pub checkpoint_table: Option<(String, String)>,
}

impl Sink {
    /// Schema and table of the cursors, for a plugin whose tables begin with `prefix`.
    #[must_use]
    pub fn checkpoint(&self, prefix: &str) -> (String, String) {
        let default = || ("checkpoints".to_owned(), format!("{prefix}_watermarks"));
        self.checkpoint_table.clone().unwrap_or_else(default)
    }
}

/// Settings of an object store; many are secret, so `Debug` shows only the keys.
#[derive(Clone, Default)]
pub struct StorageOptions(pub HashMap<String, String>);

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|key| (key, secret::REDACTED))).finish()
    }
}

/// `ingestion`, as far as it is the host's.
#[derive(Debug)]
pub struct Ingestion {
    /// Where a series without a cursor starts.
    pub start: Start,
    /// How much behind the cursor is read again; zero turns it off.
    pub lookback: Duration,
    /// How often all of it is read although the historian tells what it changed; zero: always.
    pub full_lookback_every: Duration,
    /// Which events are stored.
    pub quality: Quality,
    /// What is done with events that the historian has changed.
    pub mirror: Mirror,
}

/// `performance`
#[derive(Debug)]
pub struct Performance {
    /// Series per batch request.
    pub batch_size: u32,
    /// Events per series and request.
    pub max_count_per_request: u32,
    /// Requests in flight, whole host.
    pub parallel_batches: u32,
    /// Requests per second, whole host.
    pub max_requests_per_second: f64,
    /// Hours of the day with a lower budget.
    pub quiet_hours: Vec<QuietHours>,
    /// Rows of one commit.
    pub commit_rows: u32,
    /// Bytes, whole host, plugins included.
    pub memory_limit: u64,
}

/// `schedule`
#[derive(Debug)]
pub enum Schedule {
    /// A run this long after the last one started.
    Every(Duration),
    /// Five cron fields.
    Cron(String),
}
