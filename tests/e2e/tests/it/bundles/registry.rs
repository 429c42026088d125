//! Through a real registry and back: in the shape of `wkg` and cosign, pinned by digest whatever becomes of the tag.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::server::{LOGIN, Registry};
use super::{bundle, done, key, lock, plant, read, refused, upgrade};
use crate::plant::{Ended, Plant, tidegate};

/// Runs the program with a cache of the plant's own, so that no other test has filled it.
fn run(plant: &Plant, arguments: &[&str]) -> Ended {
    let cache = plant.folder.path().join("cache");
    let environment = [("XDG_CACHE_HOME", cache.to_str().unwrap()), ("COSIGN_PASSWORD", "")];
    tidegate(plant.folder.path(), arguments, &environment)
}

fn well(plant: &Plant, arguments: &[&str]) -> String {
    let ended = run(plant, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {ended:#?}");
    ended.stdout
}

/// A plant whose bundle is signed, and a registry that holds it at the tag `latest`.
fn pushed() -> (Plant, Registry, String) {
    let (plant, registry) = (plant(), Registry::open());
    key(plant.folder.path(), "acme");
    done(plant.folder.path(), &["sign", "pi.tidegate", "--key", "acme.key"]);
    let tag = format!("oci://{}/team/pi:latest", registry.host);
    let pinned = well(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    let digest = read(&bundle(&plant)).digest().to_string();
    assert_eq!(pinned.trim(), tag.replace(":latest", &format!("@{digest}")));
    (plant, registry, tag)
}

async fn get(host: &str, what: &str) -> Value {
    const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
    let url = format!("http://{host}/v2/team/pi/{what}");
    let answer = reqwest::Client::new().get(url).header("accept", TYPE).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{what}");
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_pushed_has_the_shape_that_wkg_and_cosign_read() {
    let (plant, registry, _) = pushed();
    let manifest = get(&registry.host, "manifests/latest").await;
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    let config = get(&registry.host, &format!("blobs/{}", manifest["config"]["digest"].as_str().unwrap())).await;
    assert_eq!(config["layerDigests"], Value::from(vec![manifest["layers"][0]["digest"].clone()]));
    assert!(config["component"]["imports"].as_array().unwrap().contains(&"wasi:http/outgoing-handler@0.2.12".into()));

    let digest = read(&bundle(&plant)).digest().to_string();
    let signed = get(&registry.host, &format!("manifests/{}.sig", digest.replace(':', "-"))).await;
    let layer = &signed["layers"][0];
    assert_eq!(layer["mediaType"], "application/vnd.dev.cosign.simplesigning.v1+json");
    assert!(layer["annotations"]["dev.cosignproject.cosign/signature"].is_string());
    let payload = get(&registry.host, &format!("blobs/{}", layer["digest"].as_str().unwrap())).await;
    assert_eq!(payload["critical"]["image"]["docker-manifest-digest"], digest);
    assert_eq!(payload["critical"]["type"], "cosign container image signature");
}

#[test]
fn what_is_pulled_is_what_was_pushed_signatures_included() {
    let (plant, _registry, tag) = pushed();
    well(&plant, &["plugin", "pull", &tag, "-o", "again.tidegate"]);
    let again = std::fs::read(plant.folder.path().join("again.tidegate")).unwrap();
    assert_eq!(again, std::fs::read(bundle(&plant)).unwrap());
    let verified = well(&plant, &["plugin", "verify", &tag, "--key", "acme.pub"]);
    assert!(verified.contains("signed by acme.pub"), "{verified}");
    let sheet = well(&plant, &["plugin", "inspect", &tag]);
    assert!(sheet.contains("pi 0.1.0"), "{sheet}");
    // Pushed again by somebody else who signs: both signatures are there.
    key(plant.folder.path(), "other");
    std::fs::copy(crate::plant::component("pi.tidegate"), bundle(&plant)).unwrap();
    done(plant.folder.path(), &["sign", "pi.tidegate", "--key", "other.key"]);
    well(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    for key in ["acme.pub", "other.pub"] {
        well(&plant, &["plugin", "verify", &tag, "--key", key]);
    }
}

#[tokio::test]
async fn a_tag_is_pinned_when_it_is_approved_and_never_when_it_is_run() {
    let (plant, mut registry, tag) = pushed();
    plant.configure(|settings| settings.plugin = tag.clone().into());
    let ended = run(&plant, &["run"]);
    refused(&plant, &ended, &["may be another bundle tomorrow", &format!("tidegate plugin approve {tag}")]);
    well(&plant, &["plugin", "approve", &tag, "--signer", "acme", "--key", "acme.pub"]);
    let text = std::fs::read_to_string(lock(&plant)).unwrap();
    let digest = read(&bundle(&plant)).digest().to_string();
    let pinned = tag.replace(":latest", &format!("@{digest}"));
    assert!(text.contains(&format!("source = \"{pinned}\"")), "{text}");

    // The tag moves on to the next version; what was approved stays what runs.
    upgrade(&plant);
    done(plant.folder.path(), &["sign", "pi.tidegate", "--key", "acme.key"]);
    well(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    std::fs::remove_file(bundle(&plant)).unwrap();
    std::fs::remove_dir_all(plant.folder.path().join("cache")).unwrap();
    for name in ["pi", &pinned] {
        plant.configure(|settings| settings.plugin = name.into());
        let ended = run(&plant, &["run"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
    }
    plant.assert_mirrors().await;
    let inspected = well(&plant, &["plugin", "inspect", "pi"]);
    assert!(inspected.contains("pi 0.1.0") && inspected.contains(&digest), "{inspected}");

    // To follow the tag is an act again, and is shown.
    let shown = well(&plant, &["plugin", "approve", &tag]);
    assert!(shown.contains("~ version     0.1.0 -> 0.2.0") && shown.contains("+ capability  GET /streams"), "{shown}");
    // What has been pulled once runs without the registry.
    registry.stop();
    plant.configure(|settings| settings.plugin = "pi".into());
    assert_eq!(run(&plant, &["run"]).code, 0);
}

#[test]
fn a_signature_that_came_later_is_found_although_the_bundle_was_kept() {
    let (plant, mut registry) = (plant(), Registry::open());
    let tag = format!("oci://{}/team/pi:1", registry.host);
    well(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    well(&plant, &["plugin", "inspect", &tag]);
    let kept = plant.folder.path().join("cache");
    let unsigned = plant.folder.path().join("unsigned");
    copy(&kept.join("tidegate/bundles"), &unsigned);
    key(plant.folder.path(), "acme");
    done(plant.folder.path(), &["sign", "pi.tidegate", "--key", "acme.key"]);
    well(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    well(&plant, &["plugin", "approve", &tag, "--signer", "acme", "--key", "acme.pub"]);
    copy(&unsigned, &kept.join("tidegate/bundles"));
    plant.configure(|settings| settings.plugin = "pi".into());
    let ended = run(&plant, &["validate"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    // Where nobody can be asked for it, what was kept is refused, and that is no failure.
    copy(&unsigned, &kept.join("tidegate/bundles"));
    registry.stop();
    for command in ["validate", "run"] {
        refused(&plant, &run(&plant, &[command]), &["wants it signed by `acme`, and it is not"]);
    }
}

#[tokio::test]
async fn a_registry_that_answers_with_other_bytes_is_refused() {
    let (plant, registry, tag) = pushed();
    let digest = read(&bundle(&plant)).digest().to_string();
    let manifest = get(&registry.host, "manifests/latest").await;
    let pinned = tag.replace(":latest", &format!("@{digest}"));
    let (layer, config) = (&manifest["layers"][0]["digest"], &manifest["config"]["digest"]);
    for (blob, name) in [(layer.as_str().unwrap(), &tag), (config.as_str().unwrap(), &pinned), (&digest, &pinned)] {
        let file = registry.blob(blob);
        let whole = std::fs::read(&file).unwrap();
        let version = whole.windows(5).position(|window| window == b"0.1.0").unwrap();
        let mut other = whole.clone();
        other[version + 4] = b'1';
        std::fs::write(&file, other).unwrap();
        let words = ["the registry answered with sha256:", &format!("where {blob} was asked for")];
        refused(&plant, &run(&plant, &["plugin", "pull", name, "-o", "again.tidegate"]), &words);
        std::fs::write(&file, whole).unwrap();
    }
    assert!(!plant.folder.path().join("again.tidegate").exists());
    // What is listed and not there is no bundle either.
    let file = registry.blob(config.as_str().unwrap());
    std::fs::rename(&file, file.with_extension("gone")).unwrap();
    refused(&plant, &run(&plant, &["plugin", "pull", &tag]), &["and does not hold it"]);
    std::fs::rename(file.with_extension("gone"), &file).unwrap();
    well(&plant, &["plugin", "pull", &tag]);
}

#[tokio::test]
async fn a_signature_that_is_broken_in_the_registry_is_passed_over() {
    let (plant, registry, tag) = pushed();
    let digest = read(&bundle(&plant)).digest().to_string();
    let signed = get(&registry.host, &format!("manifests/{}.sig", digest.replace(':', "-"))).await;
    let file = registry.blob(signed["layers"][0]["digest"].as_str().unwrap());
    let whole = std::fs::read(&file).unwrap();
    let broken = String::from_utf8(whole.clone()).unwrap().replace("cosign", "gisonc");
    for missing in [false, true] {
        if missing { std::fs::remove_file(&file) } else { std::fs::write(&file, &broken) }.unwrap();
        well(&plant, &["plugin", "pull", &tag]);
        refused(&plant, &run(&plant, &["plugin", "verify", &tag, "--key", "acme.pub"]), &["it is not signed"]);
    }
    std::fs::write(&file, whole).unwrap();
    well(&plant, &["plugin", "verify", &tag, "--key", "acme.pub"]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_bundle_that_was_tampered_with_in_the_registrys_cache_of_this_machine_is_pulled_again() {
    let (plant, _registry, tag) = pushed();
    well(&plant, &["plugin", "approve", &tag, "--signer", "acme", "--key", "acme.pub"]);
    let bundles = plant.folder.path().join("cache/tidegate/bundles");
    let file = std::fs::read_dir(&bundles).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let mut broken = whole.clone();
    broken[1000] ^= 1;
    std::fs::write(&file, broken).unwrap();
    plant.configure(|settings| settings.plugin = "pi".into());
    assert_eq!(run(&plant, &["validate"]).code, 0);
    assert_eq!(std::fs::read(&file).unwrap(), whole);
}

#[test]
fn what_is_not_there_and_who_does_not_answer_is_a_failure_with_words() {
    let (plant, mut registry, tag) = pushed();
    let ended = run(&plant, &["plugin", "pull", &tag.replace("latest", "never")]);
    assert!(ended.code == 1 && ended.stderr.contains("cannot be pulled"), "{ended:#?}");
    let other = format!("@sha256:{}", "0".repeat(64));
    let ended = run(&plant, &["plugin", "verify", &tag.replace(":latest", &other)]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    registry.stop();
    let ended = run(&plant, &["plugin", "pull", &tag]);
    assert!(ended.code == 1 && ended.stderr.contains(&registry.host), "{ended:#?}");
    let ended = run(&plant, &["plugin", "pull", "oci://no-tag/at-all"]);
    assert!(ended.code == 2 && ended.stderr.contains("neither a tag nor a digest"), "{ended:#?}");
}

#[test]
fn the_log_in_is_that_of_dockers_configuration() {
    let (plant, registry) = (plant(), Registry::locked());
    let tag = format!("oci://{}/team/pi:1", registry.host);
    let ended = run(&plant, &["plugin", "push", "pi.tidegate", &tag]);
    assert!(ended.code == 1 && ended.stderr.contains("cannot be pushed"), "{ended:#?}");
    let login = |password: &str| {
        let auth = STANDARD.encode(format!("{}:{password}", LOGIN.0));
        let config = serde_json::json!({"auths": {&registry.host: {"auth": auth}}});
        std::fs::write(plant.folder.path().join("config.json"), config.to_string()).unwrap();
        let folder = plant.folder.path().to_str().unwrap();
        tidegate(plant.folder.path(), &["plugin", "push", "pi.tidegate", &tag], &[("DOCKER_CONFIG", folder)])
    };
    let ended = login("hunter2-wrong");
    assert!(ended.code == 1 && !ended.stderr.contains("hunter2"), "{ended:#?}");
    let ended = login(LOGIN.1);
    assert_eq!(ended.code, 0, "{ended:#?}");
}
