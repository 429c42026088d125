//! From `--config` to a checked configuration and an opened pipeline. Makes no request.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tidegate_sandbox::Plugin;

use super::Global;
use crate::auth;
use crate::bundle;
use crate::config::{Config, Document, Invalid, Problem};
use crate::exit::Failure;
use crate::pipeline::{Job, limits};
use crate::secret::redact;

/// Reads the configuration; a folder stands for the `tidegate.yaml` in it.
pub(super) fn document(global: &Global) -> Result<Document, Failure> {
    Document::read(&path(global), &global.overrides)
}

/// The configuration's file.
pub(super) fn path(global: &Global) -> PathBuf {
    if global.config.is_dir() { global.config.join("tidegate.yaml") } else { global.config.clone() }
}

/// Checks the whole configuration against the host's and the plugin's schema.
///
/// # Errors
/// Every problem, that of a plugin which cannot be loaded among them.
pub(super) async fn checked(document: Document) -> Result<(Config, Plugin), Invalid> {
    let loaded = match document.plugin() {
        None => Err(Failure::usage("no plugin is named, so its keys were not checked")),
        Some(reference) => plugin(reference, document.folder(), document.memory_limit()).await,
    };
    let (file, origin) = (document.name().to_owned(), document.origin("/auth/type"));
    match loaded {
        Ok(plugin) => {
            let config = document.check(Some(&plugin.description().config_schema))?;
            match auth::credentials(&config.auth, plugin.description()) {
                // A type that only a later version knows is well formed.
                Err(failure) if config.unavailable.is_empty() => {
                    let problem = Problem { origin, key: "auth".to_owned(), what: failure.message };
                    Err(Invalid::new(file, vec![problem]))
                }
                _ => Ok((config, plugin)),
            }
        }
        Err(failure) => Err(document.without_plugin(failure.message)),
    }
}

/// The pipeline, opened, the configuration's warnings printed.
pub(super) async fn job(global: &Global) -> Result<Job, Failure> {
    let (config, plugin) = checked(document(global)?).await?;
    if !global.quiet {
        config.warnings.iter().for_each(|warning| eprintln!("warning: {}", redact(warning)));
    }
    Job::open(config, &plugin)
}

/// Runs `work` with a pipeline that may make requests, and closes it whatever becomes of that.
///
/// # Errors
/// The configuration's, that of `work`, or requests that could not be logged.
pub(super) async fn asking<T>(global: &Global, work: impl AsyncFnOnce(&Job) -> Result<T>) -> Result<T> {
    let job = job(global).await?;
    job.begin()?;
    let done = work(&job).await;
    let closed = job.close().await;
    let done = done?;
    closed?;
    Ok(done)
}

/// Loads a plugin and asks it what it is. `memory_limit` is in bytes, of the whole host.
pub(super) async fn plugin(reference: &str, folder: &Path, memory_limit: u64) -> Result<Plugin, Failure> {
    bundle::read(reference, folder)?.load(&bundle::engine()?, limits(memory_limit)).await
}
