//! Misbehaving plugins: each fails its partition with words that a person understands; the host and the other
//! partitions go on.

use std::path::Path;

use tidegate_simulators::pi::{Auth, Config};

use crate::plant::{Ended, Plant, component};
use crate::table;

fn plant(program: &str) -> Plant {
    let plant = Plant::start(Config { tags: 1, ..Config::default() });
    plant.configure(|settings| settings.plugin = component(&format!("programs/{program}.wasm")));
    plant
}

/// The misbehaving series is a gap, the two others are whole, and the words are there.
async fn fails_alone(program: &str, words: &[&str]) -> Ended {
    let plant = plant(program);
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 3, "{ended:#?}");
    let checkpoints = plant.folder.path().join("lake/checkpoints");
    let gaps = find(&checkpoints, "_gaps");
    let series = table::strings(&gaps, "tag_webid").await;
    assert!(series.iter().all(|series| series == "bad") && series.len() == 1, "{series:?}: {ended:#?}");
    let reason = table::strings(&gaps, "reason").await.join(" ");
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in the reason: {reason}");
    }
    let table = find(&plant.folder.path().join("lake/bronze"), "_timeseries");
    let mut rows = table::timeseries(&table).await;
    assert!(rows.values().all(|rows| rows.len() == 1), "rows are doubled");
    // The others are whole: ten events, one a second from the start of what was read.
    rows.retain(|key, _| key.0 != "bad");
    let found: Vec<_> = rows.into_iter().map(|(key, rows)| (key, rows[0].value)).collect();
    let starts = table::cells(&find(&checkpoints, "_watermarks"), &["tag_webid", "first_timestamp"]).await;
    let starts = starts.into_iter().filter(|row| row[0] != "bad").map(|row| row[0].clone());
    let first = found.first().unwrap_or_else(|| panic!("no rows: {ended:#?}")).0.1;
    let event = |series: &str, n: i64| ((series.to_owned(), first + n * 1_000_000, 0), Some((n as f64).to_bits()));
    let mut series: Vec<String> = starts.collect();
    series.sort();
    assert_eq!(series, ["first", "last"], "{ended:#?}");
    let expected: Vec<_> = series.iter().flat_map(|series| (0..10).map(|n| event(series, n))).collect();
    assert_eq!(found, expected);
    ended
}

fn find(folder: &Path, suffix: &str) -> std::path::PathBuf {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.to_string_lossy().ends_with(suffix)).unwrap()
}

#[tokio::test]
async fn an_endless_loop() {
    fails_alone("endless_loop", &["limit-time"]).await;
}

#[tokio::test]
async fn a_memory_bomb() {
    fails_alone("memory_bomb", &["limit-memory"]).await;
}

#[tokio::test]
async fn a_request_to_another_host() {
    fails_alone("another_host", &[""]).await;
}

#[tokio::test]
async fn an_authorization_header_of_its_own() {
    // The server knows the host's credentials only: had the guest's header gone out, it would have answered 401.
    let auth = Auth::Bearer { token: "of-the-host".to_owned() };
    let plant = Plant::start(Config { auth, tags: 1, ..Config::default() });
    plant.configure(|settings| {
        settings.plugin = component("programs/own_authorization.wasm");
        settings.auth = "{type: bearer, token: of-the-host}".to_owned();
    });
    let ended = plant.tidegate(&["run"]);
    assert!(ended.code == 0 || ended.code == 3, "{ended:#?}");
    let statuses = plant.server.stats().statuses;
    assert_eq!(statuses.get(&401), None, "{statuses:?}");
}

#[tokio::test]
async fn a_batch_with_a_wrong_schema() {
    fails_alone("wrong_schema", &["contract"]).await;
}

#[tokio::test]
async fn two_rows_with_one_key() {
    fails_alone("doubled_key", &["contract"]).await;
}

#[tokio::test]
async fn a_trap_half_way() {
    fails_alone("trap_half_way", &["trap"]).await;
}

#[tokio::test]
async fn a_cover_beyond_its_partition() {
    fails_alone("beyond_partition", &["contract"]).await;
}

#[tokio::test]
async fn a_flood_of_log_lines() {
    fails_alone("log_flood", &["limit-log"]).await;
}

#[tokio::test]
async fn changes_that_break_the_contract_cost_the_hints_and_nothing_else() {
    let plant = plant("false_changes");
    let figures = [(0, 0), (0, 3), (0, 3)].map(|(hinted, fell_back)| {
        let ended = plant.tidegate(&["--output", "json", "run"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        assert_eq!(ended.stderr.contains("whole microseconds"), fell_back > 0, "{ended:#?}");
        let summary: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((&summary["hinted"], &summary["fell_back"]), (&hinted.into(), &fell_back.into()), "{summary}");
        summary["series"].as_u64().unwrap()
    });
    assert_eq!(figures, [3, 3, 3]);
}
