//! The PI plugin: time series, assets and event frames from an AVEVA PI System through PI Web API.
//!
//! This page is the whole flow; each step is a module. What is configured is `resolve`d to points and databases, the host
//! decides which interval of each is to be read, `plan` groups these, and `read` asks for many tags at once in a
//! `batch`, pages each tag on its own (`pages`) and maps values to rows (`convert`); event frames are read slice by slice
//! (`frames`). Where the server has Stream Updates, these tell what to read again
//! (`updates`). What the server itself `count`s tells whether the table still equals it. The elements of AF and their
//! attributes are `refresh`ed as a whole (`hierarchy`, `attributes`). What the
//! server writes is described in `api`.
//!
//! It holds no credential, keeps nothing between calls, repeats no failed request, and never takes an answer that is
//! not plainly whole for an answer: what cannot be proven becomes a gap.

mod af;
mod api;
mod attributes;
mod batch;
mod check;
mod convert;
mod count;
mod discover;
mod frames;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hierarchy;
mod identity;
mod listing;
mod manifest;
mod pages;
mod plan;
mod points;
mod probe;
mod read;
mod refresh;
mod resolve;
mod server;
mod settings;
mod tag;
mod updates;
mod web_id;

use tidegate_sdk::{Bookmarked, Catalogue, Change, Counts, Description, Extractor, Fault, Finding, Partition, Span};

use crate::{
    manifest::{EVENT_FRAMES, TIMESERIES},
    settings::Settings,
};

/// The plugin.
#[derive(Debug)]
pub struct Pi;

impl Extractor for Pi {
    fn describe() -> Description {
        manifest::description()
    }

    async fn check() -> Vec<Finding> {
        check::check().await
    }

    fn wanted() -> Result<Vec<String>, Fault> {
        Ok(manifest::wanted(&Settings::load()?.ingestion))
    }

    async fn discover(kind: &str, pattern: &str) -> Result<(), Fault> {
        discover::discover(&Settings::load()?, kind, pattern).await
    }

    async fn resolve(table: &str) -> Result<Catalogue, Fault> {
        match table {
            TIMESERIES => resolve::series(&Settings::load()?).await,
            EVENT_FRAMES => frames::series(&Settings::load()?).await,
            _ => Err(unknown(table)),
        }
    }

    async fn refresh(tables: &[String]) -> Result<(), Fault> {
        refresh::tables(&Settings::load()?, tables).await
    }

    async fn changes(table: &str, series: Vec<Bookmarked>) -> Result<Vec<Change>, Fault> {
        match table {
            TIMESERIES => updates::changes(&Settings::load()?, series).await,
            _ => Ok(Vec::new()),
        }
    }

    fn plan(table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        let performance = Settings::load()?.performance;
        match table {
            TIMESERIES => Ok(plan::partitions(spans, performance)),
            EVENT_FRAMES => Ok(frames::partitions(spans, performance.batch_size)),
            _ => Err(unknown(table)),
        }
    }

    async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
        match table {
            TIMESERIES => read::partition(table, &Settings::load()?, &partition).await,
            EVENT_FRAMES => frames::partition(table, &Settings::load()?, &partition).await,
            _ => Err(unknown(table)),
        }
    }

    async fn count(table: &str, spans: &[Span], width: u64) -> Result<Counts, Fault> {
        match table {
            TIMESERIES => count::counts(&Settings::load()?, spans, width).await,
            EVENT_FRAMES => Ok(Counts::Unsupported("PI Web API has no count of event frames".to_owned())),
            _ => Err(unknown(table)),
        }
    }

    async fn gone(table: &str, keys: Vec<String>) -> Result<Vec<String>, Fault> {
        match table {
            EVENT_FRAMES => frames::gone(&Settings::load()?, keys).await,
            _ => Err(unknown(table)),
        }
    }
}

fn unknown(table: &str) -> Fault {
    Fault::internal("table", format!("pi reads no series of {table}; it has `{TIMESERIES}` and `{EVENT_FRAMES}`"))
}

#[cfg(feature = "component")]
tidegate_sdk::register_extractor!(Pi);
