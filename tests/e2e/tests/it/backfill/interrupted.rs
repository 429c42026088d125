//! Backfills that are killed, that run beside runs, and that meet a server which fails: nothing is lost and nothing doubled.

use std::process::Child;
use std::time::{Duration, Instant};

use tidegate_simulators::pi::{Config, Effect, Event, Fault, Form, Scope, Value, format_ticks};

use super::{DAY, HOUR, backfill, month, plant, start, stretches};
use crate::plant::{Plant, PlantOf, SECOND, Simulator, now};
use crate::table;

/// A plant whose backfill takes many commits: rows enough, and little memory.
fn long() -> Plant {
    let plant = Plant::start(Config { tags: 20, days: 40.0, interval_seconds: 20.0, ..Config::default() });
    plant.configure(|settings| {
        settings.ingestion = "{start: -1d}".to_owned();
        settings.performance = "{max_requests_per_second: 10000, commit_rows: 200000}".to_owned();
    });
    plant
}

/// Waits until the table has been committed to `commits` times; `false` when the program ends before.
fn wait_for_commits<S: Simulator>(plant: &PlantOf<S>, child: &mut Child, commits: usize) -> bool {
    let log = plant.table("timeseries").join("_delta_log");
    loop {
        let count = std::fs::read_dir(&log).map(|all| all.count()).unwrap_or(0);
        if count > commits {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a backfill of all but the last two of forty days, newest first; the same command then reads the rest, and no more.
/// `read` tells how many events the server has sent.
pub async fn is_taken_up_after_a_kill<S: Simulator>(plant: &PlantOf<S>, read: impl Fn(&S) -> u64) {
    let (from, to) = (now() - 40 * DAY, now() - 2 * DAY);
    let times = [format_ticks(from), format_ticks(to)];
    let line = ["backfill", "--from", &times[0], "--to", &times[1], "--newest-first"];
    let mut child = start(plant, &line);
    assert!(wait_for_commits(plant, &mut child, 3), "it ended before it could be killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let rows = plant.rows().await;
    assert!(rows.values().all(|rows| rows.len() == 1), "a row twice");
    let oldest = rows.keys().map(|key| key.1).min().unwrap() * 10;
    assert!(oldest > from + 2 * DAY, "the oldest rows came with the first");
    // The newest slice is whole.
    let cut = (to / DAY) * DAY;
    assert_eq!(plant.difference_inside(cut, to).await, Default::default());

    // The rest: the events read again are those that no commit had proven.
    let before = read(&plant.server);
    let ended = plant.tidegate(&line);
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert_eq!(plant.difference_of(None, from, to).await, Default::default());
    let (total, again) = (plant.rows().await.len() as u64, read(&plant.server) - before);
    assert!(again < total, "{again} of {total} events read again");
    assert_eq!(stretches(plant).await.len(), plant.server.series(0, 0).len());
}

#[tokio::test]
async fn newest_first_shows_in_what_a_kill_leaves_and_is_taken_up_where_it_was() {
    is_taken_up_after_a_kill(&long(), |server| server.stats().events).await;
}

#[tokio::test]
async fn a_backfill_killed_again_and_again_comes_to_the_truth_with_every_row_once() {
    let plant = long();
    let (from, to) = (now() - 30 * DAY, now() - 5 * DAY);
    let times = [format_ticks(from), format_ticks(to)];
    let line = ["backfill", "--from", &times[0], "--to", &times[1]];
    let mut dice = 11_u64;
    for _kill in 0..6 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = start(&plant, &line);
        let until = Instant::now() + Duration::from_millis(300 + (dice >> 33) % 4_000);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if plant.table("timeseries").exists() {
            assert!(plant.rows().await.values().all(|rows| rows.len() == 1), "a row twice after a kill");
        }
    }
    let ended = plant.tidegate(&line);
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert_eq!(plant.difference_of(None, from, to).await, Default::default());
    let again = backfill(&plant, 0, &[line[1..].as_ref(), &["--again"]].concat());
    for figure in ["rows", "edited", "deleted"] {
        assert_eq!(again[figure], 0, "{again}");
    }
}

#[tokio::test]
async fn beside_runs_of_the_same_tags_no_row_is_doubled_and_none_is_missing() {
    let plant = Plant::start(Config { tags: 20, days: 20.0, interval_seconds: 60.0, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -10d, lookback: 20d}".to_owned());
    plant.run(0);
    let truth = plant.server.truth();
    let mut child = start(&plant, &["backfill", "--from", "-19d", "--to", "-0s", "--again"]);
    let mut runs = 0;
    while child.try_wait().unwrap().is_none() || runs < 3 {
        for tag in 0..20 {
            // Late events in the range that both lanes read.
            let at = now() - (1 + (runs * 7 + tag as i64) % 200) * HOUR;
            truth.insert(tag, Event::good(at, Value::Text(format!("late {runs}").into())));
        }
        let ended = plant.tidegate(&["run"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        runs += 1;
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    backfill(&plant, 0, &["--from", "-19d", "--to", "-9d", "--again"]);
    plant.run(0);
    let start = now() - 19 * DAY + 3_600 * SECOND;
    let rows = plant.rows().await;
    assert!(rows.values().all(|rows| rows.len() == 1), "a row twice");
    assert_eq!(plant.difference_inside(start, now()).await, Default::default());
}

#[tokio::test]
async fn what_could_not_be_read_is_a_gap_until_the_same_command_or_a_run_has_read_it() {
    let plant = plant(month());
    plant.run(0);
    let victim = plant.server.truth().points()[4].name.clone();
    let times = [format_ticks(now() - 31 * DAY), format_ticks(now() - DAY)];
    let line = ["--from", &times[0], "--to", &times[1]];
    for again in [&[][..], &["--newest-first"]] {
        plant.server.set_faults(vec![Fault::new(Effect::Status { code: 403 }).tag(&victim).scope(Scope::Sub)]);
        let summary = backfill(&plant, 3, &[line.as_ref(), again].concat());
        assert_eq!(summary["gaps"], 1, "{summary}");
    }
    let rows = plant.rows().await;
    let id = plant.server.truth().points()[4].web_id(Form::Full);
    assert!(rows.keys().filter(|key| key.0 == id).all(|key| key.1 * 10 > now() - 26 * HOUR), "rows of the victim");
    assert!(stretches(&plant).await.iter().all(|(series, _, _)| *series != id));
    plant.server.set_faults(Vec::new());
    plant.server.reset_stats();
    backfill(&plant, 0, &line);
    assert!(plant.server.stats().events < 4_000, "only the victim is read again: {:?}", plant.server.stats());
    assert_eq!(plant.difference_inside(now() - 30 * DAY, now()).await, Default::default());
    assert!(table::strings(&plant.table("gaps"), "resolved_at").await.iter().all(|at| !at.is_empty()));
}

#[tokio::test]
async fn a_server_that_is_down_stops_a_backfill_instead_of_filling_the_ledger() {
    let plant = Plant::start(Config { tags: 4, days: 400.0, interval_seconds: 600.0, ..Config::default() });
    plant.server.set_faults(vec![Fault::new(Effect::Status { code: 503 }).route("batch").nth(6)]);
    let summary = backfill(&plant, 3, &["--from", "-390d", "--to", "-1d", "--tags", "*"]);
    assert!(summary["gaps"].as_u64().unwrap() <= 4, "{summary}");
    plant.server.set_faults(Vec::new());
    backfill(&plant, 0, &["--from", "-390d", "--to", "-380d"]);
    assert_eq!(plant.difference_inside(now() - 389 * DAY, now() - 380 * DAY).await, Default::default());
}
