//! A lake in a bucket: the same tables as in a folder, whatever the store refuses and however slow it is.

use std::time::Duration;

use tidegate_simulators::pi::{Config, Event, Value};

use crate::bucket::{Bucket, Weather};
use crate::plant::{Plant, SECOND, now};
use crate::table;

async fn plant() -> (Plant, Bucket) {
    let plant = Plant::start(Config { tags: 12, days: 1.0, ..Config::default() });
    let bucket = Bucket::start(plant.folder.path(), "lake").await;
    let sink = bucket.sink.clone();
    plant.configure(|settings| settings.sink = sink);
    (plant, bucket)
}

/// A late, an edited and a deleted event.
fn change(plant: &Plant) {
    let truth = plant.server.truth();
    let newest = |tag: usize| truth.events(tag, 0, i64::MAX).iter().rev().nth(20).unwrap().ticks;
    truth.insert(3, Event::good(now() - 7_200 * SECOND, Value::Text("late".into())));
    truth.replace(4, newest(4), 0, Event::good(newest(4), Value::Text("edited".into())));
    truth.delete(5, newest(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_in_a_bucket_mirrors_the_historian() {
    let (plant, _bucket) = plant().await;
    let first = plant.run(0);
    assert!(first["rows"].as_u64().unwrap() > 0);
    plant.assert_mirrors().await;
    change(&plant);
    let again = plant.run(0);
    assert_eq!((&again["edited"], &again["deleted"]), (&1.into(), &1.into()), "{again}");
    plant.assert_mirrors().await;
    let query = plant.tidegate(&["--output", "json", "query", "SELECT count(*) AS n FROM pi_timeseries"]);
    assert_eq!(query.code, 0, "{query:#?}");
    assert!(query.stdout.contains(&format!("\"n\":{}", plant.rows().await.len())), "{query:#?}");
    let status = plant.tidegate(&["status"]);
    assert_eq!(status.code, 0, "{status:#?}");
    assert!(!plant.folder.path().join("lake/s3:").exists(), "nothing lies in a folder named like a URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_put_fails_the_run_loses_nothing_and_the_next_run_goes_on() {
    let (plant, bucket) = plant().await;
    let mut before = 0;
    for (step, refused) in
        ["_staged", "pi_timeseries/partition_date", "pi_timeseries/_delta_log", "pi_watermarks", "pi_points"]
            .into_iter()
            .flat_map(|path| [(path, 403), (path, 503)])
            .enumerate()
    {
        if step > 0 {
            change(&plant);
        }
        bucket.weather(Weather { refused: Some(refused), ..Weather::default() });
        let ended = plant.tidegate(&["run"]);
        assert_eq!(ended.code, 1, "{refused:?}: {ended:#?}");
        let advice = if refused.1 == 403 { "permission to read and write" } else { "run again" };
        assert!(ended.stderr.contains("cannot") && ended.stderr.contains(advice), "{refused:?}: {ended:#?}");
        assert!(!ended.stderr.contains("hunter2"), "{ended:#?}");
        assert!(bucket.refusals() > before, "{refused:?} was never asked for");
        before = bucket.refusals();
        bucket.weather(Weather::default());
        plant.run(0);
        plant.assert_mirrors().await;
    }
    let counts = table::integers(&plant.table("watermarks"), "record_count").await;
    assert_eq!(counts.iter().sum::<i64>(), plant.rows().await.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_only_takes_longer_and_a_kill_in_the_middle_costs_nothing() {
    let (plant, bucket) = plant().await;
    bucket.weather(Weather { delay: Duration::from_millis(40), ..Weather::default() });
    for after in [300, 700, 1_100, 1_500, 1_900] {
        let mut child = crate::plant::command(plant.folder.path(), &["run"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(after)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    plant.run(0);
    plant.assert_mirrors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_on_one_bucket_double_nothing_although_it_has_no_locks() {
    let (plant, bucket) = plant().await;
    bucket.weather(Weather { delay: Duration::from_millis(20), ..Weather::default() });
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let mut command = crate::plant::command(plant.folder.path(), &["run"]);
            command.stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let ended = run.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() || stderr.contains("another run of pipeline"), "{stderr}");
    }
    bucket.weather(Weather::default());
    plant.run(0);
    plant.assert_mirrors().await;
}
