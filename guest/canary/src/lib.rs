//! The Canary plugin: time series, assets and events of a Canary historian through the Views read API, version 2.
//!
//! This page is the whole flow; each step is a module. What is configured is `resolve`d to the tags of one view, the host
//! decides which interval of each is to be read, `plan` groups tags with the same window, and `read` asks for many at once,
//! window after window and page after page (`pages`), and maps samples to rows (`convert`). Nodes of the view become the
//! `hierarchy`, its `events` event frames. What the historian itself `count`s tells whether the table still equals it.
//! What the server writes is described in `api`; section numbers in comments are those of the published read API as the
//! project's reference numbers them.
//!
//! It holds no credential and no token: the host logs in and fills the token in. It keeps nothing between calls, repeats
//! no failed request, and never takes an answer that is not plainly whole for an answer: what cannot be proven becomes a
//! gap.

mod api;
mod batches;
mod browse;
mod catalogue;
mod check;
mod convert;
mod count;
mod discover;
mod echo;
mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hierarchy;
mod manifest;
mod pages;
mod plan;
mod points;
mod quality;
mod read;
mod refresh;
mod resolve;
mod server;
mod settings;
mod tag;
mod view;

use tidegate_sdk::{Catalogue, Counts, Description, Extractor, Fault, Finding, Partition, Span, register_extractor};

use crate::{
    manifest::{EVENT_FRAMES, TIMESERIES},
    settings::Settings,
};

/// The plugin.
#[derive(Debug)]
pub struct Canary;

impl Extractor for Canary {
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
            EVENT_FRAMES => events::series(&Settings::load()?).await,
            _ => Err(unknown(table)),
        }
    }

    async fn refresh(tables: &[String]) -> Result<(), Fault> {
        refresh::tables(&Settings::load()?, tables).await
    }

    fn plan(table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        match table {
            TIMESERIES => Ok(plan::partitions(spans, Settings::load()?.performance)),
            EVENT_FRAMES => Ok(events::partitions(spans)),
            _ => Err(unknown(table)),
        }
    }

    async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
        match table {
            TIMESERIES => read::partition(table, &Settings::load()?, partition).await,
            EVENT_FRAMES => events::partition(table, &Settings::load()?, &partition).await,
            _ => Err(unknown(table)),
        }
    }

    async fn count(table: &str, spans: &[Span], width: u64) -> Result<Counts, Fault> {
        match table {
            TIMESERIES => count::counts(&Settings::load()?, spans, width).await,
            EVENT_FRAMES => Ok(Counts::Unsupported("Canary has no count of events".to_owned())),
            _ => Err(unknown(table)),
        }
    }
}

fn unknown(table: &str) -> Fault {
    Fault::internal("table", format!("canary reads no series of {table}; it has `{TIMESERIES}` and `{EVENT_FRAMES}`"))
}

register_extractor!(Canary);
