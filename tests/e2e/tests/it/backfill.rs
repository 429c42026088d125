//! Backfills: a range below the cursors equals the truth row by row, and only what is missing is asked for.

pub mod interrupted;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use tidegate_simulators::pi::{Assets, Config, Effect, Event, Fault, Form, Frames, Value, format_ticks};

use crate::plant::{Plant, PlantOf, SECOND, Simulator, now};
use crate::table;

const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A plant with `days` of history, of which runs read the last one.
fn plant(config: Config) -> Plant {
    let plant = Plant::start(config);
    plant.configure(|settings| settings.ingestion = "{start: -1d, lookback: 2h}".to_owned());
    plant
}

/// Thirty days of a few tags.
fn month() -> Config {
    Config { tags: 12, days: 32.0, interval_seconds: 900.0, ..Config::default() }
}

/// `tidegate backfill` that must end with `code`; its summary.
pub fn backfill<S: Simulator>(plant: &PlantOf<S>, code: i32, arguments: &[&str]) -> serde_json::Value {
    plant.json(code, &[&["backfill"], arguments].concat())
}

/// The files and the newest log entry of a table: nobody has touched it while they are the same.
pub fn bytes(folder: &std::path::Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let log = std::fs::read_dir(folder.join("_delta_log")).unwrap();
    let all = std::fs::read_dir(folder).unwrap().chain(log).map(|entry| entry.unwrap().path());
    all.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

/// Covered stretches in microseconds, by series.
pub async fn stretches<S: Simulator>(plant: &PlantOf<S>) -> Vec<(String, i64, i64)> {
    let folder = plant.table("backfills");
    let ids = table::strings(&folder, "tag_webid").await;
    let (starts, ends) = (table::integers(&folder, "range_start").await, table::integers(&folder, "range_end").await);
    ids.into_iter().zip(starts.into_iter().zip(ends)).map(|(id, (start, end))| (id, start, end)).collect()
}

fn recorded(plant: &Plant) -> u64 {
    plant.server.stats().sub_requests.iter().filter(|(route, _)| route.contains("recorded")).map(|(_, n)| n).sum()
}

#[tokio::test]
async fn thirty_days_below_the_cursors_equal_the_truth_and_no_cursor_moves() {
    let plant = plant(month());
    let first = plant.run(0);
    let before = bytes(&plant.table("watermarks"));
    let summary = backfill(&plant, 0, &["--from", "-31d", "--to", "-12h"]);
    assert_eq!(plant.difference_of(None, now() - 31 * DAY, now()).await, Default::default());
    assert_eq!(bytes(&plant.table("watermarks")), before, "a backfill moved the watermarks");
    assert_eq!(
        (&summary["command"], &summary["outcome"], &summary["gaps"]),
        (&"backfill".into(), &"done".into(), &0.into())
    );
    assert_eq!(summary["rows"].as_u64().unwrap() + first["rows"].as_u64().unwrap(), plant.rows().await.len() as u64);

    // Once more: all of it is covered, and nothing is asked for.
    plant.server.reset_stats();
    let summary = backfill(&plant, 0, &["--from", "-31d", "--to", "-12h"]);
    assert!(recorded(&plant) <= 24, "the seconds between the two commands: {:?}", plant.server.stats());
    assert_eq!(
        (&summary["rows"], &summary["edited"], &summary["deleted"]),
        (&0.into(), &0.into(), &0.into()),
        "{summary}"
    );
    let all = stretches(&plant).await;
    assert_eq!(all.len(), 12, "one stretch a series: {all:?}");

    let status = plant.tidegate(&["--output", "json", "status"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["backfills"].as_array().unwrap().len(), 12, "{status}");
    assert_eq!(status["tags"], 12);
    let human = plant.tidegate(&["status"]).stdout;
    assert!(human.contains("backfilled: pi_timeseries, 12 tags"), "{human}");
    let mut commands = table::strings(&plant.table("runs"), "command").await;
    commands.sort();
    assert_eq!(commands, ["backfill", "backfill", "run"]);
    plant.run(0);
    assert_eq!(plant.difference_of(None, now() - 31 * DAY, now()).await, Default::default());
}

#[tokio::test]
async fn what_was_edited_or_deleted_is_mirrored_when_it_is_read_again() {
    let plant = plant(month());
    let range = ["--from", "-31d", "--to", "-20d"];
    backfill(&plant, 0, &range);
    let truth = plant.server.truth();
    let at = |tag: usize, ago: i64| truth.events(tag, (now() - ago) * 100, i64::MAX)[0].clone();
    let edited = at(1, 25 * DAY);
    assert!(truth.replace(1, edited.ticks, 0, Event::good(edited.ticks, Value::Text("edited".into()))));
    let deleted = truth.delete(2, at(2, 26 * DAY).ticks) as u64;
    truth.insert(3, Event::good(now() - 24 * DAY, Value::Text("late".into())));
    let again: Vec<&str> = range.into_iter().chain(["--again"]).collect();
    let summary = backfill(&plant, 0, &again);
    assert_eq!(
        (&summary["rows"], &summary["edited"], &summary["deleted"]),
        (&1.into(), &1.into(), &deleted.into()),
        "{summary}"
    );
    assert_eq!(plant.difference_of(None, now() - 31 * DAY + 60 * SECOND, now() - 20 * DAY).await.altered, 0);

    // An archive that is offline empties nothing; the stretch is a gap, and is read again although it was covered.
    let rows = plant.rows().await.len();
    let victim = truth.points()[5].name.clone();
    plant.server.set_faults(vec![Fault::new(Effect::Offline).tag(&victim).route("streams/recorded")]);
    let summary = backfill(&plant, 3, &again);
    // A slice that holds one event of the tag may end the range: that one may go, and comes back.
    let gone = summary["deleted"].as_u64().unwrap() as usize;
    assert!(gone <= 1 && summary["gaps"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!(plant.rows().await.len(), rows - gone);
    plant.server.set_faults(Vec::new());
    backfill(&plant, 0, &again);
    assert_eq!(plant.rows().await.len(), rows);
}

/// A command that goes on by itself.
pub fn start<S: Simulator>(plant: &PlantOf<S>, arguments: &[&str]) -> Child {
    plant.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn only_the_tags_and_the_range_that_were_asked_for() {
    let plant = plant(month());
    let names: Vec<String> = plant.server.truth().points().iter().map(|point| point.name.clone()).collect();
    let (from, to) = (now() - 20 * DAY, now() - 10 * DAY);
    let times = [format_ticks(from), format_ticks(to)];
    let line = |tags| vec!["--from", times[0].as_str(), "--to", times[1].as_str(), "--tags", tags];
    // One tag by its whole name in other letters, but for one of them.
    let glob = format!("{}?", names[3].to_lowercase().strip_suffix(|_: char| true).unwrap());
    let chosen: Vec<usize> = (0..names.len())
        .filter(|tag| {
            names[*tag].len() == names[3].len() && names[*tag][..names[3].len() - 1] == names[3][..names[3].len() - 1]
        })
        .collect();
    assert!(chosen.contains(&3) && chosen.len() < names.len(), "{names:?}");
    let summary = backfill(&plant, 0, &line(&glob));
    assert_eq!(summary["series"], chosen.len());
    assert_eq!(plant.difference_of(Some(&chosen), from, to).await, Default::default());
    assert!(!plant.rows().await.is_empty());
    assert!(!plant.table("watermarks").exists(), "a backfill made cursors");
    // A wider range of the same tags asks only for what is missing at both ends.
    plant.server.reset_stats();
    let wider = [format_ticks(from - DAY), format_ticks(to + DAY)];
    let summary = backfill(&plant, 0, &["--from", &wider[0], "--to", &wider[1], "--tags", &glob]);
    assert_eq!(plant.difference_of(Some(&chosen), from - DAY, to + DAY).await, Default::default());
    assert!(plant.server.stats().events < 3 * summary["rows"].as_u64().unwrap(), "{summary}");
    assert_eq!(stretches(&plant).await.len(), chosen.len());
}

#[tokio::test]
async fn a_range_or_a_pattern_that_cannot_be_meant_is_refused_and_writes_nothing() {
    let plant = plant(month());
    let cases: [(&[&str], &str); 6] = [
        (&["--from", "-1d", "--to", "-2d"], "--from must lie before --to"),
        (&["--from", "yesterday", "--to", "-2d"], "is not a time such as 2015-01-01T00:00:00Z"),
        (&["--from", "7d", "--to", "-2d"], "`-7d` means that long ago"),
        (&["--from", "-3d"], "--to"),
        (&["--from", "-3d", "--to", "-2d", "--table", "points"], "--table pi_points: it holds the state of now"),
        (&["--from", "-3d", "--to", "-2d", "--tags", "no such*"], "no configured tag has a name like `no such*`"),
    ];
    for (arguments, message) in cases {
        let line: Vec<&str> = std::iter::once("backfill").chain(arguments.iter().copied()).collect();
        let ended = plant.tidegate(&line);
        assert_eq!(ended.code, 2, "{ended:#?}");
        assert!(ended.stderr.contains(message), "{ended:#?}");
    }
    assert!(!plant.folder.path().join("lake").exists(), "something was written");
}

#[tokio::test]
async fn a_range_that_reaches_ahead_of_now_ends_there_but_for_forecasts() {
    let plant = Plant::start(Config { tags: 6, future: 2, days: 3.0, interval_seconds: 600.0, ..Config::default() });
    let end = format_ticks(now() + 10 * DAY);
    for _again in 0..2 {
        backfill(&plant, 0, &["--from", "-5d", "--to", &end]);
        plant.assert_mirrors().await;
    }
    assert!(plant.rows().await.keys().any(|key| key.1 * 10 > now() + DAY), "no forecast was read");
    let limit = now() / 10;
    assert!(stretches(&plant).await.iter().all(|(_, _, end)| *end <= limit), "what lies ahead is not final");
}

#[tokio::test]
async fn ten_sparse_years_take_few_requests_and_little_memory() {
    let plant =
        Plant::start(Config { tags: 150, days: 3_660.0, interval_seconds: 86_400.0 * 60.0, ..Config::default() });
    plant.configure(|settings| {
        settings.performance = "{max_requests_per_second: 10000, memory_limit: 256MiB}".to_owned();
    });
    let times = [format_ticks(now() - 3_650 * DAY), format_ticks(now())];
    let mut child = start(&plant, &["backfill", "--from", &times[0], "--to", &times[1]]);
    let (code, peak) = peak(&mut child);
    assert_eq!(code, Some(0));
    let (from, to) = (now() - 3_650 * DAY + HOUR, now());
    assert_eq!(plant.difference_inside(from, to).await, Default::default());
    let requests: u64 = plant.server.stats().requests.values().sum();
    // Two batches of tags, at most five slices of them at once, and the catalogue.
    assert!(requests < 60, "{:?}", plant.server.stats());
    assert!(peak < 400 << 10, "{peak} KiB");
}

/// How a child ended, and the most memory that it held, in KiB.
fn peak(child: &mut Child) -> (Option<i32>, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code(), peak);
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak).max(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn event_frames_are_backfilled_with_those_that_began_before_the_range() {
    let frames = Frames { per_day: 40.0, attributes: 2, open: 3, ..Frames::default() };
    let assets = Assets { elements: 20, ..Assets::default() };
    let plant =
        Plant::start(Config { tags: 2, days: 20.0, interval_seconds: 3_600.0, assets, frames, ..Config::default() });
    plant.configure(|settings| {
        settings.ingestion = "{start: -2d, lookback: 12h, include_event_frames: true}".to_owned();
    });
    plant.run(0);
    let before = bytes(&plant.table("event_frames_watermarks"));
    let line = ["--from", "-20d", "--to", "-1d", "--table", "event_frames"];
    let summary = backfill(&plant, 0, &line);
    assert!(summary["tables"]["pi_event_frames"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!(bytes(&plant.table("event_frames_watermarks")), before);
    let truth = plant.server.truth().frames();
    let database = plant.server.truth().assets().databases()[0].name.clone();
    let form = Form::IdOnly;
    let mut expected: Vec<Vec<String>> = truth
        .all(&database)
        .iter()
        .map(|frame| {
            let end = frame.end.map(|end| table::time(end.div_euclid(10))).unwrap_or_default();
            vec![frame.web_id(form), frame.name.clone(), table::time(frame.start.div_euclid(10)), end]
        })
        .collect();
    let columns = ["event_frame_id", "event_name", "start_time", "end_time"];
    let mut rows = table::cells(&plant.table("event_frames"), &columns).await;
    expected.sort();
    rows.sort();
    assert_eq!(rows, expected);
    let summary = backfill(&plant, 0, &[line.as_ref(), &["--again", "--newest-first"]].concat());
    assert_eq!((&summary["rows"], &summary["edited"]), (&0.into(), &0.into()), "{summary}");
}

#[tokio::test]
async fn what_a_backfill_stored_beyond_the_cursor_is_not_stored_again_by_the_next_run() {
    let plant = Plant::start(Config { tags: 6, days: 0.5, ..Config::default() });
    plant.configure(|settings| settings.ingestion = "{start: -1d, lookback: 1m, stream_updates: off}".to_owned());
    plant.run(0);
    std::thread::sleep(Duration::from_millis(1_500));
    for tag in 0..6 {
        plant.server.truth().insert(tag, Event::good(now() - SECOND / 2, Value::Text("new".into())));
    }
    let summary = backfill(&plant, 0, &["--from", "-1h", "--to", "-0s"]);
    assert_eq!(summary["rows"], 6, "{summary}");
    let summary = plant.run(0);
    assert_eq!(summary["rows"], 0, "{summary}");
    plant.assert_mirrors().await;
}
