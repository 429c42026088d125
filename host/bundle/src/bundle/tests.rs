//! Bundles as they should be, and every way of not being one, each with its words.

mod archives;
mod layouts;

use super::*;
use crate::manifest::{CallLimits, Capability, Column, ComponentFacts, Table};

/// What stands for a component: nothing in this crate looks into it.
pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0 a component";

/// A manifest about [`COMPONENT`].
pub(crate) fn said() -> Manifest {
    let capability = |method: &str, path: &str| Capability { method: method.to_owned(), path: path.to_owned() };
    Manifest {
        format: Manifest::FORMAT,
        name: "demo".to_owned(),
        version: "0.1.0".to_owned(),
        license: "Apache-2.0".to_owned(),
        world: "tidegate:historian/extractor@0.1.0".to_owned(),
        component: ComponentFacts {
            digest: Digest::of(COMPONENT),
            size: COMPONENT.len() as u64,
            imports: vec!["tidegate:historian/host@0.1.0".to_owned()],
            exports: vec!["tidegate:historian/plugin@0.1.0".to_owned()],
        },
        tables: vec![Table {
            name: "timeseries".to_owned(),
            shape: "events".to_owned(),
            comment: "Events".to_owned(),
            columns: vec![Column { name: "tag".to_owned(), kind: "Utf8".to_owned() }],
        }],
        kinds: vec!["tags".to_owned()],
        capabilities: vec![capability("POST", "/batch"), capability("GET", "/points/*")],
        token_member: None,
        session: None,
        limits: CallLimits {
            memory_bytes: Some(1 << 28),
            busy_seconds: 30,
            request_bytes: 1 << 24,
            response_bytes: 1 << 28,
            batch_bytes: 1 << 26,
        },
        config_schema: serde_json::json!({"properties": {}}),
    }
}

/// A bundle of it.
pub(crate) fn bundle() -> Bundle {
    Bundle::pack(COMPONENT.to_vec(), &said()).unwrap()
}

/// A key that signs.
pub(crate) fn key() -> SigningKey {
    SigningKey::unlock(&SigningKey::generate("").unwrap().0, "").unwrap()
}

/// Fails unless the bytes are refused with these words.
fn refused(bytes: &[u8], words: &str) {
    match Bundle::read(bytes) {
        Ok(_) => panic!("it is read, where `{words}` should be said"),
        Err(error) => assert!(error.to_string().contains(words), "`{error}` does not say `{words}`"),
    }
}

#[test]
fn a_component_becomes_the_same_bundle_every_time_and_comes_back() {
    let bytes = bundle().to_bytes().unwrap();
    assert_eq!(bytes, bundle().to_bytes().unwrap());
    let read = Bundle::read(&bytes).unwrap();
    assert_eq!((read.component(), read.manifest().unwrap()), (COMPONENT, said()));
    assert_eq!((read.claimed_name(), read.signature_count()), ("demo", 0));
    // The digest is part of every lock and every signature: a change of the form has to be meant.
    let expected = "sha256:ef1056f9b45aeabe05b30dd8262088bac6d7e649ab277b60abe36ccd89280137";
    assert_eq!(read.digest().to_string(), expected);
}

#[test]
fn it_has_the_shape_that_wkg_pulls() {
    // What oci-wasm 0.6 asks of a component: one layer of this type, a configuration of this type that it can read.
    let bundle = bundle();
    let image: serde_json::Value = serde_json::from_slice(&bundle.manifest).unwrap();
    assert_eq!(image["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(image["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(image["layers"].as_array().unwrap().len(), 1);
    assert_eq!(image["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(image["annotations"]["org.opencontainers.image.version"], "0.1.0");
    let config: serde_json::Value = serde_json::from_slice(&bundle.config).unwrap();
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    assert_eq!((&config["architecture"], &config["os"]), (&"wasm".into(), &"wasip2".into()));
    assert_eq!(config["layerDigests"][0], image["layers"][0]["digest"]);
    assert_eq!(config["component"]["target"], "tidegate:historian/extractor@0.1.0");
    assert_eq!(config["component"]["exports"][0], "tidegate:historian/plugin@0.1.0");
}

#[test]
fn a_signature_does_not_change_the_digest_and_holds_for_its_key_alone() {
    let (key, other) = (key(), key());
    let mut signed = bundle();
    signed.sign(&key).unwrap();
    signed.sign(&key).unwrap();
    let read = Bundle::read(&signed.to_bytes().unwrap()).unwrap();
    assert_eq!((read.digest(), read.signature_count()), (bundle().digest(), 1));
    assert!(read.is_signed_by(key.public()) && !read.is_signed_by(other.public()));
    signed.sign(&other).unwrap();
    let read = Bundle::read(&signed.to_bytes().unwrap()).unwrap();
    assert!(read.is_signed_by(key.public()) && read.is_signed_by(other.public()));
    assert!(!bundle().is_signed_by(key.public()));
}

#[test]
fn the_layout_of_a_signed_bundle_is_cosigns() {
    let mut signed = bundle();
    signed.sign(&key()).unwrap();
    let bytes = signed.to_bytes().unwrap();
    let files = archive::read(&bytes).unwrap();
    let index: serde_json::Value = serde_json::from_slice(files["index.json"]).unwrap();
    let kinds: Vec<&str> =
        index["manifests"].as_array().unwrap().iter().map(|one| one["annotations"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["dev.cosignproject.cosign/image", "dev.cosignproject.cosign/sigs"]);
    let listed = index["manifests"][1]["digest"].as_str().unwrap().replace("sha256:", BLOBS);
    let listed: serde_json::Value = serde_json::from_slice(files[&listed]).unwrap();
    let layer = &listed["layers"][0];
    assert_eq!(layer["mediaType"], "application/vnd.dev.cosign.simplesigning.v1+json");
    assert!(layer["annotations"]["dev.cosignproject.cosign/signature"].is_string());
}
