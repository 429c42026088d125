//! Write a Tidegate plugin in Rust.
//!
//! A plugin reads one kind of historian. It is a WebAssembly component of the world `tidegate:historian/extractor`: it
//! has no file system, environment or sockets, and reaches its historian through the host, which adds the credentials
//! that the plugin never sees. What a plugin knows is the historian's protocol; retries, budgets, checkpoints and
//! tables are the host's.
//!
//! # A plugin in six steps
//!
//! **1. Say who you are.** [`Extractor::describe`] names the tables, the configuration keys and every kind of request
//! that the plugin will ever make. Anything else is refused by the host. A table has one of three shapes: *events* of
//! many series ([`Table::timeseries`]), *records* that begin and may end ([`Table::records`]), and *snapshots* of the
//! state of now ([`Table::snapshot`]). Where the configuration chooses among them, [`Extractor::wanted`] says which.
//!
//! **2. Resolve.** [`Extractor::resolve`] turns what the operator selected into [`Series`]. What is not found is reported
//! in [`Catalogue::unresolved`], and the others go on. A snapshot that describes the series is emitted on the way, as
//! below; one that has nothing to do with them is filled by [`Extractor::refresh`]. Either ends with
//! [`host::complete`], and is left as it was without this word.
//!
//! **3. Plan.** [`Extractor::plan`] groups [`Span`]s, a series and an interval each, into [`Partition`]s: one call of
//! `read` each, in an instance of its own, several at a time.
//!
//! **4. Read.** [`Extractor::read`] asks the historian and hands over rows *together with what they prove*:
//! [`host::emit`] takes a batch and [`Cover`]s, intervals of which every event has been handed over. A cursor moves by
//! nothing else. What cannot be proven is a [`host::gap`], and what is neither covered nor reported when `read` returns
//! is a gap all the same. A row without a place in the table goes to [`host::reject`] with its raw text. To cover an
//! interval of records is to have emitted every one that was alive at any time in it, whenever it began; which of those
//! that come no more do not exist any more is asked of [`Extractor::gone`].
//!
//! Where the historian tells what it changed, [`Extractor::changes`] hands that on, so that old changes are found too and less
//! is read again; without it the host looks back as usual.
//!
//! **5. Count**, where the historian can. [`Extractor::count`] has it count its own events, for `tidegate reconcile` to
//! compare the table with; by default a plugin cannot.
//!
//! **6. Register** the type, and build with `--target wasm32-wasip2` as a `cdylib`.
//!
//! ```
//! use serde::Deserialize;
//! use tidegate_sdk::{
//!     Capability, Catalogue, Cover, Description, Extractor, Fault, Finding, Outcome, Partition, Series, Span, Table,
//!     arrow::datatypes::{DataType, Schema},
//!     columns::{Columns, texts},
//!     events::{Row, TimeSeriesBuilder, ValueType, field},
//!     host, http::{Client, encode}, micros, register_extractor, time::{format_instant, parse_instant},
//! };
//!
//! pub struct Boiler;
//!
//! #[derive(Deserialize)]
//! struct Settings { source: Source }
//! #[derive(Deserialize)]
//! struct Source { url: String }
//!
//! #[derive(Deserialize)]
//! struct Sample { at: String, value: f64 }
//!
//! /// What `tidegate init` writes.
//! const STARTER: &str = "version: 1
//! name: boiler                   # the pipeline
//! plugin: boiler.tidegate
//! source: {url: https://boiler.example.com}
//! auth: {type: anonymous}        # or basic, bearer
//! sink: {location: ./lakehouse}
//! ingestion: {incremental_window_days: 30, lookback: 48h}
//! ";
//!
//! fn sensors() -> Schema {
//!     Schema::new(vec![field("sensor", DataType::Utf8, false, "Name of the sensor")])
//! }
//!
//! impl Extractor for Boiler {
//!     fn describe() -> Description {
//!         Description {
//!             name: "boiler".into(),
//!             version: env!("CARGO_PKG_VERSION").into(),
//!             license: env!("CARGO_PKG_LICENSE").into(),
//!             starter: STARTER.into(),
//!             tables: vec![
//!                 Table::timeseries("timeseries", "Temperatures of the boiler"),
//!                 Table::snapshot("sensors", "The sensors of the boiler", sensors()),
//!             ],
//!             kinds: vec!["tags".into()],
//!             config_schema: serde_json::json!({ "properties": {} }),
//!             capabilities: vec![Capability::new("GET", "/sensors"), Capability::new("GET", "/sensors/*/samples")],
//!             ..Description::default()
//!         }
//!     }
//!
//!     async fn check() -> Vec<Finding> {
//!         let (outcome, detail) = match Self::resolve("timeseries").await {
//!             Ok(found) => (Outcome::Ok, format!("{} sensors", found.series.len())),
//!             Err(fault) => (Outcome::Failed, fault.message),
//!         };
//!         vec![Finding { subject: "sensors".into(), outcome, detail, advice: String::new() }]
//!     }
//!
//!     async fn discover(kind: &str, _pattern: &str) -> Result<(), Fault> {
//!         Err(Fault::user("kind", format!("a boiler holds no {kind}")))
//!     }
//!
//!     async fn resolve(_table: &str) -> Result<Catalogue, Fault> {
//!         let settings: Settings = host::settings()?;
//!         let answer = Client::new(&settings.source.url).get("/sensors").await?.success()?;
//!         let names: Vec<String> = answer.json()?;
//!         let rows = Columns::new(&sensors()).push(texts(names.iter().map(|name| Some(name.as_str()))));
//!         host::emit("sensors", &rows.encode()?, &[]);
//!         host::complete("sensors");
//!         let series = names.into_iter().map(|name| Series {
//!             id: name.clone(), name, ahead: false, detail: String::new(),
//!         });
//!         Ok(Catalogue { series: series.collect(), unresolved: Vec::new() })
//!     }
//!
//!     fn plan(_table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
//!         Ok(spans.into_iter().map(|span| Partition { spans: vec![span], requests: 1 }).collect())
//!     }
//!
//!     async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
//!         let settings: Settings = host::settings()?;
//!         let client = Client::new(&settings.source.url);
//!         for Span { series, interval } in &partition.spans {
//!             let path = format!(
//!                 "/sensors/{}/samples?from={}&until={}",
//!                 encode(&series.id), format_instant(interval.start), format_instant(interval.end),
//!             );
//!             // A failure concerns this series; the others go on.
//!             let answer = match client.get(&path).await.and_then(|answer| answer.success()) {
//!                 Ok(answer) => answer,
//!                 Err(fault) => {
//!                     host::gap(table, &series.id, *interval, &fault);
//!                     continue;
//!                 }
//!             };
//!             let samples: Vec<Sample> = answer.json()?;
//!             let mut batch = TimeSeriesBuilder::with_capacity(samples.len());
//!             batch.series(&series.id, &series.name);
//!             for sample in &samples {
//!                 let Ok(instant) = parse_instant(&sample.at) else {
//!                     host::reject(table, &series.id, &sample.at, "not a time in UTC");
//!                     continue;
//!                 };
//!                 // A row outside its cover would end this call.
//!                 if !interval.contains(instant) {
//!                     continue;
//!                 }
//!                 batch.push(&Row {
//!                     micros: micros(instant), value: Some(sample.value), text: None, value_type: ValueType::Float,
//!                     units: Some("°C"), good: Some(true), questionable: None, substituted: None, annotated: None,
//!                 });
//!             }
//!             let proof = [Cover::new(series.id.as_str(), *interval)];
//!             if batch.is_empty() {
//!                 host::covered(table, &proof);
//!             } else {
//!                 host::emit(table, &batch.encode()?, &proof);
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! register_extractor!(Boiler);
//! ```
//!
//! # What a plugin must not do
//!
//! - Take a page that may be cut for the whole: cover only what is proven, and complete only what is whole.
//! - Repeat a failed request, or sleep: the host does, with one budget for all.
//! - Set `Authorization` or cookies: the host removes them, or refuses.
//! - Keep anything between calls: each may meet a fresh instance.
//!
//! # What is there already
//!
//! [`tables`] holds the schemas that historians share; [`snapshot`] hands over a snapshot in batches; [`slices`] and
//! [`life`] cut a long history into stretches that an answer can hold; [`buckets`] cuts what is to be counted; [`plan`]
//! reads `performance`; [`pattern`] matches names; [`config`] has the usual kinds of keys.
//!
//! # Tests
//!
//! On other targets than WebAssembly [`register_extractor!`] expands to nothing and the functions of [`host`] panic:
//! keep decisions apart from them, and test these with a plain `cargo test`; [`testing`] has what such tests need again and again.

#[expect(missing_docs, reason = "generated: documented in wit/")]
mod bindings;
pub mod buckets;
pub mod columns;
pub mod config;
pub mod events;
mod extractor;
mod fault;
mod finding;
pub mod host;
pub mod http;
mod interval;
pub mod ipc;
pub mod life;
pub mod pattern;
pub mod plan;
pub mod slices;
pub mod snapshot;
pub mod tables;
pub mod testing;
pub mod time;

/// What [`register_extractor!`] expands to; not for use.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::*;
}

pub use arrow;
pub use bindings::exported::{
    Bookmarked, Capability, Catalogue, Change, Counting, Counts, Finding, Outcome, Partition, Session, Shape, Tally,
    Unresolved,
};
pub use bindings::types::{Cover, Domain, Fault, Instant, Interval, Retry, Series, Span};
pub use extractor::{Description, Extractor, Table};
pub use fault::quote;
pub use interval::{floor_micros, micros};
