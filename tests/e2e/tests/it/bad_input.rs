//! What people get wrong: one clear message, the exit code of the contract, nothing written half-way.

use tidegate_simulators::pi::{Auth, Config, Server};

use crate::plant::{Ended, Plant, component, tidegate};

fn plant() -> Plant {
    Plant::start(Config { tags: 2, days: 0.05, ..Config::default() })
}

fn refused(plant: &Plant, code: i32, words: &[&str]) -> Ended {
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, code, "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "`{word}` is not in: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "", "data on stdout");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!plant.folder.path().join("lake").exists(), "something was written");
    ended
}

#[test]
fn an_unknown_key() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{lookbak: 1h}".to_owned());
    refused(&plant, 2, &["tidegate.yaml:9", "lookbak", "lookback"]);
    assert_eq!(plant.tidegate(&["validate"]).code, 2);
}

#[test]
fn an_unknown_key_of_the_plugins_own_section() {
    let plant = plant();
    plant.configure(|settings| settings.ingestion = "{tag_filter: {name_patern: '*'}}".to_owned());
    refused(&plant, 2, &["tidegate.yaml:9", "name_patern", "name_pattern"]);
}

#[test]
fn an_unset_variable() {
    let plant = plant();
    plant.configure(|settings| settings.auth = "{type: bearer, token: '${TIDEGATE_TEST_UNSET}'}".to_owned());
    refused(&plant, 2, &["tidegate.yaml:6", "TIDEGATE_TEST_UNSET"]);
}

#[test]
fn a_wrong_type() {
    let plant = plant();
    plant.configure(|settings| settings.performance = "{batch_size: many}".to_owned());
    refused(&plant, 2, &["tidegate.yaml:10", "batch_size"]);
}

#[test]
fn a_missing_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let ended = tidegate(folder.path(), &["run"], &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("tidegate.yaml") && ended.stderr.contains("tidegate init"), "{}", ended.stderr);
}

#[test]
fn a_missing_plugin() {
    let plant = plant();
    plant.configure(|settings| settings.plugin = "nowhere.tidegate".into());
    refused(&plant, 2, &["nowhere.tidegate"]);
}

#[test]
fn a_file_that_is_not_a_component() {
    let plant = plant();
    std::fs::write(plant.folder.path().join("text.tidegate"), "not wasm").unwrap();
    plant.configure(|settings| settings.plugin = "text.tidegate".into());
    refused(&plant, 4, &["text.tidegate", "no bundle that can be trusted", "it is no tar"]);
}

#[test]
fn a_component_of_another_world() {
    let plant = plant();
    plant.configure(|settings| settings.plugin = component("programs/wrong_world.wasm"));
    refused(&plant, 4, &["has no entry for it", "plugin approve"]);
    let ended = plant.tidegate(&["plugin", "approve", component("programs/wrong_world.wasm").to_str().unwrap()]);
    assert!(ended.code == 2 && ended.stderr.contains("world tidegate:historian"), "{ended:#?}");
}

#[test]
fn a_server_that_is_not_there() {
    let plant = plant();
    let free = Server::launch(Config::default()).unwrap().url();
    let path = plant.folder.path().join("tidegate.yaml");
    let text = std::fs::read_to_string(&path).unwrap().replace(&plant.server.url(), &free);
    std::fs::write(&path, text).unwrap();
    refused(&plant, 1, &["refuses the connection", "source.url"]);
}

#[test]
fn a_certificate_nobody_trusts() {
    let plant = Plant::start(Config { tls: true, tags: 2, days: 0.05, ..Config::default() });
    refused(&plant, 1, &["certificate", "ca_file"]);
    plant.configure(|settings| settings.tls = "{insecure_skip_verify: true}".to_owned());
    plant.run(0);
}

#[test]
fn a_wrong_password() {
    let auth = Auth::Basic { username: "PLANT\\reader".to_owned(), password: "right".to_owned() };
    let plant = Plant::start(Config { auth, tags: 2, days: 0.05, ..Config::default() });
    plant.configure(|settings| {
        settings.auth = "{type: basic, username: 'PLANT\\reader', password: wr0ng-passw0rd}".to_owned();
    });
    let ended = refused(&plant, 1, &["401"]);
    assert!(!ended.stderr.contains("wr0ng-passw0rd"));
    plant.configure(|settings| {
        settings.auth = "{type: basic, username: 'PLANT\\reader', password: right}".to_owned();
    });
    plant.run(0);
}

#[test]
fn a_lake_that_cannot_be_written() {
    let plant = plant();
    std::fs::write(plant.folder.path().join("lake"), "a file where the folder should be").unwrap();
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("lake"), "{}", ended.stderr);
}
