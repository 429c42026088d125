//! Load on the historian: never beyond the budget, less when it shows strain, and its catalogue on request.

use tidegate_simulators::pi::{Assets, Config, Effect, Fault, Frames};

use crate::plant::Plant;

#[tokio::test]
async fn a_server_that_limits_its_rate_is_obeyed_and_read_to_the_end() {
    let plant = Plant::start(Config { tags: 120, days: 0.1, rate_limit: Some(15), ..Config::default() });
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10000, batch_size: 5, parallel_batches: 16}".to_owned();
    });
    let summary = plant.run(0);
    plant.assert_mirrors().await;
    assert!(summary["retries"].as_u64().unwrap() > 0, "the limit was never met: {summary}");
}

#[tokio::test]
async fn overload_that_passes_costs_no_row() {
    let plant = Plant::start(Config { tags: 60, days: 0.2, ..Config::default() });
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10000, batch_size: 5, parallel_batches: 8}".to_owned();
    });
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 503 }).route("batch").probability(0.3)]);
    let ended = plant.tidegate(&["run"]);
    assert!(ended.code == 0 || ended.code == 3, "{ended:#?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test]
async fn quiet_hours_hold_every_request_back() {
    let plant = Plant::start(Config { tags: 2, days: 0.01, ..Config::default() });
    plant.configure(|settings| {
        settings.performance = "{quiet_hours: [{from: \"00:00\", to: \"00:00\"}]}".to_owned();
    });
    let mut command = crate::plant::command(plant.folder.path(), &["run"]);
    let mut child = command.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(plant.server.stats().requests.is_empty(), "{:?}", plant.server.stats().requests);
}

#[tokio::test]
async fn the_catalogue_of_the_server_is_listed_by_kind() {
    let assets = Assets { elements: 30, databases: vec!["Plant".into(), "Utilities".into()], ..Assets::default() };
    let plant = Plant::start(Config { tags: 25, assets, ..Config::default() });
    let found = |kind: &str, pattern: &str| {
        let ended = plant.tidegate(&["--output", "json", "discover", "--kind", kind, "--match", pattern]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        let items: Vec<serde_json::Value> = serde_json::from_str(&ended.stdout).unwrap();
        items.into_iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("tags", "*").len(), 25);
    assert_eq!(found("databases", "*"), ["Plant", "Utilities"]);
    assert_eq!(found("databases", "util*"), ["Utilities"]);
    assert_eq!(found("servers", "*"), ["SIMPI", "SIMAF"]);
    assert!(found("templates", "*Pump*").contains(&"PumpTemplate".to_owned()));
    assert!(!found("assets", "*").is_empty());
    let ended = plant.tidegate(&["discover", "--kind", "moons"]);
    assert_eq!(ended.code, 2, "{ended:#?}");
    assert!(ended.stderr.contains("databases"), "{}", ended.stderr);
}

#[tokio::test]
async fn check_tells_all_that_an_operator_asks_on_one_screen() {
    let assets = Assets { elements: 10, ..Assets::default() };
    let frames = Frames { per_day: 50.0, ..Frames::default() };
    let mut config = Config { tags: 5, days: 0.2, assets, frames, gzip: true, max_items: 5_000, ..Config::default() };
    config.knobs.clock_skew_seconds = 90;
    let plant = Plant::start(config);
    plant.configure(|settings| {
        settings.ingestion = "{include_af_hierarchy: true, include_event_frames: true}".to_owned();
    });
    let ended = plant.tidegate(&["check"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    for words in
        ["1.19.1.28", "s ahead of ours", "UTC+05:30", "5000", "compressed", "elements", "event frames", "attributes"]
    {
        assert!(ended.stdout.contains(words), "`{words}` is not in: {}", ended.stdout);
    }
    assert!(ended.stdout.lines().count() < 30);
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).route("assetdatabases/eventframes")]);
    let ended = plant.tidegate(&["check"]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stdout.contains("ask the PI administrator"), "{}", ended.stdout);
}
