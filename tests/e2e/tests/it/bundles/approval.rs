//! From a component to rows, and from one version to the next.

use serde_json::Value;

use super::{bundle, done, key, lock, plant, plugin, read, refused, upgrade};
use crate::plant::component;

#[tokio::test]
async fn a_component_is_packed_signed_verified_approved_and_run() {
    let plant = plant();
    let folder = plant.folder.path();
    let next = component("programs/pi_next.wasm");
    let packed = done(folder, &["pack", next.to_str().unwrap(), "-o", "pi.tidegate", "--output", "json"]);
    let packed: Value = serde_json::from_str(&packed).unwrap();
    assert_eq!((&packed["name"], &packed["version"]), (&"pi".into(), &"0.2.0".into()));

    key(folder, "acme");
    let before = read(&bundle(&plant)).digest().clone();
    done(folder, &["sign", "pi.tidegate", "--key", "acme.key"]);
    assert_eq!(read(&bundle(&plant)).digest(), &before, "a signature is no part of what is signed");
    let verified = done(folder, &["verify", "pi.tidegate", "--key", "acme.pub"]);
    assert!(verified.contains("signed by acme.pub") && verified.contains(&before.to_string()), "{verified}");

    let approved = done(folder, &["approve", "pi.tidegate", "--signer", "acme", "--key", "acme.pub"]);
    for line in
        ["+ plugin      pi", "+ capability  GET /streams/*/value", "+ capability  POST /batch", "+ signer      acme"]
    {
        assert!(approved.contains(line), "{approved}");
    }
    let inspected: Value =
        serde_json::from_str(&done(folder, &["inspect", "pi.tidegate", "--output", "json"])).unwrap();
    assert_eq!((&inspected["state"], &inspected["signers"][0]), (&"approved".into(), &"acme".into()));
    assert_eq!(inspected["digest"], before.to_string());
    assert_eq!(inspected["component"]["digest"], packed["component"]);

    plant.run(0);
    plant.assert_mirrors().await;
    // By its name in the lock it is the same plugin.
    plant.configure(|settings| settings.plugin = "pi".into());
    plant.run(0);
    let listed: Value = serde_json::from_str(&done(folder, &["list", "--output", "json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["state"], &listed[0]["signer"]), (&"approved".into(), &"acme".into()));
}

#[tokio::test]
async fn an_upgrade_with_one_more_request_is_refused_shown_approved_and_run() {
    let plant = plant();
    done(plant.folder.path(), &["approve", "pi.tidegate"]);
    let old = std::fs::read_to_string(lock(&plant)).unwrap();
    upgrade(&plant);
    let ended = plant.tidegate(&["run"]);
    let line = format!("tidegate plugin approve {}", bundle(&plant).display());
    let words = ["~ version     0.1.0 -> 0.2.0", "~ digest      sha256:", "+ capability  GET /streams/*/value", &line];
    refused(&plant, &ended, &words);
    assert!(!ended.stderr.contains("POST /batch"), "what is approved already is no difference: {}", ended.stderr);
    assert_eq!(std::fs::read_to_string(lock(&plant)).unwrap(), old, "a refusal changes nothing");

    // The line that was printed, word for word.
    let words: Vec<&str> = line.split(' ').skip(2).collect();
    let approved = done(plant.folder.path(), &words);
    assert!(approved.contains("+ capability  GET /streams/*/value"), "{approved}");
    plant.run(0);
    plant.assert_mirrors().await;
    let again = done(plant.folder.path(), &words);
    assert!(again.contains("is approved already"), "{again}");
}

#[test]
fn what_is_shown_to_a_reviewer_fits_one_screen() {
    let plant = plant();
    let sheet = done(plant.folder.path(), &["inspect", "pi.tidegate"]);
    assert!(sheet.lines().count() <= 40, "{sheet}");
    assert!(sheet.lines().all(|line| line.chars().count() <= 100), "{sheet}");
    for word in [
        "pi 0.1.0",
        "Apache-2.0",
        "tidegate:historian/extractor@0.1.0",
        "wasi:http/outgoing-handler@0.2.12",
        "pi_event_frames: records",
        "/streams/*/recorded",
        "POST /batch",
        "30 s computing",
        "nobody",
    ] {
        assert!(sheet.contains(word), "`{word}` is not in: {sheet}");
    }
    // A component that nobody has packed yet is shown the same way.
    let next = component("programs/pi_next.wasm");
    let sheet = done(plant.folder.path(), &["inspect", next.to_str().unwrap()]);
    assert!(sheet.contains("pi 0.2.0") && sheet.contains("none: a bare component"), "{sheet}");
    assert!(sheet.contains("memory as configured"), "{sheet}");
    done(plant.folder.path(), &["pack", next.to_str().unwrap(), "-o", "pi.tidegate", "--memory-limit", "128MiB"]);
    let sheet = done(plant.folder.path(), &["inspect", "pi.tidegate"]);
    assert!(sheet.contains("128.0 MiB memory"), "{sheet}");
}

#[test]
fn the_same_component_is_the_same_bundle() {
    let plant = plant();
    let next = component("programs/pi_next.wasm");
    let pack = |file: &str| {
        done(plant.folder.path(), &["pack", next.to_str().unwrap(), "-o", file]);
        std::fs::read(plant.folder.path().join(file)).unwrap()
    };
    assert_eq!(pack("one.tidegate"), pack("two.tidegate"));
}

#[test]
fn keys_are_never_overwritten_and_never_without_a_password() {
    let plant = plant();
    let folder = plant.folder.path();
    key(folder, "acme");
    let private = std::fs::read_to_string(folder.join("acme.key")).unwrap();
    assert!(private.contains("ENCRYPTED SIGSTORE PRIVATE KEY"), "{private}");
    let ended = plugin(folder, &["generate-key", "--output-prefix", "acme"]);
    assert!(ended.code == 2 && ended.stderr.contains("is not overwritten"), "{ended:#?}");
    let sign = ["plugin", "sign", "pi.tidegate", "--key", "acme.key"];
    let ended = plant.tidegate(&sign);
    assert!(ended.code == 2 && ended.stderr.contains("COSIGN_PASSWORD is not set"), "{ended:#?}");
    let ended = crate::plant::tidegate(folder, &sign, &[("COSIGN_PASSWORD", "hunter2-other")]);
    assert!(ended.code == 2 && ended.stderr.contains("COSIGN_PASSWORD is wrong"), "{ended:#?}");
}

#[test]
fn a_plugin_that_asks_for_a_request_that_was_taken_out_of_the_lock_is_refused_and_shown() {
    let plant = plant();
    done(plant.folder.path(), &["approve", "pi.tidegate"]);
    let text = std::fs::read_to_string(lock(&plant)).unwrap();
    assert!(text.contains("    \"GET /dataservers\",\n"), "{text}");
    std::fs::write(lock(&plant), text.replace("    \"GET /dataservers\",\n", "")).unwrap();
    let line = format!("tidegate plugin approve {}", bundle(&plant).display());
    let words = ["it asks for requests that are not approved", "+ capability  GET /dataservers", &line];
    refused(&plant, &plant.tidegate(&["run"]), &words);
    refused(&plant, &plant.tidegate(&["validate"]), &words);
    done(plant.folder.path(), &["approve", "pi.tidegate"]);
    assert_eq!(std::fs::read_to_string(lock(&plant)).unwrap(), text);
    assert_eq!(plant.tidegate(&["validate"]).code, 0);
}
