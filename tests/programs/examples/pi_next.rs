//! The PI plugin as it may be one version later: in nothing different, but it asks for one request more. For upgrades,
//! which an operator has to approve.

use tidegate_pi::Pi;
use tidegate_sdk::{
    Bookmarked, Capability, Catalogue, Change, Counts, Description, Extractor, Fault, Finding, Partition, Span,
    register_extractor,
};

/// The component.
#[derive(Debug)]
pub struct Next;

impl Extractor for Next {
    fn describe() -> Description {
        let mut description = Pi::describe();
        description.version = "0.2.0".to_owned();
        description.capabilities.push(Capability::new("GET", "/streams/*/value"));
        description
    }

    async fn check() -> Vec<Finding> {
        Pi::check().await
    }

    fn wanted() -> Result<Vec<String>, Fault> {
        Pi::wanted()
    }

    async fn discover(kind: &str, pattern: &str) -> Result<(), Fault> {
        Pi::discover(kind, pattern).await
    }

    async fn resolve(table: &str) -> Result<Catalogue, Fault> {
        Pi::resolve(table).await
    }

    async fn refresh(tables: &[String]) -> Result<(), Fault> {
        Pi::refresh(tables).await
    }

    async fn changes(table: &str, series: Vec<Bookmarked>) -> Result<Vec<Change>, Fault> {
        Pi::changes(table, series).await
    }

    fn plan(table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        Pi::plan(table, spans)
    }

    async fn read(table: &str, partition: Partition) -> Result<(), Fault> {
        Pi::read(table, partition).await
    }

    async fn count(table: &str, spans: &[Span], width: u64) -> Result<Counts, Fault> {
        Pi::count(table, spans, width).await
    }

    async fn gone(table: &str, keys: Vec<String>) -> Result<Vec<String>, Fault> {
        Pi::gone(table, keys).await
    }
}

register_extractor!(Next);
