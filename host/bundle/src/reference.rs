//! Names of bundles in registries: `oci://registry/repository:tag`, or `@sha256:…` in the place of the tag.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::{Error, printable};

/// What such a name starts with.
const SCHEME: &str = "oci://";

/// A bundle in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    Tag(String),
    Digest(Digest),
}

impl Reference {
    /// Whether `text` is meant to be one.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The digest that it names; none where it names a tag, which may be another bundle tomorrow.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match &self.version {
            Version::Tag(_) => None,
            Version::Digest(digest) => Some(digest),
        }
    }

    /// The same repository at `digest`.
    #[must_use]
    pub fn pinned(&self, digest: &Digest) -> Self {
        Self { version: Version::Digest(digest.clone()), ..self.clone() }
    }

    /// Whether the registry is this machine, where nobody listens on the way.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The registry's name, with its port.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    pub(crate) fn oci(&self) -> oci_client::Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match &self.version {
            Version::Tag(tag) => oci_client::Reference::with_tag(registry, repository, tag.clone()),
            Version::Digest(digest) => oci_client::Reference::with_digest(registry, repository, digest.to_string()),
        }
    }

    /// The same repository at another tag.
    pub(crate) fn tagged(&self, tag: String) -> Self {
        Self { version: Version::Tag(tag), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        match &self.version {
            Version::Tag(tag) => write!(f, ":{tag}"),
            Version::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let text = printable(text);
            Error::Reference(format!("{text}: {why}; a bundle in a registry is oci://REGISTRY/REPOSITORY:TAG"))
        };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong("it does not begin with oci://"))?;
        let (registry, rest) = rest.split_once('/').ok_or_else(|| wrong("it names no repository"))?;
        let (repository, version) = match rest.split_once('@') {
            Some((repository, digest)) => {
                (repository, Version::Digest(digest.parse().map_err(|why: String| wrong(&why))?))
            }
            None => match rest.split_once(':') {
                Some((repository, tag)) => (repository, Version::Tag(tag.to_owned())),
                None => return Err(wrong("it names neither a tag nor a digest")),
            },
        };
        let host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if registry.is_empty() || !registry.chars().all(host) {
            return Err(wrong("its registry is no host"));
        }
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        let part = |part: &str| {
            part.chars().all(word) && part.starts_with(|c: char| c.is_ascii_alphanumeric()) && !part.contains("..")
        };
        if !repository.split('/').all(part) {
            return Err(wrong("its repository is no path of words in lower case"));
        }
        if let Version::Tag(tag) = &version {
            let letter = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if tag.is_empty() || tag.len() > 128 || !tag.chars().all(letter) || tag.starts_with(['.', '-']) {
                return Err(wrong("its tag is none"));
            }
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_it_was_read() {
        let digest = Digest::of(b"");
        for text in ["oci://r.example/p:1.0", "oci://localhost:5000/team/pi:latest", &format!("oci://r/p@{digest}")] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        let tag: Reference = "oci://r/p:latest".parse().unwrap();
        assert_eq!(tag.digest(), None);
        assert_eq!(tag.pinned(&digest).digest(), Some(&digest));
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, word) in [
            ("pi.tidegate", "oci://"),
            ("oci://r", "no repository"),
            ("oci://r/p", "neither a tag nor a digest"),
            ("oci://r/p@sha256:12", "64 hexadecimal digits"),
            ("oci:///p:1", "no host"),
            ("oci://user@r/p:1", "no host"),
            ("oci://r/../p:1", "repository"),
            ("oci://r/P:1", "repository"),
            ("oci://r/p:", "tag"),
            ("oci://r/p:a/b", "tag"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |host: &str| format!("oci://{host}/p:1").parse::<Reference>().unwrap().is_loopback();
        assert!(["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"].into_iter().all(loopback));
        assert!(!["r.example", "10.0.0.1:5000", "localhost.example", "127.0.0.1.example"].into_iter().any(loopback));
    }
}
