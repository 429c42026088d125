//! What is shipped beside the program runs at once, because the lock beside it vouches for it, and for nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{done, lock, plant};
use crate::plant::{Ended, Plant, component, ended, program};

/// A folder as `cargo xtask dist` makes it: the program, signed bundles, their key, and the lock.
fn dist(folder: &Path) -> PathBuf {
    let place = folder.join("dist");
    std::fs::create_dir(&place).unwrap();
    let copy = place.join("tidegate");
    if std::fs::hard_link(program(), &copy).is_err() {
        std::fs::copy(program(), &copy).unwrap();
    }
    std::fs::copy(component("pi.tidegate"), place.join("pi.tidegate")).unwrap();
    let other = component("programs/well_behaved.wasm");
    done(&place, &["pack", other.to_str().unwrap(), "-o", "a.tidegate"]);
    done(&place, &["generate-key", "--output-prefix", "tidegate"]);
    for bundle in ["pi.tidegate", "a.tidegate"] {
        done(&place, &["sign", bundle, "--key", "tidegate.key"]);
        done(&place, &["approve", bundle, "--signer", "tidegate", "--key", "tidegate.pub"]);
    }
    copy
}

fn run(program: &Path, plant: &Plant, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.current_dir(plant.folder.path()).args(arguments).env("XDG_CACHE_HOME", plant.folder.path().join("cache"));
    ended(command.output().unwrap())
}

#[tokio::test]
async fn a_shipped_bundle_runs_without_an_approval_of_the_operators() {
    let plant = plant();
    std::fs::remove_file(plant.folder.path().join("pi.tidegate")).unwrap();
    let program = dist(plant.folder.path());
    let ended = run(&program, &plant, &["run"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    plant.assert_mirrors().await;
    assert!(!lock(&plant).exists(), "a run approves nothing");
    // The first that is offered is the first in the lock, not the first by name.
    std::fs::remove_file(plant.folder.path().join("tidegate.yaml")).unwrap();
    let ended = run(&program, &plant, &["init"]);
    assert!(ended.code == 0 && ended.stdout.contains("for pi"), "{ended:#?}");
}

#[test]
fn a_bundle_that_replaces_a_shipped_one_is_refused() {
    let plant = plant();
    std::fs::remove_file(plant.folder.path().join("pi.tidegate")).unwrap();
    let program = dist(plant.folder.path());
    let next = component("programs/pi_next.wasm");
    let place = program.parent().unwrap();
    done(place, &["pack", next.to_str().unwrap(), "-o", "pi.tidegate"]);
    let verify = ["plugin", "verify", "dist/pi.tidegate"];
    let ended = run(&program, &plant, &verify);
    assert!(ended.code == 4 && ended.stderr.contains("it is not signed"), "{ended:#?}");
    done(place, &["sign", "pi.tidegate", "--key", "tidegate.key"]);
    let ended = run(&program, &plant, &verify);
    assert!(ended.code == 0 && ended.stdout.contains("signed by tidegate"), "{ended:#?}");
    let ended = run(&program, &plant, &["run"]);
    assert!(ended.code == 4 && ended.stderr.contains("+ capability  GET /streams/*/value"), "{ended:#?}");
}

#[test]
fn the_operators_own_entry_comes_first() {
    let plant = plant();
    let program = dist(plant.folder.path());
    let own = plant.folder.path().join("pi.tidegate");
    let next = component("programs/pi_next.wasm");
    done(plant.folder.path(), &["pack", next.to_str().unwrap(), "-o", own.to_str().unwrap()]);
    done(plant.folder.path(), &["approve", "pi.tidegate"]);
    assert_eq!(run(&program, &plant, &["validate"]).code, 0);
    // The shipped one is another digest than the operator has approved by this name.
    std::fs::remove_file(own).unwrap();
    let ended = run(&program, &plant, &["validate"]);
    assert!(ended.code == 4 && ended.stderr.contains("~ version     0.2.0 -> 0.1.0"), "{ended:#?}");
}
