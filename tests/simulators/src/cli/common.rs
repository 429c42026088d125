//! The options that every simulator has: its socket, its faults, its tags and their history.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use tidegate_simulators::pi::parse_rfc3339;

/// Socket and faults.
#[derive(Args)]
pub(crate) struct Wire {
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) address: IpAddr,
    /// Serves HTTPS and writes the CA certificate that clients must trust to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert_out: Option<PathBuf>,
    /// Added to every answer.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Requests per client address and second; beyond it 429.
    #[arg(long, value_name = "N")]
    pub(crate) rate_limit: Option<u32>,
    /// Compresses for clients that accept gzip.
    #[arg(long)]
    pub(crate) gzip: bool,
    /// Largest request body in bytes.
    #[arg(long, default_value_t = 32 << 20)]
    pub(crate) max_body: usize,
    /// 429 and 503 come without Retry-After.
    #[arg(long)]
    pub(crate) no_retry_after: bool,
    /// Answers have a Content-Length instead of being chunked.
    #[arg(long)]
    pub(crate) content_length: bool,
    /// Difference of the server's clock to ours.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) clock_skew_seconds: i64,
    /// Worker threads.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Serves /_sim/…: points, truth, stats, faults, events, end, tags and what else the server has.
    #[arg(long)]
    pub(crate) control: bool,
    /// Something that goes wrong; repeatable; see below.
    #[arg(long, value_name = "SPEC")]
    pub(crate) fault: Vec<String>,
}

/// Tags and their history.
#[derive(Args)]
pub(crate) struct Data {
    /// Number of tags, all kinds together.
    #[arg(long, default_value_t = 10)]
    pub(crate) tags: usize,
    /// Days of history before the end; fractions are allowed.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) days: f64,
    /// Seconds between two events of a tag.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) interval_seconds: f64,
    /// End of the history, RFC 3339 [default: start-up time].
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Events go on arriving as time passes.
    #[arg(long)]
    pub(crate) live: bool,
    /// Everything generated follows from it.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only ordinary good values, one per interval.
    #[arg(long)]
    pub(crate) clean: bool,
    /// How many of the last tags hold nothing.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) empty: usize,
    /// Every third tag gets a name that URLs, JSON or shells trip over.
    #[arg(long)]
    pub(crate) hostile_names: bool,
    /// This tag has its own interval in seconds; 0.1 is 10 Hz.
    #[arg(long, value_name = "INDEX=SECONDS")]
    pub(crate) tag_interval: Vec<String>,
}

impl Wire {
    /// Time added to every answer.
    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// Seconds in `Retry-After`, unless it is left out.
    pub(super) fn retry_after(&self, default: Option<u32>) -> Option<u32> {
        default.filter(|_| !self.no_retry_after)
    }

    /// The faults to arm, read by the server's own grammar.
    pub(super) fn faults<F>(&self, parse: fn(&str) -> Result<F>) -> Result<Vec<F>> {
        self.fault.iter().map(|spec| parse(spec)).collect()
    }
}

impl Data {
    /// End of the history in ticks, if it was given.
    pub(super) fn end(&self) -> Result<Option<i64>> {
        self.end.as_deref().map(parse_rfc3339).transpose().context("--end")
    }

    /// The intervals of single tags, by index, in seconds.
    pub(super) fn intervals(&self) -> Result<Vec<(usize, f64)>> {
        self.tag_interval.iter().map(|text| indexed("tag-interval", text)).collect()
    }
}

/// Reads `INDEX=VALUE`.
pub(super) fn indexed<T: std::str::FromStr>(option: &str, text: &str) -> Result<(usize, T)> {
    let pair = text.split_once('=').and_then(|(index, value)| Some((index.parse().ok()?, value.parse().ok()?)));
    pair.with_context(|| format!("--{option} {text}: expected INDEX=NUMBER, the index from 0"))
}

/// Reads `KIND[=N]` options into a mix of kinds, or takes this one.
pub(super) fn mix<K: Copy>(texts: &[String], parse: fn(&str) -> Option<K>, default: Vec<K>) -> Result<Vec<K>> {
    if texts.is_empty() {
        return Ok(default);
    }
    let mut mix = Vec::new();
    for text in texts {
        let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
        let kind = parse(name).with_context(|| format!("--kinds {text}: no such kind; see --help"))?;
        let weight: usize = weight.parse().with_context(|| format!("--kinds {text}: the weight is not a number"))?;
        mix.extend(std::iter::repeat_n(kind, weight));
    }
    if mix.is_empty() { bail!("--kinds: every weight is 0") } else { Ok(mix) }
}

/// The value of an option that this kind of authentication cannot do without.
pub(super) fn need(value: &Option<String>, option: &str) -> Result<String> {
    value.clone().with_context(|| format!("--{option} is missing for this kind of --auth"))
}
