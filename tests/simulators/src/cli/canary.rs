//! The options of `tidegate-sim canary` and the server they describe.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tidegate_simulators::canary::{ApiTokenRefusal, Auth, Config, Fault, Kind, Knobs, Override, Sprinkle};

use super::common::{Data, Wire, mix, need};

/// What the server holds, how it behaves and what goes wrong.
#[derive(Args)]
#[command(after_long_help = FAULTS)]
pub(crate) struct Canary {
    /// Socket and faults.
    #[command(flatten)]
    pub(crate) wire: Wire,
    /// Tags and their history.
    #[command(flatten)]
    data: Data,
    /// Kinds of value with their weights, dealt out in turn: Float32 Float64 Int Bool String. Default: a plant's mix.
    #[arg(long, value_name = "KIND[=N],…", value_delimiter = ',')]
    kinds: Vec<String>,
    /// How many of the last tags (before the empty ones) are calculated: they have no item ids.
    #[arg(long, default_value_t = 0, value_name = "N")]
    calculated: usize,
    /// Put before every tag name.
    #[arg(long, default_value = "")]
    name_prefix: String,
    /// This tag is hidden by security: absent from lists, unknown when read.
    #[arg(long, value_name = "INDEX")]
    hidden: Vec<usize>,
    /// Name of the historian view.
    #[arg(long, default_value = "SIMHIST")]
    view: String,
    /// Name of the dataset.
    #[arg(long, default_value = "Plant A")]
    dataset: String,
    /// Name of the virtual view; empty for none.
    #[arg(long, default_value = "UNS")]
    virtual_view: String,
    /// Event frames that begin per day; fractions are allowed.
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    frames_per_day: f64,
    /// How many of the newest event frames are open at the end of the history.
    #[arg(long, default_value_t = 1, value_name = "N")]
    open_frames: usize,
    /// How callers prove who they are.
    #[arg(long, value_enum, default_value_t = AuthKind::Anonymous)]
    auth: AuthKind,
    /// For user tokens.
    #[arg(long)]
    username: Option<String>,
    /// For user tokens.
    #[arg(long)]
    password: Option<String>,
    /// For API tokens.
    #[arg(long)]
    token: Option<String>,
    /// Takes user names, passwords and API tokens without TLS too.
    #[arg(long)]
    plain_credentials: bool,
    /// Seconds after which an unused user or live data token expires.
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS")]
    token_idle_seconds: f64,
    /// Most user tokens open at once; beyond it BadLicense [default: none].
    #[arg(long, value_name = "N")]
    licences: Option<usize>,
    /// Not licensed for third-party use: every call is answered BadLicense.
    #[arg(long)]
    unlicensed: bool,
    /// Version of the service; getBatchEvents exists from 25.4 on.
    #[arg(long, default_value = "25.4", value_name = "YEAR.MINOR", value_parser = version)]
    server_version: (u16, u16),
    /// Behaves like an old server: no /api/v2.
    #[arg(long)]
    no_v2: bool,
    /// Most values in one answer of getTagData2, all tags together.
    #[arg(long, default_value_t = 1_000_000)]
    max_items: usize,
    /// Windows id of the server's zone.
    #[arg(long, default_value = "Eastern Standard Time", value_name = "ID")]
    local_zone: String,
    /// Behaves like an older build: the Authorization header is not read.
    #[arg(long)]
    no_bearer: bool,
    /// How a missing or unknown API token is answered.
    #[arg(long, value_enum, default_value_t = Refusal::BadUserToken)]
    api_token_refusal: Refusal,
    /// The status says Error in place of Errors.
    #[arg(long)]
    error_singular: bool,
    /// The last sample of a page comes again as the first of the next.
    #[arg(long)]
    duplicate_boundary: bool,
    /// The continuation has null for finished tags.
    #[arg(long)]
    null_entries: bool,
    /// Live data are objects under v2.
    #[arg(long)]
    live_objects: bool,
    /// Samples are arrays under v2.
    #[arg(long)]
    array_samples: bool,
    /// The end of a range is exclusive.
    #[arg(long)]
    end_exclusive: bool,
    /// A tag without data in the range has no key.
    #[arg(long)]
    absent_without_data: bool,
    /// A tag without properties has no key.
    #[arg(long)]
    absent_properties: bool,
    /// The aggregate Count holds samples that are not good too.
    #[arg(long)]
    count_bad: bool,
    /// A path outside every view and dataset has no data instead of being answered Errors.
    #[arg(long)]
    unknown_dataset_empty: bool,
}

/// The fault language, for `--help`.
const FAULTS: &str = "\
Faults: EFFECT[:ARG[:ARG]][,key=value]… or a JSON object.

  status:CODE                   this status, with a page
  errors                        200, Errors in the envelope
  bad-user-token  bad-live-data-token  bad-license
                                200 and that status in the envelope
  expire-tokens  expire-live-tokens
                                all such tokens expire before the request is looked at
  reject-continuation           a request with a continuation is answered Errors
  bump-sequence                 all views are rebuilt
  vanish                        the tags that tag= names are unknown to this call
  omit-context                  the tags that tag= names have no entry in getTagContext
  no-payload  offline           an envelope alone; empty lists
  duplicate  unordered          a sample twice; two samples in the wrong order
  cut[:SHARE]                   a chunked body ends early (0.5)
  cut-length[:SHARE]            a body with Content-Length ends early
  reset                         the connection is reset before the answer
  delay:MS  stall:MS            a late answer; a silence in the middle of the body
  garbage  html  empty          200 with a body that is not JSON, a page, or nothing

  route=WILDCARD                getTagData2, browseTags, getEvents, …; v1/getTagData, …
  tag=WILDCARD                  one of the tag paths, or the path, in the request
  body=TEXT                     the request's body holds this text
  nth=N  count=N  p=SHARE       from the N-th match on; at most N times; on this share, drawn from the seed

  --fault status:503,route=getTagData2,count=5
  --fault expire-tokens,route=getTagData2,nth=3,count=1
  --fault cut:0.9,route=browseTags,p=0.05";

/// How callers prove who they are.
#[derive(Clone, Copy, ValueEnum)]
enum AuthKind {
    Anonymous,
    User,
    ApiToken,
}

/// How a missing or unknown API token is answered.
#[derive(Clone, Copy, ValueEnum)]
enum Refusal {
    BadUserToken,
    Errors,
    Unauthorized,
    Forbidden,
}

fn version(text: &str) -> Result<(u16, u16)> {
    let pair = text.split_once('.').and_then(|(year, minor)| Some((year.parse().ok()?, minor.parse().ok()?)));
    pair.context("expected YEAR.MINOR, such as 24.1")
}

impl Canary {
    /// The server described, and the faults to arm.
    pub(crate) fn config(self) -> Result<(Config, Vec<Fault>)> {
        let faults = self.wire.faults(Fault::parse)?;
        let idle = Duration::try_from_secs_f64(self.token_idle_seconds).context("--token-idle-seconds")?;
        let config = Config {
            end: self.data.end()?,
            kinds: mix(&self.kinds, Kind::parse, Kind::plant_mix())?,
            overrides: self.overrides()?,
            auth: self.authentication()?,
            tls: self.wire.tls_cert_out.is_some(),
            sprinkle: if self.data.clean { Sprinkle::none() } else { Sprinkle::default() },
            latency: self.wire.latency(),
            knobs: self.knobs(),
            token_idle: idle,
            tags: self.data.tags,
            days: self.data.days,
            interval_seconds: self.data.interval_seconds,
            live: self.data.live,
            seed: self.data.seed,
            empty: self.data.empty,
            calculated: self.calculated,
            hostile_names: self.data.hostile_names,
            name_prefix: self.name_prefix,
            hidden: self.hidden,
            view: self.view,
            dataset: self.dataset,
            virtual_view: self.virtual_view,
            frames_per_day: self.frames_per_day,
            open_frames: self.open_frames,
            licensed: !self.unlicensed,
            licences: self.licences,
            version: self.server_version,
            v2: !self.no_v2,
            max_values: self.max_items,
            address: self.wire.address,
            port: self.wire.port,
            rate_limit: self.wire.rate_limit,
            gzip: self.wire.gzip,
            max_body: self.wire.max_body,
            control: self.wire.control,
            threads: self.wire.threads,
        };
        Ok((config, faults))
    }

    fn knobs(&self) -> Knobs {
        let default = Knobs::default();
        Knobs {
            local_zone: self.local_zone.clone(),
            bearer: !self.no_bearer,
            api_token_refusal: match self.api_token_refusal {
                Refusal::BadUserToken => ApiTokenRefusal::BadUserToken,
                Refusal::Errors => ApiTokenRefusal::Errors,
                Refusal::Unauthorized => ApiTokenRefusal::Unauthorized,
                Refusal::Forbidden => ApiTokenRefusal::Forbidden,
            },
            plain_credentials: self.plain_credentials,
            error_singular: self.error_singular,
            duplicate_boundary: self.duplicate_boundary,
            null_entries: self.null_entries,
            live_objects: self.live_objects,
            array_samples: self.array_samples,
            end_exclusive: self.end_exclusive,
            absent_without_data: self.absent_without_data,
            absent_properties: self.absent_properties,
            count_bad: self.count_bad,
            unknown_dataset_errors: !self.unknown_dataset_empty,
            retry_after: self.wire.retry_after(default.retry_after),
            chunked: !self.wire.content_length,
            clock_skew_seconds: self.wire.clock_skew_seconds,
            ..default
        }
    }

    fn overrides(&self) -> Result<BTreeMap<usize, Override>> {
        let intervals = self.data.intervals()?.into_iter();
        let own = |seconds| Override { interval_seconds: Some(seconds), ..Override::default() };
        Ok(intervals.map(|(index, seconds)| (index, own(seconds))).collect())
    }

    fn authentication(&self) -> Result<Auth> {
        Ok(match self.auth {
            AuthKind::Anonymous => Auth::Anonymous,
            AuthKind::User => {
                Auth::User { username: need(&self.username, "username")?, password: need(&self.password, "password")? }
            }
            AuthKind::ApiToken => Auth::ApiToken { token: need(&self.token, "token")? },
        })
    }
}
