//! Canary runs that are killed: at every fault point that they pass, and at random instants of longer runs. The run
//! that comes to its end leaves every table as the server holds it, each row once.

use tidegate_simulators::canary::{Config, Effect, Fault, Sample, Server, Value};
use tidegate_sink::fault_point::Point;

use super::{assets, config, frames, path};
use crate::crash::points::{Scene, kill_at, scene};
use crate::crash::{Dice, Victim, finish, hold, random};
use crate::plant::{CanaryPlant, SECOND};

/// Everything is inside the look-back, so that whatever changes must follow.
const INGESTION: &str = "{start: -30d, lookback: 12h, include_asset_hierarchy: true, include_event_frames: true}";

/// So that a run commits often.
fn commit_every(plant: &CanaryPlant, rows: u32, page: u32) {
    plant.configure(|settings| {
        settings.ingestion = INGESTION.to_owned();
        settings.performance = format!(
            "{{max_requests_per_second: 10000, commit_rows: {rows}, batch_size: 2, max_count_per_request: {page}}}"
        );
    });
}

impl Victim for Server {
    fn plant(long: bool) -> CanaryPlant {
        let (tags, days, interval_seconds) = if long { (10, 0.3, 30.0) } else { (5, 0.2, 60.0) };
        let frames = Config { frames_per_day: 120.0, open_frames: 2, ..config() };
        let plant = CanaryPlant::start(Config { tags, days, interval_seconds, ..frames });
        commit_every(&plant, 300, 100);
        plant
    }

    fn change(plant: &CanaryPlant, dice: &mut Dice, each: u64) {
        let truth = plant.server.truth();
        let tags = truth.points().iter().filter(|point| !point.diagnostic).count() as u64;
        let (first, last) = truth.range();
        let text = |text: String| Value::Text(text.into());
        for _ in 0..each {
            let late = first + dice.roll((last - first) as u64) as i64;
            let tag = dice.roll(tags) as usize;
            truth.insert(tag, Sample::good(late, text(format!("late {}", dice.roll(1_000)))));
            let tag = dice.roll(tags) as usize;
            let samples = truth.events(tag, 0, i64::MAX);
            let mut any = || samples[dice.roll(samples.len() as u64) as usize].ticks;
            let (edited, deleted) = (any(), any());
            assert!(truth.replace(tag, Sample::good(edited, text("edited".to_owned()))));
            truth.delete(tag, deleted);
        }
        let frames = truth.frames();
        if let Some(open) = frames.iter().find(|frame| frame.ends_at.is_none()) {
            truth.end_frame(&open.id, last - SECOND);
        }
        truth.begin_frame(last - 60 * SECOND);
    }

    fn refuse_one(plant: &CanaryPlant, refused: bool) {
        let fault = Fault::new(Effect::Errors).tag(&path(plant, 3)).route("getTagData2");
        plant.server.set_faults(if refused { vec![fault] } else { Vec::new() });
    }

    async fn assert_tables_mirror(plant: &CanaryPlant) {
        plant.assert_mirrors().await;
        frames::assert_frames_mirror(plant).await;
        assets::assert_nodes_mirror(plant, "SIMHIST").await;
        assets::assert_points_mirror(plant, "SIMHIST").await;
    }
}

/// Points that no later run of a simulated Canary passes: it holds nothing that cannot be mapped, and tables are
/// created by the first run.
const PASSED_BY: [Point; 2] = [Point::RejectsStored, Point::TableCreated];

/// A kill at each of these points in turn, on one lake: the next run makes all whole, and the historian changes.
async fn every(part: usize) {
    let plant = Server::plant(false);
    let mut dice = Dice(7);
    finish(&plant).await;
    // What has changed makes several commits.
    commit_every(&plant, 1, 100);
    let points = Point::ALL.iter().filter(|point| scene(**point) != Scene::Often && !PASSED_BY.contains(point));
    for point in points.skip(part).step_by(2) {
        Server::change(&plant, &mut dice, 3);
        assert!(kill_at(&plant, *point, &[1]) > 0, "no run came by {}", point.name());
        finish(&plant).await;
    }
}

#[tokio::test]
async fn a_kill_at_any_point_loses_and_doubles_nothing_1() {
    every(0).await;
}

#[tokio::test]
async fn a_kill_at_any_point_loses_and_doubles_nothing_2() {
    every(1).await;
}

#[tokio::test]
async fn a_first_load_that_is_killed_again_and_again_comes_to_its_end() {
    let plant = Server::plant(false);
    let points = [
        "run-begun",
        "table-created",
        "series-planned",
        "events-written",
        "batch-staged",
        "batch-committed:2",
        "watermarks-written",
        "batch-merged",
        "batch-unstaged",
        "series-committed",
        "snapshot-written",
        "snapshot-committed",
        "run-recorded",
    ];
    for point in points {
        hold(&plant, point).unwrap_or_else(|ended| panic!("no run came by {point}: {ended:#?}")).kill();
    }
    finish(&plant).await;
}

#[tokio::test]
async fn a_kill_during_the_upkeep_of_a_log_loses_and_doubles_nothing() {
    for point in Point::ALL.iter().filter(|point| scene(**point) == Scene::Often) {
        let plant = Server::plant(false);
        // More than a hundred commits.
        commit_every(&plant, 1, 10);
        assert!(kill_at(&plant, *point, &[1]) > 0, "no run came by {}", point.name());
        finish(&plant).await;
    }
}

#[tokio::test]
async fn twenty_kills_at_random_instants_lose_and_double_nothing() {
    random::survives::<Server>(5, 20).await;
}
