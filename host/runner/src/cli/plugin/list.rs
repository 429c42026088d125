//! `tidegate plugin list`: what is approved, and which bundles lie beside the configuration and the program.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use tidegate_bundle::{Entry, Found, Lock, Reference};

use super::Place;
use crate::bundle::{self, Candidate};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output::{self, Format, Table};

/// What `--output json` prints: an array of these.
#[derive(Serialize)]
struct Line {
    name: String,
    version: String,
    digest: String,
    /// Empty where nobody has signed it who is known.
    signer: String,
    /// A file, or a name in a registry.
    source: String,
    /// `approved`, or why it may not run.
    state: String,
}

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let place = Place::of(global)?;
    let mut lines = Vec::new();
    for lock in std::iter::once(&place.locks.own).chain(&place.locks.shipped) {
        lines.extend(lock.entries().iter().map(|entry| approved(&place, lock, entry)));
    }
    let folders = [Some(place.folder.clone()), bundle::program_folder()];
    for folder in folders.iter().flatten() {
        for candidate in bundles(folder) {
            let digest = candidate.digest.to_string();
            if !lines.iter().any(|line: &Line| line.digest == digest) {
                lines.push(unknown(&place, &candidate));
            }
        }
    }
    match global.output {
        Format::Json => output::json(&lines)?,
        Format::Table if lines.is_empty() => output::line("no plugin is approved, and no bundle lies here")?,
        Format::Table => output::line(&table(&lines).to_string())?,
    }
    Ok(Exit::Done)
}

/// An entry, and whether what it names is still what was approved.
fn approved(place: &Place, lock: &Lock, entry: &Entry) -> Line {
    let folder = lock.path().parent().unwrap_or(Path::new("."));
    let state = if Reference::is_meant(&entry.source) {
        "approved".to_owned()
    } else {
        match bundle::read_file(&folder.join(&entry.source), folder) {
            Ok(candidate) => state(place, &candidate),
            Err(failure) => failure.message,
        }
    };
    Line {
        name: entry.name.clone(),
        version: entry.version.clone(),
        digest: entry.digest.to_string(),
        signer: entry.signer.clone().unwrap_or_default(),
        source: entry.source.clone(),
        state,
    }
}

fn state(place: &Place, candidate: &Candidate) -> String {
    let found = Found { source: &candidate.source, bundle: candidate.bundle(), digest: &candidate.digest };
    match place.locks.judge(found) {
        Ok(_) => "approved".to_owned(),
        Err(refusal) => format!("refused: {}", refusal.reason),
    }
}

/// A bundle that no lock names.
fn unknown(place: &Place, candidate: &Candidate) -> Line {
    let said = candidate.bundle().and_then(|bundle| bundle.manifest().ok());
    let (name, version) = said.map_or_else(Default::default, |said| (said.name, said.version));
    let signer = candidate.bundle().map(|bundle| place.signed_by(bundle).join(", ")).unwrap_or_default();
    let digest = candidate.digest.to_string();
    Line { name, version, digest, signer, source: candidate.shown.clone(), state: state(place, candidate) }
}

/// The bundles in a folder, by name. What is none is left out: whoever names it is told why.
fn bundles(folder: &Path) -> Vec<Candidate> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "tidegate"));
    paths.sort();
    paths.iter().filter_map(|path| bundle::read_file(path, folder).ok()).collect()
}

fn table(lines: &[Line]) -> Table {
    let mut table = Table::new(["name", "version", "digest", "signer", "source", "state"].map(str::to_owned).to_vec());
    for line in lines {
        let short: String = line.digest.chars().take("sha256:".len() + 12).collect();
        let cells = [&line.name, &line.version, &short, &line.signer, &line.source, &line.state];
        table.row(cells.map(String::clone).to_vec());
    }
    table
}
