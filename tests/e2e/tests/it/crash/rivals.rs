//! Two runs of one pipeline. The second is refused while the first holds its lane; and where no lock keeps them apart, the
//! numbers in the table do: one of them stops, and nothing lands twice.

use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;

use tidegate_sink::fault_point::Point;

use super::{Dice, Held, change, finish, hold_at, plant};
use crate::plant::{Ended, Plant};

const TAKEN: &str = "another run of pipeline test is writing";

/// A run that waits at a point until it is released.
struct First {
    held: Held,
    release: PathBuf,
}

impl First {
    fn start(plant: &Plant, point: Point) -> Self {
        let release = plant.folder.path().join("release");
        let mut command = plant.command(&["run"]);
        command.env("TIDEGATE_FAULT_POINT", point.name()).env("TIDEGATE_FAULT_RELEASE", &release);
        let held = hold_at(command);
        let held = held.unwrap_or_else(|ended| panic!("no run came by {}: {ended:#?}", point.name()));
        Self { held, release }
    }

    /// Lets it go on to its end.
    fn finish(mut self) -> Ended {
        std::fs::write(&self.release, "").unwrap();
        let mut stderr = String::new();
        self.held.stderr.read_to_string(&mut stderr).unwrap();
        let code = self.held.child.wait().unwrap().code().unwrap_or(-1);
        std::fs::remove_file(&self.release).unwrap();
        Ended { code, stdout: String::new(), stderr }
    }
}

#[tokio::test]
async fn the_second_run_is_refused_and_the_first_goes_on() {
    let plant = plant();
    let first = First::start(&plant, Point::SeriesOpened);
    let second = plant.tidegate(&["run"]);
    assert_eq!(second.code, 1, "{second:#?}");
    for word in [TAKEN, "another run of pipeline test is writing table bronze.pi_timeseries", "wait until it ends"] {
        assert!(second.stderr.contains(word), "`{word}` is not in {second:#?}");
    }
    let first = first.finish();
    assert_eq!(first.code, 0, "{first:#?}");
    finish(&plant).await;
}

/// Holds a run at a point, lets another run to its end meanwhile, as on a file system without locks, and lets the first
/// go on.
async fn overtaken(plant: &Plant, point: Point) {
    let first = First::start(plant, point);
    for file in std::fs::read_dir(plant.folder.path().join("lake/checkpoints/_staged")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "lock") {
            std::fs::remove_file(file).unwrap();
        }
    }
    let second = plant.tidegate(&["run"]);
    let first = first.finish();
    // Whoever stops says why.
    for ended in [first, second] {
        assert!(ended.code == 0 || (ended.code == 1 && ended.stderr.contains(TAKEN)), "{}: {ended:#?}", point.name());
    }
    finish(plant).await;
}

#[tokio::test]
async fn without_a_lock_one_of_two_runs_stops_wherever_they_meet() {
    let points = [
        Point::SeriesOpened,
        Point::EventsWritten,
        Point::BatchDecided,
        Point::BatchStaged,
        Point::BatchCommitted,
        Point::BatchSucceeded,
        Point::WatermarksWritten,
        Point::BatchMerged,
        Point::BatchUnstaged,
    ];
    for point in points {
        let plant = plant();
        overtaken(&plant, point).await;
        change(&plant, &mut Dice(11), 5);
        overtaken(&plant, Point::EventsRewritten).await;
    }
}

#[tokio::test]
async fn two_runs_that_start_together_leave_each_row_once() {
    for _round in 0..3 {
        let plant = plant();
        let runs = [0, 1].map(|_| {
            let mut command = plant.command(&["run"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        });
        let ended = runs.map(|run| run.wait_with_output().unwrap());
        for ended in &ended {
            let said = String::from_utf8_lossy(&ended.stderr);
            let taken = ended.status.code() == Some(1) && said.contains(TAKEN);
            assert!(ended.status.code() == Some(0) || taken, "{ended:?}: {said}");
        }
        finish(&plant).await;
    }
}
