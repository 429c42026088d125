//! The well-behaved base of the misbehaving plugins in `examples/`.
//!
//! Three series, `first`, `bad` and `last`, one partition each. Only the partition of `bad` misbehaves, so that a test
//! sees the other two go on. A sound partition holds [`ROWS`] events, one a second from the start of its interval, with
//! the values 0, 1, 2…; a test knows them without asking.
//!
//! ```sh
//! cargo build -p tidegate-programs --examples --target wasm32-wasip2 --profile plugin --target-dir target/plugins
//! ```

use std::{future::Future, marker::PhantomData};

use serde::Deserialize;
use tidegate_sdk::{
    Bookmarked, Capability, Catalogue, Change, Cover, Description, Extractor, Fault, Finding, Interval, Outcome,
    Partition, Series, Span, Table,
    events::{Row, TimeSeriesBuilder, ValueType},
    host, micros,
};

/// Events in a sound partition, as long as its interval has room for them.
pub const ROWS: i64 = 10;

/// The series that misbehaves.
pub const BAD: &str = "bad";

/// From one event to the next, in nanoseconds.
pub const STEP: i64 = 1_000_000_000;

/// The table of all programs, without its prefix.
pub const TABLE: &str = "timeseries";

/// One misbehaviour.
pub trait Program: 'static {
    /// Name of the plugin, and prefix of its table.
    const NAME: &'static str;

    /// What happens when the partition of [`BAD`] is read.
    ///
    /// # Errors
    /// Whatever the host lets the program see of its refusal.
    fn misbehave(table: &str, span: &Span) -> impl Future<Output = Result<(), Fault>>;

    /// What it is; by default like all others.
    fn description(description: Description) -> Description {
        description
    }

    /// What it says has changed; by default it has no bookmarks.
    fn changes(series: Vec<Bookmarked>) -> Vec<Change> {
        drop(series);
        Vec::new()
    }
}

/// A plugin around a misbehaviour.
#[derive(Debug)]
pub struct Plugin<P>(PhantomData<P>);

impl<P: Program> Extractor for Plugin<P> {
    fn describe() -> Description {
        P::description(Description {
            name: P::NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            tables: vec![Table::timeseries(TABLE, "Ten events of each of three series")],
            kinds: Vec::new(),
            config_schema: serde_json::json!({
                "properties": { "source": { "properties": { "other": {
                    "type": "string",
                    "description": "An address that was not granted; `another_host` tries to reach it."
                } } } }
            }),
            capabilities: vec![Capability::new("GET", "/system")],
            ..Description::default()
        })
    }

    async fn check() -> Vec<Finding> {
        let detail = "nothing is asked of a server".to_owned();
        vec![Finding { subject: P::NAME.to_owned(), outcome: Outcome::Ok, detail, advice: String::new() }]
    }

    async fn discover(kind: &str, _pattern: &str) -> Result<(), Fault> {
        Err(Fault::user("kind", format!("{} holds no {kind}", P::NAME)))
    }

    async fn resolve(_table: &str) -> Result<Catalogue, Fault> {
        let series = ["first", BAD, "last"].map(|name| Series {
            id: name.to_owned(),
            name: name.to_owned(),
            ahead: false,
            detail: String::new(),
        });
        Ok(Catalogue { series: series.into(), unresolved: Vec::new() })
    }

    async fn changes(_table: &str, series: Vec<Bookmarked>) -> Result<Vec<Change>, Fault> {
        Ok(P::changes(series))
    }

    fn plan(_table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        Ok(spans.into_iter().map(|span| Partition { spans: vec![span], requests: 0 }).collect())
    }

    async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
        for span in &partition.spans {
            if span.series.id == BAD {
                P::misbehave(table, span).await?;
            } else {
                behave(table, span)?;
            }
        }
        Ok(())
    }
}

/// Reads a span as one should.
///
/// # Errors
/// When the batch cannot be encoded.
pub fn behave(table: &str, span: &Span) -> Result<(), Fault> {
    hand_over(table, &span.series, span.interval, span.interval)
}

/// Emits the events that lie in `rows` and claims `proven` for them.
///
/// # Errors
/// When the batch cannot be encoded.
pub fn hand_over(table: &str, series: &Series, rows: Interval, proven: Interval) -> Result<(), Fault> {
    let mut batch = TimeSeriesBuilder::with_capacity(16);
    batch.series(&series.id, &series.name);
    for (index, instant) in instants(rows).enumerate() {
        let value = u32::try_from(index).ok().map(f64::from);
        batch.push(&Row {
            micros: micros(instant),
            value,
            text: None,
            value_type: ValueType::Float,
            units: None,
            good: Some(true),
            questionable: Some(false),
            substituted: Some(false),
            annotated: Some(false),
        });
    }
    let covers = [Cover::new(series.id.as_str(), proven)];
    if batch.is_empty() {
        host::covered(table, &covers);
    } else {
        host::emit(table, &batch.encode()?, &covers);
    }
    Ok(())
}

/// The instants of a series in an interval.
pub fn instants(interval: Interval) -> impl Iterator<Item = i64> {
    (0..ROWS).map(move |index| interval.start.saturating_add(index * STEP)).filter(move |at| interval.contains(*at))
}

/// The addresses of the configuration.
#[derive(Debug, Deserialize)]
pub struct Source {
    /// `source.url`: the address that is granted.
    pub url: String,
    /// `source.other`: one that is not.
    #[serde(default)]
    pub other: Option<String>,
}

impl Source {
    /// Asks the host.
    ///
    /// # Errors
    /// When the configuration has no `source.url`.
    pub fn load() -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Settings {
            source: Source,
        }
        host::settings::<Settings>().map(|settings| settings.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_holds_no_event_outside_its_interval() {
        assert_eq!(instants(Interval::new(0, 100 * STEP)).count(), 10);
        assert_eq!(instants(Interval::new(0, 3 * STEP)).collect::<Vec<_>>(), [0, STEP, 2 * STEP]);
        assert_eq!(instants(Interval::new(5, 5)).count(), 0);
    }
}
