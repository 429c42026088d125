//! Signatures in cosign's shape: a payload that names a digest, and beside it the signature over the payload. What
//! cosign puts around them in a registry is built here, so that `cosign verify --key` understands a bundle's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, broken, printable};
use crate::keys::{PublicKey, SigningKey};
use crate::oci::{self, Annotations, Descriptor, ImageManifest};

/// What a payload says that it is.
const PAYLOAD_KIND: &str = "cosign container image signature";
/// Whose image a payload says that it is about. Where the bundle will lie is not known when it is signed.
const IDENTITY: &str = "tidegate/plugin";
/// Members of a payload are short words and a digest.
const LARGEST_PAYLOAD: usize = 16 << 10;
/// More than anybody gathers.
pub(crate) const MOST_SIGNATURES: usize = 8;

/// What is signed, and the signature over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// JSON, byte by byte as it was signed.
    pub(crate) payload: Vec<u8>,
    /// Base64.
    pub(crate) signature: String,
}

/// A payload. Members of other signers' payloads that mean nothing here are left alone.
#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    optional: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

impl Signature {
    /// Signs `digest`.
    pub(crate) fn make(digest: &Digest, key: &SigningKey) -> Result<Self, Error> {
        let critical = Critical {
            identity: Identity { docker_reference: IDENTITY.to_owned() },
            image: Image { docker_manifest_digest: digest.to_string() },
            kind: PAYLOAD_KIND.to_owned(),
        };
        let payload = oci::json(&Payload { critical, optional: None })?;
        let signature = STANDARD.encode(key.sign(&payload)?);
        Ok(Self { payload, signature })
    }

    /// Fails unless the payload is about `digest`. Says nothing of who signed it.
    pub(crate) fn about(&self, digest: &Digest) -> Result<(), Error> {
        if self.payload.len() > LARGEST_PAYLOAD {
            return Err(broken(format!("what is signed is larger than {LARGEST_PAYLOAD} bytes")));
        }
        let payload: Payload = oci::parse("what is signed", &self.payload)?;
        if payload.critical.kind != PAYLOAD_KIND {
            return Err(broken(format!("what is signed is a `{}`", printable(&payload.critical.kind))));
        }
        let about = payload.critical.image.docker_manifest_digest;
        if about == digest.to_string() {
            Ok(())
        } else {
            Err(broken(format!("its signature is about {}, but the component is {digest}", printable(&about))))
        }
    }

    /// Whether `key` made it.
    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        key.verifies(&self.signature, &self.payload)
    }
}

/// The tag under which a registry holds the signatures of `digest`.
pub(crate) fn tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

/// What cosign puts as configuration beside its layers: nothing but their digests.
#[derive(Serialize)]
struct Empty<'a> {
    architecture: &'a str,
    created: &'a str,
    history: Vec<History<'a>>,
    os: &'a str,
    rootfs: Layers,
    config: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Serialize)]
struct History<'a> {
    created: &'a str,
}

#[derive(Serialize)]
struct Layers {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<Digest>,
}

/// The manifest of `signatures` and its configuration, as bytes.
pub(crate) fn image(signatures: &[Signature]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let layer = |one: &Signature| {
        Descriptor::of(oci::SIGNING_TYPE, &one.payload).annotated([(oci::SIGNATURE, one.signature.as_str())])
    };
    image_of(signatures.iter().map(layer).collect())
}

/// The manifest of these layers and its configuration, as bytes.
pub(crate) fn image_of(layers: Vec<Descriptor>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    const LONG_AGO: &str = "0001-01-01T00:00:00Z";
    let config = oci::json(&Empty {
        architecture: "",
        created: LONG_AGO,
        history: vec![History { created: LONG_AGO }; layers.len()],
        os: "",
        rootfs: Layers { kind: "layers", diff_ids: layers.iter().map(|layer| layer.digest.clone()).collect() },
        config: serde_json::Map::new(),
    })?;
    let manifest = ImageManifest::new(Descriptor::of(oci::IMAGE_CONFIG_TYPE, &config), layers, Annotations::new());
    Ok((oci::json(&manifest)?, config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_about_one_digest_and_by_one_key() {
        let (private, _) = SigningKey::generate("").unwrap();
        let key = SigningKey::unlock(&private, "").unwrap();
        let digest = Digest::of(b"component");
        let signature = Signature::make(&digest, &key).unwrap();
        signature.about(&digest).unwrap();
        assert!(signature.is_by(key.public()));
        let error = signature.about(&Digest::of(b"other")).unwrap_err().to_string();
        assert!(error.contains("its signature is about sha256:"), "{error}");
        let payload = String::from_utf8(signature.payload).unwrap();
        let expected = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"tidegate/plugin"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
        );
        assert_eq!(payload, expected);
    }

    #[test]
    fn a_statement_of_another_kind_is_no_signature() {
        let digest = Digest::of(b"component");
        let payload = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":""}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"attestation"}},"optional":null}}"#
        );
        let error = Signature { payload: payload.into_bytes(), signature: String::new() }.about(&digest).unwrap_err();
        assert_eq!(error.to_string(), "what is signed is a `attestation`");
    }
}
