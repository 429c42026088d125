//! Canary through its plugin: the same promises as for PI, proven the same way against another simulator, and both
//! historians in one lake.

mod assets;
mod auth;
mod backfill;
mod both;
mod crash;
mod faults;
mod frames;
mod load;
mod mirror;
mod reconcile;
mod truth;

use tidegate_simulators::canary::{Config, Sample};

use crate::plant::{CanaryPlant, SECOND, now};

const HOUR: i64 = 3_600 * SECOND;

/// A small plant of every kind of value and quality.
fn config() -> Config {
    Config { tags: 12, days: 0.3, ..Config::default() }
}

/// The full path of a tag.
fn path(plant: &CanaryPlant, tag: usize) -> String {
    plant.server.truth().points()[tag].path.clone()
}

/// What the tables know a tag by.
fn id(plant: &CanaryPlant, tag: usize) -> String {
    truth::id(&plant.server.truth().points()[tag]).to_owned()
}

/// A sample of `tag` that stands alone in its microsecond, about `ago` ticks old.
fn one(plant: &CanaryPlant, tag: usize, ago: i64) -> Sample {
    let samples = plant.server.truth().events(tag, (now() - ago) * 100, i64::MAX);
    let micros: Vec<i64> = samples.iter().map(Sample::micros).collect();
    samples[crate::truth::alone(&micros)].clone()
}
