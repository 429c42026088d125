//! What tests change while the server runs.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Annotation, Truth};
use crate::canary::catalogue::Catalogue;
use crate::canary::config::Override;
use crate::canary::frames::{self, EventFrame};
use crate::canary::sample::Sample;

impl Truth {
    /// Moves the end of what has arrived, in ticks: later brings new samples, earlier takes them back.
    pub fn set_end(&self, ticks: i64) {
        self.clock().set_end(ticks);
    }

    /// Writes a sample, late or not; one at the same instant is overwritten. `false`: no such tag.
    pub fn insert(&self, tag_index: usize, sample: Sample) -> bool {
        self.change(tag_index, sample.ticks, |at| *at = vec![Arc::new(sample)]).is_some()
    }

    /// Edits the sample at this instant. `false`: there is none.
    pub fn replace(&self, tag_index: usize, sample: Sample) -> bool {
        let put = |at: &mut Vec<Arc<Sample>>| at.first_mut().map(|slot| *slot = Arc::new(sample.clone()));
        self.change(tag_index, sample.ticks, put).flatten().is_some()
    }

    /// Deletes the sample at this instant; how many there were.
    pub fn delete(&self, tag_index: usize, ticks: i64) -> usize {
        self.change(tag_index, ticks, std::mem::take).map_or(0, |gone| gone.len())
    }

    fn change<T>(&self, tag_index: usize, ticks: i64, change: impl FnOnce(&mut Vec<Arc<Sample>>) -> T) -> Option<T> {
        let catalogue = self.catalogue();
        let tag = catalogue.tags.get(tag_index)?;
        let now = self.collect(tag, ticks, ticks, false, usize::MAX);
        let now = now.iter().map(|item| Arc::new(item.whole(&tag.generator))).collect();
        Some(tag.edits.edit(|overlay| change(overlay.entry(ticks).or_insert(now))))
    }

    /// Adds a tag, as a new sender does; its index. All views are rebuilt: their sequences change. `born` decides
    /// whether it brings a history.
    pub fn add_tag(&self, tag: &Override) -> usize {
        let index = self.rebuild(|catalogue| {
            let index = catalogue.tags.len();
            catalogue.add(self.make(index, tag));
            index
        });
        self.bump_all();
        index
    }

    /// Takes a tag away with its history; the views are rebuilt. `false`: there was none.
    pub fn remove_tag(&self, tag_index: usize) -> bool {
        let done = self.rebuild(|catalogue| catalogue.remove(tag_index));
        self.bump_all();
        done
    }

    fn rebuild<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> T {
        let mut guard = self.inner.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut guard))
    }

    /// Rebuilds a view: what `browseStatus` shows for it changes. `false`: there is no such view.
    pub fn bump_sequence(&self, view: &str) -> bool {
        self.changing().sequences.get_mut(view).map(|sequence| *sequence += 10_000_000).is_some()
    }

    pub(crate) fn bump_all(&self) {
        self.changing().sequences.values_mut().for_each(|sequence| *sequence += 10_000_000);
    }

    /// Whether the historian behind the views can be reached: while it cannot, data calls answer 200 with empty lists
    /// \[assumed\].
    pub fn set_offline(&self, offline: bool) {
        self.inner.offline.store(offline, Ordering::Release);
    }

    /// An event frame begins, in process until [`Truth::end_frame`]; its id.
    pub fn begin_frame(&self, starts_at: i64) -> String {
        let points: Vec<_> = self.points().into_iter().filter(|point| !point.diagnostic).collect();
        let mut changing = self.changing();
        let made = frames::make(self.inner.config.seed, changing.made, starts_at, &points);
        let frame = EventFrame { ends_at: None, below_min_duration: false, ..made };
        changing.made += 1;
        changing.frames.push(frame.clone());
        frame.id
    }

    /// An event frame ends, or ends at another instant. `false`: there is no such frame.
    pub fn end_frame(&self, id: &str, ends_at: i64) -> bool {
        let mut changing = self.changing();
        let frame = changing.frames.iter_mut().find(|frame| frame.id == id);
        frame.map(|frame| frame.ends_at = Some(ends_at)).is_some()
    }

    /// An event frame vanishes. `false`: there is no such frame.
    pub fn remove_frame(&self, id: &str) -> bool {
        let mut changing = self.changing();
        let before = changing.frames.len();
        changing.frames.retain(|frame| frame.id != id);
        changing.frames.len() < before
    }

    /// Somebody writes a remark.
    pub fn annotate(&self, annotation: Annotation) {
        self.changing().annotations.push(annotation);
    }
}
