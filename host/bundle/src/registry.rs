//! Bundles in registries: pushed as a component image with cosign's signatures beside it, pulled back and put together
//! again. What a registry says is checked like an archive; only the digest that was asked for counts.

mod login;
mod signed;

use std::time::Duration;

use futures::TryStreamExt;
use http::HeaderValue;
use oci_client::Client;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;

use crate::bundle::{Bundle, LARGEST_BUNDLE, LARGEST_DOCUMENT, component_image};
use crate::digest::Digest;
use crate::error::{Error, broken, printable};
use crate::oci::{self, Descriptor};
use crate::reference::Reference;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a registry may send nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS, but plain HTTP on this machine.
    Safe,
    /// Plain HTTP, because somebody said so.
    Plain,
}

/// A registry, with the log-in that docker's configuration has for it.
pub struct Registry {
    client: Client,
    auth: RegistryAuth,
}

impl Registry {
    /// Finds the log-in; connects to nothing.
    ///
    /// # Errors
    /// A log-in that cannot be used.
    pub fn open(reference: &Reference, transport: Transport) -> Result<Self, Error> {
        let plain = transport == Transport::Plain || reference.is_loopback();
        let config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            // One component, whatever machine it is pulled on.
            platform_resolver: None,
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| failed(reference, "cannot be reached", &error))?;
        Ok(Self { client, auth: login::find(reference.registry())? })
    }

    /// Pulls a bundle with its signatures.
    ///
    /// # Errors
    /// There is none, it is broken or another one than asked for, or the registry does not answer.
    pub async fn pull(&self, reference: &Reference) -> Result<Bundle, Error> {
        let manifest = self.manifest(reference).await?;
        let digest = Digest::of(&manifest);
        if let Some(wanted) = reference.digest().filter(|wanted| **wanted != digest) {
            return Err(broken(format!("the registry answered with {digest} where {wanted} was asked for")));
        }
        let image = component_image(&manifest)?;
        let [layer] = image.layers.as_slice() else { return Err(broken("its component has not exactly one layer")) };
        let config = self.blob(reference, &image.config, LARGEST_DOCUMENT).await?;
        let component = self.blob(reference, layer, LARGEST_BUNDLE).await?;
        let signatures = self.signatures(reference, &digest).await?;
        Bundle::assemble(manifest, config, component, signatures)
    }

    /// Pushes a bundle and its signatures; signatures that the registry holds already stay.
    ///
    /// # Errors
    /// The registry refuses it or does not answer.
    pub async fn push(&self, reference: &Reference, bundle: &Bundle) -> Result<Reference, Error> {
        if reference.digest().is_some() {
            return Err(Error::Reference(format!("{reference}: name a tag to push to: oci://REGISTRY/REPOSITORY:TAG")));
        }
        let image = component_image(&bundle.manifest)?;
        for (descriptor, bytes) in image.layers.iter().zip([&bundle.component]).chain([(&image.config, &bundle.config)])
        {
            self.put_blob(reference, bytes, &descriptor.digest).await?;
        }
        self.put_manifest(reference, &bundle.manifest).await?;
        if !bundle.signatures.is_empty() {
            self.put_signatures(reference, bundle).await?;
        }
        Ok(reference.pinned(bundle.digest()))
    }

    /// The client reads a manifest as a whole; that it is not too large is known only then.
    async fn manifest(&self, reference: &Reference) -> Result<Vec<u8>, Error> {
        let name = reference.oci();
        let pulled = self.client.pull_manifest_raw(&name, &self.auth, &[oci::MANIFEST_TYPE]).await;
        let (bytes, _) = pulled.map_err(|error| unpulled(reference, &error))?;
        if bytes.len() as u64 > LARGEST_DOCUMENT {
            return Err(broken(format!("its manifest is larger than {LARGEST_DOCUMENT} bytes")));
        }
        Ok(bytes.to_vec())
    }

    /// A manifest that need not be there.
    async fn manifest_if_any(&self, reference: &Reference) -> Result<Option<Vec<u8>>, Error> {
        let name = reference.oci();
        match self.client.pull_manifest_raw(&name, &self.auth, &[oci::MANIFEST_TYPE]).await {
            Ok((bytes, _)) if bytes.len() as u64 <= LARGEST_DOCUMENT => Ok(Some(bytes.to_vec())),
            Ok(_) => Err(broken(format!("{reference} is larger than {LARGEST_DOCUMENT} bytes"))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(unpulled(reference, &error)),
        }
    }

    async fn blob(&self, reference: &Reference, descriptor: &Descriptor, most: u64) -> Result<Vec<u8>, Error> {
        let (name, digest) = (reference.oci(), descriptor.digest.to_string());
        if descriptor.size > most {
            return Err(broken(format!("its blob {digest} has more than {most} bytes")));
        }
        let opened = self.client.pull_blob_stream(&name, digest.as_str()).await;
        let mut stream = opened.map_err(|error| {
            if is_missing(&error) {
                broken(format!("{reference}: the registry lists the blob {digest} and does not hold it"))
            } else {
                unpulled(reference, &error)
            }
        })?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.try_next().await.map_err(|error| unpulled(reference, &error))? {
            if bytes.len() as u64 + piece.len() as u64 > descriptor.size {
                return Err(broken(format!("its blob {digest} is longer than the {} bytes declared", descriptor.size)));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    async fn put_blob(&self, reference: &Reference, bytes: &[u8], digest: &Digest) -> Result<(), Error> {
        let name = reference.oci();
        self.client.store_auth_if_needed(name.resolve_registry(), &self.auth).await;
        let there = self.client.blob_exists(&name, &digest.to_string()).await;
        if there.is_ok_and(|there| there) {
            return Ok(());
        }
        let pushed = self.client.push_blob(&name, bytes.to_vec(), &digest.to_string()).await;
        pushed.map(drop).map_err(|error| failed(reference, "cannot be pushed", &error))
    }

    async fn put_manifest(&self, reference: &Reference, bytes: &[u8]) -> Result<(), Error> {
        let kind = HeaderValue::from_static(oci::MANIFEST_TYPE);
        let pushed = self.client.push_manifest_raw(&reference.oci(), bytes.to_vec(), kind).await;
        pushed.map(drop).map_err(|error| failed(reference, "cannot be pushed", &error))
    }
}

/// Whether a registry says that it holds no such thing.
fn is_missing(error: &OciDistributionError) -> bool {
    use OciErrorCode::{BlobUnknown, ManifestUnknown, NameUnknown, NotFound};
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => {
            let missing = |code: &OciErrorCode| matches!(code, BlobUnknown | ManifestUnknown | NameUnknown | NotFound);
            envelope.errors.iter().any(|error| missing(&error.code))
        }
        _ => false,
    }
}

/// Why nothing was pulled: a registry that answers with other bytes than it was asked for is not believed, whatever the
/// client makes of that.
fn unpulled(reference: &Reference, error: &(dyn std::error::Error + 'static)) -> Error {
    match std::iter::successors(Some(error), |error| cause(*error)).find_map(|error| error.downcast_ref()) {
        Some(DigestError::VerificationError { expected, actual }) => {
            let (expected, actual) = (printable(expected), printable(actual));
            broken(format!("{reference}: the registry answered with {actual} where {expected} was asked for"))
        }
        _ => failed(reference, "cannot be pulled", error),
    }
}

/// What is behind an error; behind one of the kind of `io`, what was put into it.
fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// A failure with all its causes, each once.
fn failed(reference: &Reference, what: &str, error: &dyn std::error::Error) -> Error {
    let mut text = format!("{reference}: {what}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    Error::Registry(text)
}
