//! `tidegate plugin verify`: whether a bundle is whole, and signed by somebody whose signature counts. Says nothing of
//! whether it may run.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_bundle::{Digest, Signatures};

use super::{Named, Place, public_key};
use crate::bundle::word;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// The public key by which it must be signed; by default one of the signers that plugins.lock knows must have signed it
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
    let signatures = bundle.signature_count();
    if signers.is_empty() && (signatures > 0 || expects_signatures(&place)) {
        let made = match signatures {
            0 => "it is not signed".to_owned(),
            count => {
                format!("none of its {count} signatures is by anybody whom {} knows", place.locks.own.path().display())
            }
        };
        let word = word(shown);
        return Err(
            refuse(format!("{made}\nto check it by a key: tidegate plugin verify {word} --key cosign.pub")).into()
        );
    }
    let said = bundle.manifest().map_err(|error| refuse(error.to_string()))?;
    match global.output {
        Format::Table => {
            let by =
                if signers.is_empty() { "not signed".to_owned() } else { format!("signed by {}", signers.join(", ")) };
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

/// Whether what is not signed is refused: a lock requires signatures, or knows somebody who signs.
fn expects_signatures(place: &Place) -> bool {
    let mut locks = std::iter::once(&place.locks.own).chain(&place.locks.shipped);
    locks.any(|lock| lock.signatures() == Signatures::Required || !lock.signers().is_empty())
}
