//! Kills at random instants of longer runs, one after the other on the same lake: so also while a run recovers from the
//! kill before. The historian changes meanwhile. Together the tests below make at least 200.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tidegate_simulators::pi::{Assets, Config, Frames, Server};

use super::{Dice, Victim, assert_whole, commit_every, reject};
use crate::plant::{Plant, PlantOf, SECOND, Simulator, now};

/// Kills of one test. Each hits a process that lives.
const KILLS: usize = 50;
/// Kills between two comparisons.
const BETWEEN: usize = 8;

/// A plant whose first load takes some seconds and dozens of commits.
pub fn plant() -> Plant {
    let assets = Assets { elements: 60, attributes: 4, ..Assets::default() };
    let frames = Frames { per_day: 400.0, attributes: 2, open: 3, children: 1, ..Frames::default() };
    let plant =
        Plant::start(Config { tags: 12, days: 0.4, interval_seconds: 30.0, assets, frames, ..Config::default() });
    commit_every(&plant, 400);
    plant.server.truth().insert(1, reject(now() - 600 * SECOND));
    plant
}

/// What became of one run.
#[derive(Default)]
struct Tally {
    killed: usize,
    /// Of these, runs that had written already.
    half_way: usize,
    /// Runs that were faster than their kill.
    ended: usize,
}

/// Starts a run and kills it after `delay`.
fn strike<S: Simulator>(plant: &PlantOf<S>, delay: Duration, tally: &mut Tally) {
    let lake = plant.folder.path().join("lake");
    let before = files(&lake);
    let mut command = plant.command(&["--quiet", "run"]);
    command.env("TIDEGATE_MERGE_MILLIS", "150");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    if status.signal() == Some(9) {
        tally.killed += 1;
        tally.half_way += usize::from(files(&lake) != before);
    } else {
        assert_eq!(status.code(), Some(0), "a run that was not killed failed");
        tally.ended += 1;
    }
}

/// All files below a folder, such as a lake: it shows whether a run has written.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok);
    let mut all: Vec<_> = entries
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect();
    all.sort();
    all
}

/// Kills runs on one plant until so many were hit, and compares all tables now and then.
pub async fn survives<S: Victim>(seed: u64, kills: usize) {
    let plant = S::plant(true);
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    // How long a run takes here; a guess until one has come to its end.
    let mut whole = Duration::from_secs(2);
    while tally.killed < kills {
        for _ in 0..BETWEEN {
            let share = 5 + dice.roll(95);
            strike(&plant, whole.mul_f64(share as f64 / 100.0), &mut tally);
            if dice.roll(3) == 0 {
                S::change(&plant, &mut dice, 20);
            }
        }
        let started = Instant::now();
        plant.run(0);
        whole = started.elapsed();
        assert_whole(&plant).await;
        println!("seed {seed}: {} kills, the run after them took {whole:?}", tally.killed);
        S::change(&plant, &mut dice, 200);
    }
    println!(
        "seed {seed}: {} kills, {} after the run had written, {} runs ended before",
        tally.killed, tally.half_way, tally.ended
    );
    assert!(tally.half_way * 3 > tally.killed, "most kills came before the run had written anything");
}

#[tokio::test]
async fn fifty_kills_at_random_instants_lose_and_double_nothing_1() {
    survives::<Server>(1, KILLS).await;
}

#[tokio::test]
async fn fifty_kills_at_random_instants_lose_and_double_nothing_2() {
    survives::<Server>(2, KILLS).await;
}

#[tokio::test]
async fn fifty_kills_at_random_instants_lose_and_double_nothing_3() {
    survives::<Server>(3, KILLS).await;
}

#[tokio::test]
async fn fifty_kills_at_random_instants_lose_and_double_nothing_4() {
    survives::<Server>(4, KILLS).await;
}
