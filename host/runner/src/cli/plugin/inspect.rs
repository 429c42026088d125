//! `tidegate plugin inspect`: all that a reviewer decides on, on one screen.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_bundle::{Digest, Found, Manifest};
use tidegate_sandbox::Limits;

use super::{Named, Place, sheet};
use crate::bundle::{self, Candidate};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    named: Named,
}

/// What is shown, and what `--output json` prints.
#[derive(Serialize)]
pub(super) struct Inspected {
    /// What the plugin says about itself; verified to be about this component, and no more.
    #[serde(flatten)]
    pub(super) said: Manifest,
    /// Of the bundle; null for a bare component.
    pub(super) digest: Option<Digest>,
    /// Bytes of the bundle.
    pub(super) size: u64,
    /// How many signatures there are.
    pub(super) signatures: usize,
    /// Whose they are, as far as plugins.lock knows.
    pub(super) signers: Vec<String>,
    /// `approved`, or why it may not run.
    pub(super) state: String,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let place = Place::of(global)?;
    let candidate = place.open(&arguments.named).await?;
    let inspected = inspect(&place, &candidate).await?;
    match global.output {
        Format::Table => output::line(&sheet::render(&inspected))?,
        Format::Json => output::json(&inspected)?,
    }
    Ok(Exit::Done)
}

async fn inspect(place: &Place, candidate: &Candidate) -> Result<Inspected> {
    let said = match candidate.bundle() {
        Some(bundle) => {
            bundle.manifest().map_err(|error| Failure::refused(format!("{} is refused: {error}", candidate.shown)))?
        }
        // A bare component has no manifest: it has to be asked.
        None => bundle::compile(candidate, &bundle::engine()?, Limits::default()).await?.1,
    };
    let found = Found { source: &candidate.source, bundle: candidate.bundle(), digest: &candidate.digest };
    let state = match place.locks.judge(found) {
        Ok(_) => "approved".to_owned(),
        Err(refusal) => refusal.reason,
    };
    let size = match candidate.bundle() {
        Some(bundle) => bundle.to_bytes()?.len() as u64,
        None => candidate.component().len() as u64,
    };
    Ok(Inspected {
        digest: candidate.bundle().map(|bundle| bundle.digest().clone()),
        size,
        signatures: candidate.bundle().map_or(0, |bundle| bundle.signature_count()),
        signers: candidate.bundle().map(|bundle| place.signed_by(bundle)).unwrap_or_default(),
        state,
        said,
    })
}
