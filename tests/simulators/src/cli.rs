//! The options of `tidegate-sim pi` and the server they describe.

mod plant;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use tidegate_simulators::pi::{Auth, Config, Dialect, Fault, Hidden, Kind, Knobs, Override, Sprinkle, parse_rfc3339};

/// What the server holds, how it behaves and what goes wrong.
#[derive(Args)]
#[command(after_long_help = FAULTS)]
pub(crate) struct Pi {
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// Number of tags, all kinds together.
    #[arg(long, default_value_t = 10)]
    tags: usize,
    /// Days of history before the end; fractions are allowed.
    #[arg(long, default_value_t = 1.0)]
    days: f64,
    /// Seconds between two events of a tag.
    #[arg(long, default_value_t = 60.0)]
    interval_seconds: f64,
    /// End of the history, RFC 3339 [default: start-up time].
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Events go on arriving as time passes.
    #[arg(long)]
    live: bool,
    /// Everything generated follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kinds of value with their weights, dealt out in turn: Float32 Float64 Int32 Int16 Int64 Digital String Timestamp
    /// Boolean Array Blob. Default: a plant's mix, mostly floats, every kind among any ten tags.
    #[arg(long, value_name = "KIND[=N],…", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Only ordinary good values, one per interval.
    #[arg(long)]
    clean: bool,
    /// How many of the last tags hold future data.
    #[arg(long, default_value_t = 0, value_name = "N")]
    future: usize,
    /// Days that future data reach ahead.
    #[arg(long, default_value_t = 2.0)]
    future_days: f64,
    /// How many of the last tags (before the future ones) hold nothing.
    #[arg(long, default_value_t = 0, value_name = "N")]
    empty: usize,
    /// Every third tag gets a name that URLs, JSON or shells trip over.
    #[arg(long)]
    hostile_names: bool,
    /// Put before every tag name.
    #[arg(long, default_value = "SIM.")]
    name_prefix: String,
    /// This tag has its own interval in seconds; 0.1 is 10 Hz.
    #[arg(long, value_name = "INDEX=SECONDS")]
    tag_interval: Vec<String>,
    /// This tag has so many events at one timestamp in the middle of the history.
    #[arg(long, value_name = "INDEX=COUNT")]
    burst: Vec<String>,
    /// This tag is hidden by security: absent from lists, refused (403, 404 or 502) when read.
    #[arg(long, value_name = "INDEX=STATUS")]
    hidden: Vec<String>,
    /// Appends a provisional newest value that vanishes when the next event arrives.
    #[arg(long)]
    snapshot: bool,
    /// Name of the data server.
    #[arg(long, default_value = "SIMPI")]
    server_name: String,
    /// The plant: elements and event frames.
    #[command(flatten)]
    plant: plant::Plant,
    /// How callers prove who they are.
    #[arg(long, value_enum, default_value_t = AuthKind::Anonymous)]
    auth: AuthKind,
    /// For basic authentication.
    #[arg(long)]
    username: Option<String>,
    /// For basic authentication.
    #[arg(long)]
    password: Option<String>,
    /// For bearer authentication.
    #[arg(long)]
    token: Option<String>,
    /// Serves HTTPS and writes the CA certificate that clients must trust to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert_out: Option<PathBuf>,
    /// MaxReturnedItemsPerCall.
    #[arg(long, default_value_t = 150_000)]
    max_items: usize,
    /// Added to every answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Requests per client address and second; beyond it 429.
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Compresses for clients that accept gzip.
    #[arg(long)]
    gzip: bool,
    /// Which shape of batch is understood.
    #[arg(long, value_enum, default_value_t = BatchDialect::Dictionary)]
    batch_dialect: BatchDialect,
    /// Largest request body in bytes.
    #[arg(long, default_value_t = 32 << 20)]
    max_body: usize,
    /// Offset in minutes of the server's local zone.
    #[arg(long, default_value_t = 330, allow_negative_numbers = true)]
    local_zone_minutes: i32,
    /// Behaves like a server before 2021 SP3: no /points/search.
    #[arg(long)]
    no_points_search: bool,
    /// Behaves like a server before 2018 SP1: no Stream Updates.
    #[arg(long)]
    no_stream_updates: bool,
    /// /system/configuration is readable.
    #[arg(long)]
    admin: bool,
    /// Unknown query parameters are answered 400.
    #[arg(long)]
    refuse_unknown_parameters: bool,
    /// POST needs no X-Requested-With.
    #[arg(long)]
    no_csrf: bool,
    /// WebException and item Errors are left out where selectedFields does not name them.
    #[arg(long)]
    exceptions_only_if_selected: bool,
    /// 429 and 503 come without Retry-After.
    #[arg(long)]
    no_retry_after: bool,
    /// Every sub-request of a batch counts for the rate limit.
    #[arg(long)]
    rate_limit_counts_subs: bool,
    /// Most sub-requests in a batch; beyond it 400 [default: none].
    #[arg(long, value_name = "N")]
    batch_limit: Option<usize>,
    /// Answers have a Content-Length instead of being chunked.
    #[arg(long)]
    content_length: bool,
    /// Difference of the server's clock to ours.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_skew_seconds: i64,
    /// Worker threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Serves /_sim/{points,truth,stats,faults,events,end,tags}.
    #[arg(long)]
    control: bool,
    /// Something that goes wrong; repeatable; see below.
    #[arg(long, value_name = "SPEC")]
    fault: Vec<String>,
}

/// The fault language, for `--help`.
const FAULTS: &str = "\
Faults: EFFECT[:ARG[:ARG]][,key=value]… or a JSON object.

  status:CODE                   this status, with the body a real server gives it
  web-exception[:STATUS[:N]]    200, N items (3), then a top-level WebException (500)
  item-errors[:INDEX]           200, one item carries Errors
  cut[:SHARE]                   a chunked body ends early (0.5)
  cut-length[:SHARE]            a body with Content-Length ends early
  reset                         the connection is reset before the answer
  delay:MS  stall:MS            a late answer; a silence in the middle of the body
  garbage  html  empty          200 with a body that is not JSON, a page, or nothing
  no-items  offline             200 without Items; 200 with an empty list
  cap:MAX                       the server's own limit is lower: 400 above it
  duplicate  unordered          an item twice; two items in the wrong order

  route=WILDCARD                batch, streams/recorded, points, points/search, dataservers/points, elements/get,
                                assetdatabases/{elements,elementattributes,eventframes}, streamsets/parent/value, …
  tag=WILDCARD                  name of the tag, element, attribute, event frame or database in the path, or a WebId
  body=TEXT                     the request's body holds this text, such as a WebId in a batch
  scope=any|request|sub         whole requests, sub-requests of a batch, or both
  nth=N  count=N  p=SHARE       from the N-th match on; at most N times; on this share, drawn from the seed

  --fault status:503,route=batch,count=5
  --fault web-exception,tag=*Flow*,scope=sub,nth=3,count=1
  --fault cut:0.9,route=batch,p=0.05";

/// How callers prove who they are.
#[derive(Clone, Copy, ValueEnum)]
enum AuthKind {
    Anonymous,
    Basic,
    Bearer,
}

/// Which shape of batch is understood.
#[derive(Clone, Copy, ValueEnum)]
enum BatchDialect {
    Dictionary,
    Requests,
}

/// Reads `INDEX=VALUE`.
fn indexed<T: std::str::FromStr>(option: &str, text: &str) -> Result<(usize, T)> {
    let pair = text.split_once('=').and_then(|(index, value)| Some((index.parse().ok()?, value.parse().ok()?)));
    pair.with_context(|| format!("--{option} {text}: expected INDEX=NUMBER, the index from 0"))
}

impl Pi {
    /// The server described, and the faults to arm.
    pub(crate) fn config(self) -> Result<(Config, Vec<Fault>)> {
        let faults = self.fault.iter().map(|spec| Fault::parse(spec)).collect::<Result<Vec<_>>>()?;
        let config = Config {
            end: self.end.as_deref().map(parse_rfc3339).transpose().context("--end")?,
            kinds: self.kind_mix()?,
            overrides: self.overrides()?,
            hidden: self.hidden_tags()?,
            auth: self.authentication()?,
            tls: self.tls_cert_out.is_some(),
            sprinkle: if self.clean { Sprinkle::none() } else { Sprinkle::default() },
            latency: Duration::from_millis(self.latency_ms),
            dialect: match self.batch_dialect {
                BatchDialect::Dictionary => Dialect::Dictionary,
                BatchDialect::Requests => Dialect::Requests,
            },
            knobs: self.plant.knobs(self.knobs()),
            assets: self.plant.assets(),
            frames: self.plant.frames(),
            port: self.port,
            address: self.address,
            tags: self.tags,
            days: self.days,
            interval_seconds: self.interval_seconds,
            live: self.live,
            seed: self.seed,
            future: self.future,
            future_days: self.future_days,
            empty: self.empty,
            hostile_names: self.hostile_names,
            name_prefix: self.name_prefix,
            snapshot: self.snapshot,
            server_name: self.server_name,
            asset_server_name: self.plant.asset_server_name,
            max_items: self.max_items,
            rate_limit: self.rate_limit,
            gzip: self.gzip,
            max_body: self.max_body,
            control: self.control,
            threads: self.threads,
        };
        Ok((config, faults))
    }

    fn knobs(&self) -> Knobs {
        let default = Knobs::default();
        Knobs {
            local_zone_minutes: self.local_zone_minutes,
            csrf: !self.no_csrf,
            points_search: !self.no_points_search,
            stream_updates: !self.no_stream_updates,
            admin: self.admin,
            refuse_unknown_parameters: self.refuse_unknown_parameters,
            exceptions_always: !self.exceptions_only_if_selected,
            retry_after: default.retry_after.filter(|_| !self.no_retry_after),
            rate_limit_counts_subs: self.rate_limit_counts_subs,
            batch_limit: self.batch_limit,
            chunked: !self.content_length,
            clock_skew_seconds: self.clock_skew_seconds,
            ..default
        }
    }

    fn kind_mix(&self) -> Result<Vec<Kind>> {
        if self.kinds.is_empty() {
            return Ok(Kind::plant_mix());
        }
        let mut mix = Vec::new();
        for text in &self.kinds {
            let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
            let kind = Kind::parse(name).with_context(|| format!("--kinds {text}: no such kind; see --help"))?;
            let weight: usize =
                weight.parse().with_context(|| format!("--kinds {text}: the weight is not a number"))?;
            mix.extend(std::iter::repeat_n(kind, weight));
        }
        if mix.is_empty() { bail!("--kinds: every weight is 0") } else { Ok(mix) }
    }

    fn overrides(&self) -> Result<BTreeMap<usize, Override>> {
        let mut overrides: BTreeMap<usize, Override> = BTreeMap::new();
        for text in &self.tag_interval {
            let (index, seconds) = indexed("tag-interval", text)?;
            overrides.entry(index).or_default().interval_seconds = Some(seconds);
        }
        for text in &self.burst {
            let (index, count) = indexed("burst", text)?;
            overrides.entry(index).or_default().burst = Some(count);
        }
        Ok(overrides)
    }

    fn hidden_tags(&self) -> Result<BTreeMap<usize, Hidden>> {
        let each = self.hidden.iter().map(|text| {
            let (index, status) = indexed::<u16>("hidden", text)?;
            let hidden = match status {
                403 => Hidden::Forbidden,
                404 => Hidden::NotFound,
                502 => Hidden::BadGateway,
                _ => bail!("--hidden {text}: expected 403, 404 or 502"),
            };
            Ok((index, hidden))
        });
        each.collect()
    }

    fn authentication(&self) -> Result<Auth> {
        let need = |value: &Option<String>, option: &str| {
            value.clone().with_context(|| format!("--{option} is missing for this kind of --auth"))
        };
        Ok(match self.auth {
            AuthKind::Anonymous => Auth::Anonymous,
            AuthKind::Basic => {
                Auth::Basic { username: need(&self.username, "username")?, password: need(&self.password, "password")? }
            }
            AuthKind::Bearer => Auth::Bearer { token: need(&self.token, "token")? },
        })
    }
}
