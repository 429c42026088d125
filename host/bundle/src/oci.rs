//! The words of an OCI image layout, as strict as they can be read: a member that a bundle does not have is refused,
//! because whoever looks at it later could take it for something else.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, broken};

pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const WASM_CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const WASM_TYPE: &str = "application/wasm";
pub(crate) const IMAGE_CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const SIGNING_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// A signature, base64, at the layer with what is signed.
pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What an entry of the index is, as cosign tells its own layouts apart.
pub(crate) const KIND: &str = "kind";
pub(crate) const IMAGE_KIND: &str = "dev.cosignproject.cosign/image";
pub(crate) const SIGNATURES_KIND: &str = "dev.cosignproject.cosign/sigs";
pub(crate) const TITLE: &str = "org.opencontainers.image.title";
pub(crate) const VERSION: &str = "org.opencontainers.image.version";
pub(crate) const LICENSES: &str = "org.opencontainers.image.licenses";

/// `oci-layout`
#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Layout {
    pub(crate) image_layout_version: String,
}

impl Layout {
    pub(crate) fn current() -> Self {
        Self { image_layout_version: "1.0.0".to_owned() }
    }
}

pub(crate) type Annotations = BTreeMap<String, String>;

/// What a blob is and what it is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub(crate) annotations: Annotations,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        Self { media_type: media_type.to_owned(), digest, size, annotations: Annotations::new() }
    }

    pub(crate) fn annotated<const N: usize>(mut self, annotations: [(&str, &str); N]) -> Self {
        self.annotations = annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self
    }

    /// Fails unless the descriptor has this media type and only annotations of these names.
    pub(crate) fn expect(&self, what: &str, media_type: &str, annotations: &[&str]) -> Result<(), Error> {
        if self.media_type != media_type {
            let found = crate::error::printable(&self.media_type);
            return Err(broken(format!("{what} is of type `{found}`; it must be `{media_type}`")));
        }
        known(what, &self.annotations, annotations)
    }
}

/// Fails where there is an annotation of another name.
pub(crate) fn known(what: &str, found: &Annotations, names: &[&str]) -> Result<(), Error> {
    match found.keys().find(|key| !names.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            Err(broken(format!("{what} has the annotation `{}`, which no bundle has", crate::error::printable(key))))
        }
    }
}

/// `index.json`
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    pub(crate) media_type: String,
    pub(crate) manifests: Vec<Descriptor>,
}

/// An image manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageManifest {
    pub(crate) schema_version: u32,
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub(crate) annotations: Annotations,
}

impl ImageManifest {
    pub(crate) fn new(config: Descriptor, layers: Vec<Descriptor>, annotations: Annotations) -> Self {
        Self { schema_version: 2, media_type: MANIFEST_TYPE.to_owned(), config, layers, annotations }
    }

    /// Reads a manifest; `what` is its name in messages.
    pub(crate) fn parse(what: &str, bytes: &[u8]) -> Result<Self, Error> {
        let manifest: Self = parse(what, bytes)?;
        versioned(what, manifest.schema_version)?;
        if manifest.media_type != MANIFEST_TYPE {
            let found = crate::error::printable(&manifest.media_type);
            return Err(broken(format!("{what} says that it is `{found}`; it must be `{MANIFEST_TYPE}`")));
        }
        Ok(manifest)
    }
}

pub(crate) fn versioned(what: &str, version: u32) -> Result<(), Error> {
    if version == 2 { Ok(()) } else { Err(broken(format!("{what} has schemaVersion {version}; it must be 2"))) }
}

/// Reads JSON; `what` is its name in messages.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| broken(format!("{what} cannot be read: {error}")))
}

/// Writes JSON in its one form: members in the order of their declaration, no spaces.
pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| broken(format!("it cannot be written: {error}")))
}
