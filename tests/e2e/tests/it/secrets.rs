//! No secret in any output, log, table, Delta log or error, at any verbosity.

use std::path::Path;

use tidegate_simulators::pi::{Auth, Config, Effect, Fault};

use crate::plant::{Plant, tidegate};

const PASSWORD: &str = "s3cr3t/Pa+ss=w0rd";
const USER: &str = "PLANT\\reader";

/// The password as it is, percent-encoded, and as Basic sends it.
fn forms() -> Vec<String> {
    use std::fmt::Write;
    let mut encoded = String::new();
    for byte in PASSWORD.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    // base64 of `PLANT\reader:s3cr3t/Pa+ss=w0rd`
    vec![PASSWORD.to_owned(), encoded, "UExBTlRccmVhZGVyOnMzY3IzdC9QYStzcz13MHJk".to_owned()]
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "{what} holds the password");
    }
}

fn assert_folder_clean(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_folder_clean(&path);
        } else {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn no_secret_is_in_any_output_table_or_error() {
    let auth = Auth::Basic { username: USER.to_owned(), password: PASSWORD.to_owned() };
    let plant = Plant::start(Config { auth, tags: 4, days: 0.05, ..Config::default() });
    plant.configure(|settings| {
        settings.auth = format!("{{type: basic, username: '{USER}', password: '${{TIDEGATE_TEST_PASSWORD}}'}}");
    });
    let environment = [("TIDEGATE_TEST_PASSWORD", PASSWORD), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")];
    let commands: &[&[&str]] = &[
        &["-vvv", "run"],
        &["-vvv", "check"],
        &["-vvv", "plan"],
        &["-vvv", "preview"],
        &["-vvv", "discover"],
        &["-vvv", "validate"],
        &["spec"],
        &["status"],
        &["--set", "source.nonsense=1", "validate"],
        &["--set", "auth.type=nonsense", "validate"],
        &["--set", "auth.password.deeper=1", "validate"],
    ];
    for command in commands {
        let ended = tidegate(plant.folder.path(), command, &environment);
        assert_clean(&format!("stdout of {command:?}"), ended.stdout.as_bytes());
        assert_clean(&format!("stderr of {command:?}"), ended.stderr.as_bytes());
    }
    for code in [401, 403, 500] {
        plant.server.set_faults(vec![Fault::new(Effect::Status { code })]);
        let ended = tidegate(plant.folder.path(), &["-vvv", "run"], &environment);
        assert_ne!(ended.code, 0);
        assert_clean(&format!("stderr under {code}"), ended.stderr.as_bytes());
    }
    assert!(plant.table("timeseries").is_dir(), "the first run wrote the lake");
    assert_folder_clean(plant.folder.path());
}
