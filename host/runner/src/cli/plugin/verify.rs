//! `tidegate plugin verify`: whether a bundle is whole, and by whom it is signed. Says nothing of whether it may run.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_bundle::{Digest, Signatures};

use super::{Named, Place, public_key};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// The public key by which it must be signed; by default those that plugins.lock knows are tried
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Verified {
    name: String,
    version: String,
    digest: Digest,
    signatures: usize,
    signers: Vec<String>,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let place = Place::of(global)?;
    let candidate = place.open(&arguments.named).await?;
    let bundle = candidate.need_bundle()?;
    let shown = &candidate.shown;
    let refuse = |why: String| Failure::refused(format!("{shown} is refused: {why}"));
    let signers = match &arguments.key {
        Some(path) if bundle.is_signed_by(&public_key(path)?) => vec![path.display().to_string()],
        Some(path) => {
            let made = match bundle.signature_count() {
                0 => "it is not signed".to_owned(),
                count => format!("none of its {count} signatures is by that key"),
            };
            return Err(refuse(format!("{made} ({})", path.display())).into());
        }
        None => place.signed_by(bundle),
    };
    if signers.is_empty() && place.locks.own.signatures() == Signatures::Required {
        let lock = place.locks.own.path().display();
        return Err(refuse(format!("{lock} requires a signature, and nobody whom it trusts has signed it")).into());
    }
    let said = bundle.manifest().map_err(|error| refuse(error.to_string()))?;
    let signatures = bundle.signature_count();
    match global.output {
        Format::Table => {
            let by = match (signatures, signers.is_empty()) {
                (0, _) => "not signed".to_owned(),
                (_, true) => "signed, but by nobody who is known here; name a key: --key FILE".to_owned(),
                (_, false) => format!("signed by {}", signers.join(", ")),
            };
            output::line(&format!("{} {} is whole: {}\n{by}", said.name, said.version, bundle.digest()))?;
        }
        Format::Json => output::json(&Verified {
            name: said.name,
            version: said.version,
            digest: bundle.digest().clone(),
            signatures,
            signers,
        })?,
    }
    Ok(Exit::Done)
}
