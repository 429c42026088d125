//! `tidegate spec`: the JSON Schema of the configuration on standard output.
//!
//! The plugin's keys are part of it when the plugin is found: that of `--config` if the file exists, otherwise the
//! first beside the program. What is missing is said on standard error; the host's part is always there.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{Global, load};
use crate::bundle;
use crate::config::{self, form::MEMORY_LIMIT};
use crate::exit::{Exit, Failure};
use crate::output;

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let plugin = match section(global).await {
        Ok(section) => section,
        Err(failure) => {
            if !global.quiet {
                output::aside(&format!("warning: spec: without the plugin's keys: {}", failure.message));
            }
            None
        }
    };
    output::json(&config::schema(plugin.as_ref()))?;
    Ok(Exit::Done)
}

/// The schema of the plugin's keys; `None` where no plugin is at hand.
async fn section(global: &Global) -> Result<Option<Value>, Failure> {
    let plugin = if load::path(global).exists() {
        let document = load::document(global)?;
        match document.plugin() {
            Some(reference) => {
                load::plugin(reference, document.folder(), document.file(), document.memory_limit()).await?
            }
            None => return Ok(None),
        }
    } else {
        match bundle::shipped().first() {
            Some(name) => load::plugin(name, Path::new("."), "tidegate.yaml", MEMORY_LIMIT).await?,
            None => return Ok(None),
        }
    };
    Ok(Some(plugin.description().config_schema.clone()))
}
