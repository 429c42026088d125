//! PI and Canary in one lake: one program and two configurations, one after the other and at once. Each keeps to its
//! own tables, and a query reads both as one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use tidegate_simulators::canary::{Effect, Fault};
use tidegate_simulators::{canary, pi};

use super::{HOUR, config};
use crate::plant::{CanaryPlant, Plant, PlantOf, SECOND, Simulator, command, now, tidegate};
use crate::table;

/// Tables that both historians have.
const SHARED: [(&str, &str); 8] = [
    ("bronze", "timeseries"),
    ("bronze", "points"),
    ("bronze", "asset_hierarchy"),
    ("bronze", "event_frames"),
    ("checkpoints", "watermarks"),
    ("checkpoints", "gaps"),
    ("checkpoints", "runs"),
    ("checkpoints", "rejects"),
];

/// Both historians with all their tables, in one folder. Runs make several commits.
fn plants() -> (Plant, CanaryPlant) {
    let assets = pi::Assets { elements: 12, attributes: 2, ..pi::Assets::default() };
    let frames = pi::Frames { per_day: 60.0, ..pi::Frames::default() };
    let pi = Plant::start(pi::Config { tags: 8, days: 0.3, assets, frames, ..pi::Config::default() });
    let canary = CanaryPlant::beside(&pi, canary::Config { frames_per_day: 60.0, ..config() });
    let performance = "{max_requests_per_second: 10000, commit_rows: 400, max_count_per_request: 150}";
    pi.configure(|settings| {
        settings.ingestion = "{start: -30d, include_af_hierarchy: true, include_event_frames: true}".to_owned();
        settings.performance = performance.to_owned();
    });
    canary.configure(|settings| {
        settings.ingestion = "{start: -30d, include_asset_hierarchy: true, include_event_frames: true}".to_owned();
        settings.performance = performance.to_owned();
    });
    (pi, canary)
}

fn start<S: Simulator>(plant: &PlantOf<S>) -> Child {
    plant.command(&["--quiet", "run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs both programs at the same time, to their ends.
fn run_at_once(pi: &Plant, canary: &CanaryPlant) {
    for run in [start(pi), start(canary)] {
        let ended = run.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

async fn assert_both_mirror(pi: &Plant, canary: &CanaryPlant) {
    pi.assert_mirrors().await;
    crate::frames::assert_frames_mirror(pi, &["Plant"]).await;
    crate::assets::assert_hierarchy_mirrors(pi).await;
    canary.assert_mirrors().await;
    super::frames::assert_frames_mirror(canary).await;
    super::assets::assert_nodes_mirror(canary, "SIMHIST").await;
}

/// New, late, edited and deleted events of both.
fn change(pi: &Plant, canary: &CanaryPlant) {
    let truth = pi.server.truth();
    let text = |at: i64, text: &'static str| pi::Event::good(at, pi::Value::Text(text.into()));
    truth.insert(1, text(now() - SECOND, "new"));
    truth.insert(2, text(now() - HOUR, "late"));
    let first = truth.events(3, 0, i64::MAX)[1].ticks;
    truth.delete(3, first);
    let truth = canary.server.truth();
    let text = |at: i64, text: &'static str| canary::Sample::good(at, canary::Value::Text(text.into()));
    truth.insert(1, text(now() - SECOND, "new"));
    truth.insert(2, text(now() - HOUR, "late"));
    let samples = truth.events(3, 0, i64::MAX);
    truth.delete(3, samples[1].ticks);
    assert!(truth.replace(4, text(truth.events(4, 0, i64::MAX)[2].ticks, "edited")));
}

#[tokio::test]
async fn one_program_loads_pi_then_canary_then_both_at_once_into_one_lake() {
    let (pi, canary) = plants();
    pi.run(0);
    canary.run(0);
    assert_both_mirror(&pi, &canary).await;
    for _round in 0..2 {
        change(&pi, &canary);
        run_at_once(&pi, &canary);
        assert_both_mirror(&pi, &canary).await;
    }
}

#[tokio::test]
async fn a_lake_that_both_begin_at_once_holds_both() {
    let (pi, canary) = plants();
    run_at_once(&pi, &canary);
    assert_both_mirror(&pi, &canary).await;
    assert_same_schemas(&pi).await;
    assert_kept_apart(&pi, &canary).await;
    assert_one_query_reads_both(&pi, &canary).await;
}

/// Runs all configurations of the folder; the exit code, and the outcome that each pipeline printed.
fn run_folder(pi: &Plant) -> (i32, BTreeMap<String, String>) {
    let ended = tidegate(pi.folder.path(), &["-c", ".", "--output", "json", "run"], &[]);
    let outcome = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        (word(&line["pipeline"]), word(&line["document"]["outcome"]))
    };
    (ended.code, ended.stdout.lines().map(outcome).collect())
}

#[tokio::test]
async fn a_folder_of_configurations_runs_both_and_one_that_fails_holds_nobody_back() {
    let (pi, canary) = plants();
    let done = |pipeline: &str| (pipeline.to_owned(), "done".to_owned());
    assert_eq!(run_folder(&pi), (0, BTreeMap::from([done("tidegate"), done("canary")])));
    assert_both_mirror(&pi, &canary).await;
    change(&pi, &canary);
    canary.server.set_faults(vec![Fault::new(Effect::Status { code: 401 })]);
    assert_eq!(run_folder(&pi), (1, BTreeMap::from([done("tidegate")])));
    pi.assert_mirrors().await;
    canary.server.set_faults(Vec::new());
    assert_eq!(run_folder(&pi).0, 0);
    assert_both_mirror(&pi, &canary).await;
}

/// How the program ends when whoever reads what it prints has gone.
fn unheard(folder: &Path, arguments: &[&str]) -> Option<i32> {
    let mut program = command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((program.stdout.take(), program.stderr.take()));
    program.wait().unwrap().code()
}

#[tokio::test]
async fn whether_anybody_listens_changes_neither_what_is_loaded_nor_how_it_ends() {
    let (pi, canary) = plants();
    let folder = pi.folder.path();
    canary.server.set_faults(vec![Fault::new(Effect::Status { code: 401 })]);
    assert_eq!(unheard(folder, &["-c", ".", "run"]), Some(1));
    pi.assert_mirrors().await;
    canary.server.set_faults(Vec::new());
    assert_eq!(unheard(folder, &["-c", ".", "run"]), Some(0));
    assert_both_mirror(&pi, &canary).await;
    let tag = super::path(&canary, 0);
    canary.server.set_faults(vec![Fault::new(Effect::Status { code: 500 }).tag(&tag).route("getTagData2")]);
    assert_eq!(unheard(folder, &["-c", "canary.yaml", "run", "--full-refresh"]), Some(3));
    assert_eq!(unheard(folder, &["-c", "canary.yaml", "gaps"]), Some(0));
}

/// Name, type and nullability of a column.
type Column = (String, String, bool);

/// All columns of a table in order, and its partition columns.
async fn schema(pi: &Plant, folder: &str, name: &str) -> (Vec<Column>, Vec<String>) {
    let table = pi.folder.path().join("lake").join(folder).join(name);
    let table = deltalake::open_table(table::url(&table)).await.unwrap();
    let state = table.snapshot().unwrap();
    let schema = state.schema();
    let columns =
        schema.fields().map(|field| (field.name().clone(), format!("{:?}", field.data_type()), field.is_nullable()));
    (columns.collect(), state.metadata().partition_columns().to_vec())
}

async fn assert_same_schemas(pi: &Plant) {
    for (folder, name) in SHARED {
        let exists =
            |historian: &str| pi.folder.path().join("lake").join(folder).join(format!("{historian}_{name}")).exists();
        if !(exists("pi") && exists("canary")) {
            assert!(["gaps", "rejects"].contains(&name), "{name} is not there twice");
            continue;
        }
        let (theirs, ours) =
            (schema(pi, folder, &format!("pi_{name}")).await, schema(pi, folder, &format!("canary_{name}")).await);
        assert_eq!(theirs, ours, "{name}");
    }
}

/// Each historian's checkpoints know its own series, runs and gaps, and nothing of the other's.
async fn assert_kept_apart(pi: &Plant, canary: &CanaryPlant) {
    let ids = |plant: Vec<crate::plant::Series>| {
        let mut ids: Vec<String> = plant.into_iter().map(|series| series.id).collect();
        ids.sort();
        ids
    };
    let known = async |table: &std::path::Path| {
        let mut ids = table::strings(table, "tag_webid").await;
        ids.sort();
        ids
    };
    assert_eq!(known(&pi.table("watermarks")).await, ids(pi.server.series(0, 0)));
    assert_eq!(known(&canary.table("watermarks")).await, ids(canary.server.series(0, 0)));
    assert_eq!(table::strings(&pi.table("runs"), "pipeline").await, ["test"]);
    assert_eq!(table::strings(&canary.table("runs"), "pipeline").await, ["canary"]);
    // One fails: its gap is in its own ledger, and the other does not see it.
    let victim = super::path(canary, 5);
    canary.server.set_faults(vec![canary::Fault::new(canary::Effect::Errors).tag(&victim).route("getTagData2")]);
    let (mut failing, mut well) = (start(canary), start(pi));
    assert_eq!((failing.wait().unwrap().code(), well.wait().unwrap().code()), (Some(3), Some(0)));
    assert_eq!(known(&canary.table("gaps")).await, [super::id(canary, 5)]);
    assert!(!pi.table("gaps").exists() && pi.json(0, &["gaps"]) == serde_json::json!([]));
    canary.server.set_faults(Vec::new());
    canary.run(0);
    assert_both_mirror(pi, canary).await;
}

/// A view over both tables needs no cast.
async fn assert_one_query_reads_both(pi: &Plant, canary: &CanaryPlant) {
    let sql = "SELECT historian, count(*) AS n, count(DISTINCT tag_webid) AS tags, count(value) AS numbers FROM \
               (SELECT 'pi' AS historian, * FROM bronze.pi_timeseries \
               UNION ALL SELECT 'canary' AS historian, * FROM bronze.canary_timeseries) GROUP BY 1 ORDER BY 1";
    let figures = |historian: &str, rows: table::Rows| {
        let tags: std::collections::BTreeSet<_> = rows.keys().map(|key| key.0.clone()).collect();
        let numbers = rows.values().flatten().filter(|row| row.value.is_some()).count();
        serde_json::json!({"historian": historian, "n": rows.len(), "tags": tags.len(), "numbers": numbers})
    };
    let expected = [figures("canary", canary.rows().await), figures("pi", pi.rows().await)];
    for plant in [pi.json(0, &["query", sql]), canary.json(0, &["query", sql])] {
        assert_eq!(plant, serde_json::Value::from(expected.to_vec()));
    }
}
