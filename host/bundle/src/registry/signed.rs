//! Signatures in a registry, at cosign's tag of the digest. Those of other tools carry more than ours; it is kept when a
//! signature is added, and left behind when a bundle is pulled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Registry;
use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::error::Error;
use crate::oci::{self, Descriptor};
use crate::reference::Reference;
use crate::signature::{self, MOST_SIGNATURES, Signature};

/// The most bytes of what is signed.
const LARGEST_PAYLOAD: u64 = 16 << 10;

/// How many of the listed signatures are fetched at most; whoever may push there may list any number.
const MOST_FETCHED: usize = 4 * MOST_SIGNATURES;

/// A list of signatures, whoever wrote it.
#[derive(Deserialize)]
struct Listed {
    layers: Vec<Layer>,
}

/// One of them, with all that was written beside it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Layer {
    fn signature(&self) -> Option<&String> {
        let usable = self.media_type == oci::SIGNING_TYPE && self.size <= LARGEST_PAYLOAD;
        self.annotations.get(oci::SIGNATURE).filter(|_| usable)
    }
}

impl Registry {
    /// The signatures of `digest`, at most as many as a bundle holds. One that is of no use is passed over: somebody else
    /// may have put it there.
    pub(super) async fn signatures(&self, reference: &Reference, digest: &Digest) -> Result<Vec<Signature>, Error> {
        let place = reference.tagged(signature::tag(digest));
        let mut signatures = Vec::new();
        for (descriptor, signature) in fetched(self.listed(&place).await?) {
            let payload = match self.blob(&place, &descriptor, LARGEST_PAYLOAD).await {
                Err(Error::Broken(_)) => continue,
                payload => payload?,
            };
            let signature = Signature { payload, signature };
            if signature.about(digest).is_ok() {
                signatures.push(signature);
            }
            if signatures.len() == MOST_SIGNATURES {
                break;
            }
        }
        Ok(signatures)
    }

    async fn listed(&self, place: &Reference) -> Result<Vec<Layer>, Error> {
        match self.manifest_if_any(place).await? {
            None => Ok(Vec::new()),
            Some(bytes) => Ok(oci::parse::<Listed>("its list of signatures", &bytes)?.layers),
        }
    }

    /// Adds the bundle's signatures to those that the registry holds.
    pub(super) async fn put_signatures(&self, reference: &Reference, bundle: &Bundle) -> Result<(), Error> {
        let place = reference.tagged(signature::tag(bundle.digest()));
        let mut layers = self.listed(&place).await?;
        let held: Vec<String> = layers.iter().filter_map(|layer| layer.signature().cloned()).collect();
        let new: Vec<&Signature> = bundle.signatures.iter().filter(|one| !held.contains(&one.signature)).collect();
        if new.is_empty() {
            return Ok(());
        }
        for one in new {
            let digest = Digest::of(&one.payload);
            self.put_blob(&place, &one.payload, &digest).await?;
            layers.push(Layer {
                media_type: oci::SIGNING_TYPE.to_owned(),
                digest,
                size: one.payload.len() as u64,
                annotations: BTreeMap::from([(oci::SIGNATURE.to_owned(), one.signature.clone())]),
            });
        }
        let layers = layers.into_iter().map(|layer| Descriptor {
            media_type: layer.media_type,
            digest: layer.digest,
            size: layer.size,
            annotations: layer.annotations,
        });
        let (manifest, config) = signature::image_of(layers.collect())?;
        self.put_blob(&place, &config, &Digest::of(&config)).await?;
        self.put_manifest(&place, &manifest).await
    }
}

/// What is signed, and the signature over it, of those layers that are worth fetching.
fn fetched(layers: Vec<Layer>) -> impl Iterator<Item = (Descriptor, String)> {
    let usable = |layer: Layer| {
        let signature = layer.signature().cloned()?;
        let Layer { media_type, digest, size, .. } = layer;
        Some((Descriptor { media_type, digest, size, annotations: oci::Annotations::new() }, signature))
    };
    layers.into_iter().filter_map(usable).take(MOST_FETCHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(media_type: &str, size: u64) -> Layer {
        let annotations = BTreeMap::from([(oci::SIGNATURE.to_owned(), size.to_string())]);
        Layer { media_type: media_type.to_owned(), digest: Digest::of(b""), size, annotations }
    }

    #[test]
    fn of_any_number_of_listed_signatures_a_few_are_fetched_and_none_that_is_too_large() {
        let others = (0..1000).map(|_| layer("application/octet-stream", 1));
        let large = (0..1000).map(|_| layer(oci::SIGNING_TYPE, LARGEST_PAYLOAD + 1));
        let usable = (0..1000).map(|size| layer(oci::SIGNING_TYPE, size));
        let fetched: Vec<(Descriptor, String)> = fetched(others.chain(large).chain(usable).collect()).collect();
        assert_eq!(fetched.len(), MOST_FETCHED);
        assert!(fetched.iter().zip(0..).all(|((found, signature), size)| {
            (found.size, signature.as_str()) == (size, size.to_string().as_str())
        }));
    }
}
