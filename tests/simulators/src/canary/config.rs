//! What a simulated Views service holds and how it behaves, in one struct with working defaults.
//!
//! Every point that the protocol reference marks `[?]` or `[I]` is a field of [`Knobs`] where a client could notice it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::tag::Kind;

/// What the server holds and how it behaves. `Config::default()` is a small plant of ten tags and one day.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of tags of the plant's dataset, all kinds together; the built-in dataset adds two.
    pub tags: usize,
    /// Length of the history in days before `end`; fractions are allowed.
    pub days: f64,
    /// Mean distance between two samples of a tag, in seconds, at least 0.001.
    pub interval_seconds: f64,
    /// End of the history in 100 ns ticks since the Unix epoch (see [`super::parse_rfc3339`]); `None`: start-up time.
    pub end: Option<i64>,
    /// Whether samples go on arriving after `end` as wall time passes.
    pub live: bool,
    /// Everything generated depends on this and on a tag's index alone.
    pub seed: u64,
    /// Kinds of value, dealt out to the tags in turn.
    pub kinds: Vec<Kind>,
    /// How many of the plant's last tags hold no sample at all.
    pub empty: usize,
    /// How many of the plant's last tags (before the empty ones) are calculated: they have no item ids.
    pub calculated: usize,
    /// Gives every third tag and every second asset a name that URLs, JSON or shells trip over.
    pub hostile_names: bool,
    /// Put before every generated tag name.
    pub name_prefix: String,
    /// Exceptions for single tags, by index.
    pub overrides: BTreeMap<usize, Override>,
    /// How often unusual samples occur.
    pub sprinkle: Sprinkle,
    /// Tags that Tag Security hides, by index: absent from browsing, and unknown when read [assumed].
    pub hidden: Vec<usize>,
    /// Name of the historian view.
    pub view: String,
    /// Name of the plant's dataset.
    pub dataset: String,
    /// Name of the virtual view; empty for none.
    pub virtual_view: String,
    /// Event frames that begin per day; fractions are allowed.
    pub frames_per_day: f64,
    /// How many of the newest event frames are open at the end of the history.
    pub open_frames: usize,
    /// How callers prove who they are.
    pub auth: Auth,
    /// Licensed for third-party use; else every call is answered `BadLicense`.
    pub licensed: bool,
    /// Most user tokens open at once; beyond it `BadLicense`. `None`: any number.
    pub licences: Option<usize>,
    /// How long a user or live token lives unused.
    pub token_idle: Duration,
    /// Version of the service: `getBatchEvents` exists from 25.4 on.
    pub version: (u16, u16),
    /// `/api/v2` exists (since about v21).
    pub v2: bool,
    /// Most values in one answer of `getTagData2`, all tags together.
    pub max_values: usize,
    /// Serves HTTPS with a certificate made at start-up; see [`super::Server::ca_pem`].
    pub tls: bool,
    /// Address to listen on.
    pub address: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Added to every answer.
    pub latency: Duration,
    /// Requests per client address and second; beyond it 429.
    pub rate_limit: Option<u32>,
    /// Compresses answers for clients that accept gzip.
    pub gzip: bool,
    /// Largest request body in bytes; beyond it 413 with an HTML body.
    pub max_body: usize,
    /// Serves `/_sim/…` for tests in other processes.
    pub control: bool,
    /// Worker threads of the server.
    pub threads: usize,
    /// Behaviours that the protocol reference leaves open.
    pub knobs: Knobs,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tags: 10,
            days: 1.0,
            interval_seconds: 60.0,
            end: None,
            live: false,
            seed: 1,
            kinds: Kind::plant_mix(),
            empty: 0,
            calculated: 0,
            hostile_names: false,
            name_prefix: String::new(),
            overrides: BTreeMap::new(),
            sprinkle: Sprinkle::default(),
            hidden: Vec::new(),
            view: "SIMHIST".to_owned(),
            dataset: "Plant A".to_owned(),
            virtual_view: "UNS".to_owned(),
            frames_per_day: 0.0,
            open_frames: 1,
            auth: Auth::Anonymous,
            licensed: true,
            licences: None,
            token_idle: Duration::from_secs(300),
            version: (25, 4),
            v2: true,
            max_values: 1_000_000,
            tls: false,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            latency: Duration::ZERO,
            rate_limit: None,
            gzip: false,
            max_body: 32 << 20,
            control: false,
            threads: 2,
            knobs: Knobs::default(),
        }
    }
}

/// Exceptions for one tag; `None` keeps what the config says for all.
#[derive(Clone, Debug, Default)]
pub struct Override {
    /// The tag's whole name below the dataset, without the prefix.
    pub name: Option<String>,
    /// Kind of value.
    pub kind: Option<Kind>,
    /// Seconds between samples; 0.1 makes a 10 Hz tag.
    pub interval_seconds: Option<f64>,
    /// First instant of the tag's history in 100 ns ticks; earlier ones hold nothing.
    pub born: Option<i64>,
}

/// How often unusual samples occur, in cases per 65,536.
#[derive(Clone, Copy, Debug)]
pub struct Sprinkle {
    /// Blocks of 32 slots in which a session ends: the marker "No Data" one tick after its last sample, then silence.
    pub session_end: u16,
    /// Blocks with a span of bad quality, a quarter of its values lost.
    pub bad_span: u16,
    /// Blocks with a span of uncertain quality.
    pub uncertain_span: u16,
    /// Good samples whose value is null.
    pub null: u16,
    /// Good samples with limit bits, or overridden by hand.
    pub limited: u16,
    /// Three samples share one microsecond but not one tick.
    pub same_microsecond: u16,
}

impl Default for Sprinkle {
    fn default() -> Sprinkle {
        Sprinkle {
            session_end: 4000,
            bad_span: 4000,
            uncertain_span: 4000,
            null: 60,
            limited: 250,
            same_microsecond: 120,
        }
    }
}

impl Sprinkle {
    /// Nothing unusual: every sample is good, alone in its microsecond, and exactly one per interval.
    pub fn none() -> Sprinkle {
        Sprinkle { session_end: 0, bad_span: 0, uncertain_span: 0, null: 0, limited: 0, same_microsecond: 0 }
    }
}

/// How callers prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// No token is needed, except a user token on v1; `getUserToken` asks for no user name.
    Anonymous,
    /// A user token from `getUserToken`.
    User {
        /// Compared without case, as Windows does.
        username: String,
        /// Compared exactly.
        password: String,
    },
    /// An API token that an administrator has made, compared exactly.
    ApiToken {
        /// The token.
        token: String,
    },
}

/// How a missing or unknown API token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiTokenRefusal {
    /// Status 200, `BadUserToken`.
    BadUserToken,
    /// Status 200, `Errors`.
    Errors,
    /// Status 401 without an envelope.
    Unauthorized,
    /// Status 403 without an envelope.
    Forbidden,
}

/// Behaviours that the protocol reference leaves open or that are server settings; the default is the likeliest.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Windows id of the server's zone, used by v2 where no `timezone` is given.
    pub local_zone: String,
    /// `Authorization: Bearer` is read; older builds know the token in the body and the query only.
    pub bearer: bool,
    /// How a missing or unknown API token is answered \[?\].
    pub api_token_refusal: ApiTokenRefusal,
    /// User names, passwords and API tokens are taken over plain HTTP too; a real server wants HTTPS.
    pub plain_credentials: bool,
    /// The status says `Error` in place of `Errors`, as the sister write API does.
    pub error_singular: bool,
    /// The last sample of a page comes again as the first of the next \[?\].
    pub duplicate_boundary: bool,
    /// The continuation has a place for each tag, null where it is finished \[I\]; else only for those unfinished.
    pub null_entries: bool,
    /// `getLiveData` sends objects under v2; the documents show arrays.
    pub live_objects: bool,
    /// Data calls of v2 send arrays, as one old vendor script expects.
    pub array_samples: bool,
    /// The end of a range is exclusive \[?\].
    pub end_exclusive: bool,
    /// A tag without data in the range has no key, else an empty list \[?\].
    pub absent_without_data: bool,
    /// A tag without properties has no key, else an empty object.
    pub absent_properties: bool,
    /// A path whose view or dataset does not exist is answered `Errors`, else it has no data \[?\].
    pub unknown_dataset_errors: bool,
    /// The aggregate Count holds samples that are not good too \[?\].
    pub count_bad: bool,
    /// Most tags in one call of `getTagProperties` by path (an administrator's setting).
    pub properties_cap: usize,
    /// Seconds in `Retry-After` on 429 and 503; `None` leaves the header out.
    pub retry_after: Option<u32>,
    /// Answers are sent chunked, else with `Content-Length`.
    pub chunked: bool,
    /// Difference of the server's clock to ours in seconds.
    pub clock_skew_seconds: i64,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            local_zone: "Eastern Standard Time".to_owned(),
            bearer: true,
            api_token_refusal: ApiTokenRefusal::BadUserToken,
            plain_credentials: false,
            error_singular: false,
            duplicate_boundary: false,
            null_entries: false,
            live_objects: false,
            array_samples: false,
            end_exclusive: false,
            absent_without_data: false,
            absent_properties: false,
            unknown_dataset_errors: true,
            count_bad: false,
            properties_cap: 1000,
            retry_after: Some(1),
            chunked: true,
            clock_skew_seconds: 0,
        }
    }
}
