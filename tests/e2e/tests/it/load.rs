//! Initial loads: every kind of value, every way to name a tag, every density that paging must survive.

use tidegate_simulators::pi::{Config, Dialect, Form, Kind, Override, Sprinkle};

use crate::plant::{Plant, SECOND, Settings};
use crate::table;

/// Every kind but blobs, whose values no server sends.
fn readable() -> Vec<Kind> {
    Kind::ALL.iter().map(|(kind, _)| *kind).filter(|kind| *kind != Kind::Blob).collect()
}

fn every_kind() -> Config {
    Config { tags: 40, days: 0.5, interval_seconds: 30.0, kinds: readable(), ..Config::default() }
}

#[tokio::test]
async fn every_kind_of_value_arrives_as_it_is() {
    let plant = Plant::start(every_kind());
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    let rows = plant.rows().await.len() as u64;
    assert_eq!(summary["rows"], rows);
    let kinds: std::collections::BTreeSet<_> = plant.rows().await.into_values().flatten().map(|row| row.kind).collect();
    let expected = ["array", "bool", "digital", "error", "float", "int", "string", "system", "timestamp"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn events_that_share_a_timestamp_are_numbered() {
    let sprinkle = Sprinkle { same_instant: 20_000, same_microsecond: 20_000, ..Sprinkle::default() };
    let plant = Plant::start(Config { sprinkle, ..every_kind() });
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(plant.rows().await.keys().any(|key| key.2 > 1), "the truth holds groups of three and more");
}

#[tokio::test]
async fn pages_of_any_size_lose_and_double_nothing() {
    for (max_count, batch) in [(100, 3), (101, 40), (1_440, 7)] {
        let plant = Plant::start(Config { tags: 9, ..every_kind() });
        plant.configure(|settings| {
            settings.performance = format!(
                "{{max_requests_per_second: 10000, max_count_per_request: {max_count}, batch_size: {batch}, \
                 parallel_batches: 2}}"
            );
        });
        plant.run(0);
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn a_page_exactly_full_is_not_the_end() {
    // One event a minute and nothing else: 720 events, in pages of 720, 360, and 240.
    for max_count in [720, 360, 240] {
        let config = Config { tags: 2, days: 0.5, sprinkle: Sprinkle::none(), ..Config::default() };
        let plant = Plant::start(config);
        plant.configure(|settings| {
            settings.performance =
                format!("{{max_requests_per_second: 10000, max_count_per_request: {max_count}, batch_size: 1}}");
        });
        plant.run(0);
        plant.assert_mirrors().await;
    }
}

#[tokio::test]
async fn more_events_at_one_timestamp_than_a_page_holds() {
    let burst = Override { burst: Some(2_500), ..Override::default() };
    let config = Config { tags: 4, days: 0.25, overrides: [(1, burst)].into(), ..Config::default() };
    let plant = Plant::start(config);
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10000, max_count_per_request: 1000}".to_owned();
    });
    plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(plant.rows().await.keys().map(|key| key.2).max(), Some(2_499));
}

#[tokio::test]
async fn ten_events_a_second() {
    let fast = Override { interval_seconds: Some(0.1), ..Override::default() };
    let config = Config { tags: 3, days: 0.1, overrides: [(0, fast.clone()), (2, fast)].into(), ..Config::default() };
    let plant = Plant::start(config);
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(plant.rows().await.len() > 150_000);
}

#[tokio::test]
async fn names_that_urls_and_json_trip_over() {
    let plant = Plant::start(Config { tags: 60, hostile_names: true, days: 0.05, ..Config::default() });
    let names: String = plant.server.truth().points().iter().map(|point| point.name.clone()).collect();
    for special in ['%', '&', '#', ';', '+', '\\'] {
        assert!(names.contains(special), "no name holds {special}");
    }
    assert!(!names.is_ascii());
    plant.run(0);
    plant.assert_mirrors().await;

    // The same tags chosen one by one: by path, by name and by WebId are one series each.
    let plant = Plant::start(Config { tags: 60, hostile_names: true, days: 0.05, ..Config::default() });
    let points = plant.server.truth().points();
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let tags: Vec<String> = points
        .iter()
        .flat_map(|point| [quoted(&point.path), quoted(&point.name), quoted(&point.web_id(Form::Full))])
        .collect();
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tags: [{}]}}", tags.join(", ")));
    plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(table::strings(&plant.table("watermarks"), "tag_webid").await.len(), 60);
}

#[tokio::test]
async fn a_future_tag_is_read_ahead_of_now_and_not_twice() {
    let plant = Plant::start(Config { tags: 6, future: 2, days: 0.25, ..Config::default() });
    plant.run(0);
    plant.assert_mirrors().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    assert!(plant.rows().await.keys().any(|key| key.1 > now), "no row lies ahead of now");
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn an_empty_tag_has_no_rows_but_a_cursor() {
    let plant = Plant::start(Config { tags: 5, empty: 2, days: 0.1, ..Config::default() });
    plant.run(0);
    plant.assert_mirrors().await;
    let counts = table::integers(&plant.table("watermarks"), "record_count").await;
    assert_eq!((counts.len(), counts.iter().filter(|count| **count == 0).count()), (5, 2));
    assert_eq!(counts.iter().sum::<i64>(), plant.rows().await.len() as i64);
}

#[tokio::test]
async fn the_other_batch_dialect_is_understood_and_named() {
    let plant = Plant::start(Config { dialect: Dialect::Requests, ..every_kind() });
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    plant.assert_mirrors().await;
    assert!(ended.stderr.contains("Requests"), "the dialect is logged: {}", ended.stderr);
}

#[tokio::test]
async fn requests_grow_with_batches_and_not_with_tags() {
    let plant = Plant::start(Config { tags: 500, days: 0.01, ..Config::default() });
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert!(summary["requests"].as_u64().unwrap() < 20, "{summary}");
}

#[tokio::test]
async fn quality_good_counts_the_others_and_does_not_store_them() {
    let plant = Plant::start(every_kind());
    plant.configure(|settings| settings.ingestion = "{start: -30d, quality: good}".to_owned());
    let summary = plant.run(0);
    let rows = plant.rows().await;
    let truth = plant.server.truth();
    let all: Vec<_> = (0..40).flat_map(|tag| truth.events(tag, 0, i64::MAX)).collect();
    let bad = all.iter().filter(|event| !event.good).count();
    assert_eq!(rows.len(), all.len() - bad);
    assert!(rows.values().flatten().all(|row| row.good == Some(true)));
    assert_eq!(summary["filtered"], bad);
}

#[tokio::test]
async fn tls_with_the_plants_own_authority() {
    let plant = Plant::start(Config { tls: true, tags: 3, days: 0.05, ..Config::default() });
    std::fs::write(plant.folder.path().join("ca.pem"), plant.server.ca_pem().unwrap()).unwrap();
    plant.configure(|settings| settings.tls = "{ca_file: ca.pem}".to_owned());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn answers_compressed_with_gzip() {
    let plant = Plant::start(Config { gzip: true, tags: 5, days: 0.2, ..Config::default() });
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_window_starts_where_the_configuration_says() {
    let end = 1_767_225_600 * SECOND;
    let plant = Plant::with(
        Config { end: Some(end), days: 2.0, tags: 4, ..Config::default() },
        Settings { ingestion: "{start: 2025-12-31T06:00:00Z}".to_owned(), ..Settings::default() },
    );
    plant.run(0);
    let start = (1_767_225_600 - 18 * 3_600) * 1_000_000;
    assert_eq!(plant.difference_since(start).await, crate::truth::Difference::default());
}
