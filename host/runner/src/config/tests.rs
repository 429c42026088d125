//! What an operator reads about a configuration, line by line.

use std::ffi::OsString;

use serde_json::json;

use super::*;

const GOOD: &str = "version: 1
name: plant-a
plugin: acme.tidegate
source:
  url: https://acme.example/api/
auth:
  type: anonymous
sink:
  location: ./lakehouse
";

/// What a plugin adds to the configuration.
fn plugin() -> Value {
    json!({"properties": {
        "source": {"properties": {"data_server": {"type": "string"}}},
        "ingestion": {"properties": {
            "tags": {"type": "array", "items": {"type": "string"}},
            "tag_filter": {"type": "object", "additionalProperties": false, "properties": {
                "name_pattern": {"type": "string", "default": "*"},
                "max_tags": {"type": "integer", "minimum": 1}}},
            "af_database": {"type": ["string", "array"], "items": {"type": "string"}},
            "include_af_hierarchy": {"type": "boolean", "default": false},
            "include_event_frames": {"type": "boolean", "default": false},
            "event_frame_templates": {"type": "array", "items": {"type": "string"}}}}}})
}

fn environment(name: &str) -> Option<OsString> {
    let value = match name {
        "ACME_USERNAME" => "CORP\\svc",
        "ACME_PASSWORD" => "hunter2-\"ü\"",
        "BATCH" => "50",
        "FLAG" => "true",
        "WORDS" => "hunter2-words",
        _ => return None,
    };
    Some(value.into())
}

fn load_with(text: &str, overrides: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.yaml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("corp-ca.pem"), "").unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let short = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    let document = Document::read_with(&path, &overrides, &environment).map_err(|failure| short(failure.message))?;
    document.check(Some(&plugin())).map_err(|invalid| short(invalid.to_string()))
}

fn load(text: &str) -> Result<Config, String> {
    load_with(text, &[])
}

/// The one message about `GOOD` with `more` behind it.
fn refused(more: &str) -> String {
    load(&format!("{GOOD}{more}")).unwrap_err()
}

#[test]
fn a_minimal_configuration_has_the_products_defaults() {
    let config = load(GOOD).unwrap();
    assert_eq!(config.source.url.as_str(), "https://acme.example/api");
    assert_eq!(config.ingestion.lookback.as_secs(), 48 * 3_600);
    assert_eq!(config.ingestion.start, Start::Ago(std::time::Duration::from_secs(30 * 86_400)));
    assert_eq!(config.ingestion.quality, Quality::All);
    assert_eq!((config.performance.batch_size, config.performance.parallel_batches), (100, 5));
    assert_eq!((config.performance.memory_limit, config.performance.max_count_per_request), (512 << 20, 10_000));
    assert_eq!(config.performance.max_requests_per_second, 20.0);
    assert_eq!(config.sink.schema, "bronze");
    assert_eq!(config.sink.checkpoint("acme"), ("checkpoints".to_owned(), "acme_watermarks".to_owned()));
    assert!(config.sink.location.starts_with('/') && config.sink.location.ends_with("/lakehouse"));
    assert!(!config.sink.location.contains("/./"), "{}", config.sink.location);
    assert!(config.warnings.is_empty() && config.unavailable.is_empty());
}

#[test]
fn the_products_example_is_valid_in_full() {
    let config = load(include_str!("example.yaml")).unwrap();
    assert_eq!(config.sink.checkpoint("x"), ("checkpoints".to_owned(), "acme_watermarks".to_owned()));
    assert!(matches!(config.schedule, Some(Schedule::Every(every)) if every.as_secs() == 600));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn quiet_hours_are_read_by_the_clock() {
    let config = load(&format!("{GOOD}performance:\n  quiet_hours: [{{from: \"22:00\", to: \"06:30\"}}]\n")).unwrap();
    let hours = config.performance.quiet_hours[0];
    assert_eq!((hours.from.to_string().as_str(), hours.to.to_string().as_str()), ("22:00:00", "06:30:00"));
    assert_eq!(hours.requests_per_second, 0.0);
    let message = refused("performance:\n  quiet_hours: [{from: \"7 am\", to: \"9:00\"}]\n");
    assert!(message.contains("must be a time of day such as 07:30"), "{message}");
}

#[test]
fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
    assert_eq!(
        refused("ingestion:\n  lookbak: 48h\n"),
        "t.yaml:11: ingestion.lookbak: unknown key; did you mean `lookback`?"
    );
    assert_eq!(refused("sinc: {}\n"), "t.yaml:10: sinc: unknown key; did you mean `sink`?");
    assert_eq!(
        refused("ingestion:\n  tag_filter:\n    max_tag: 3\n"),
        "t.yaml:12: ingestion.tag_filter.max_tag: unknown key; did you mean `max_tags`?"
    );
    assert_eq!(
        refused("performance: {lookback: 48h}\n"),
        "t.yaml:10: performance.lookback: unknown key; `lookback` belongs under `ingestion`"
    );
    assert_eq!(refused("lookback: 48h\n"), "t.yaml:10: lookback: unknown key; `lookback` belongs under `ingestion`");
    assert_eq!(
        refused("tls: {schedule: {every: 5m}}\n"),
        "t.yaml:10: tls.schedule: unknown key; `schedule` belongs at the top, not under `tls`"
    );
    assert!(refused("ingestion:\n  zzz:\n").starts_with("t.yaml:11: ingestion.zzz: unknown key"));
    let text = GOOD.replace("type: anonymous", "type: basic\n  username: u\n  pasword: hunter2");
    let message = load(&text).unwrap_err();
    assert!(message.contains("t.yaml:9: auth.pasword: unknown key; did you mean `password`?"), "{message}");
    assert!(message.contains("auth.password: is missing"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_wrong_type_says_what_is_meant() {
    assert_eq!(
        refused("performance:\n  batch_size: many\n"),
        "t.yaml:11: performance.batch_size: must be a whole number, but is text"
    );
    assert_eq!(
        refused("performance:\n  batch_size: 1.5\n"),
        "t.yaml:11: performance.batch_size: must be a whole number, but is a number with a fraction"
    );
    assert_eq!(
        refused("tls: {insecure_skip_verify: yes}\n"),
        "t.yaml:10: tls.insecure_skip_verify: must be true or false, but is text; YAML 1.2 knows only true and false"
    );
    assert_eq!(refused("ingestion: [a]\n"), "t.yaml:10: ingestion: must be keys and values, but is a list");
    assert_eq!(
        refused("ingestion:\n  tags:\n    - A\n    - 7\n"),
        "t.yaml:13: ingestion.tags[1]: must be text, but is a number"
    );
    assert_eq!(
        refused("ingestion: {quality: god}\n"),
        "t.yaml:10: ingestion.quality: must be one of all, good; did you mean `good`?"
    );
    assert_eq!(
        refused("performance: {parallel_batches: 0}\n"),
        "t.yaml:10: performance.parallel_batches: must be at least 1"
    );
    assert_eq!(load(&GOOD.replace("version: 1", "version: 2")).unwrap_err(), "t.yaml:1: version: must be 1");
}

#[test]
fn durations_times_and_sizes_are_checked() {
    assert_eq!(
        refused("ingestion: {lookback: two days}\n"),
        "t.yaml:10: ingestion.lookback: is not a duration such as 30s, 15m, 48h or 30d"
    );
    assert_eq!(
        refused("ingestion: {lookback: 48}\n"),
        "t.yaml:10: ingestion.lookback: a number needs a unit, such as 30s, 15m, 48h or 30d"
    );
    assert!(load(&format!("{GOOD}ingestion: {{lookback: 0}}\n")).unwrap().ingestion.lookback.is_zero());
    assert!(refused("ingestion: {start: 7d}\n").contains("`-7d` means that long ago"));
    assert!(refused("performance: {memory_limit: lots}\n").contains("is not a size such as 512MiB"));
    assert!(refused("performance: {memory_limit: 1MiB}\n").contains("must be at least 128MiB"));
    assert!(
        refused("schedule: {every: 10m, cron: '* * * * *'}\n")
            .contains("t.yaml:10: schedule: must have `every` or `cron`")
    );
}

#[test]
fn a_missing_key_is_reported_where_it_should_be() {
    let text = GOOD.replace("  url: https://acme.example/api/\n", "  data_server: X\n");
    assert_eq!(load(&text).unwrap_err(), "t.yaml:4: source.url: is missing and must be set");
    let text = GOOD.replace("url: https://acme.example/api/", "url:");
    assert_eq!(load(&text).unwrap_err(), "t.yaml:5: source.url: must have a value");
    assert_eq!(load(&GOOD.replace("name: plant-a\n", "")).unwrap_err(), "t.yaml:1: name: is missing and must be set");
}

#[test]
fn the_type_of_auth_decides_which_keys_it_has() {
    let auth = |text: &str| load(&GOOD.replace("type: anonymous", text)).unwrap_err();
    assert_eq!(
        auth("type: basc"),
        "t.yaml:7: auth.type: must be one of basic, bearer, session, anonymous, kerberos, oauth; did you mean `basic`?"
    );
    assert_eq!(
        auth("username: u"),
        "t.yaml:6: auth.type: is missing and must be one of basic, bearer, session, anonymous, kerberos, oauth"
    );
    assert_eq!(auth("type: bearer"), "t.yaml:6: auth.token: is missing and must be set");
    assert_eq!(auth("type: bearer\n  token: ''"), "t.yaml:8: auth.token: must not be empty");
}

#[test]
fn a_session_has_both_name_and_password_or_neither_and_a_token_has_a_place() {
    let auth = |text: &str| load(&GOOD.replace("type: anonymous", text)).map(|config| config.auth);
    assert!(matches!(auth("type: session"), Ok(Auth::Session { login: None })));
    let login = auth("type: session\n  username: ${ACME_USERNAME}\n  password: ${ACME_PASSWORD}");
    assert!(matches!(login, Ok(Auth::Session { login: Some(login) }) if login.username == "CORP\\svc"));
    for half in ["username: u", "password: hunter2"] {
        assert_eq!(
            auth(&format!("type: session\n  {half}")).unwrap_err(),
            "t.yaml:6: auth: must have `username` and `password`, or neither for an anonymous session"
        );
    }
    let place = |text: &str| auth(&format!("type: bearer\n  token: hunter2{text}"));
    assert!(matches!(place(""), Ok(Auth::Bearer { place: Place::Header, .. })));
    assert!(matches!(place("\n  in: body"), Ok(Auth::Bearer { place: Place::Body, .. })));
    assert_eq!(
        place("\n  in: bodi").unwrap_err(),
        "t.yaml:9: auth.in: must be one of header, body; did you mean `body`?"
    );
}

#[test]
fn the_log_of_requests_is_a_file_in_a_folder_that_is_there() {
    let config = load(&format!("{GOOD}audit: {{file: audit.jsonl}}\n")).unwrap();
    assert!(config.audit.is_some_and(|path| path.is_absolute() && path.ends_with("audit.jsonl")));
    assert!(load(GOOD).unwrap().audit.is_none());
    assert_eq!(refused("audit: {}\n"), "t.yaml:10: audit.file: is missing and must be set");
    assert!(refused("audit: {file: x/audit.jsonl}\n").starts_with("t.yaml:10: audit.file: there is no folder x"));
    assert!(refused("audit: {file: .}\n").contains("is a folder; name a file"));
    assert!(load(&format!("{GOOD}metrics: {{folder: .}}\n")).unwrap().metrics.is_some_and(|path| path.is_absolute()));
    assert!(refused("metrics: {folder: x}\n").starts_with("t.yaml:10: metrics.folder: there is no folder x"));
}

#[test]
fn a_url_that_names_only_the_server_gets_the_place_of_the_api() {
    let at = |url: &str, root: &str| {
        let mut config = load(&GOOD.replace("https://acme.example/api/", url)).unwrap();
        config.complete_url(root);
        let settings: Value = serde_json::from_str(&plugin_settings(&config)).unwrap();
        let told = settings["source"]["url"].as_str().unwrap().to_owned();
        assert_eq!(config.source.url.as_str().trim_end_matches('/'), told);
        told
    };
    assert_eq!(at("https://acme.example", "/api"), "https://acme.example/api");
    assert_eq!(at("https://acme.example:444/", "/a/b"), "https://acme.example:444/a/b");
    assert_eq!(at("https://acme.example/proxy/acme", "/api"), "https://acme.example/proxy/acme");
    assert_eq!(at("https://acme.example/", ""), "https://acme.example");
}

#[test]
fn an_auth_type_of_a_later_version_is_valid_but_cannot_run() {
    let config = load(&GOOD.replace("type: anonymous", "type: kerberos\n  principal: svc@CORP\n  keytab: k")).unwrap();
    assert!(config.unavailable[0].contains("`kerberos` is not available yet in this version"), "{config:?}");
}

#[test]
fn an_unset_variable_names_file_line_key_and_variable() {
    let text = GOOD.replace("type: anonymous", "type: basic\n  username: ${ACME_USERNAME}\n  password: ${NOT_SET}");
    assert_eq!(
        load(&text).unwrap_err(),
        "t.yaml:9: auth.password: the environment variable NOT_SET is not set; set it, or write the value here"
    );
    let text = GOOD.replace("type: anonymous", "type: bearer\n  token: ${file:secrets/token}");
    let message = load(&text).unwrap_err();
    assert!(message.starts_with("t.yaml:8: auth.token: cannot read the file secrets/token"), "{message}");
}

#[test]
fn text_from_the_environment_becomes_the_type_that_the_key_has() {
    let config = load(&format!(
        "{GOOD}performance: {{batch_size: \"${{BATCH}}\"}}\ntls: {{insecure_skip_verify: \"${{FLAG}}\"}}\n"
    ));
    let config = config.unwrap();
    assert_eq!((config.performance.batch_size, config.tls.insecure_skip_verify), (50, true));
    let message = refused("performance: {batch_size: \"${WORDS}\"}\n");
    assert_eq!(message, "t.yaml:10: performance.batch_size: must be a whole number, but is text");
}

#[test]
fn a_secret_is_in_no_debug_no_error_and_no_settings() {
    let text =
        GOOD.replace("type: anonymous", "type: basic\n  username: ${ACME_USERNAME}\n  password: ${ACME_PASSWORD}");
    let config = load(&text).unwrap();
    assert!(matches!(&config.auth, Auth::Basic { password, .. } if password.reveal() == "hunter2-\"ü\""));
    for shown in [format!("{config:?}"), format!("{config:#?}"), plugin_settings(&config)] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(!plugin_settings(&config).contains("svc"));
    let message = load(&text.replace("https://acme.example", "https://u:hunter2@acme.example")).unwrap_err();
    assert_eq!(message, "t.yaml:5: source.url: must not hold a user name or a password; they belong under `auth`");
    let config = load(&GOOD.replace("./lakehouse\n", "./l\n  storage_options: {secret_key: hunter2-store}\n")).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(secret::redact("key hunter2-store"), "key ***");
}

#[test]
fn every_problem_is_reported_in_the_order_of_the_file() {
    let text =
        "version: 1\nname: a b\nplugin: p\nsource: {url: x}\nauth: {type: basic, username: u}\nsink: {}\nextra: 1\n";
    let message = load(text).unwrap_err();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], "6 problems in the configuration".replace('6', &(lines.len() - 1).to_string()));
    let keys = [
        "t.yaml:2: name:",
        "t.yaml:4: source.url:",
        "t.yaml:5: auth.password:",
        "t.yaml:6: sink.location:",
        "t.yaml:7: extra:",
    ];
    assert_eq!(lines.len(), keys.len() + 1, "{message}");
    for (line, key) in lines[1..].iter().zip(keys) {
        assert!(line.trim_start().starts_with(key), "{line}");
    }
}

#[test]
fn an_override_replaces_a_key_and_is_named_in_its_problems() {
    let config =
        load_with(GOOD, &["source.url=http://localhost:8080", "performance.batch_size=7", "ingestion.start=-7d"]);
    let config = config.unwrap();
    assert_eq!((config.source.url.as_str(), config.performance.batch_size), ("http://localhost:8080/", 7));
    assert!(plugin_settings(&config).contains("\"url\":\"http://localhost:8080\""));
    assert_eq!(
        load_with(GOOD, &["performance.batchsize=7"]).unwrap_err(),
        "--set: performance.batchsize: unknown key; did you mean `batch_size`?"
    );
    let config =
        load_with(&GOOD.replace("type: anonymous", "type: bearer\n  token: ${NOT_SET}"), &["auth.token=t-0-k"]);
    assert!(config.is_ok(), "{:?}", config.err());
    assert!(load_with(GOOD, &["name.x=1"]).unwrap_err().contains("--set: name.x: what it lies in is not a section"));
    let message = load_with(GOOD, &["hunter2"]).unwrap_err();
    assert!(message.starts_with("--set: expected KEY=VALUE") && !message.contains("hunter2"), "{message}");
    assert!(load_with(GOOD, &["name="]).unwrap_err().contains("--set: name: is missing"));
    assert!(load_with(GOOD, &["name=[a"]).unwrap_err().contains("--set: name: the value is not valid YAML"));
}

#[test]
fn the_plugin_gets_its_settings_with_defaults() {
    let config = load(&format!("{GOOD}ingestion: {{tag_filter: {{max_tags: 5}}}}\n")).unwrap();
    let settings: Value = serde_json::from_str(&plugin_settings(&config)).unwrap();
    assert_eq!(settings.pointer("/ingestion/tag_filter"), Some(&json!({"max_tags": 5, "name_pattern": "*"})));
    assert_eq!(settings.pointer("/source/url"), Some(&json!("https://acme.example/api")));
    assert_eq!(settings.pointer("/performance/batch_size"), Some(&json!(100)));
    assert_eq!(settings.as_object().unwrap().len(), 3);
}

#[test]
fn a_file_that_cannot_be_read_is_a_usage_error_with_one_message() {
    let failure = Document::read(Path::new("/nowhere/t.yaml"), &[]).err().unwrap();
    assert_eq!(failure.exit, crate::exit::Exit::Usage);
    assert!(failure.message.contains("/nowhere/t.yaml: there is no such file"), "{failure}");
    let folder = tempfile::tempdir().unwrap();
    let failure = Document::read(folder.path(), &[]).err().unwrap();
    assert!(failure.message.contains("cannot read the configuration"), "{failure}");
    let path = folder.path().join("t.yaml");
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    assert!(Document::read(&path, &[]).err().unwrap().message.contains("not UTF-8"));
}

#[test]
fn without_the_plugin_its_keys_pass_and_the_hosts_are_still_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.yaml");
    std::fs::write(&path, format!("{GOOD}ingestion: {{tags: [a], whatever: 1}}\n")).unwrap();
    assert!(Document::read(&path, &[]).unwrap().check(None).is_ok());
    std::fs::write(&path, format!("{GOOD}ingestion: {{lookback: x}}\n")).unwrap();
    assert!(Document::read(&path, &[]).unwrap().check(None).is_err());
}

#[test]
fn a_plugin_with_a_broken_schema_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.yaml");
    std::fs::write(&path, GOOD).unwrap();
    let broken = json!({"properties": {"source": {"properties": {"x": {"type": 7}}}}});
    let invalid = Document::read(&path, &[]).unwrap().check(Some(&broken)).unwrap_err();
    assert!(invalid.to_string().contains("plugin: its configuration schema is not valid"), "{invalid}");
}
