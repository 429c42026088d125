//! What may not run, and how it is said.

use tidegate_bundle::{Bundle, Entry, Lock};

use super::{bundle, done, key, lock, plant, plugin, read, refused, upgrade};
use crate::plant::{Plant, component};

/// A plant whose lock trusts `acme`, who has signed the bundle.
fn signed() -> Plant {
    let plant = plant();
    let folder = plant.folder.path();
    key(folder, "acme");
    done(folder, &["sign", "pi.tidegate", "--key", "acme.key"]);
    done(folder, &["approve", "pi.tidegate", "--signer", "acme", "--key", "acme.pub"]);
    plant
}

#[test]
fn a_bundle_that_nobody_has_approved() {
    let plant = plant();
    let ended = plant.tidegate(&["run"]);
    let words = ["plugins.lock has no entry for it", "+ plugin      pi", "+ capability  POST /batch", "plugin approve"];
    refused(&plant, &ended, &words);
    let ended = plant.tidegate(&["validate"]);
    refused(&plant, &ended, &words);
}

#[test]
fn a_bundle_that_was_tampered_with() {
    let plant = signed();
    let mut bytes = std::fs::read(bundle(&plant)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(bundle(&plant), bytes).unwrap();
    for command in ["run", "check", "plan"] {
        let ended = plant.tidegate(&[command]);
        refused(&plant, &ended, &["no bundle that can be trusted", "holds something else than its name says"]);
    }
    for command in ["verify", "inspect", "approve"] {
        let ended = plugin(plant.folder.path(), &[command, "pi.tidegate"]);
        refused(&plant, &ended, &["holds something else than its name says"]);
    }
}

#[test]
fn another_digest_than_the_approved_one() {
    let plant = signed();
    upgrade(&plant);
    done(plant.folder.path(), &["sign", "pi.tidegate", "--key", "acme.key"]);
    let ended = plant.tidegate(&["run"]);
    refused(&plant, &ended, &["approves another digest of `pi`", "~ digest", "+ capability  GET /streams/*/value"]);
}

#[test]
fn an_unsigned_bundle_where_signatures_are_required() {
    let plant = signed();
    std::fs::copy(component("pi.tidegate"), bundle(&plant)).unwrap();
    let ended = plant.tidegate(&["run"]);
    refused(&plant, &ended, &["wants it signed by `acme`, and it is not", "~ signer      acme -> nobody"]);
    upgrade(&plant);
    let ended = plugin(plant.folder.path(), &["approve", "pi.tidegate"]);
    refused(&plant, &ended, &["requires a signature", "--signer NAME --key cosign.pub"]);
    let ended = plugin(plant.folder.path(), &["verify", "pi.tidegate"]);
    refused(&plant, &ended, &["it is not signed", "plugin verify pi.tidegate --key cosign.pub"]);
}

#[test]
fn to_verify_is_to_find_a_signature_that_counts() {
    let plant = plant();
    let folder = plant.folder.path();
    // Nobody is known here, and nothing requires a signature.
    assert!(done(folder, &["verify", "pi.tidegate"]).contains("not signed"));
    let (own, bare) = (lock(&plant), "version = 1\n");
    std::fs::write(&own, format!("{bare}signatures = \"required\"\n")).unwrap();
    refused(&plant, &plugin(folder, &["verify", "pi.tidegate"]), &["it is not signed"]);
    for name in ["acme", "mallory"] {
        key(folder, name);
    }
    std::fs::write(&own, format!("{bare}[[signer]]\nname = \"acme\"\nkey_file = \"acme.pub\"\n")).unwrap();
    refused(&plant, &plugin(folder, &["verify", "pi.tidegate"]), &["it is not signed"]);
    done(folder, &["sign", "pi.tidegate", "--key", "mallory.key"]);
    let words = ["none of its 1 signatures is by anybody whom", "--key cosign.pub"];
    refused(&plant, &plugin(folder, &["verify", "pi.tidegate"]), &words);
    std::fs::remove_file(&own).unwrap();
    refused(&plant, &plugin(folder, &["verify", "pi.tidegate"]), &words);
    assert!(done(folder, &["verify", "pi.tidegate", "--key", "mallory.pub"]).contains("signed by mallory.pub"));
    std::fs::write(&own, format!("{bare}[[signer]]\nname = \"acme\"\nkey_file = \"acme.pub\"\n")).unwrap();
    done(folder, &["sign", "pi.tidegate", "--key", "acme.key"]);
    assert!(done(folder, &["verify", "pi.tidegate"]).contains("signed by acme"));
}

#[test]
fn a_bundle_that_somebody_unknown_has_signed() {
    let plant = signed();
    let folder = plant.folder.path();
    key(folder, "mallory");
    std::fs::copy(component("pi.tidegate"), bundle(&plant)).unwrap();
    done(folder, &["sign", "pi.tidegate", "--key", "mallory.key"]);
    let ended = plant.tidegate(&["run"]);
    refused(&plant, &ended, &["wants it signed by `acme`, and it is not", "~ signer      acme -> somebody unknown"]);
    let ended = plugin(folder, &["approve", "pi.tidegate", "--signer", "acme"]);
    refused(&plant, &ended, &["it is not signed by `acme`"]);
    let ended = plugin(folder, &["verify", "pi.tidegate", "--key", "acme.pub"]);
    refused(&plant, &ended, &["none of its 1 signatures is by that key"]);
    // A second key by the name of the first is no way in either.
    let ended = plugin(folder, &["approve", "pi.tidegate", "--signer", "acme", "--key", "mallory.pub"]);
    assert!(ended.code == 2 && ended.stderr.contains("another key is known as `acme`"), "{ended:#?}");
}

#[test]
fn a_signer_who_was_taken_out_of_the_lock() {
    let plant = signed();
    let text = std::fs::read_to_string(lock(&plant)).unwrap();
    let (start, end) = (text.find("[[signer]]").unwrap(), text.find("[[plugin]]").unwrap());
    std::fs::write(lock(&plant), format!("{}{}", &text[..start], &text[end..])).unwrap();
    refused(&plant, &plant.tidegate(&["run"]), &["does not know the signer `acme`"]);
}

#[test]
fn a_lock_that_cannot_be_read_lets_nothing_run() {
    let plant = signed();
    std::fs::write(lock(&plant), "version = 1\nplugin = 7\n").unwrap();
    let ended = plant.tidegate(&["run"]);
    assert!(ended.code == 2 && ended.stderr.contains("plugins.lock: cannot be read"), "{ended:#?}");
}

#[test]
fn a_plugin_that_says_something_else_than_its_manifest() {
    let plant = plant();
    let honest = read(&component("pi.tidegate"));
    let mut said = honest.manifest().unwrap();
    said.capabilities.retain(|capability| capability.path != "/batch");
    let liar = Bundle::pack(honest.component().to_vec(), &said).unwrap();
    std::fs::write(bundle(&plant), liar.to_bytes().unwrap()).unwrap();
    let words = ["what the plugin says about itself (capabilities) is not what its manifest says"];
    let ended = plugin(plant.folder.path(), &["approve", "pi.tidegate"]);
    refused(&plant, &ended, &words);
    // What it says was shown before it was compiled, and nothing was written.
    assert!(ended.stdout.contains("+ capability  GET /dataservers"), "{ended:#?}");
    assert!(!ended.stdout.contains("is approved") && !lock(&plant).exists(), "{ended:#?}");
    // Also where a lock vouches for it.
    let mut forged = Lock::read(plant.folder.path()).unwrap();
    forged.approve(Entry::of(&said, liar.digest().clone(), "pi.tidegate".to_owned()));
    forged.write().unwrap();
    refused(&plant, &plant.tidegate(&["run"]), &words);
}

#[test]
fn a_component_without_a_bundle_runs_by_its_own_digest_only() {
    let plant = plant();
    let bare = plant.folder.path().join("bare.wasm");
    std::fs::copy(component("programs/well_behaved.wasm"), &bare).unwrap();
    plant.configure(|settings| settings.plugin = "bare.wasm".into());
    refused(&plant, &plant.tidegate(&["run"]), &["has no entry for it", "~ digest      nothing -> sha256:"]);
    done(plant.folder.path(), &["approve", "bare.wasm"]);
    std::fs::copy(component("programs/log_flood.wasm"), &bare).unwrap();
    refused(&plant, &plant.tidegate(&["run"]), &["approves another digest of `wellbehaved`", "~ digest"]);
    std::fs::copy(component("programs/well_behaved.wasm"), &bare).unwrap();
    plant.run(0);
}

#[test]
fn a_command_that_needs_a_bundle_says_so_of_a_component() {
    let plant = plant();
    let bare = component("programs/well_behaved.wasm");
    for command in [["verify", bare.to_str().unwrap()], ["push", bare.to_str().unwrap()]] {
        let arguments: Vec<&str> =
            command.into_iter().chain((command[0] == "push").then_some("oci://localhost/p:1")).collect();
        let ended = plugin(plant.folder.path(), &arguments);
        assert!(ended.code == 2 && ended.stderr.contains("tidegate plugin pack"), "{ended:#?}");
    }
}
