//! Asset Framework: databases of elements, their attributes and their event frames.
//!
//! [`Af`] holds the data. Readers take a snapshot of a database and keep it, so an edit never shows in the middle of an
//! answer. [`AssetTruth`] and [`super::FrameTruth`] are what tests see of it.

mod attribute;
mod config;
mod edit;
mod home;
pub(crate) mod patterns;
mod plant;
mod read;
mod tree;
mod truth;

use std::sync::{Arc, PoisonError, RwLock};

pub use attribute::Attribute;
pub use config::Assets;
pub(crate) use home::Home;
pub use home::{Makes, Template};
pub(crate) use tree::{Holder, Node, Tree};
pub use truth::{AssetTruth, Database, Element};

use super::config::Config;
use super::frames::{self, Store};

/// Every database of the AF server.
#[derive(Debug)]
pub(crate) struct Af {
    bases: Vec<Base>,
}

#[derive(Debug)]
struct Base {
    tree: RwLock<Arc<Tree>>,
    frames: RwLock<Arc<Store>>,
}

impl Af {
    /// What the config describes; the history of event frames begins at `start` and its configured end is `end`.
    pub(crate) fn new(config: &Config, start: i64, end: i64) -> Af {
        let each = config.assets.databases.iter().enumerate().map(|(index, name)| {
            let home = Arc::new(Home::new(config, index, name));
            let plan = frames::Plan::new(&config.frames, Arc::clone(&home), start, end);
            Base {
                tree: RwLock::new(Arc::new(plant::grow(home, &config.assets))),
                frames: RwLock::new(Arc::new(Store::new(plan, end))),
            }
        });
        Af { bases: each.collect() }
    }

    /// The elements of every database as of now.
    pub(crate) fn trees(&self) -> impl Iterator<Item = Arc<Tree>> {
        self.bases.iter().map(|base| Arc::clone(&base.tree.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The elements of one database as of now.
    pub(crate) fn tree(&self, index: usize) -> Option<Arc<Tree>> {
        self.bases.get(index).map(|base| Arc::clone(&base.tree.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Changes one tree; readers keep what they have.
    fn change<T>(&self, index: usize, change: impl FnOnce(&mut Tree) -> T) -> Option<T> {
        let mut guard = self.bases.get(index)?.tree.write().unwrap_or_else(PoisonError::into_inner);
        Some(change(Arc::make_mut(&mut guard)))
    }

    /// The event frames of one database that have begun by `arrived`.
    pub(crate) fn frames(&self, index: usize, arrived: i64) -> Option<Arc<Store>> {
        let frames = &self.bases.get(index)?.frames;
        let now = Arc::clone(&frames.read().unwrap_or_else(PoisonError::into_inner));
        if now.reaches(arrived) {
            return Some(now);
        }
        let mut guard = frames.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut guard).extend(arrived);
        Some(Arc::clone(&guard))
    }

    /// Changes the event frames of one database; readers keep what they have.
    pub(crate) fn change_frames<T>(&self, index: usize, change: impl FnOnce(&mut Store) -> T) -> Option<T> {
        let mut guard = self.bases.get(index)?.frames.write().unwrap_or_else(PoisonError::into_inner);
        Some(change(Arc::make_mut(&mut guard)))
    }
}
