//! Initial loads: every value and quality, every way that a server may cut its answers, every way to name a tag.

use std::collections::BTreeSet;

use tidegate_simulators::canary::{Config, Knobs, Override, Sprinkle, Value};

use super::{config, path, truth};
use crate::plant::{CanaryPlant, SECOND};
use crate::table;

/// Sessions end, qualities change and samples share a microsecond all the time.
fn busy() -> Sprinkle {
    Sprinkle { session_end: 20_000, same_microsecond: 8_000, null: 2_000, limited: 2_000, ..Sprinkle::default() }
}

/// Every kind of value under names that URLs and JSON trip over.
fn every_kind() -> Config {
    Config {
        tags: 24,
        days: 0.4,
        interval_seconds: 30.0,
        hostile_names: true,
        empty: 2,
        calculated: 2,
        sprinkle: busy(),
        ..Config::default()
    }
}

#[tokio::test]
async fn every_value_and_quality_arrives_as_it_is() {
    let plant = CanaryPlant::start(Config { hidden: vec![3], ..every_kind() });
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    let rows = plant.rows().await;
    assert_eq!(summary["rows"], rows.len());
    let all = || rows.iter().map(|(key, rows)| (key, &rows[0]));
    let kinds: BTreeSet<_> = all().map(|(_, row)| row.kind.as_str()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["bool", "float", "int", "string", "system"]);
    // The truth holds what is meant to be shown.
    let marker = |(key, row): (&table::Key, &table::Row)| key.2 == 1 && row.text.as_deref() == Some("No Data");
    assert!(all().any(marker), "no marker stands behind the last sample of its session");
    assert!(all().any(|(key, _)| key.2 > 1), "no three samples share a microsecond");
    assert!(all().any(|(_, row)| row.kind == "int" && row.text.is_some()), "no integer is beyond a double");
    assert!(
        all().any(|(_, row)| row.substituted == Some(true)) && all().any(|(_, row)| row.questionable == Some(true))
    );
    assert!(all().any(|(_, row)| row.kind == "system" && row.text.as_deref() == Some("Good")), "no good value is null");
    let widened =
        |(_, row): (_, &table::Row)| row.value.is_some_and(|bits| format!("{}", f64::from_bits(bits)).len() > 14);
    assert!(all().any(widened), "no single is shown widened");
    // An empty tag has a cursor, one that is hidden has nothing.
    let counts = table::integers(&plant.table("watermarks"), "record_count").await;
    assert_eq!((counts.len(), counts.iter().filter(|count| **count == 0).count()), (23, 2));
    assert_eq!(counts.iter().sum::<i64>(), rows.len() as i64);
}

/// Small pages of few tags each; `cap` is the server's own limit of an answer.
async fn arrives_in_pages(knobs: Knobs, cap: usize) {
    let config = Config { tags: 8, days: 0.15, empty: 1, max_values: cap, knobs: knobs.clone(), ..every_kind() };
    for (max_count, batch) in [(100, 3), (37, 8)] {
        let plant = CanaryPlant::start(config.clone());
        plant.configure(|settings| {
            settings.performance =
                format!("{{max_requests_per_second: 10000, max_count_per_request: {max_count}, batch_size: {batch}}}");
        });
        let summary = plant.run(0);
        plant.assert_mirrors().await;
        assert_eq!(summary["gaps"], 0, "{knobs:?}: {summary}");
        let pages = plant.server.stats().requests("getTagData2");
        assert!(pages > 12, "{pages} pages: {knobs:?}");
    }
}

#[tokio::test]
async fn pages_of_any_size_lose_and_double_nothing() {
    arrives_in_pages(Knobs::default(), 1_000_000).await;
    arrives_in_pages(Knobs { null_entries: true, ..Knobs::default() }, 150).await;
}

#[tokio::test]
async fn the_sample_at_a_border_that_is_shown_twice_is_there_once() {
    arrives_in_pages(Knobs { duplicate_boundary: true, ..Knobs::default() }, 1_000_000).await;
    arrives_in_pages(
        Knobs { duplicate_boundary: true, null_entries: true, array_samples: true, ..Knobs::default() },
        90,
    )
    .await;
}

#[tokio::test]
async fn a_range_without_its_end_and_tags_that_are_left_out_lose_nothing() {
    let tight = Knobs { end_exclusive: true, absent_without_data: true, absent_properties: true, ..Knobs::default() };
    arrives_in_pages(tight.clone(), 1_000_000).await;
    arrives_in_pages(Knobs { duplicate_boundary: true, chunked: false, ..tight }, 200).await;
}

#[tokio::test]
async fn samples_on_the_edge_of_a_window_are_read_once() {
    for end_exclusive in [false, true] {
        let knobs = Knobs { end_exclusive, ..Knobs::default() };
        let plant = CanaryPlant::start(Config { tags: 4, knobs, ..config() });
        plant.configure(|settings| settings.ingestion = "{start: -30d, lookback: 0}".to_owned());
        plant.run(0);
        let truth = plant.server.truth();
        let cursor = table::integers(&plant.table("watermarks"), "last_timestamp").await[0] * 10;
        // On the cursor, one tick after it, and in the microsecond after it.
        for offset in [0, 1, 9, 10, 11] {
            truth.insert(0, tidegate_simulators::canary::Sample::good(cursor + offset, Value::Int(offset)));
        }
        for _run in 0..2 {
            plant.run(0);
            plant.assert_mirrors().await;
        }
    }
}

#[tokio::test]
async fn ten_samples_a_second() {
    let fast = Override { interval_seconds: Some(0.1), ..Override::default() };
    let plant = CanaryPlant::start(Config {
        tags: 3,
        days: 0.05,
        overrides: [(0, fast.clone()), (2, fast)].into(),
        ..config()
    });
    plant.run(0);
    plant.assert_mirrors().await;
    assert!(plant.rows().await.len() > 60_000);
}

#[tokio::test]
async fn another_view_shows_the_same_series_under_its_own_names() {
    let plant = CanaryPlant::start(Config { tags: 24, ..every_kind() });
    plant.configure(|settings| settings.source = "  view: UNS\n".to_owned());
    plant.run(0);
    let truth = plant.server.truth();
    let points = truth.points().into_iter().filter(|point| !point.diagnostic);
    let expected = points.flat_map(|point| {
        let path = point.asset_path.clone().unwrap();
        let samples = truth.events(point.index, 0, i64::MAX);
        // A calculated tag has no stored item, only its path.
        let rows = truth::rows(&point, &path, &samples);
        let id = point.historian_item_id.unwrap_or(path);
        rows.into_iter().map(move |((_, micros, sequence), row)| ((id.clone(), micros, sequence), row))
    });
    assert_eq!(crate::truth::compare(expected, &plant.rows().await), Default::default());
}

#[tokio::test]
async fn a_tag_that_is_named_in_several_ways_is_one_series() {
    let plant = CanaryPlant::start(Config { calculated: 0, ..every_kind() });
    let points = plant.server.truth().points();
    let named = points.iter().filter(|point| !point.diagnostic).flat_map(|point| {
        let inside = point.path.split_once('.').unwrap().1.to_owned();
        [point.path.clone(), inside, point.asset_path.clone().unwrap()]
    });
    let tags: Vec<String> = named.map(|name| serde_json::to_string(&name).unwrap()).collect();
    plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tags: [{}]}}", tags.join(", ")));
    plant.run(0);
    plant.assert_mirrors().await;
    assert_eq!(table::strings(&plant.table("watermarks"), "tag_webid").await.len(), 24);
}

#[tokio::test]
async fn a_filter_chooses_tags_by_place_words_and_pattern() {
    let plant = CanaryPlant::start(Config { tags: 30, days: 0.05, ..config() });
    type Passes = fn(&str) -> bool;
    let cases: [(&str, Passes); 3] = [
        ("{path: Plant A.Line 000}", |path| path.contains("Line 000.")),
        ("{search: \"pump temp\"}", |path| path.contains("Pump") && path.contains("Temperature")),
        ("{name_pattern: \"*Motor????.Flow\"}", |path| path.contains("Motor") && path.ends_with("Flow")),
    ];
    let mut expected = BTreeSet::new();
    for (filter, chosen) in cases {
        plant.configure(|settings| settings.ingestion = format!("{{start: -30d, tag_filter: {filter}}}"));
        plant.run(0);
        let chosen: BTreeSet<_> = (0..30).map(|tag| path(&plant, tag)).filter(|path| chosen(path)).collect();
        assert!(!chosen.is_empty() && chosen.len() < 30, "{filter}");
        let points = table::strings(&plant.table("points"), "tag_name").await;
        assert_eq!(points.into_iter().collect::<BTreeSet<_>>(), chosen, "{filter}");
        expected.extend(chosen);
    }
    let read: BTreeSet<_> = plant.rows().await.into_values().flatten().map(|row| row.name).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn quality_good_counts_the_others_and_does_not_store_them() {
    let plant = CanaryPlant::start(config());
    plant.configure(|settings| settings.ingestion = "{start: -30d, quality: good}".to_owned());
    let summary = plant.run(0);
    let truth = plant.server.truth();
    let all: Vec<_> = (0..12).flat_map(|tag| truth.events(tag, 0, i64::MAX)).collect();
    let others = all.iter().filter(|sample| !sample.is_good()).count();
    let rows = plant.rows().await;
    assert_eq!((rows.len(), &summary["filtered"]), (all.len() - others, &others.into()), "{summary}");
    assert!(others > 0 && rows.values().flatten().all(|row| row.good == Some(true)));
}

#[tokio::test]
async fn tls_with_the_plants_own_authority_and_answers_compressed() {
    let plant = CanaryPlant::start(Config { tls: true, gzip: true, tags: 3, ..config() });
    std::fs::write(plant.folder.path().join("ca.pem"), plant.server.ca_pem().unwrap()).unwrap();
    plant.configure(|settings| settings.tls = "{ca_file: ca.pem}".to_owned());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn a_window_starts_where_the_configuration_says() {
    let end = 1_767_225_600 * SECOND;
    let plant = CanaryPlant::start(Config { end: Some(end), days: 2.0, tags: 4, ..config() });
    plant.configure(|settings| settings.ingestion = "{start: 2025-12-31T06:00:00Z}".to_owned());
    plant.run(0);
    let start = (1_767_225_600 - 18 * 3_600) * 1_000_000;
    assert_eq!(plant.difference_since(start).await, Default::default());
    assert!(!plant.rows().await.is_empty());
}

/// Requests for samples, and all requests, of a first run over so many tags and of the one after it.
fn asked(tags: usize) -> [(u64, u64); 2] {
    let plant = CanaryPlant::start(Config { tags, days: 0.01, ..config() });
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, lookback: 2h}".to_owned();
        settings.performance = "{max_requests_per_second: 10000, batch_size: 50}".to_owned();
    });
    [(); 2].map(|()| {
        plant.server.reset_stats();
        let summary = plant.run(0);
        let stats = plant.server.stats();
        assert_eq!(summary["requests"], stats.total_requests(), "{summary}");
        (stats.requests("getTagData2"), stats.total_requests())
    })
}

#[tokio::test]
async fn requests_grow_with_batches_and_not_with_tags() {
    let ([first_few, few], [first_many, many]) = (asked(50), asked(500));
    println!("first runs: {first_few:?}, {first_many:?} requests for samples and in all; next runs: {few:?}, {many:?}");
    // Nine batches more; each costs its samples, its identities and its properties.
    assert_eq!((few.0, many.0), (1, 10));
    assert!(many.1 - few.1 <= 9 * 3, "{few:?} and {many:?}");
    // A month at once is cut into windows, of all tags of a batch together.
    assert!(first_many.1 <= 10 * first_few.1, "{first_few:?} and {first_many:?}");
}
