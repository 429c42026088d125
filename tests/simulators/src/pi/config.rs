//! What a simulated server holds and how it behaves, in one struct with working defaults.
//!
//! Every point that the protocol reference marks unverified is a field of [`Knobs`], so that a test can show that a
//! client copes with either behaviour.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::assets::Assets;
use super::frames::Frames;
use super::tag::Kind;

/// What the server holds and how it behaves. `Config::default()` is a small plant of ten tags and one day.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of tags, all kinds together.
    pub tags: usize,
    /// Length of the history in days before `end`; fractions are allowed.
    pub days: f64,
    /// Mean distance between two events of a tag, in seconds, at least 0.001.
    pub interval_seconds: f64,
    /// End of the history in 100 ns ticks since the Unix epoch (see [`super::parse_rfc3339`]); `None`: start-up time.
    pub end: Option<i64>,
    /// Whether events go on arriving after `end` as wall time passes.
    pub live: bool,
    /// Everything generated depends on this and on a tag's index alone.
    pub seed: u64,
    /// Kinds of value, dealt out to the tags in turn.
    pub kinds: Vec<Kind>,
    /// How many of the last tags are future tags: their events reach `future_days` beyond `end`.
    pub future: usize,
    /// How far future tags reach beyond `end`, in days.
    pub future_days: f64,
    /// How many of the last tags (before the future ones) hold no event at all.
    pub empty: usize,
    /// Gives every third tag a name that URLs, JSON or shells trip over.
    pub hostile_names: bool,
    /// Put before every generated tag name.
    pub name_prefix: String,
    /// Exceptions for single tags, by index.
    pub overrides: BTreeMap<usize, Override>,
    /// How often unusual values and flags occur.
    pub sprinkle: Sprinkle,
    /// Appends a provisional newest value that vanishes or moves when the next event arrives.
    pub snapshot: bool,
    /// Tags that the caller may not see, by index, and how a direct read of one is refused.
    pub hidden: BTreeMap<usize, Hidden>,
    /// Name of the PI data server.
    pub server_name: String,
    /// Name of the AF server.
    pub asset_server_name: String,
    /// What the AF server holds.
    pub assets: Assets,
    /// What event frames each of its databases holds.
    pub frames: Frames,
    /// How callers prove who they are.
    pub auth: Auth,
    /// Serves HTTPS with a certificate made at start-up; see [`super::Server::ca_pem`].
    pub tls: bool,
    /// Address to listen on.
    pub address: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// `MaxReturnedItemsPerCall`.
    pub max_items: usize,
    /// Added to every answer.
    pub latency: Duration,
    /// Requests per client address and second; beyond it 429.
    pub rate_limit: Option<u32>,
    /// Compresses answers for clients that accept gzip.
    pub gzip: bool,
    /// Which shape of batch request is understood.
    pub dialect: Dialect,
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
            future: 0,
            future_days: 2.0,
            empty: 0,
            hostile_names: false,
            name_prefix: "SIM.".to_owned(),
            overrides: BTreeMap::new(),
            sprinkle: Sprinkle::default(),
            snapshot: false,
            hidden: BTreeMap::new(),
            server_name: "SIMPI".to_owned(),
            asset_server_name: "SIMAF".to_owned(),
            assets: Assets::default(),
            frames: Frames::default(),
            auth: Auth::Anonymous,
            tls: false,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            max_items: 150_000,
            latency: Duration::ZERO,
            rate_limit: None,
            gzip: false,
            dialect: Dialect::Dictionary,
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
    /// The tag's whole name, without the prefix.
    pub name: Option<String>,
    /// Kind of value.
    pub kind: Option<Kind>,
    /// Seconds between events; 0.1 makes a 10 Hz tag.
    pub interval_seconds: Option<f64>,
    /// This many events at one single timestamp, in the middle of the history unless `burst_at` says where.
    pub burst: Option<u32>,
    /// Where the burst lies, in 100 ns ticks since the Unix epoch.
    pub burst_at: Option<i64>,
    /// First instant of the tag's history in 100 ns ticks; earlier ones hold nothing.
    pub born: Option<i64>,
}

/// How often unusual values and flags occur, in events per 65,536.
#[derive(Clone, Copy, Debug)]
pub struct Sprinkle {
    /// System states (`Shutdown`, `I/O Timeout`…), not good.
    pub system: u16,
    /// A plain text in place of the value, not good.
    pub bad_text: u16,
    /// An object with an `Errors` array in place of the value, not good.
    pub error_value: u16,
    /// An ordinary value that is not good.
    pub stale: u16,
    /// `"NaN"` and `"Infinity"` as strings on float tags [unverified on real servers, therefore 0 by default].
    pub not_a_number: u16,
    /// `Questionable` set.
    pub questionable: u16,
    /// `Substituted` set.
    pub substituted: u16,
    /// `Annotated` set.
    pub annotated: u16,
    /// Two to five events share one timestamp (counted in slots of the interval).
    pub same_instant: u16,
    /// Three events share one microsecond but not one tick (counted in slots of the interval).
    pub same_microsecond: u16,
}

impl Default for Sprinkle {
    fn default() -> Sprinkle {
        Sprinkle {
            system: 500,
            bad_text: 60,
            error_value: 40,
            stale: 120,
            not_a_number: 0,
            questionable: 250,
            substituted: 120,
            annotated: 120,
            same_instant: 250,
            same_microsecond: 120,
        }
    }
}

impl Sprinkle {
    /// Nothing unusual: every event is good, alone at its timestamp, and exactly one per interval.
    pub fn none() -> Sprinkle {
        Sprinkle {
            system: 0,
            bad_text: 0,
            error_value: 0,
            stale: 0,
            not_a_number: 0,
            questionable: 0,
            substituted: 0,
            annotated: 0,
            same_instant: 0,
            same_microsecond: 0,
        }
    }
}

/// How callers prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// No header is looked at.
    Anonymous,
    /// HTTP Basic; user names compare without case, as Windows does.
    Basic {
        /// `DOMAIN\user`.
        username: String,
        /// Compared exactly.
        password: String,
    },
    /// A bearer token, compared exactly.
    Bearer {
        /// The token.
        token: String,
    },
}

/// Which shape of batch request is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The real API: a dictionary of requests, answered 207 with a dictionary.
    Dictionary,
    /// Some gateways: `{"Requests":[…]}` with relative resources, answered `{"Responses":[…]}`.
    Requests,
}

/// How a direct read of a tag is refused that the caller may not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// 403.
    Forbidden,
    /// 404, as if it did not exist.
    NotFound,
    /// 502, the back end's denial.
    BadGateway,
}

/// Behaviours that the protocol reference leaves open or that are server settings; the default is the likeliest.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Offset in minutes of the server's local zone, used for times without offset. India, so that a mistake shows.
    pub local_zone_minutes: i32,
    /// `EnableCSRFDefense`: POST needs `X-Requested-With`.
    pub csrf: bool,
    /// `/points/search` exists (since 2021 SP3).
    pub points_search: bool,
    /// `/system/configuration` is readable.
    pub admin: bool,
    /// Query parameters that the route does not know are answered 400 instead of being ignored.
    pub refuse_unknown_parameters: bool,
    /// `WebException` and item `Errors` are written even when `selectedFields` does not name them.
    pub exceptions_always: bool,
    /// Status of a batch child whose parent failed.
    pub failed_parent_status: u16,
    /// Seconds in `Retry-After` on 429 and 503; `None` leaves the header out.
    pub retry_after: Option<u32>,
    /// The 429 body is JSON, else plain text.
    pub rate_limit_json: bool,
    /// Sub-requests of a batch count for the rate limit.
    pub rate_limit_counts_subs: bool,
    /// Stream sets check streams × maxCount against `max_items`.
    pub stream_set_total: bool,
    /// Event-weighted counts include values that are not good.
    pub count_bad: bool,
    /// The event-weighted count of an interval without events is the state `No Data`, else 0.
    pub count_no_data: bool,
    /// Largest number of sub-requests in a batch; beyond it 400.
    pub batch_limit: Option<usize>,
    /// Answers are sent chunked, else with `Content-Length`.
    pub chunked: bool,
    /// Product version shown by `/system`.
    pub version: String,
    /// Difference of the server's clock to ours in seconds, for `*` and `ServerTime`.
    pub clock_skew_seconds: i64,
    /// `searchFullHierarchy` lists an element once for each of its parents.
    pub element_per_parent: bool,
    /// `/elements/{id}/elements` holds elements with another first parent too, else `referencedelements` alone does.
    pub elements_hold_references: bool,
    /// Bulk lists of attributes hold those below other attributes too.
    pub bulk_nested_attributes: bool,
    /// Bulk lists of attributes hold hidden and excluded ones too.
    pub bulk_hidden_attributes: bool,
    /// `/elementtemplates` needs `field` where `query` is given (2018).
    pub templates_need_field: bool,
    /// `/elementtemplates` knows `startIndex`.
    pub templates_start_index: bool,
    /// `EndTime` of an open frame is `9999-12-31T23:59:59.9999999Z`, else without the fraction.
    pub open_end_fraction: bool,
    /// `AcknowledgedDate` of a frame that nobody has acknowledged.
    pub unacknowledged_date: String,
    /// `BackwardFromStartTime` leaves out frames that begin at `startTime`, `ForwardFromEndTime` those that end there.
    pub strict_frame_search: bool,
    /// `recorded` of a whole element or frame is 409 where an attribute has no history, else it leaves that one out.
    pub parent_recorded_conflict: bool,
    /// Stream Updates exist (since 2018 SP1).
    pub stream_updates: bool,
    /// Updates can be retrieved again with an older marker, else each is given out once.
    pub updates_repeatable: bool,
    /// `/streams/{id}/value` reads attributes without data reference too, else it answers 409.
    pub static_streams: bool,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            local_zone_minutes: 330,
            csrf: true,
            points_search: true,
            admin: false,
            refuse_unknown_parameters: false,
            exceptions_always: true,
            failed_parent_status: 400,
            retry_after: Some(1),
            rate_limit_json: true,
            rate_limit_counts_subs: false,
            stream_set_total: false,
            count_bad: true,
            count_no_data: false,
            batch_limit: None,
            chunked: true,
            version: "1.19.1.28".to_owned(),
            clock_skew_seconds: 0,
            element_per_parent: false,
            elements_hold_references: true,
            bulk_nested_attributes: false,
            bulk_hidden_attributes: false,
            templates_need_field: true,
            templates_start_index: false,
            open_end_fraction: false,
            unacknowledged_date: "1970-01-01T00:00:00Z".to_owned(),
            strict_frame_search: false,
            parent_recorded_conflict: false,
            stream_updates: true,
            updates_repeatable: true,
            static_streams: false,
        }
    }
}
