//! One tag, one partition or one table may fail for as long as it likes: all others equal the server row by row, the run
//! says which one it was, and when the cause is gone the next run makes it whole. (A plugin that fails: see `guests`.)

use std::path::Path;

use deltalake::kernel::{DataType, PrimitiveType, StructField};
use tidegate_simulators::pi::{Assets, Config, Effect, Event, Fault, Form, Frames, Scope, Value};

use crate::plant::{Plant, SECOND, now};
use crate::{assets, frames, table};

const TAGS: usize = 8;

fn plant() -> Plant {
    let assets = Assets { elements: 12, attributes: 4, ..Assets::default() };
    let frames = Frames { per_day: 120.0, attributes: 2, open: 2, ..Frames::default() };
    let plant = Plant::start(Config { tags: TAGS, days: 0.2, assets, frames, ..Config::default() });
    plant.configure(|settings| {
        settings.ingestion =
            "{start: -30d, lookback: 12h, include_af_hierarchy: true, include_event_frames: true}".to_owned();
        settings.performance = "{max_requests_per_second: 10000, batch_size: 2}".to_owned();
    });
    plant
}

/// While `faults` last the first of these tags is a gap, the others may be, and nothing else is wrong: in a first run and in
/// later ones.
async fn fail_alone(faults: impl Fn(&Plant) -> Vec<Fault>, tags: &[usize]) {
    let plant = plant();
    let truth = plant.server.truth();
    plant.server.set_faults(faults(&plant));
    for _run in 0..2 {
        let summary = plant.run(3);
        assert!((1..=tags.len()).contains(&(summary["gaps"].as_u64().unwrap() as usize)), "{summary}");
        plant.assert_mirrors_but(tags).await;
        others_mirror(&plant, "").await;
        for tag in 0..TAGS {
            truth.insert(tag, Event::good(now() - SECOND, Value::Text("new".into())));
        }
    }
    let failed: Vec<String> = tags.iter().map(|tag| truth.points()[*tag].web_id(Form::Full)).collect();
    let open = table::strings(&plant.table("gaps"), "tag_webid").await;
    assert!(open.contains(&failed[0]) && open.iter().all(|tag| failed.contains(tag)), "{open:?} are not {failed:?}");
    plant.server.set_faults(Vec::new());
    plant.run(0);
    plant.assert_mirrors().await;
}

/// The tables of assets and frames equal the server, save for one.
async fn others_mirror(plant: &Plant, but: &str) {
    if but != "event_frames" {
        frames::assert_frames_mirror(plant, &["Plant"]).await;
        frames::assert_attributes_mirror(plant, "Plant").await;
    }
    if but != "asset_hierarchy" {
        assets::assert_hierarchy_mirrors(plant).await;
    }
    if but != "element_attributes" {
        assets::assert_attributes_mirror(plant).await;
    }
    if but != "points" {
        assert_eq!(table::strings(&plant.table("points"), "tag_webid").await.len(), TAGS);
    }
}

#[tokio::test]
async fn a_tag_that_is_forbidden_or_fails_for_ever() {
    for code in [403, 500, 502] {
        let fault = |plant: &Plant| {
            let victim = plant.server.truth().points()[3].name.clone();
            vec![Fault::new(Effect::Status { code }).tag(&victim).route("streams/recorded")]
        };
        fail_alone(fault, &[3]).await;
    }
}

#[tokio::test]
async fn a_partition_whose_request_always_fails() {
    for effect in [Effect::Status { code: 500 }, Effect::Garbage, Effect::Reset] {
        let fault = |plant: &Plant| {
            let path = format!("streams/{}/recorded", plant.server.truth().points()[3].web_id(Form::Full));
            vec![Fault::new(effect.clone()).route("batch").scope(Scope::Request).body(&path)]
        };
        // Two tags make a partition, side by side in the order of their ids.
        let points = plant().server.truth().points();
        let mut order: Vec<usize> = (0..TAGS).collect();
        order.sort_by_key(|tag| points[*tag].web_id(Form::Full));
        let at = order.iter().position(|tag| *tag == 3).unwrap();
        fail_alone(fault, &[3, order[at ^ 1]]).await;
    }
}

/// With `table` spoilt by `spoil`: exit 1 and its name, all other tables are written; repaired, the next run fills it.
async fn a_table_fails_alone(name: &str, spoil: impl AsyncFn(&Path), word: &str) {
    let plant = plant();
    let folder = plant.table(name);
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    spoil(&folder).await;
    for _run in 0..2 {
        let ended = plant.tidegate(&["run"]);
        assert_eq!(ended.code, 1, "{name}: {ended:#?}");
        assert!(ended.stderr.contains(&format!("pi_{name}")) && ended.stderr.contains(word), "{name}: {ended:#?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
        if name != "timeseries" {
            plant.assert_mirrors().await;
        }
        others_mirror(&plant, name).await;
        let outcome = table::strings(&plant.table("runs"), "outcome").await;
        assert!(outcome.iter().all(|outcome| outcome == "failed"), "{outcome:?}");
    }
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).unwrap();
    } else {
        std::fs::remove_file(&folder).unwrap();
    }
    plant.run(0);
    plant.assert_mirrors().await;
    others_mirror(&plant, "").await;
}

const TABLES: [&str; 5] = ["timeseries", "event_frames", "points", "asset_hierarchy", "element_attributes"];

#[tokio::test]
async fn a_table_whose_folder_cannot_be_written() {
    for table in TABLES {
        a_table_fails_alone(table, async |folder| std::fs::write(folder, "a file").unwrap(), "check the location")
            .await;
    }
}

#[tokio::test]
async fn a_table_that_is_stored_with_other_types() {
    for (table, column) in TABLES.into_iter().zip(["tag_name", "event_name", "path", "element_name", "type"]) {
        let other = async |folder: &Path| {
            let number = StructField::nullable(column, DataType::Primitive(PrimitiveType::Long));
            std::fs::create_dir_all(folder).unwrap();
            let empty = deltalake::DeltaTable::try_from_url(table::url(folder)).await.unwrap();
            empty.create().with_columns([number]).await.unwrap();
        };
        a_table_fails_alone(table, other, "is stored as").await;
    }
}
