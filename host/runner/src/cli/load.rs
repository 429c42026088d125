//! From `--config` to a checked configuration and an opened pipeline. Makes no request to the historian.

use std::path::{Path, PathBuf};

use tidegate_sandbox::Plugin;

use super::Global;
use crate::bundle::{self, Approval};
use crate::config::{Config, Document, Invalid};
use crate::exit::{Exit, Failure};
use crate::pipeline::{Job, limits};
use crate::secret::redact;

/// Why a configuration cannot be used.
pub(super) enum Unusable {
    /// It has problems.
    Invalid(Invalid),
    /// It has none that matter while its plugin may not run.
    Refused(Failure),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Invalid(invalid) => invalid.into(),
            Unusable::Refused(failure) => failure,
        }
    }
}

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
/// The plugin may not run; or every problem, that of a plugin which cannot be loaded among them.
pub(super) async fn checked(document: Document) -> Result<(Config, Plugin), Unusable> {
    let loaded = match document.plugin() {
        None => Err(Failure::usage("no plugin is named, so its keys were not checked")),
        Some(reference) => plugin(reference, document.folder(), document.file(), document.memory_limit()).await,
    };
    match loaded {
        Ok(plugin) => {
            let config = document.check(Some(&plugin.description().config_schema)).map_err(Unusable::Invalid)?;
            Ok((config, plugin))
        }
        Err(failure) if failure.exit == Exit::Usage => Err(Unusable::Invalid(document.without_plugin(failure.message))),
        Err(failure) => Err(Unusable::Refused(failure)),
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

/// Loads a plugin that may run beside the configuration `config` in `folder`, and asks it what it is. `memory_limit` is in
/// bytes, of the whole host.
pub(super) async fn plugin(reference: &str, folder: &Path, config: &str, memory_limit: u64) -> Result<Plugin, Failure> {
    let locks = bundle::locks(folder)?;
    let approval = Approval::of(config);
    let (engine, limits) = (bundle::engine()?, limits(memory_limit));
    let candidate = bundle::find(reference, folder, &locks, &approval).await?;
    match bundle::vet(&candidate, &locks, &approval, &engine, limits.clone()).await {
        Err(failure) if failure.exit == Exit::Refused && candidate.kept => {
            let fresh = bundle::pull_again(&candidate).await?;
            bundle::vet(&fresh, &locks, &approval, &engine, limits).await
        }
        vetted => vetted,
    }
}
