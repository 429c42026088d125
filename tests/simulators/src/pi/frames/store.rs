//! All event frames of one database by start, made as far as time has come.

use std::collections::HashMap;
use std::sync::Arc;

use super::make::Plan;
use super::record::Record;
use crate::pi::webid::Guid;

/// All event frames of one database.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    plan: Plan,
    next: i64,
    by_start: Vec<Arc<Record>>,
    by_guid: HashMap<Guid, Arc<Record>>,
}

impl Store {
    /// The frames that begin up to `arrived`.
    pub(crate) fn new(plan: Plan, arrived: i64) -> Store {
        let next = plan.first();
        let mut store = Store { plan, next, by_start: Vec::new(), by_guid: HashMap::new() };
        store.extend(arrived);
        store
    }

    /// Whether every frame that has begun by `arrived` is here.
    pub(crate) fn reaches(&self, arrived: i64) -> bool {
        self.plan.slot_of(arrived) < self.next
    }

    /// Makes the frames that begin up to `arrived`.
    pub(crate) fn extend(&mut self, arrived: i64) {
        let last = self.plan.slot_of(arrived);
        let mut made = Vec::new();
        while self.next <= last {
            self.plan.slot(self.next, &mut made);
            self.next += 1;
        }
        for frame in made.into_iter().map(Arc::new) {
            self.by_guid.insert(frame.guid, Arc::clone(&frame));
            self.by_start.push(frame);
        }
        self.by_start.sort_by_key(|frame| (frame.start, frame.guid));
    }

    /// Every frame by start, ties by `Id`.
    pub(crate) fn all(&self) -> &[Arc<Record>] {
        &self.by_start
    }

    /// The frame with this `Id`.
    pub(crate) fn find(&self, guid: &Guid) -> Option<&Arc<Record>> {
        self.by_guid.get(guid)
    }

    /// The first frame with this path in any case; names are not unique, so there may be others.
    pub(crate) fn at_path(&self, path: &str) -> Option<&Arc<Record>> {
        let wanted = path.to_uppercase();
        self.by_start.iter().find(|frame| frame.path(&self.plan.home).to_uppercase() == wanted)
    }

    fn place(&self, frame: &Record) -> usize {
        self.by_start.partition_point(|known| (known.start, known.guid) < (frame.start, frame.guid))
    }

    /// Adds a frame, below its parent if it has one.
    pub(crate) fn add(&mut self, frame: Record) {
        if let Some((parent, _)) = &frame.parent {
            let guid = frame.guid;
            self.change(&parent.clone(), |parent| parent.children.push(guid));
        }
        let frame = Arc::new(frame);
        self.by_start.insert(self.place(&frame), Arc::clone(&frame));
        self.by_guid.insert(frame.guid, frame);
    }

    /// Changes a frame, and what those below it know of it; `false`: there is none.
    pub(crate) fn change(&mut self, guid: &Guid, change: impl FnOnce(&mut Record)) -> bool {
        let Some((old, new)) = self.swap(guid, change) else { return false };
        if new.name != old.name {
            for child in &new.children {
                self.swap(child, |child| child.parent = Some((*guid, new.name.clone())));
            }
        }
        true
    }

    /// Puts the changed frame in the place of the old one; both.
    fn swap(&mut self, guid: &Guid, change: impl FnOnce(&mut Record)) -> Option<(Arc<Record>, Arc<Record>)> {
        let old = Arc::clone(self.by_guid.get(guid)?);
        self.by_start.remove(self.place(&old));
        let mut new = (*old).clone();
        change(&mut new);
        let new = Arc::new(new);
        self.by_start.insert(self.place(&new), Arc::clone(&new));
        self.by_guid.insert(*guid, Arc::clone(&new));
        Some((old, new))
    }

    /// Deletes a frame and those below it; `false`: there is none.
    pub(crate) fn delete(&mut self, guid: &Guid) -> bool {
        let Some(old) = self.by_guid.get(guid).cloned() else { return false };
        for child in &old.children {
            self.delete(child);
        }
        if let Some((parent, _)) = &old.parent {
            self.change(&parent.clone(), |parent| parent.children.retain(|child| child != guid));
        }
        self.by_start.remove(self.place(&old));
        self.by_guid.remove(guid);
        true
    }
}
