//! The configuration file as it is written: its keys, their defaults and their explanations, from which the JSON Schema
//! is derived. What the values mean is in `typed`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::Secret;

/// Bytes of `performance.memory_limit` when it is not set: 512 MiB.
pub const MEMORY_LIMIT: u64 = 512 << 20;

/// Configuration of one Tidegate pipeline: one historian into one lake.
#[derive(Deserialize, JsonSchema)]
#[schemars(title = "Tidegate configuration")]
pub struct Form {
    /// Version of this format: 1.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name of the pipeline. It names the checkpoint lineage: a new name starts all tags over.
    #[schemars(extend("format" = "tidegate-name"))]
    pub name: String,
    /// The plugin: a bundle file, relative to this file or beside the tidegate program.
    #[schemars(length(min = 1))]
    pub plugin: String,
    /// The historian, and the plugin's own settings of it.
    pub source: Source,
    /// Who Tidegate is to the historian. The plugin never sees it.
    pub auth: Auth,
    /// How the historian's certificate is verified.
    #[serde(default)]
    pub tls: Tls,
    /// Where the tables are.
    pub sink: Sink,
    /// What is read, and from when. The plugin adds its own keys.
    #[serde(default)]
    pub ingestion: Ingestion,
    /// How hard the historian and this machine may be worked.
    #[serde(default)]
    pub performance: Performance,
    /// A log of every request that is made to the historian. There is none when this is not set.
    pub audit: Option<Audit>,
    /// Figures of the last run for Prometheus. None are written when this is not set.
    pub metrics: Option<Metrics>,
    /// When `serve` starts runs: `every` or `cron`, not both.
    pub schedule: Option<Schedule>,
}

/// `source`: the host's key; the plugin's are beside it.
#[derive(Deserialize, JsonSchema)]
pub struct Source {
    /// Base URL of the historian's API. Its origin is the only one that can be reached.
    #[schemars(extend("format" = "tidegate-http-url"))]
    pub url: String,
}

/// `auth`
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Auth {
    /// A user name and password with every request.
    Basic {
        /// Often `DOMAIN\user`.
        #[schemars(length(min = 1))]
        username: String,
        /// Best read from elsewhere: `${ACME_PASSWORD}` or `${file:/run/secrets/acme}`.
        password: Secret,
    },
    /// A fixed token with every request.
    Bearer {
        /// Best read from elsewhere: `${ACME_TOKEN}`.
        token: Secret,
        /// Where it travels: `header`, or `body` where the historian takes it in the JSON of a request only.
        #[serde(default, rename = "in")]
        place: Place,
    },
    /// A session: tokens that the historian gives out itself, for a user name and password or to anybody.
    Session {
        /// Often `DOMAIN\user`. Left out, with the password, for an anonymous session.
        #[schemars(length(min = 1))]
        username: Option<String>,
        /// Best read from elsewhere: `${HISTORIAN_PASSWORD}`.
        password: Option<Secret>,
    },
    /// No credentials.
    Anonymous {},
    /// Kerberos (not available yet in this version).
    Kerberos {
        /// Such as `svc-tidegate@CORP.EXAMPLE`.
        principal: String,
        /// Key table file.
        keytab: Option<String>,
        /// Credential cache file.
        ccache: Option<String>,
    },
    /// OAuth 2.0 client credentials (not available yet in this version).
    Oauth {
        /// Where tokens are issued.
        #[schemars(extend("format" = "tidegate-http-url"))]
        token_url: String,
        /// The client's name.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// Scopes to ask for.
        scope: Option<String>,
    },
}

/// `auth.in`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Place {
    /// The header `Authorization`.
    #[default]
    Header,
    /// A member of the JSON body.
    Body,
}

/// `audit`
#[derive(Deserialize, JsonSchema)]
pub struct Audit {
    /// One line of JSON for each request is added to this file, relative to this one; it is created where there is none.
    #[schemars(length(min = 1))]
    pub file: String,
}

/// `metrics`
#[derive(Deserialize, JsonSchema)]
pub struct Metrics {
    /// A folder, relative to this file, that node_exporter's textfile collector reads. Each run replaces
    /// `tidegate-NAME-run.prom` in it, each backfill `tidegate-NAME-backfill.prom`.
    #[schemars(length(min = 1))]
    pub folder: String,
}

/// `tls`
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct Tls {
    /// PEM file with the certificate authorities to trust besides the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Accept any certificate. Anybody in between can then read the credentials.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// `sink`
#[derive(Deserialize, JsonSchema)]
pub struct Sink {
    /// A folder, relative to this file, or the URL of an object store.
    #[schemars(length(min = 1))]
    pub location: String,
    /// Settings of the object store: keys as its client names them.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub storage_options: BTreeMap<String, Value>,
    /// Schema (folder) of the data tables.
    #[serde(default = "bronze")]
    #[schemars(extend("format" = "tidegate-identifier"))]
    pub schema: String,
    /// `schema.table` of the cursors; `checkpoints.<plugin>_watermarks` when not set. Gaps, runs and rejects lie beside it.
    #[schemars(extend("format" = "tidegate-table"))]
    pub checkpoint_table: Option<String>,
}

/// `ingestion`: the host's keys; the plugin's are beside them.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct Ingestion {
    /// How far back a tag without a cursor starts, in days.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 36_500))]
    pub incremental_window_days: u32,
    /// Where a tag without a cursor starts: RFC 3339, or before now such as `-7d`. Overrides `incremental_window_days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "tidegate-time"))]
    pub start: Option<String>,
    /// How much is read again on each run for late, edited and deleted events; `0` turns it off.
    #[serde(default = "two_days")]
    #[schemars(with = "Zero", extend("format" = "tidegate-duration"))]
    pub lookback: Value,
    /// Where the historian tells what it changed, how often the whole look-back is read all the same: nobody promises that it
    /// tells everything. `0`: on each run.
    #[serde(default = "six_hours")]
    #[schemars(with = "Zero", extend("format" = "tidegate-duration"))]
    pub full_lookback_every: Value,
    /// `all`, or `good`: then events of other quality are counted, not stored.
    #[serde(default)]
    pub quality: Quality,
    /// `full`: events that were edited or deleted inside the look-back are changed here too. `append_only`: they are counted
    /// and left as they are.
    #[serde(default)]
    pub mirror: Mirror,
}

impl Default for Ingestion {
    fn default() -> Self {
        Self {
            incremental_window_days: thirty(),
            start: None,
            lookback: two_days(),
            full_lookback_every: six_hours(),
            quality: Quality::All,
            mirror: Mirror::Full,
        }
    }
}

/// Which events are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Quality {
    /// All of them.
    #[default]
    All,
    /// Those of good quality.
    Good,
}

/// What is done with events that the historian has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Mirror {
    /// They are changed here too.
    #[default]
    Full,
    /// They are counted and left as they are.
    AppendOnly,
}

/// `performance`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Performance {
    /// Tags per batch request.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: u32,
    /// Events per tag and request.
    #[schemars(range(min = 2, max = 10_000_000))]
    pub max_count_per_request: u32,
    /// Requests in flight, whole host.
    #[schemars(range(min = 1, max = 256))]
    pub parallel_batches: u32,
    /// Requests per second, whole host: the historian's budget.
    #[schemars(range(min = 0.01, max = 100_000.0))]
    pub max_requests_per_second: f64,
    /// Hours of the day with a lower budget, by this machine's clock.
    pub quiet_hours: Vec<QuietHours>,
    /// Rows of one commit. Fewer lose less time to an interruption, more make larger files.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub commit_rows: u32,
    /// Memory of the whole host, plugins included: `512MiB`, `2GiB`.
    #[schemars(with = "Bytes", extend("format" = "tidegate-size"))]
    pub memory_limit: Value,
}

impl Default for Performance {
    fn default() -> Self {
        Self {
            batch_size: 100,
            max_count_per_request: 10_000,
            parallel_batches: 5,
            max_requests_per_second: 20.0,
            quiet_hours: Vec::new(),
            commit_rows: 4_000_000,
            memory_limit: Value::from("512MiB"),
        }
    }
}

/// `performance.quiet_hours[]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct QuietHours {
    /// Such as `07:30`.
    #[schemars(extend("format" = "tidegate-clock"))]
    pub from: String,
    /// Exclusive; earlier than `from` where midnight lies between.
    #[schemars(extend("format" = "tidegate-clock"))]
    pub to: String,
    /// Requests per second meanwhile; 0 asks nothing until they end.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100_000.0))]
    pub max_requests_per_second: f64,
}

/// `schedule`
#[derive(Deserialize, JsonSchema)]
pub struct Schedule {
    /// A run starts this long after the last one started.
    #[schemars(extend("format" = "tidegate-duration"))]
    pub every: Option<String>,
    /// Five fields: minute, hour, day of month, month, day of week.
    #[schemars(extend("format" = "tidegate-cron"))]
    pub cron: Option<String>,
}

/// A duration as written: text, or the number 0.
#[derive(JsonSchema)]
#[schemars(inline, extend("type" = ["string", "integer"], "minimum" = 0, "maximum" = 0))]
struct Zero;

/// A size as written: text, or a number of bytes.
#[derive(JsonSchema)]
#[schemars(inline, extend("type" = ["string", "integer"], "minimum" = 0))]
struct Bytes;

/// A value without structure.
#[derive(JsonSchema)]
#[schemars(inline, extend("type" = ["string", "number", "boolean"]))]
struct Scalar;

fn bronze() -> String {
    "bronze".to_owned()
}

fn thirty() -> u32 {
    30
}

fn two_days() -> Value {
    Value::from("48h")
}

fn six_hours() -> Value {
    Value::from("6h")
}
