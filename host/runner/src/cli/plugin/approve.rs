//! `tidegate plugin approve`: the act by which a plugin may run. Shows how it differs from what was approved before, then
//! pins its digest, who signed it, its requests and where credentials go.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_bundle::{Bundle, Entry, Lock, Manifest, Signatures, Signer};
use tidegate_sandbox::Limits;

use super::{Named, Place, public_key};
use crate::bundle::{self, Candidate};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::secret::redact;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// Who must have signed it: a name in plugins.lock, or the one that --key gets there
    #[arg(long, value_name = "NAME")]
    signer: Option<String>,
    /// A public key to trust from now on; it must have signed this bundle
    #[arg(long, value_name = "FILE", requires = "signer")]
    key: Option<PathBuf>,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Approved<'a> {
    /// The lock that is written.
    lock: String,
    /// Lines `~`, `+`, `-`; none where nothing changed.
    difference: &'a [String],
    /// As it stands in the lock now.
    plugin: &'a Entry,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let mut place = Place::of(global)?;
    let candidate = place.open(&arguments.named).await?;
    let known = place.locks.own.signers().len();
    let signer = signer(&mut place, arguments, &candidate)?;
    // What a bundle says is shown before it is compiled; a bare component says nothing before that.
    let manifest = bundle::manifest(&candidate)?;
    let bundled = manifest.is_some();
    let said = match manifest {
        Some(said) => said,
        None => ask(&candidate).await?,
    };
    let mut entry = Entry::of(&said, candidate.digest.clone(), candidate.source.clone());
    entry.signer = signer;
    let lock = &mut place.locks.own;
    let mut difference = lock.approve(entry.clone());
    difference.extend(
        lock.signers()
            .iter()
            .skip(known)
            .map(|signer| format!("+ {:<11} {} (key {})", "signer", signer.name, signer.key.fingerprint())),
    );
    if global.output == Format::Table {
        difference.iter().try_for_each(|line| output::line(&redact(line)))?;
    }
    if bundled {
        ask(&candidate).await?;
    }
    let path = lock.path().display().to_string();
    if global.output == Format::Json {
        output::json(&Approved { lock: path.clone(), difference: &difference, plugin: &entry })?;
    }
    if !difference.is_empty() {
        lock.write().map_err(bundle::failure)?;
    }
    if global.output == Format::Table {
        let done = if difference.is_empty() { "is approved already in" } else { "is approved in" };
        output::line(&format!("{} {} {done} {path}", entry.name, entry.version))?;
    }
    Ok(Exit::Done)
}

/// Has a plugin say what it is, which must be what its manifest says.
async fn ask(candidate: &Candidate) -> Result<Manifest, Failure> {
    Ok(bundle::compile(candidate, &bundle::engine()?, Limits::default()).await?.1)
}

/// Who has signed the bundle, of those whose signature counts; nobody where that is allowed.
fn signer(place: &mut Place, arguments: &Arguments, candidate: &Candidate) -> Result<Option<String>, Failure> {
    let shown = &candidate.shown;
    let refuse = |why: String| Failure::refused(format!("{shown} is refused: {why}"));
    let signed_by = |signer: &Signer| candidate.bundle().is_some_and(|bundle| bundle.is_signed_by(&signer.key));
    if let Some(name) = &arguments.signer {
        let wanted = match &arguments.key {
            Some(path) => Signer { name: name.clone(), key: public_key(path)? },
            None => known(place, name)?,
        };
        if !signed_by(&wanted) {
            return Err(refuse(format!("it is not signed by `{name}`")));
        }
        place.locks.own.trust(wanted).map_err(bundle::failure)?;
        return Ok(Some(name.clone()));
    }
    let found = candidate.bundle().and_then(|bundle| first_signer(place, bundle));
    if let Some(signer) = found {
        place.locks.own.trust(signer.clone()).map_err(bundle::failure)?;
        return Ok(Some(signer.name));
    }
    if place.locks.own.signatures() == Signatures::Optional {
        return Ok(None);
    }
    let lock = place.locks.own.path().display();
    let approval = &place.approval;
    Err(refuse(format!(
        "{lock} requires a signature, and nobody whom it trusts has signed it\n\
         to trust a key that has: {approval} {shown} --signer NAME --key cosign.pub"
    )))
}

fn first_signer(place: &Place, bundle: &Bundle) -> Option<Signer> {
    place.signers().find(|signer| bundle.is_signed_by(&signer.key)).cloned()
}

fn known(place: &Place, name: &str) -> Result<Signer, Failure> {
    place.signers().find(|signer| signer.name == name).cloned().ok_or_else(|| {
        let lock: &Lock = &place.locks.own;
        let path = lock.path().display();
        Failure::usage(format!("--signer {name}: {path} knows no such signer; give the key too: --key cosign.pub"))
    })
}
