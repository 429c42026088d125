//! A kill at every fault point: before and after each durable effect of a run, at the first time and at a later one, and
//! at the same point again by the run that recovers.

use tidegate_simulators::pi;
use tidegate_sink::fault_point::Point;

use super::{Dice, INGESTION, Victim, change, commit_every, finish, hold, plant};
use crate::plant::PlantOf;

/// What a run must do to come by a point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Load or look again: anything.
    Any,
    /// Mirror what the historian has changed.
    Change,
    /// Fail to read something.
    Gap,
    /// Recover from a kill at this point.
    After(Point),
    /// Commit so often that the log needs upkeep.
    Often,
}

/// What a run must do to come by `point`.
pub fn scene(point: Point) -> Scene {
    match point {
        Point::EventsRewritten | Point::RecordsStripped => Scene::Change,
        Point::GapsWritten | Point::GapsSaved => Scene::Gap,
        Point::RecoveryMerged => Scene::After(Point::BatchCommitted),
        Point::RecoveryFenced | Point::RecoveryUnstaged => Scene::After(Point::BatchStaged),
        Point::LogCheckpointed | Point::FilesSwept => Scene::Often,
        _ => Scene::Any,
    }
}

/// Kills runs at a point, one at the n-th time of each of `times`; how many came by.
pub fn kill_at<S: Victim>(plant: &PlantOf<S>, point: Point, times: &[u32]) -> usize {
    S::refuse_one(plant, scene(point) == Scene::Gap);
    let mut killed = 0;
    for nth in times {
        if let Scene::After(other) = scene(point) {
            let Ok(held) = hold(plant, other.name()) else { break };
            held.kill();
        }
        match hold(plant, &format!("{}:{nth}", point.name())) {
            Ok(held) => {
                held.kill();
                killed += 1;
            }
            Err(ended) => {
                assert!([0, 3].contains(&ended.code), "{}: {ended:#?}", point.name());
                break;
            }
        }
    }
    S::refuse_one(plant, false);
    killed
}

/// Kills a first load and a later run, each several times; after each the next run makes all whole.
async fn survives<S: Victim>(point: Point) -> usize {
    let plant = S::plant(false);
    let mut dice = Dice(7);
    let mut killed = 0;
    for _phase in 0..2 {
        // At its first time, again at its first time and at its second.
        killed += kill_at(&plant, point, &[1, 1, 2]);
        finish(&plant).await;
        S::change(&plant, &mut dice, 5);
    }
    finish(&plant).await;
    killed
}

async fn every(part: usize) {
    let points = Point::ALL.iter().filter(|point| scene(**point) != Scene::Often);
    for point in points.skip(part).step_by(4) {
        let killed = survives::<pi::Server>(*point).await;
        println!("{}: {killed} kills", point.name());
        assert!(killed > 0, "no run came by {}", point.name());
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
async fn a_kill_at_any_point_loses_and_doubles_nothing_3() {
    every(2).await;
}

#[tokio::test]
async fn a_kill_at_any_point_loses_and_doubles_nothing_4() {
    every(3).await;
}

#[tokio::test]
async fn a_kill_during_the_upkeep_of_a_log_loses_and_doubles_nothing() {
    let points: Vec<Point> = Point::ALL.iter().copied().filter(|point| scene(*point) == Scene::Often).collect();
    assert!(!points.is_empty());
    for point in points {
        let plant = plant();
        // More than a hundred commits.
        plant.configure(|settings| {
            settings.ingestion = INGESTION.to_owned();
            settings.performance =
                "{max_requests_per_second: 10000, commit_rows: 1, batch_size: 1, max_count_per_request: 10}".to_owned();
        });
        assert!(kill_at(&plant, point, &[1, 1, 2]) > 0, "no run came by {}", point.name());
        finish(&plant).await;
        change(&plant, &mut Dice(3), 5);
        finish(&plant).await;
    }
}

#[tokio::test]
async fn a_kill_of_the_first_run_after_the_checkpoints_were_lost_doubles_nothing() {
    for point in [Point::BatchCommitted, Point::BatchSucceeded, Point::SeriesCommitted] {
        let plant = plant();
        finish(&plant).await;
        change(&plant, &mut Dice(5), 60);
        std::fs::remove_dir_all(plant.folder.path().join("lake/checkpoints")).unwrap();
        commit_every(&plant, 20);
        let held = hold(&plant, point.name());
        held.unwrap_or_else(|ended| panic!("no run came by {}: {ended:#?}", point.name())).kill();
        plant.run(0);
        plant.assert_mirrors().await;
    }
}
