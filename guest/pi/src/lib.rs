//! The PI plugin: time series from an AVEVA PI System through PI Web API.
//!
//! This page is the whole flow; each step is a module. What is configured is `resolve`d to points, the host decides
//! which interval of each is to be read, `plan` groups these, and `read` asks for many tags at once in a
//! `batch`, pages each tag on its own (`pages`) and maps values to rows (`convert`). What the server writes is
//! described in `api`.
//!
//! It holds no credential, keeps nothing between calls, repeats no failed request, and never takes an answer that is
//! not plainly whole for an answer: what cannot be proven becomes a gap.

mod api;
mod batch;
mod check;
mod convert;
mod discover;
mod listing;
mod manifest;
mod pages;
mod plan;
mod points;
mod probe;
mod read;
mod resolve;
mod server;
mod settings;
mod tag;

use tidegate_sdk::{Catalogue, Description, Extractor, Fault, Finding, Partition, Span, register_extractor};

use crate::{manifest::TIMESERIES, settings::Settings};

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

    async fn discover(kind: &str, pattern: &str) -> Result<(), Fault> {
        discover::discover(&Settings::load()?, kind, pattern).await
    }

    async fn resolve(table: &str) -> Result<Catalogue, Fault> {
        expect_events(table)?;
        resolve::series(&Settings::load()?).await
    }

    fn plan(table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        expect_events(table)?;
        Ok(plan::partitions(spans, Settings::load()?.performance))
    }

    async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
        expect_events(table)?;
        read::partition(table, &Settings::load()?, &partition).await
    }
}

fn expect_events(table: &str) -> Result<(), Fault> {
    if table == TIMESERIES {
        return Ok(());
    }
    Err(Fault::internal("table", format!("pi reads no table {table}; it has `{TIMESERIES}`")))
}

register_extractor!(Pi);
