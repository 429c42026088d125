//! `tidegate plugin generate-key` and `sign`: with keys of cosign, so that either tool reads what the other wrote.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use tidegate_bundle::SigningKey;

use super::write;
use crate::bundle;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::secret::Secret;

/// Where cosign looks for the password of a private key.
const PASSWORD: &str = "COSIGN_PASSWORD";

#[derive(Args)]
pub(in crate::cli) struct Generate {
    /// The files are PREFIX.key and PREFIX.pub; neither is ever overwritten
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    output_prefix: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct Sign {
    /// The bundle; it is written again, with one signature more
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Writes a key pair.
pub(super) fn generate(arguments: &Generate) -> Result<Exit> {
    let (private, public) = SigningKey::generate(password()?.reveal()).map_err(bundle::failure)?;
    let with = |ending: &str| {
        let mut path = arguments.output_prefix.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let (key, lock) = (with(".key"), with(".pub"));
    if let Some(there) = [&key, &lock].into_iter().find(|path| path.exists()) {
        return Err(exists(there).into());
    }
    create(&key, &private, 0o600)?;
    create(&lock, &public, 0o644)?;
    output::line(&format!("wrote {} (keep it) and {} (give it away)", key.display(), lock.display()))?;
    Ok(Exit::Done)
}

/// Signs a bundle.
pub(super) fn sign(arguments: &Sign) -> Result<Exit> {
    let folder = arguments.file.parent().unwrap_or(Path::new("."));
    let candidate = bundle::read_file(&arguments.file, folder)?;
    let mut signed = candidate.need_bundle()?.clone();
    let unreadable = |error| Failure::usage(format!("{}: {error}", arguments.key.display()));
    let pem = std::fs::read_to_string(&arguments.key).map_err(unreadable)?;
    let key = SigningKey::unlock(&pem, password()?.reveal());
    let key = key.map_err(|error| Failure::usage(format!("{}: {error}", arguments.key.display())))?;
    signed.sign(&key).map_err(bundle::failure)?;
    write(&arguments.file, &signed)?;
    output::line(&format!("signed {}: {}", candidate.shown, signed.digest()))?;
    Ok(Exit::Done)
}

/// The password of a private key; an empty one where the variable is empty, as with cosign.
fn password() -> Result<Secret, Failure> {
    std::env::var(PASSWORD).map(Secret::new).map_err(|_| {
        Failure::usage(format!("{PASSWORD} is not set; it holds the password of the private key, and may be empty"))
    })
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::failed(format!("cannot write {}: {error}", path.display())),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists and is not overwritten; choose another --output-prefix", path.display()))
}
