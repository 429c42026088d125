//! Runs that are killed, refused the disk or get in each other's way: whatever happens, the run that comes to its end
//! leaves every table as the server holds it, each row once.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};

use tidegate_simulators::pi::{Assets, Config, Effect, Event, Fault, Form, Frames, NewFrame, Server, Value};

use crate::plant::{Ended, Plant, PlantOf, SECOND, Simulator, now};
use crate::{assets, frames, table, truth};

mod disk;
pub mod points;
pub mod random;
mod rivals;
mod stores;

/// Everything is inside the look-back, so that whatever changes must follow.
const INGESTION: &str = "{start: -30d, lookback: 12h, include_af_hierarchy: true, include_event_frames: true}";

/// A historian whose runs are killed.
pub trait Victim: Simulator {
    /// A plant with all tables, and long enough that a run makes several commits: few, or dozens.
    fn plant(long: bool) -> PlantOf<Self>;

    /// What people and machines do to the historian between two runs: `each` late, edited and deleted events, and changes
    /// of all other tables.
    fn change(plant: &PlantOf<Self>, dice: &mut Dice, each: u64);

    /// One tag cannot be read, or all can again.
    fn refuse_one(plant: &PlantOf<Self>, refused: bool);

    /// Fails unless every table equals the server, row by row.
    async fn assert_tables_mirror(plant: &PlantOf<Self>);
}

impl Victim for Server {
    fn plant(long: bool) -> Plant {
        if long { random::plant() } else { plant() }
    }

    fn change(plant: &Plant, dice: &mut Dice, each: u64) {
        change(plant, dice, each);
    }

    fn refuse_one(plant: &Plant, refused: bool) {
        let victim = plant.server.truth().points()[3].name.clone();
        let fault = Fault::new(Effect::Status { code: 403 }).tag(&victim).route("streams/recorded");
        plant.server.set_faults(if refused { vec![fault] } else { Vec::new() });
    }

    async fn assert_tables_mirror(plant: &Plant) {
        plant.assert_mirrors().await;
        frames::assert_frames_mirror(plant, &["Plant"]).await;
        frames::assert_attributes_mirror(plant, "Plant").await;
        assets::assert_hierarchy_mirrors(plant).await;
        assets::assert_attributes_mirror(plant).await;
        assert_points_mirror(plant).await;
        let truth = plant.server.truth();
        let tags = 0..truth.points().len();
        let rejects = tags.flat_map(|tag| truth.events(tag, 0, i64::MAX)).filter(truth::is_reject).count();
        assert_eq!(table::strings(&plant.table("rejects"), "raw_json").await.len(), rejects, "a reject is kept once");
    }
}

/// A small plant with all tables; a run makes several commits.
fn plant() -> Plant {
    let assets = Assets { elements: 12, attributes: 4, ..Assets::default() };
    let frames = Frames { per_day: 120.0, attributes: 2, open: 2, children: 0, ..Frames::default() };
    let plant = Plant::start(Config { tags: 5, days: 0.2, assets, frames, ..Config::default() });
    commit_every(&plant, 300);
    plant.server.truth().insert(1, reject(now() - 600 * SECOND));
    plant
}

/// Writes the configuration so that a run commits often.
fn commit_every(plant: &Plant, rows: u32) {
    plant.configure(|settings| {
        settings.ingestion = INGESTION.to_owned();
        settings.performance = format!(
            "{{max_requests_per_second: 10000, commit_rows: {rows}, batch_size: 2, max_count_per_request: 100}}"
        );
    });
}

/// An event that has no place in the table.
fn reject(ticks: i64) -> Event {
    Event::good(ticks, Value::Json("{\"Unit\":7}".into()))
}

/// Pseudo-random numbers, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What people and machines do to the historian between two runs: `each` late, edited and deleted events; frames that
/// begin, end and change; elements that are new or have another name; a row that cannot be mapped.
fn change(plant: &Plant, dice: &mut Dice, each: u64) {
    let truth = plant.server.truth();
    let tags = truth.points().len() as u64;
    let (first, last) = truth.range();
    for _ in 0..each {
        let tag = dice.roll(tags) as usize;
        let late = first + dice.roll((last - first) as u64) as i64;
        truth.insert(tag, Event::good(late, Value::Text(format!("late {}", dice.roll(1_000)).into())));
        let tag = dice.roll(tags) as usize;
        let events = truth.events(tag, 0, i64::MAX);
        let mut any = || &events[dice.roll(events.len() as u64) as usize];
        let (edited, deleted) = (any(), any());
        if !truth::is_reject(edited) {
            truth.replace(tag, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into())));
        }
        if !truth::is_reject(deleted) {
            truth.delete(tag, deleted.ticks);
        }
    }
    truth.insert(0, reject(now() - 900 * SECOND));
    let frames = truth.frames();
    let all = frames.all("Plant");
    if let Some(open) = all.iter().find(|frame| frame.end.is_none()) {
        frames.close(&open.id, now() - SECOND);
    }
    let some = &all[dice.roll(all.len() as u64) as usize];
    frames.acknowledge(&some.id, "me", now());
    frames.set_severity(&some.id, "Critical");
    frames.add("Plant", NewFrame { name: "New".into(), start: now() - 60 * SECOND, ..NewFrame::default() }).unwrap();
    let elements = truth.assets().elements("Plant");
    let name = format!("Renamed {}", dice.roll(1 << 30));
    assert!(truth.assets().rename(&elements[dice.roll(elements.len() as u64) as usize].id, &name));
    truth.assets().add("Plant", None, &format!("Born {name}"), None).unwrap();
}

/// A run that waits at a fault point for its end.
pub struct Held {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// Starts a run that stops at a point, named as in the environment: `name` or `name:n`.
///
/// # Errors
/// How the run ended that did not come by.
pub fn hold<S: Simulator>(plant: &PlantOf<S>, point: &str) -> Result<Held, Ended> {
    let mut command = plant.command(&["run"]);
    command.env("TIDEGATE_FAULT_POINT", point);
    hold_at(command)
}

/// The same for a run whose environment names the point.
#[expect(clippy::zombie_processes, reason = "whoever holds the child waits for it")]
fn hold_at(mut command: Command) -> Result<Held, Ended> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    loop {
        let before = said.len();
        if stderr.read_line(&mut said).unwrap() == 0 {
            let code = child.wait().unwrap().code().unwrap_or(-1);
            return Err(Ended { code, stdout: String::new(), stderr: said });
        }
        if said[before..].starts_with("fault point ") {
            return Ok(Held { child, stderr });
        }
    }
}

impl Held {
    /// SIGKILL, and the proof that it was this that ended the process.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9), "it ended before it was killed");
        drop(self.stderr);
    }
}

/// A run to the end; then every table equals the server, row by row.
pub async fn finish<S: Victim>(plant: &PlantOf<S>) {
    plant.run(0);
    assert_whole(plant).await;
}

/// Every table equals the server, row by row, and nothing of the protocol is left over.
async fn assert_whole<S: Victim>(plant: &PlantOf<S>) {
    S::assert_tables_mirror(plant).await;
    assert_counts(plant).await;
    assert_nothing_open(plant).await;
}

async fn assert_points_mirror(plant: &Plant) {
    let columns = ["tag_webid", "tag_name", "path", "descriptor", "point_type", "units", "digital_set", "zero", "span"];
    let mut found = table::cells(&plant.table("points"), &columns).await;
    found.sort();
    let points = plant.server.truth().points();
    let row = |point: &tidegate_simulators::pi::Point| {
        vec![
            point.web_id(Form::Full),
            point.name.clone(),
            point.path.clone(),
            point.descriptor.clone(),
            point.kind.point_type().to_owned(),
            point.units.to_owned(),
            point.digital_set.to_owned(),
            format!("{:?}", point.zero),
            format!("{:?}", point.span),
        ]
    };
    let mut expected: Vec<_> = points.iter().map(row).collect();
    expected.sort();
    assert_eq!(found, expected);
}

/// The watermarks know how many rows each series has.
async fn assert_counts<S: Simulator>(plant: &PlantOf<S>) {
    let mut stored = std::collections::BTreeMap::<String, i64>::new();
    for (series, ..) in plant.rows().await.into_keys() {
        *stored.entry(series).or_default() += 1;
    }
    let counted = table::cells(&plant.table("watermarks"), &["tag_webid", "record_count"]).await;
    let counted = counted.into_iter().map(|row| (row[0].clone(), row[1].parse::<i64>().unwrap()));
    assert_eq!(counted.filter(|(_, rows)| *rows > 0).collect::<std::collections::BTreeMap<_, _>>(), stored);
    let frames = table::strings(&plant.table("event_frames"), "event_frame_id").await.len() as i64;
    let counted = table::integers(&plant.table("event_frames_watermarks"), "record_count").await;
    assert_eq!(counted.iter().sum::<i64>(), frames);
}

/// No gap is open, and no coverage is staged.
async fn assert_nothing_open<S: Simulator>(plant: &PlantOf<S>) {
    if plant.table("gaps").exists() {
        let resolved = table::strings(&plant.table("gaps"), "resolved_at").await;
        assert!(resolved.iter().all(|at| !at.is_empty()), "a gap stays open: {resolved:?}");
    }
    let staged = std::fs::read_dir(plant.folder.path().join("lake/checkpoints/_staged")).unwrap();
    let staged: Vec<_> = staged.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(staged.iter().all(|name| !name.ends_with(".json")), "coverage stays staged: {staged:?}");
}
