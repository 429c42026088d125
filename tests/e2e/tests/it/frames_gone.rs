//! Event frames that are deleted on the server leave the table, and no others do: whatever stops listing them, a frame stays
//! until the server says of it that it does not exist.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;
use tidegate_simulators::pi::{Effect, Fault, Form, Frame, Frames, NewFrame, Scope};

use crate::frames::{assert_frames_mirror, plant, some};
use crate::plant::{Plant, SECOND, command, now};
use crate::table;

const HOUR: i64 = 3_600 * SECOND;
/// Asks for one frame by its WebId.
const ONE: &str = "eventframes/get";
const LIST: &str = "assetdatabases/eventframes";

/// Frames that lie in the look-back with all of their life, oldest first.
fn recent(plant: &Plant) -> Vec<Frame> {
    let all = plant.server.truth().frames().all("Plant");
    let from = now() - 10 * HOUR;
    all.into_iter().filter(|frame| frame.start > from && frame.end.is_some_and(|end| end < now() - HOUR)).collect()
}

fn id(frame: &Frame) -> String {
    frame.web_id(Form::IdOnly)
}

async fn stored(plant: &Plant) -> BTreeSet<String> {
    let ids = table::strings(&plant.table("event_frames"), "event_frame_id").await;
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), set.len(), "each frame once");
    set
}

/// Sub-requests for single frames since the last look.
fn asked(plant: &Plant) -> u64 {
    let asked = plant.server.stats().sub_requests.get(ONE).copied().unwrap_or_default();
    plant.server.reset_stats();
    asked
}

fn figures(summary: &Json) -> [u64; 4] {
    ["rows", "edited", "deleted", "gaps"].map(|name| summary[name].as_u64().unwrap())
}

async fn assert_counted(plant: &Plant) {
    let counted: i64 = table::integers(&plant.table("event_frames_watermarks"), "record_count").await.iter().sum();
    assert_eq!(counted, stored(plant).await.len() as i64);
}

/// Only frames of one template, as if the operator had changed his mind.
fn narrow(plant: &Plant, template: &str) {
    plant.configure(|settings| {
        settings.ingestion =
            format!("{{start: -30d, lookback: 12h, include_event_frames: true, event_frame_templates: [{template}]}}");
    });
}

fn quiet() -> Frames {
    Frames { open: 0, ..some() }
}

#[tokio::test]
async fn a_deleted_frame_leaves_the_table_and_is_counted_once() {
    let plant = plant(quiet(), 3.0);
    plant.run(0);
    let truth = plant.server.truth().frames();
    plant.server.reset_stats();
    plant.run(0);
    assert_eq!(asked(&plant), 0, "nothing is missed, nothing is asked");
    let lonely: Vec<Frame> = recent(&plant).into_iter().filter(|frame| frame.parent.is_some()).collect();
    for frame in [&lonely[0], &lonely[7], &lonely[20]] {
        assert!(truth.delete(&frame.id));
    }
    let (_, before) = table::files(&plant.table("event_frames")).await;
    let summary = plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
    assert_eq!((figures(&summary), asked(&plant)), ([0, 0, 3, 0], 3), "{summary}");
    let (_, after) = table::files(&plant.table("event_frames")).await;
    assert!(before.iter().any(|file| after.contains(file)), "files of other days stay");
    let summary = plant.run(0);
    assert_eq!((figures(&summary), asked(&plant)), ([0, 0, 0, 0], 0), "{summary}");
    assert_frames_mirror(&plant, &["Plant"]).await;
    let deleted = table::integers(&plant.table("runs"), "deleted").await;
    assert_eq!(deleted.iter().sum::<i64>(), 3);
}

#[tokio::test]
async fn a_deleted_frame_takes_those_below_it_along() {
    let plant = plant(quiet(), 2.0);
    plant.run(0);
    let truth = plant.server.truth().frames();
    let parent = recent(&plant).into_iter().find(|frame| !frame.children.is_empty()).unwrap();
    assert!(truth.delete(&parent.id));
    let summary = plant.run(0);
    assert_eq!(summary["deleted"], 1 + parent.children.len() as u64, "{summary}");
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn an_open_frame_far_below_the_look_back_is_missed_too() {
    let plant = plant(Frames { per_day: 40.0, ..quiet() }, 5.0);
    let truth = plant.server.truth().frames();
    let start = now() - 3 * 24 * HOUR;
    let forgotten =
        ["One", "Two"].map(|name| NewFrame { name: name.into(), start: start + HOUR, ..NewFrame::default() });
    let [gone, stays] = forgotten.map(|frame| truth.add("Plant", frame).unwrap());
    plant.run(0);
    assert!(truth.delete(&gone));
    let summary = plant.run(0);
    assert_eq!(summary["deleted"], 1, "{summary}");
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert!(stored(&plant).await.contains(&id(&truth.frame(&stays).unwrap())));
}

#[tokio::test]
async fn a_frame_that_moves_far_inside_the_look_back_is_one_row() {
    let plant = plant(quiet(), 2.0);
    plant.run(0);
    let frames = recent(&plant);
    let early = frames.iter().find(|frame| frame.end.is_some_and(|end| end < now() - 5 * HOUR)).unwrap();
    assert!(plant.server.truth().frames().set_times(&early.id, now() - 600 * SECOND, Some(now() - 60 * SECOND)));
    plant.server.reset_stats();
    let summary = plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
    assert_eq!((figures(&summary), asked(&plant)), ([0, 1, 0, 0], 0), "{summary}");
}

#[tokio::test]
async fn a_configuration_that_selects_less_deletes_nothing_but_what_is_gone() {
    let plant = plant(Frames { children: 0, ..quiet() }, 2.0);
    plant.run(0);
    narrow(&plant, "DowntimeTemplate");
    let before = stored(&plant).await;
    plant.server.reset_stats();
    assert_eq!(figures(&plant.run(0)), [0; 4]);
    assert_eq!(stored(&plant).await, before);
    assert!(asked(&plant) > 20, "each that did not come is asked for");
    let other = recent(&plant).into_iter().find(|frame| frame.template == "BatchRunTemplate").unwrap();
    assert!(plant.server.truth().frames().delete(&other.id));
    assert_eq!(figures(&plant.run(0)), [0, 0, 1, 0]);
    assert_frames_mirror(&plant, &["Plant"]).await;
}

#[tokio::test]
async fn an_answer_that_is_no_clear_word_about_the_frame_deletes_nothing() {
    let plant = plant(quiet(), 2.0);
    plant.run(0);
    let before = stored(&plant).await;
    let victim = recent(&plant).into_iter().find(|frame| frame.parent.is_some()).unwrap();
    assert!(plant.server.truth().frames().delete(&victim.id));
    let statuses = [400, 401, 403, 409, 429, 500, 502, 503, 504].map(|code| Effect::Status { code });
    let others = [Effect::Garbage, Effect::Html, Effect::Empty];
    for effect in statuses.into_iter().chain(others) {
        plant.server.set_faults(vec![Fault::new(effect.clone()).route(ONE)]);
        let summary = plant.run(0);
        assert_eq!(figures(&summary), [0; 4], "{effect:?}: {summary}");
        assert_eq!(plant.server.fired(), [1], "{effect:?}");
        assert_eq!(stored(&plant).await, before, "{effect:?}");
    }
    plant.server.set_faults(Vec::new());
    assert_eq!(figures(&plant.run(0)), [0, 0, 1, 0]);
    assert_frames_mirror(&plant, &["Plant"]).await;
}

#[tokio::test]
async fn of_many_only_the_one_that_is_said_to_be_gone_is_deleted() {
    let plant = plant(Frames { children: 0, ..quiet() }, 2.0);
    plant.run(0);
    narrow(&plant, "DowntimeTemplate");
    let before = stored(&plant).await;
    let victim = recent(&plant).into_iter().find(|frame| frame.template == "BatchRunTemplate").unwrap();
    let gone = Fault::new(Effect::Status { code: 404 }).route(ONE).tag(&id(&victim));
    let busy = Fault::new(Effect::Status { code: 503 }).route(ONE).probability(0.3);
    plant.server.set_faults(vec![gone, busy]);
    // Where both faults fire the later one answers, so it may take more than one run.
    let deleted: u64 = (0..8).map(|_| figures(&plant.run(0))[2]).sum();
    assert_eq!(deleted, 1);
    let after = stored(&plant).await;
    assert_eq!(before.difference(&after).collect::<Vec<_>>(), [&id(&victim)]);
    assert_eq!(after.len() + 1, before.len());
}

#[tokio::test]
async fn a_server_that_lists_nothing_any_more_empties_nothing() {
    let plant = plant(quiet(), 1.0);
    plant.run(0);
    let before = stored(&plant).await;
    plant.server.set_faults(vec![Fault::new(Effect::Offline).route(LIST)]);
    let summary = plant.run(0);
    assert_eq!(figures(&summary), [0; 4], "the frames are still there: {summary}");
    assert_eq!(stored(&plant).await, before);
    // As to an account that has lost its permissions: it is told of none.
    let none = Fault::new(Effect::Status { code: 404 }).route(ONE);
    plant.server.set_faults(vec![Fault::new(Effect::Offline).route(LIST), none]);
    for _run in 0..2 {
        let summary = plant.run(3);
        assert_eq!(figures(&summary), [0, 0, 0, 1], "{summary}");
        assert_eq!(stored(&plant).await, before);
    }
    assert_eq!(table::strings(&plant.table("gaps"), "reason").await, ["shrunk"]);
    plant.server.set_faults(Vec::new());
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert!(table::strings(&plant.table("gaps"), "resolved_at").await.iter().all(|at| !at.is_empty()));
    // And now most of them are really gone.
    let truth = plant.server.truth().frames();
    for frame in recent(&plant) {
        truth.delete(&frame.id);
    }
    let kept = stored(&plant).await;
    plant.run(3);
    assert_eq!(stored(&plant).await, kept);
    assert_eq!(plant.tidegate(&["run", "--accept-shrink"]).code, 0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn frames_made_anew_take_the_place_of_the_old_ones() {
    let plant = plant(Frames { children: 0, ..quiet() }, 2.0);
    plant.run(0);
    let truth = plant.server.truth().frames();
    let old = recent(&plant);
    for frame in &old {
        assert!(truth.delete(&frame.id));
        let again = NewFrame { name: frame.name.clone(), start: frame.start, end: frame.end, ..NewFrame::default() };
        truth.add("Plant", again).unwrap();
    }
    let summary = plant.run(0);
    assert_eq!(figures(&summary), [old.len() as u64, 0, old.len() as u64, 0], "{summary}");
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_costs_nothing_but_the_deletion() {
    // Few enough for one batch.
    let plant = plant(Frames { per_day: 40.0, ..quiet() }, 2.0);
    plant.run(0);
    let victim = recent(&plant).into_iter().find(|frame| frame.parent.is_some()).unwrap();
    assert!(plant.server.truth().frames().delete(&victim.id));
    plant.server.reset_stats();
    plant.run(0);
    // The last batch of such a run is the one that asks.
    let batches = plant.server.stats().requests["batch"];
    let again = recent(&plant).into_iter().find(|frame| frame.parent.is_some()).unwrap();
    assert!(plant.server.truth().frames().delete(&again.id));
    let fault = Fault::new(Effect::Status { code: 400 }).route("batch").scope(Scope::Request).nth(batches);
    plant.server.set_faults(vec![fault]);
    let ended = plant.tidegate(&["--output", "json", "run"]);
    assert_eq!(ended.code, 0, "{ended:#?}");
    assert!(ended.stderr.contains("deleted records are not known"), "{ended:#?}");
    assert!(stored(&plant).await.contains(&id(&again)));
    plant.server.set_faults(Vec::new());
    assert_eq!(figures(&plant.run(0)), [0, 0, 1, 0]);
    assert_frames_mirror(&plant, &["Plant"]).await;
}

#[tokio::test]
async fn append_only_counts_deleted_frames_and_leaves_them() {
    let plant = plant(quiet(), 2.0);
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, lookback: 12h, include_event_frames: true, mirror: append_only}".to_owned();
    });
    plant.run(0);
    let before = stored(&plant).await;
    let victim = recent(&plant).into_iter().find(|frame| frame.parent.is_some()).unwrap();
    assert!(plant.server.truth().frames().delete(&victim.id));
    for _run in 0..2 {
        assert_eq!(figures(&plant.run(0)), [0, 0, 1, 0]);
        assert_eq!(stored(&plant).await, before);
    }
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_each_frame_or_takes_it_out() {
    let plant = plant(quiet(), 2.0);
    plant.run(0);
    let truth = plant.server.truth().frames();
    for round in 0..6_usize {
        for frame in recent(&plant).iter().filter(|frame| frame.parent.is_some()).skip(round * 3).step_by(31).take(3) {
            assert!(truth.delete(&frame.id));
        }
        let mut run = command(plant.folder.path(), &["run"]);
        let mut run = run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(150 + 130 * round as u64)).await;
        run.kill().unwrap();
        run.wait().unwrap();
        stored(&plant).await;
    }
    plant.run(0);
    assert_frames_mirror(&plant, &["Plant"]).await;
    assert_counted(&plant).await;
    assert_eq!(figures(&plant.run(0)), [0; 4]);
}
