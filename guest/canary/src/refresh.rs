//! Snapshot tables that no time series needs: the nodes of the view, the tag catalogue.

use tidegate_sdk::Fault;

use crate::{
    hierarchy,
    manifest::{ASSET_HIERARCHY, POINTS},
    resolve,
    settings::Settings,
};

/// Refreshes these tables.
pub(crate) async fn tables(settings: &Settings, tables: &[String]) -> Result<(), Fault> {
    for table in tables {
        match table.as_str() {
            POINTS => resolve::catalogue(settings).await?,
            ASSET_HIERARCHY => hierarchy::refresh(settings).await?,
            other => {
                let text = format!("canary refreshes no table {other}; it has `{POINTS}` and `{ASSET_HIERARCHY}`");
                return Err(Fault::internal("table", text));
            }
        }
    }
    Ok(())
}
