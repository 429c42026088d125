//! From `--config` to a checked configuration and an opened pipeline. Makes no request to the historian.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tidegate_sandbox::Plugin;

use super::{Global, interrupt, several};
use crate::auth;
use crate::bundle::{self, Approval};
use crate::config::{Config, Document, Invalid, Problem};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::pipeline::{Job, limits};

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

/// Reads the configuration; a folder stands for the one in it.
pub(super) fn document(global: &Global) -> Result<Document, Failure> {
    Document::read(&path(global), &global.overrides)
}

/// The configuration's file. Of a folder the only one in it; where there is none, the name that it is expected under.
pub(super) fn path(global: &Global) -> PathBuf {
    if !global.config.is_dir() {
        return global.config.clone();
    }
    several::only(&global.config).unwrap_or_else(|| global.config.join("tidegate.yaml"))
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
    let (file, origin) = (document.file().to_owned(), document.origin("/auth/type"));
    match loaded {
        Ok(plugin) => {
            let config = document.check(Some(&plugin.description().config_schema)).map_err(Unusable::Invalid)?;
            match auth::credentials(&config.auth, plugin.description()) {
                // A type that only a later version knows is well formed.
                Err(failure) if config.unavailable.is_empty() => {
                    let problem = Problem { origin, key: "auth".to_owned(), what: failure.message };
                    Err(Unusable::Invalid(Invalid::new(file, vec![problem])))
                }
                _ => Ok((config, plugin)),
            }
        }
        Err(failure) if failure.exit == Exit::Usage => Err(Unusable::Invalid(document.without_plugin(failure.message))),
        Err(failure) => Err(Unusable::Refused(failure)),
    }
}

/// The pipeline, opened, the configuration's warnings printed.
pub(super) async fn job(global: &Global) -> Result<Job, Failure> {
    let (config, plugin) = checked(document(global)?).await?;
    if !global.quiet {
        config.warnings.iter().for_each(|warning| output::aside(&format!("warning: {warning}")));
    }
    Job::open(config, &plugin)
}

/// Runs `work` with a pipeline that may make requests, until it ends or is interrupted, and closes the pipeline whatever
/// becomes of that.
///
/// # Errors
/// The configuration's, that of `work`, or requests that could not be logged.
pub(super) async fn asking<T>(global: &Global, work: impl AsyncFnOnce(&Job) -> Result<T>) -> Result<T> {
    attend(&job(global).await?, work).await
}

/// The same with a pipeline that is opened already.
///
/// # Errors
/// That of `work`, or requests that could not be logged.
pub(super) async fn attend<T>(job: &Job, work: impl AsyncFnOnce(&Job) -> Result<T>) -> Result<T> {
    job.begin()?;
    let done = tokio::select! {
        // First, so that no interrupt of the work ends the process before the pipeline is closed.
        biased;
        () = interrupt::told_to_stop() => Err(interrupt::interrupted().into()),
        done = work(job) => done,
    };
    let closed = job.close().await;
    let done = done?;
    closed?;
    Ok(done)
}

/// Loads a plugin that may run beside the configuration `config` in `folder`, and asks it what it is. `memory_limit` is in
/// bytes, of the whole host.
pub(super) async fn plugin(reference: &str, folder: &Path, config: &str, memory_limit: u64) -> Result<Plugin, Failure> {
    let locks = bundle::locks(folder)?;
    let approval = Approval::of(config);
    let (engine, limits) = (bundle::engine()?, limits(memory_limit));
    let candidate = bundle::find(reference, folder, &locks, &approval).await?;
    match bundle::vet(&candidate, &locks, &approval, &engine, limits.clone()).await {
        Err(refusal) if refusal.exit == Exit::Refused && candidate.kept => match bundle::pull_again(&candidate).await {
            Ok(fresh) => bundle::vet(&fresh, &locks, &approval, &engine, limits).await,
            // What lies here is refused, whether the registry can be asked for a newer signature or not.
            Err(failure) => {
                tracing::warn!("{failure}; what was pulled before is looked at alone");
                Err(refusal)
            }
        },
        vetted => vetted,
    }
}
