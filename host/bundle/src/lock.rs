//! `plugins.lock`: which plugins may run, whose they are, and what each may ask for. A person reads and reviews it, so it
//! is TOML in a stable order; `tidegate plugin approve` writes it.
//!
//! A lock vouches or it does not: what it has no entry for is refused, and a missing list allows nothing.

mod difference;
mod judge;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, printable};
use crate::keys::PublicKey;

pub use judge::{Found, Locks, Refusal, Vouched};

/// The name of the file.
const NAME: &str = "plugins.lock";
/// The version of its form.
const VERSION: u32 = 1;
/// The largest lock that is read, in bytes.
const LARGEST_LOCK: u64 = 4 << 20;
/// What a person who opens the file has to know.
const HEAD: &str = "\
# Which plugins may run here, whose they are, and which requests each may make. Keep it in version control and review
# its changes. `tidegate plugin approve` writes it; comments are not kept. A plugin that asks for a request which is not
# in `capabilities`, or for a call which is not in `credentials`, does not run.
";

/// Whether bundles have to be signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signatures {
    /// By one of the signers.
    Required,
    /// Whoever is not signed is known by its digest alone.
    #[default]
    Optional,
}

/// Somebody whose signature counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// What the lock calls them.
    pub name: String,
    /// Their public key.
    pub key: PublicKey,
}

/// A plugin that may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Of its bundle; of the file where it is a bare component.
    pub digest: Digest,
    /// Who must have signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Where it came from: a file relative to the lock, or `oci://…@sha256:…`.
    pub source: String,
    /// The requests that it may make.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Where the host may give credentials away beyond a header.
    #[serde(default)]
    pub credentials: Vec<String>,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    signatures: Signatures,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signer: Vec<SignerText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugin: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerText {
    name: String,
    /// PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// A file with it, relative to the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_file: Option<String>,
}

/// What one `plugins.lock` says.
#[derive(Clone, Debug)]
pub struct Lock {
    path: PathBuf,
    exists: bool,
    signatures: Signatures,
    texts: Vec<SignerText>,
    signers: Vec<Signer>,
    entries: Vec<Entry>,
}

impl Lock {
    /// Reads the lock of a folder; where there is none, it vouches for nothing.
    ///
    /// # Errors
    /// It is there and cannot be used; the text says why.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let cannot = |reason: String| Error::Lock(format!("{}: {reason}", path.display()));
        let text = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::empty(path)),
            Ok(found) if found.len() > LARGEST_LOCK => return Err(cannot("is larger than any lock".to_owned())),
            _ => std::fs::read_to_string(&path).map_err(|error| cannot(format!("cannot be read: {error}")))?,
        };
        Self::parse(path.clone(), &text).map_err(cannot)
    }

    fn empty(path: PathBuf) -> Self {
        let signatures = Signatures::default();
        Self { path, exists: false, signatures, texts: Vec::new(), signers: Vec::new(), entries: Vec::new() }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, String> {
        /// Read first, so that a later form is told from a broken one.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = toml::from_str(text).map_err(|error| said(&error))?;
        if version != VERSION {
            return Err(format!("has the form {version}, and this version reads {VERSION}; use a newer tidegate"));
        }
        let document: Document = toml::from_str(text).map_err(|error| said(&error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let signers = document.signer.iter().map(|signer| signer.load(folder)).collect::<Result<Vec<_>, _>>()?;
        twice("signer", document.signer.iter().map(|signer| &signer.name))?;
        twice("plugin", document.plugin.iter().map(|entry| &entry.name))?;
        let (signatures, texts, entries) = (document.signatures, document.signer, document.plugin);
        Ok(Self { path, exists: true, signatures, texts, signers, entries })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// The plugins that may run, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whose signatures count.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Whether bundles have to be signed.
    #[must_use]
    pub fn signatures(&self) -> Signatures {
        self.signatures
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Counts on a signer from now on. A new lock that begins with one has all its bundles signed.
    ///
    /// # Errors
    /// Another key is known by this name.
    pub fn trust(&mut self, signer: Signer) -> Result<(), Error> {
        match self.signers.iter().find(|known| known.name == signer.name) {
            Some(known) if known.key == signer.key => return Ok(()),
            Some(known) => {
                return Err(Error::Lock(format!(
                    "{}: another key is known as `{}`; choose another name, or take that signer out of the file first",
                    self.path.display(),
                    printable(&known.name)
                )));
            }
            None => {}
        }
        if !self.exists && self.entries.is_empty() {
            self.signatures = Signatures::Required;
        }
        let key = Some(signer.key.pem().to_owned());
        self.texts.push(SignerText { name: signer.name.clone(), key, key_file: None });
        self.signers.push(signer);
        Ok(())
    }

    /// Lets a plugin run, in the place of what is known by its name; what changes by that, as lines for people.
    pub fn approve(&mut self, entry: Entry) -> Vec<String> {
        let known = self.entries.iter_mut().find(|known| known.name == entry.name);
        let lines = difference::lines(known.as_deref(), &entry);
        match known {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
        lines
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> Result<(), Error> {
        let cannot = |reason: String| Error::Lock(format!("{}: cannot be written: {reason}", self.path.display()));
        let text = self.text().map_err(|error| cannot(error.to_string()))?;
        let beside = self.path.with_extension(format!("lock.{}", std::process::id()));
        std::fs::write(&beside, text).map_err(|error| cannot(error.to_string()))?;
        std::fs::rename(&beside, &self.path).map_err(|error| cannot(error.to_string()))
    }

    fn text(&self) -> Result<String, toml::ser::Error> {
        let (signer, plugin) = (self.texts.clone(), self.entries.clone());
        let document = Document { version: VERSION, signatures: self.signatures, signer, plugin };
        Ok(format!("{HEAD}\n{}", toml::to_string_pretty(&document)?))
    }
}

impl SignerText {
    fn load(&self, folder: &Path) -> Result<Signer, String> {
        let name = printable(&self.name);
        let pem = match (&self.key, &self.key_file) {
            (Some(pem), None) => pem.clone(),
            (None, Some(file)) => {
                let path = folder.join(file);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("key_file of signer `{name}`: {}: {error}", path.display()))?
            }
            _ => return Err(format!("signer `{name}` needs either a `key` or a `key_file`")),
        };
        let key = PublicKey::parse(&pem).map_err(|error| format!("signer `{name}`: {error}"))?;
        Ok(Signer { name: self.name.clone(), key })
    }
}

fn twice<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut names: Vec<&String> = names.collect();
    names.sort();
    match names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first()).flatten()) {
        Some(name) => Err(format!("the {what} `{}` stands there twice", printable(name))),
        None => Ok(()),
    }
}

fn said(error: &toml::de::Error) -> String {
    format!("cannot be read: {}", error.to_string().trim_end())
}

#[cfg(test)]
mod tests;
