//! Ways of breaking the layout inside a sound archive. Each is packed again, so that every digest fits what it names
//! unless the test is about that.

use serde_json::{Value, json};

use super::{COMPONENT, bundle, key, refused, said};
use crate::archive::{self, BLOBS, INDEX, LAYOUT};
use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::manifest;
use crate::signature::Signature;

/// A layout that a test can change: JSON, and the blobs by their digests.
struct Layout {
    layout: Value,
    index: Value,
    blobs: Vec<(String, Vec<u8>)>,
}

impl Layout {
    /// A signed bundle's.
    fn signed() -> Self {
        let mut bundle = bundle();
        bundle.sign(&key()).unwrap();
        Self::of(&bundle)
    }

    fn of(bundle: &Bundle) -> Self {
        let bytes = bundle.to_bytes().unwrap();
        let files = archive::read(&bytes).unwrap();
        let json = |name: &str| serde_json::from_slice(files[name]).unwrap();
        let blobs = files.iter().filter_map(|(name, content)| {
            name.strip_prefix(BLOBS).map(|hex| (format!("sha256:{hex}"), content.to_vec()))
        });
        Self { layout: json(LAYOUT), index: json(INDEX), blobs: blobs.collect() }
    }

    fn blob(&self, digest: &Value) -> Vec<u8> {
        self.blobs.iter().find(|(name, _)| digest == name).unwrap().1.clone()
    }

    /// Adds a blob; its digest.
    fn add(&mut self, content: Vec<u8>) -> String {
        let digest = Digest::of(&content).to_string();
        self.blobs.retain(|(name, _)| *name != digest);
        self.blobs.push((digest.clone(), content));
        digest
    }

    /// Changes the manifest that stands at `place` in the index.
    fn change(&mut self, place: usize, change: impl FnOnce(&mut Value)) {
        let old = self.index["manifests"][place]["digest"].clone();
        let mut manifest: Value = serde_json::from_slice(&self.blob(&old)).unwrap();
        change(&mut manifest);
        let content = serde_json::to_vec(&manifest).unwrap();
        self.blobs.retain(|(name, _)| old != *name);
        self.index["manifests"][place]["size"] = content.len().into();
        self.index["manifests"][place]["digest"] = self.add(content).into();
    }

    fn pack(&self) -> Vec<u8> {
        let (layout, index) = (self.layout.to_string(), self.index.to_string());
        let mut blobs = self.blobs.clone();
        blobs.sort();
        let first = [(LAYOUT.to_owned(), layout.as_bytes()), (INDEX.to_owned(), index.as_bytes())];
        let blobs = blobs.iter().map(|(name, content)| (name.replace("sha256:", BLOBS), content.as_slice()));
        archive::write(first.into_iter().chain(blobs)).unwrap()
    }
}

/// Fails unless a signed bundle that was changed is refused with these words.
fn broken(words: &str, change: impl FnOnce(&mut Layout)) {
    let mut layout = Layout::signed();
    change(&mut layout);
    refused(&layout.pack(), words);
}

#[test]
fn the_layout_itself() {
    broken("another version", |it| it.layout["imageLayoutVersion"] = "2.0.0".into());
    broken("unknown field", |it| it.layout["more"] = 1.into());
    broken("its index.json cannot be read", |it| it.index = "text".into());
    broken("schemaVersion 3", |it| it.index["schemaVersion"] = 3.into());
    broken("not of type", |it| it.index["mediaType"] = "application/json".into());
    broken("unknown field `annotations`", |it| it.index["annotations"] = json!({}));
}

#[test]
fn a_blob_that_is_not_what_it_is_called() {
    broken("holds something else than its name says", |it| it.blobs[0].1.push(0));
}

#[test]
fn a_blob_that_is_missing() {
    for place in 0..6 {
        broken("is missing", |it| {
            it.blobs.remove(place);
        });
    }
}

#[test]
fn a_blob_that_nothing_names() {
    broken("holds more than its component", |it| {
        it.add(b"hidden".to_vec());
    });
}

#[test]
fn an_index_that_points_elsewhere() {
    broken("is missing", |it| it.index["manifests"][0]["digest"] = Digest::of(b"elsewhere").to_string().into());
    broken("bytes where", |it| it.index["manifests"][0]["size"] = 1.into());
    broken("64 hexadecimal digits", |it| it.index["manifests"][0]["digest"] = "sha256:../../x".into());
    broken("unknown field `urls`", |it| it.index["manifests"][0]["urls"] = json!(["https://elsewhere.example"]));
    broken("unknown field `platform`", |it| it.index["manifests"][0]["platform"] = json!({"os": "linux"}));
    broken("must be `application/vnd.oci.image.manifest.v1+json`", |it| {
        it.index["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
    });
}

#[test]
fn no_component_or_two() {
    broken("lists no component", |it| it.index["manifests"] = json!([]));
    broken("more than one component", |it| {
        let first = it.index["manifests"][0].clone();
        it.index["manifests"].as_array_mut().unwrap().insert(1, first);
    });
    broken("more than one component", |it| it.index["manifests"][1]["annotations"] = json!({}));
    broken("more than one component", |it| {
        let second = it.index["manifests"][1].clone();
        it.index["manifests"].as_array_mut().unwrap().push(second);
    });
}

#[test]
fn a_component_in_another_shape() {
    broken("schemaVersion 1", |it| it.change(0, |manifest| manifest["schemaVersion"] = 1.into()));
    broken("it must be `application/wasm`", |it| {
        it.change(0, |manifest| manifest["layers"][0]["mediaType"] = "application/octet-stream".into());
    });
    broken("it must be `application/vnd.wasm.config.v0+json`", |it| {
        it.change(0, |manifest| manifest["config"]["mediaType"] = "application/json".into());
    });
    broken("says that it is `application/vnd.docker", |it| {
        it.change(0, |manifest| {
            manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json".into();
        });
    });
    broken("has 2 layers", |it| {
        it.change(0, |manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"].as_array_mut().unwrap().push(layer);
        });
    });
    broken("has 0 layers", |it| it.change(0, |manifest| manifest["layers"] = json!([])));
    broken("unknown field `subject`", |it| it.change(0, |manifest| manifest["subject"] = json!({})));
}

#[test]
fn sizes_that_a_manifest_lies_about() {
    broken("bytes where", |it| it.change(0, |manifest| manifest["layers"][0]["size"] = 1.into()));
    broken("bytes where", |it| it.change(0, |manifest| manifest["config"]["size"] = (1_u64 << 40).into()));
}

#[test]
fn foreign_annotations() {
    broken("the annotation `x`", |it| it.index["manifests"][0]["annotations"]["x"] = "y".into());
    broken("the annotation `x`", |it| it.index["manifests"][1]["annotations"]["x"] = "y".into());
    broken("the annotation `x`", |it| it.change(0, |manifest| manifest["annotations"]["x"] = "y".into()));
    broken("the annotation `x`", |it| {
        it.change(0, |manifest| manifest["layers"][0]["annotations"] = json!({"x": "y"}));
    });
    broken("the annotation `x`", |it| it.change(1, |manifest| manifest["annotations"] = json!({"x": "y"})));
    broken("the annotation `dev.sigstore.cosign/certificate`", |it| {
        it.change(1, |manifest| {
            manifest["layers"][0]["annotations"]["dev.sigstore.cosign/certificate"] = "y".into();
        });
    });
}

#[test]
fn a_list_of_signatures_in_another_shape() {
    broken("list of signatures is empty", |it| it.change(1, |manifest| manifest["layers"] = json!([])));
    broken("it must be `application/vnd.dev.cosign.simplesigning.v1+json`", |it| {
        it.change(1, |manifest| manifest["layers"][0]["mediaType"] = "application/json".into());
    });
    broken("signature is missing", |it| {
        it.change(1, |manifest| manifest["layers"][0]["annotations"] = json!({}));
    });
    broken("more than 8 signatures", |it| {
        it.change(1, |manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"] = vec![layer; 9].into();
        });
    });
}

#[test]
fn a_signature_of_another_component() {
    let other = Signature::make(&Digest::of(b"other"), &key()).unwrap();
    let mut bundle = bundle();
    bundle.signatures.push(other.clone());
    refused(&bundle.to_bytes().unwrap(), "its signature is about sha256:");
}

#[test]
fn a_signature_beside_another_payload_is_nobodys() {
    let key = key();
    let mut bundle = bundle();
    bundle.sign(&key).unwrap();
    // The signature is the key's, but over another component.
    bundle.signatures[0].signature = Signature::make(&Digest::of(b"other"), &key).unwrap().signature;
    let read = Bundle::read(&bundle.to_bytes().unwrap()).unwrap();
    assert!(!read.is_signed_by(key.public()));
    bundle.signatures[0].signature = "no base64".to_owned();
    let read = Bundle::read(&bundle.to_bytes().unwrap()).unwrap();
    assert!(!read.is_signed_by(key.public()));
}

/// The words with which the manifest of a bundle is refused, that was packed with this configuration.
fn manifest_refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut config: Value = serde_json::from_slice(&manifest::write(&said()).unwrap()).unwrap();
    change(&mut config);
    manifest::read(&serde_json::to_vec(&config).unwrap(), COMPONENT).unwrap_err().to_string()
}

#[test]
fn a_manifest_that_is_none_or_about_another_component() {
    for (words, refusal) in [
        ("the form 2", manifest_refusal(|config| config["tidegate"]["format"] = 2.into())),
        ("missing field `tidegate`", manifest_refusal(|config| *config = json!({}))),
        ("unknown field `more`", manifest_refusal(|config| config["tidegate"]["more"] = 1.into())),
        (
            "not the one that it holds",
            manifest_refusal(|config| {
                config["tidegate"]["component"]["digest"] = Digest::of(b"other").to_string().into();
            }),
        ),
        ("not written in its one form", manifest_refusal(|config| config["os"] = "linux".into())),
        ("not written in its one form", manifest_refusal(|config| config["more"] = 1.into())),
    ] {
        assert!(refusal.contains(words), "`{refusal}` does not say `{words}`");
    }
}

#[test]
fn annotations_that_name_another_plugin_than_the_manifest() {
    let mut layout = Layout::of(&bundle());
    layout.change(0, |manifest| manifest["annotations"]["org.opencontainers.image.title"] = "other".into());
    let manifest: Value = serde_json::from_slice(&layout.blob(&layout.index["manifests"][0]["digest"])).unwrap();
    let bundle = bundle();
    let forged = Bundle::assemble(
        serde_json::to_vec(&manifest).unwrap(),
        bundle.config.clone(),
        bundle.component.clone(),
        Vec::new(),
    )
    .unwrap();
    assert_eq!(forged.claimed_name(), "other");
    let error = forged.manifest().unwrap_err().to_string();
    assert!(error.contains("another plugin or version than its manifest"), "{error}");
}
