//! Whether a plugin that was found may run. Decided from digests and signatures alone; what a refused bundle says about
//! itself is read only to tell a person how it differs.

use std::fmt;
use std::path::Path;

use super::{Entry, Lock, Signatures, difference};
use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::error::{Error, printable};
use crate::manifest::Manifest;

/// The locks that count: what the first has an entry for, the second is not asked about.
#[derive(Clone, Debug)]
pub struct Locks {
    /// The operator's, beside the configuration.
    pub own: Lock,
    /// The one beside the program, which vouches for what was shipped with it.
    pub shipped: Option<Lock>,
}

/// Something that is to run.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Where it was found, as a lock writes it: a file, or `oci://…@sha256:…`.
    pub source: &'a str,
    /// The bundle; where there is none, it is a bare component.
    pub bundle: Option<&'a Bundle>,
    /// Of the bundle, or of the component's file.
    pub digest: &'a Digest,
}

/// A plugin that may run, and what it may ask for.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// What was approved.
    pub entry: Entry,
}

/// Why something may not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In one line.
    pub reason: String,
    /// How it differs from what is approved, line by line.
    pub difference: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.difference.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Locks {
    /// Reads the lock of the configuration's folder, and that of the program's where it is another.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn read(folder: &Path, program: Option<&Path>) -> Result<Self, Error> {
        let same = |one: &Path| one.canonicalize().ok() == folder.canonicalize().ok();
        let shipped = program.filter(|program| !same(program)).map(Lock::read).transpose()?;
        Ok(Self { own: Lock::read(folder)?, shipped: shipped.filter(Lock::exists) })
    }

    fn all(&self) -> impl Iterator<Item = &Lock> {
        std::iter::once(&self.own).chain(&self.shipped)
    }

    /// The entry of this name, and the lock that it stands in.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&Lock, &Entry)> {
        self.all().find_map(|lock| lock.entry(name).map(|entry| (lock, entry)))
    }

    /// Whether `found` may run.
    ///
    /// # Errors
    /// It may not, and why.
    pub fn judge(&self, found: Found<'_>) -> Result<Vouched, Refusal> {
        let Some((lock, entry)) = self.all().find_map(|lock| lock.about(found).map(|entry| (lock, entry))) else {
            let reason = format!("{} has no entry for it", self.own.path().display());
            return Err(Refusal { reason, difference: self.own.difference(None, found) });
        };
        let refuse = |reason: String| Refusal {
            reason: format!("{} {reason}", lock.path().display()),
            difference: lock.difference(Some(entry), found),
        };
        if entry.digest != *found.digest {
            return Err(refuse(format!("approves another digest of `{}`", printable(&entry.name))));
        }
        let required = [self.own.signatures, lock.signatures].contains(&Signatures::Required);
        match &entry.signer {
            None if required => Err(refuse("requires a signature, and nobody whom it trusts has signed it".to_owned())),
            None => Ok(()),
            Some(name) => match lock.signers.iter().find(|signer| signer.name == *name) {
                None => Err(refuse(format!("does not know the signer `{}`", printable(name)))),
                Some(signer) if !found.bundle.is_some_and(|bundle| bundle.is_signed_by(&signer.key)) => {
                    Err(refuse(format!("wants it signed by `{}`, and it is not", printable(name))))
                }
                Some(_) => Ok(()),
            },
        }?;
        Ok(Vouched { entry: entry.clone() })
    }
}

impl Lock {
    /// The entry that is about `found`: that of its digest, else that of its name.
    fn about(&self, found: Found<'_>) -> Option<&Entry> {
        let same = |entry: &&Entry| entry.digest == *found.digest;
        self.entries.iter().find(same).or_else(|| match found.bundle {
            Some(bundle) => self.entry(bundle.claimed_name()),
            None => self.entries.iter().find(|entry| entry.source == found.source),
        })
    }

    /// The name of the first signer of this lock who has signed the bundle.
    #[must_use]
    pub fn signer_of(&self, bundle: &Bundle) -> Option<String> {
        self.signers.iter().find(|signer| bundle.is_signed_by(&signer.key)).map(|signer| signer.name.clone())
    }

    /// How `found` differs from `entry`, as far as it can be told without running it.
    fn difference(&self, entry: Option<&Entry>, found: Found<'_>) -> Vec<String> {
        let Some(bundle) = found.bundle else {
            let old = entry.map_or_else(|| "nothing".to_owned(), |entry| entry.digest.to_string());
            return vec![format!("~ {:<11} {old} -> {}", "digest", found.digest)];
        };
        match bundle.manifest() {
            Ok(said) => {
                let mut new = Entry::of(&said, found.digest.clone(), found.source.to_owned());
                new.signer = self
                    .signer_of(bundle)
                    .or_else(|| (bundle.signature_count() > 0).then(|| "somebody unknown".to_owned()));
                if let Some(old) = entry {
                    new.source.clone_from(&old.source);
                }
                difference::lines(entry, &new)
            }
            Err(error) => vec![format!("its manifest is of no use: {error}")],
        }
    }
}

impl Entry {
    /// The entry that allows all that a plugin asks for.
    #[must_use]
    pub fn of(said: &Manifest, digest: Digest, source: String) -> Self {
        Self {
            name: said.name.clone(),
            version: said.version.clone(),
            digest,
            signer: None,
            source,
            capabilities: said.capability_lines(),
            credentials: said.credential_lines(),
        }
    }
}

impl Vouched {
    /// Compares what a plugin says about itself with what was approved of it.
    ///
    /// # Errors
    /// It is another plugin, asks for more than was approved, or wants credentials to go where nobody approved it.
    pub fn agrees_with(&self, said: &Manifest) -> Result<(), Refusal> {
        let entry = &self.entry;
        let mut wanted = Entry::of(said, entry.digest.clone(), entry.source.clone());
        wanted.signer.clone_from(&entry.signer);
        let refuse =
            |reason: &str| Refusal { reason: reason.to_owned(), difference: difference::lines(Some(entry), &wanted) };
        if wanted.name != entry.name || wanted.version != entry.version {
            return Err(refuse(&format!(
                "what is approved as `{}` {} is `{}` {}",
                printable(&entry.name),
                printable(&entry.version),
                printable(&wanted.name),
                printable(&wanted.version)
            )));
        }
        let within = |wanted: &[String], approved: &[String]| wanted.iter().all(|line| approved.contains(line));
        if !within(&wanted.capabilities, &entry.capabilities) {
            return Err(refuse("it asks for requests that are not approved"));
        }
        if !within(&wanted.credentials, &entry.credentials) {
            return Err(refuse("it wants credentials to be given away where that is not approved"));
        }
        Ok(())
    }
}
