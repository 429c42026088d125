//! The options of `tidegate-sim pi` and the server they describe.

use std::collections::BTreeMap;

use super::common::{Data, Wire, indexed, mix, need};
use super::plant;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use tidegate_simulators::pi::{Auth, Config, Dialect, Fault, Hidden, Kind, Knobs, Override, Sprinkle};

/// What the server holds, how it behaves and what goes wrong.
#[derive(Args)]
#[command(after_long_help = FAULTS)]
pub(crate) struct Pi {
    /// Socket and faults.
    #[command(flatten)]
    pub(crate) wire: Wire,
    /// Tags and their history.
    #[command(flatten)]
    data: Data,
    /// Kinds of value with their weights, dealt out in turn: Float32 Float64 Int32 Int16 Int64 Digital String Timestamp
    /// Boolean Array Blob. Default: a plant's mix, mostly floats, every kind among any ten tags.
    #[arg(long, value_name = "KIND[=N],…", value_delimiter = ',')]
    kinds: Vec<String>,
    /// How many of the last tags hold future data.
    #[arg(long, default_value_t = 0, value_name = "N")]
    future: usize,
    /// Days that future data reach ahead.
    #[arg(long, default_value_t = 2.0)]
    future_days: f64,
    /// Put before every tag name.
    #[arg(long, default_value = "SIM.")]
    name_prefix: String,
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
    /// MaxReturnedItemsPerCall.
    #[arg(long, default_value_t = 150_000)]
    max_items: usize,
    /// Which shape of batch is understood.
    #[arg(long, value_enum, default_value_t = BatchDialect::Dictionary)]
    batch_dialect: BatchDialect,
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
    /// Every sub-request of a batch counts for the rate limit.
    #[arg(long)]
    rate_limit_counts_subs: bool,
    /// Most sub-requests in a batch; beyond it 400 [default: none].
    #[arg(long, value_name = "N")]
    batch_limit: Option<usize>,
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

impl Pi {
    /// The server described, and the faults to arm.
    pub(crate) fn config(self) -> Result<(Config, Vec<Fault>)> {
        let faults = self.wire.faults(Fault::parse)?;
        let config = Config {
            end: self.data.end()?,
            kinds: mix(&self.kinds, Kind::parse, Kind::plant_mix())?,
            overrides: self.overrides()?,
            hidden: self.hidden_tags()?,
            auth: self.authentication()?,
            tls: self.wire.tls_cert_out.is_some(),
            sprinkle: if self.data.clean { Sprinkle::none() } else { Sprinkle::default() },
            latency: self.wire.latency(),
            dialect: match self.batch_dialect {
                BatchDialect::Dictionary => Dialect::Dictionary,
                BatchDialect::Requests => Dialect::Requests,
            },
            knobs: self.plant.knobs(self.knobs()),
            assets: self.plant.assets(),
            frames: self.plant.frames(),
            port: self.wire.port,
            address: self.wire.address,
            tags: self.data.tags,
            days: self.data.days,
            interval_seconds: self.data.interval_seconds,
            live: self.data.live,
            seed: self.data.seed,
            future: self.future,
            future_days: self.future_days,
            empty: self.data.empty,
            hostile_names: self.data.hostile_names,
            name_prefix: self.name_prefix,
            snapshot: self.snapshot,
            server_name: self.server_name,
            asset_server_name: self.plant.asset_server_name,
            max_items: self.max_items,
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
            local_zone_minutes: self.local_zone_minutes,
            csrf: !self.no_csrf,
            points_search: !self.no_points_search,
            stream_updates: !self.no_stream_updates,
            admin: self.admin,
            refuse_unknown_parameters: self.refuse_unknown_parameters,
            exceptions_always: !self.exceptions_only_if_selected,
            retry_after: self.wire.retry_after(default.retry_after),
            rate_limit_counts_subs: self.rate_limit_counts_subs,
            batch_limit: self.batch_limit,
            chunked: !self.wire.content_length,
            clock_skew_seconds: self.wire.clock_skew_seconds,
            ..default
        }
    }

    fn overrides(&self) -> Result<BTreeMap<usize, Override>> {
        let mut overrides: BTreeMap<usize, Override> = BTreeMap::new();
        for (index, seconds) in self.data.intervals()? {
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
        Ok(match self.auth {
            AuthKind::Anonymous => Auth::Anonymous,
            AuthKind::Basic => {
                Auth::Basic { username: need(&self.username, "username")?, password: need(&self.password, "password")? }
            }
            AuthKind::Bearer => Auth::Bearer { token: need(&self.token, "token")? },
        })
    }
}
