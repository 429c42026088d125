//! Vetted bundles as an operator handles them: packed, signed, verified, approved and run; and everything that has not
//! been approved is refused before it is compiled, with the difference and the line that would allow it.

mod approval;
mod refusals;
mod registry;
mod server;
mod shipped;

use std::path::{Path, PathBuf};

use tidegate_bundle::Bundle;
use tidegate_simulators::pi::Config;

use crate::plant::{Ended, Plant, component, tidegate};

/// A plant without any approval: its lock is the test's own.
fn plant() -> Plant {
    let plant = Plant::start(Config { tags: 3, days: 0.05, ..Config::default() });
    std::fs::remove_file(lock(&plant)).unwrap();
    plant.configure(|settings| settings.plugin = "pi.tidegate".into());
    std::fs::copy(component("pi.tidegate"), bundle(&plant)).unwrap();
    plant
}

fn lock(plant: &Plant) -> PathBuf {
    plant.folder.path().join("plugins.lock")
}

fn bundle(plant: &Plant) -> PathBuf {
    plant.folder.path().join("pi.tidegate")
}

/// `tidegate plugin …` with a password for keys and a cache of its own.
fn plugin(folder: &Path, arguments: &[&str]) -> Ended {
    let arguments: Vec<&str> = std::iter::once("plugin").chain(arguments.iter().copied()).collect();
    tidegate(folder, &arguments, &[("COSIGN_PASSWORD", "hunter2-keys")])
}

/// The same, which must end well.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let ended = plugin(folder, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {ended:#?}");
    ended.stdout
}

/// Makes the key pair `NAME.key` and `NAME.pub`.
fn key(folder: &Path, name: &str) {
    done(folder, &["generate-key", "--output-prefix", name]);
}

/// Fails unless `ended` is a refusal by policy with these words, after which nothing has been written.
fn refused(plant: &Plant, ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, 4, "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "`{word}` is not in: {}", ended.stderr);
    }
    assert!(!plant.folder.path().join("lake").exists(), "something was written");
    assert_eq!(plant.server.stats().requests.values().sum::<u64>(), 0, "the historian was asked");
}

/// The PI plugin a version later, packed over the bundle of a plant.
fn upgrade(plant: &Plant) {
    let next = component("programs/pi_next.wasm");
    done(plant.folder.path(), &["pack", next.to_str().unwrap(), "-o", "pi.tidegate"]);
}

/// The bundle of a file.
fn read(path: &Path) -> Bundle {
    Bundle::read(&std::fs::read(path).unwrap()).unwrap()
}
