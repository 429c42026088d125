//! A bundle in memory: the blobs of its component as they are, and signatures. There is one archive for it, byte by byte,
//! so that nothing can hide in a bundle that was read.

use std::collections::BTreeMap;

use crate::archive::{self, BLOBS, Files, INDEX, LAYOUT};
use crate::digest::Digest;
use crate::error::{Error, broken};
use crate::keys::{PublicKey, SigningKey};
use crate::manifest::{self, Manifest};
use crate::oci::{self, Annotations, Descriptor, ImageManifest, Index, Layout};
use crate::signature::{self, MOST_SIGNATURES, Signature};

/// The largest bundle, in bytes: many times what a plugin needs.
pub const LARGEST_BUNDLE: u64 = 64 << 20;
/// The largest JSON document of a bundle, in bytes: what registries take of a manifest.
pub(crate) const LARGEST_DOCUMENT: u64 = 4 << 20;

/// A component with what it says about itself and who signed it. Everything in it fits its digests; whether anybody
/// may trust it, the lock says. Until it does, neither the manifest nor the component is looked into.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) component: Vec<u8>,
    pub(crate) signatures: Vec<Signature>,
    title: String,
    digest: Digest,
}

impl Bundle {
    /// Makes a bundle of a component and what it says about itself. The same component makes the same bundle.
    ///
    /// # Errors
    /// It is too large.
    pub fn pack(component: Vec<u8>, said: &Manifest) -> Result<Self, Error> {
        let config = manifest::write(said)?;
        let annotations = [(oci::TITLE, &said.name), (oci::VERSION, &said.version), (oci::LICENSES, &said.license)];
        let annotations: Annotations = annotations.map(|(key, value)| (key.to_owned(), value.clone())).into();
        let layers = vec![Descriptor::of(oci::WASM_TYPE, &component)];
        let image = ImageManifest::new(Descriptor::of(oci::WASM_CONFIG_TYPE, &config), layers, annotations);
        let bundle = Self::assemble(oci::json(&image)?, config, component, Vec::new())?;
        // What cannot be read must not be written.
        Self::read(&bundle.to_bytes()?)
    }

    /// Puts together what a registry or an archive holds, and checks that it belongs together.
    pub(crate) fn assemble(
        manifest: Vec<u8>,
        config: Vec<u8>,
        component: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Self, Error> {
        let image = component_image(&manifest)?;
        let [layer] = image.layers.as_slice() else { return Err(broken("its component has not exactly one layer")) };
        blob("the configuration of its component", &image.config, &config)?;
        blob("its component", layer, &component)?;
        let digest = Digest::of(&manifest);
        if signatures.len() > MOST_SIGNATURES {
            return Err(broken(format!("it has more than {MOST_SIGNATURES} signatures")));
        }
        signatures.iter().try_for_each(|signature| signature.about(&digest))?;
        let title = image.annotations.get(oci::TITLE).cloned().unwrap_or_default();
        Ok(Self { manifest, config, component, signatures, title, digest })
    }

    /// Reads an archive.
    ///
    /// # Errors
    /// It is none, or a broken one; the text says in which way.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() as u64 > LARGEST_BUNDLE {
            return Err(broken(format!("it is larger than {LARGEST_BUNDLE} bytes, the most that a bundle may have")));
        }
        let files = archive::read(bytes)?;
        for (name, content) in &files {
            if let Some(hex) = name.strip_prefix(BLOBS)
                && Digest::of(content).hex() != hex
            {
                return Err(broken(format!("its blob sha256:{hex} holds something else than its name says")));
            }
        }
        let layout: Layout = oci::parse("its oci-layout", document(&files, LAYOUT)?)?;
        if layout != Layout::current() {
            return Err(broken("its oci-layout is of another version than 1.0.0"));
        }
        let index: Index = oci::parse("its index.json", document(&files, INDEX)?)?;
        oci::versioned("its index.json", index.schema_version)?;
        if index.media_type != oci::INDEX_TYPE {
            return Err(broken(format!("its index.json is not of type `{}`", oci::INDEX_TYPE)));
        }
        let (image, signed) = match index.manifests.as_slice() {
            [image] => (image, None),
            [image, signed] if signed.annotations.get(oci::KIND).is_some_and(|kind| kind == oci::SIGNATURES_KIND) => {
                (image, Some(signed))
            }
            [] => return Err(broken("its index.json lists no component")),
            _ => return Err(broken("its index.json lists more than one component")),
        };
        image.expect("its component", oci::MANIFEST_TYPE, &[oci::KIND])?;
        let manifest = take("the manifest of its component", &files, image)?;
        let bundle = Self::of_image(&files, manifest, signed)?;
        if bundle.to_bytes()? == bytes {
            Ok(bundle)
        } else {
            Err(broken(
                "it holds more than its component, manifest and signatures, or is packed in another form than theirs",
            ))
        }
    }

    fn of_image(files: &Files<'_>, manifest: &[u8], signed: Option<&Descriptor>) -> Result<Self, Error> {
        let image = component_image(manifest)?;
        let [layer] = image.layers.as_slice() else {
            return Err(broken(format!("its component has {} layers; it must have one", image.layers.len())));
        };
        let config = take("the configuration of its component", files, &image.config)?;
        let component = take("its component", files, layer)?;
        let signatures = match signed {
            None => Vec::new(),
            Some(descriptor) => {
                descriptor.expect("its list of signatures", oci::MANIFEST_TYPE, &[oci::KIND])?;
                let manifest = take("its list of signatures", files, descriptor)?;
                signatures(files, manifest)?
            }
        };
        Self::assemble(manifest.to_vec(), config.to_vec(), component.to_vec(), signatures)
    }

    /// The archive.
    ///
    /// # Errors
    /// It would be too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let image = Descriptor::of(oci::MANIFEST_TYPE, &self.manifest).annotated([(oci::KIND, oci::IMAGE_KIND)]);
        let mut manifests = vec![image];
        let mut blobs: BTreeMap<Digest, &[u8]> = BTreeMap::new();
        let signed = signature::image(&self.signatures)?;
        if !self.signatures.is_empty() {
            let listed = Descriptor::of(oci::MANIFEST_TYPE, &signed.0);
            manifests.push(listed.annotated([(oci::KIND, oci::SIGNATURES_KIND)]));
            let payloads = self.signatures.iter().map(|one| one.payload.as_slice());
            blobs.extend([signed.0.as_slice(), &signed.1].into_iter().chain(payloads).map(named));
        }
        blobs.extend([self.manifest.as_slice(), &self.config, &self.component].into_iter().map(named));
        let layout = oci::json(&Layout::current())?;
        let index = oci::json(&Index { schema_version: 2, media_type: oci::INDEX_TYPE.to_owned(), manifests })?;
        let first = [(LAYOUT.to_owned(), layout.as_slice()), (INDEX.to_owned(), index.as_slice())];
        let blobs = blobs.into_iter().map(|(digest, bytes)| (format!("{BLOBS}{}", digest.hex()), bytes));
        archive::write(first.into_iter().chain(blobs))
    }

    /// The digest of the component's manifest: what is signed, pinned and pulled. Signatures do not change it.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The name that the bundle gives itself where nothing has been believed yet: good for looking up, no more.
    #[must_use]
    pub fn claimed_name(&self) -> &str {
        &self.title
    }

    /// What the component says about itself. To be read of a bundle that is trusted, or to say why it is not.
    ///
    /// # Errors
    /// The manifest is broken, or about another component.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let said = manifest::read(&self.config, &self.component)?;
        let image = component_image(&self.manifest)?;
        let annotated = |key: &str, value: &str| image.annotations.get(key).is_some_and(|found| found == value);
        if annotated(oci::TITLE, &said.name) && annotated(oci::VERSION, &said.version) {
            Ok(said)
        } else {
            Err(broken("its annotations name another plugin or version than its manifest"))
        }
    }

    /// The component's bytes, to be compiled once the bundle is trusted.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// How many signatures it has; whose they are, [`Bundle::is_signed_by`] says.
    #[must_use]
    pub fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// Whether the owner of `key` has signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| signature.is_by(key))
    }

    /// Adds a signature; one by the same key is replaced.
    ///
    /// # Errors
    /// The key does not sign, or there are too many signatures.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), Error> {
        self.signatures.retain(|signature| !signature.is_by(key.public()));
        if self.signatures.len() >= MOST_SIGNATURES {
            return Err(Error::Key(format!("it has {MOST_SIGNATURES} signatures already, the most that a bundle has")));
        }
        self.signatures.push(Signature::make(&self.digest, key)?);
        Ok(())
    }
}

/// The image manifest of a component, in every respect as `wkg` expects it.
pub(crate) fn component_image(manifest: &[u8]) -> Result<ImageManifest, Error> {
    let image = ImageManifest::parse("the manifest of its component", manifest)?;
    oci::known("its component", &image.annotations, &[oci::TITLE, oci::VERSION, oci::LICENSES])?;
    image.config.expect("the configuration of its component", oci::WASM_CONFIG_TYPE, &[])?;
    image.layers.iter().try_for_each(|layer| layer.expect("its component", oci::WASM_TYPE, &[]))?;
    Ok(image)
}

/// The signatures that a manifest lists.
fn signatures(files: &Files<'_>, manifest: &[u8]) -> Result<Vec<Signature>, Error> {
    let image = ImageManifest::parse("its list of signatures", manifest)?;
    oci::known("its list of signatures", &image.annotations, &[])?;
    take("the configuration of its list of signatures", files, &image.config)?;
    if image.layers.is_empty() {
        return Err(broken("its list of signatures is empty"));
    }
    let one = |layer: &Descriptor| {
        layer.expect("its signature", oci::SIGNING_TYPE, &[oci::SIGNATURE])?;
        let signature = layer.annotations.get(oci::SIGNATURE).cloned();
        let signature = signature.ok_or_else(|| broken("its signature is missing beside what is signed"))?;
        Ok(Signature { payload: take("what is signed", files, layer)?.to_vec(), signature })
    };
    image.layers.iter().map(one).collect()
}

fn named(bytes: &[u8]) -> (Digest, &[u8]) {
    (Digest::of(bytes), bytes)
}

/// A file that every bundle has, of bounded size.
fn document<'a>(files: &Files<'a>, name: &str) -> Result<&'a [u8], Error> {
    let content = *files.get(name).ok_or_else(|| broken(format!("it is no bundle: it holds no `{name}`")))?;
    bounded(name, content)?;
    Ok(content)
}

/// The blob that a descriptor names.
fn take<'a>(what: &str, files: &Files<'a>, descriptor: &Descriptor) -> Result<&'a [u8], Error> {
    let missing = || broken(format!("{what} ({}) is missing", descriptor.digest));
    let content = *files.get(&format!("{BLOBS}{}", descriptor.digest.hex())).ok_or_else(missing)?;
    blob(what, descriptor, content)?;
    Ok(content)
}

/// Fails unless `content` is what the descriptor names, of the size that its kind may have.
fn blob(what: &str, descriptor: &Descriptor, content: &[u8]) -> Result<(), Error> {
    if descriptor.size != content.len() as u64 {
        let (said, is) = (descriptor.size, content.len());
        return Err(broken(format!("{what} has {is} bytes where {said} are declared")));
    }
    if Digest::of(content) != descriptor.digest {
        return Err(broken(format!("{what} is not {}, as it is declared", descriptor.digest)));
    }
    if descriptor.media_type == oci::WASM_TYPE { Ok(()) } else { bounded(what, content) }
}

fn bounded(what: &str, content: &[u8]) -> Result<(), Error> {
    if content.len() as u64 <= LARGEST_DOCUMENT {
        Ok(())
    } else {
        Err(broken(format!("{what} is larger than {LARGEST_DOCUMENT} bytes")))
    }
}

#[cfg(test)]
pub(crate) mod tests;
