//! `tidegate init`: the first configuration that a plugin offers is one that the program takes.

use crate::plant::{component, tidegate, vouch};

#[test]
fn a_first_configuration_is_valid_once_its_variables_are_set() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(component("pi.tidegate"), folder.path().join("pi.tidegate")).unwrap();
    vouch(folder.path());
    let ended = tidegate(folder.path(), &["init", "--plugin", "pi"], &[]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    let credentials = [("PI_USERNAME", "u"), ("PI_PASSWORD", "initpass")];
    let ended = tidegate(folder.path(), &["validate"], &credentials);
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(!ended.stderr.contains("warning"), "{ended:#?}");
    let ended = tidegate(folder.path(), &["validate"], &[]);
    assert!(ended.code == 2 && ended.stderr.contains("PI_USERNAME"), "{ended:#?}");
    let ended = tidegate(folder.path(), &["init", "--plugin", "pi"], &[]);
    assert!(ended.code == 2 && ended.stderr.contains("is not overwritten"), "{ended:#?}");
}

#[test]
fn a_plugin_that_is_not_there_is_a_clear_error_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ended = tidegate(folder.path(), &["init", "--plugin", "abacus"], &[]);
    assert!(ended.code == 2 && ended.stderr.contains("abacus.tidegate: no such file"), "{ended:#?}");
    assert!(!folder.path().join("tidegate.yaml").exists());
}
