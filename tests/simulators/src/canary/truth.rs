//! What the server really holds, for tests to compare with and to change while the server runs.

mod edit;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::catalogue::Catalogue;
use super::config::{Config, Override};
use super::frames::{self, EventFrame};
use super::generate::{Draft, Generator};
use super::names;
use super::sample::Sample;
use super::tag::{Kind, Point, Tag};
use crate::shared::clock::{Clock, DAY, SECOND};
use crate::shared::hash::mix;
use crate::shared::series::{Edits, Item, Series};

/// The built-in dataset.
pub(crate) const DIAGNOSTICS: &str = "{Diagnostics}";
/// Its tags.
const DIAGNOSTIC_TAGS: [&str; 2] = ["Sys.Memory Physical", "Sys.CPU Usage"];
/// Before and after every sample.
pub(crate) const ALL: (i64, i64) = (i64::MIN / 4, i64::MAX / 4);

/// A sample as found.
pub(crate) type Found = Item<Draft, Sample>;

/// The data behind a server; clones share it.
#[derive(Clone, Debug)]
pub struct Truth {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    start: i64,
    clock: Clock,
    catalogue: RwLock<Arc<Catalogue>>,
    changing: Mutex<Changing>,
    offline: AtomicBool,
}

/// What tests change, beside samples and tags.
#[derive(Debug, Default)]
struct Changing {
    sequences: BTreeMap<String, u64>,
    frames: Vec<EventFrame>,
    made: usize,
    annotations: Vec<Annotation>,
}

/// A remark on a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The tag.
    pub tag_index: usize,
    /// What instant it is about, in ticks.
    pub at: i64,
    /// When it was written, in ticks.
    pub entered: i64,
    /// Who wrote it.
    pub user: String,
    /// What it says.
    pub message: String,
}

impl Truth {
    /// The data that this config describes.
    pub(crate) fn new(config: &Config) -> Truth {
        let clock = Clock::new(config.end, config.live, config.knobs.clock_skew_seconds);
        let end = clock.arrived();
        let start = end - (config.days * DAY as f64) as i64;
        let views = [&config.view, &config.virtual_view].map(String::as_str).into_iter();
        let views: Vec<&str> = views.filter(|view| !view.is_empty()).collect();
        let mut catalogue = Catalogue::new(&views);
        let sequences = views.iter().map(|view| ((*view).to_owned(), 638_000_000_000_000_000)).collect();
        let inner = Inner {
            config: config.clone(),
            start,
            clock,
            catalogue: RwLock::default(),
            changing: Mutex::new(Changing { sequences, ..Changing::default() }),
            offline: AtomicBool::new(false),
        };
        let truth = Truth { inner: Arc::new(inner) };
        for index in 0..config.tags {
            catalogue.add(truth.make(index, &config.overrides.get(&index).cloned().unwrap_or_default()));
        }
        for (n, name) in DIAGNOSTIC_TAGS.iter().enumerate() {
            catalogue.add(truth.diagnostic(config.tags + n, name));
        }
        *truth.inner.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
        let points: Vec<Point> = truth.points().into_iter().filter(|point| !point.diagnostic).collect();
        let made = frames::history(config.seed, start, end, config.frames_per_day, config.open_frames, &points);
        let mut changing = truth.changing();
        changing.made = made.len();
        changing.frames = made;
        drop(changing);
        truth
    }

    fn make(&self, index: usize, change: &Override) -> Tag {
        let config = &self.inner.config;
        let named = names::tag(&config.name_prefix, index, config.hostile_names);
        let name = change.name.clone().unwrap_or(named.name);
        let deal = config.kinds.get(index % config.kinds.len().max(1)).copied();
        let kind = change.kind.or(deal).unwrap_or(Kind::Float32);
        let from_end = config.tags.saturating_sub(index);
        let empty = (1..=config.empty).contains(&from_end);
        let calculated = from_end > config.empty && from_end <= config.empty + config.calculated;
        let number = matches!(kind, Kind::Float32 | Kind::Float64 | Kind::Int);
        let path = format!("{}.{}.{name}", config.view, config.dataset);
        // Added tags have names of their own, which their place in the asset model follows.
        let leaf = change.name.as_deref().map_or(named.measure, |name| name.rsplit('.').next().unwrap_or(name));
        let mapped = !config.virtual_view.is_empty();
        let point = Point {
            index,
            dataset: config.dataset.clone(),
            asset_path: mapped.then(|| format!("{}.{}.{leaf}", config.virtual_view, named.asset)),
            asset_type: named.asset_type,
            historian_item_id: (!calculated).then(|| path.clone()),
            path,
            name,
            kind,
            units: if number { named.units } else { "" },
            units_property: if index % 5 == 2 { "engUnit" } else { "Units" },
            description: if index % 7 == 6 { String::new() } else { named.description },
            diagnostic: false,
            hidden: config.hidden.contains(&index),
        };
        Tag { generator: self.generator(index, kind, change, empty), point, edits: Edits::default() }
    }

    fn diagnostic(&self, index: usize, name: &str) -> Tag {
        let path = format!("{}.{DIAGNOSTICS}.{name}", self.inner.config.view);
        let point = Point {
            index,
            dataset: DIAGNOSTICS.to_owned(),
            name: name.to_owned(),
            asset_path: None,
            asset_type: "",
            historian_item_id: Some(path.clone()),
            path,
            kind: Kind::Float64,
            units: "",
            units_property: "Units",
            description: String::new(),
            diagnostic: true,
            hidden: false,
        };
        let generator = self.generator(index, Kind::Float64, &Override::default(), false);
        Tag { point, generator, edits: Edits::default() }
    }

    fn generator(&self, index: usize, kind: Kind, change: &Override, empty: bool) -> Generator {
        let config = &self.inner.config;
        let seconds = change.interval_seconds.unwrap_or(config.interval_seconds);
        Generator {
            kind,
            seed: mix(mix(config.seed) ^ index as u64),
            interval: ((seconds * SECOND as f64) as i64).max(SECOND / 1000),
            from: change.born.unwrap_or(self.inner.start).max(self.inner.start),
            empty,
            sprinkle: config.sprinkle,
        }
    }

    /// Every tag by index, hidden, removed and diagnostic ones included.
    pub fn points(&self) -> Vec<Point> {
        self.catalogue().tags.iter().map(|tag| tag.point.clone()).collect()
    }

    /// The index of the tag with this full path, in either view, hidden or not.
    pub fn index_of(&self, path: &str) -> Option<usize> {
        let catalogue = self.catalogue();
        let path = catalogue.canonical(path);
        catalogue.tags.iter().position(|tag| tag.point.paths().contains(&path.as_str()))
    }

    /// What the tag holds in `[start_ns, end_ns)`, nanoseconds since the Unix epoch, ascending, markers included.
    ///
    /// An unknown or removed index holds nothing.
    pub fn events(&self, tag_index: usize, start_ns: i64, end_ns: i64) -> Vec<Sample> {
        let (lo, hi) = (
            start_ns.div_euclid(100) + i64::from(start_ns.rem_euclid(100) != 0),
            end_ns.saturating_sub(1).div_euclid(100),
        );
        let catalogue = self.catalogue();
        let Some(tag) = catalogue.tags.get(tag_index).filter(|_| catalogue.holds(tag_index)) else { return Vec::new() };
        let found = self.collect(tag, lo, hi, false, usize::MAX);
        found.iter().map(|item| item.whole(&tag.generator)).collect()
    }

    /// The number of samples in `[start_ns, end_ns)`.
    pub fn count(&self, tag_index: usize, start_ns: i64, end_ns: i64) -> usize {
        self.events(tag_index, start_ns, end_ns).len()
    }

    /// First instant of the history and last instant that has arrived, in ticks.
    pub fn range(&self) -> (i64, i64) {
        (self.inner.start, self.inner.clock.arrived())
    }

    /// The event frames as they stand, in the order in which they were made.
    pub fn frames(&self) -> Vec<EventFrame> {
        let now = self.inner.clock.arrived();
        self.changing().frames.iter().filter_map(|frame| frame.at(now)).collect()
    }

    /// Every annotation, in the order in which they were written.
    pub fn annotations(&self) -> Vec<Annotation> {
        self.changing().annotations.clone()
    }

    /// What `browseStatus` shows for a view; `None`: there is no such view.
    pub fn sequence(&self, view: &str) -> Option<u64> {
        self.changing().sequences.get(view).copied()
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All tags as of now.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.inner.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Up to `max` samples of a tag with `lo ≤ t ≤ hi`, from the low end or from the high end.
    pub(crate) fn collect(&self, tag: &Tag, lo: i64, hi: i64, descending: bool, max: usize) -> Vec<Found> {
        let generator = &tag.generator;
        let last = if generator.empty { i64::MIN } else { self.inner.clock.arrived() };
        let series = Series { source: generator, overlay: tag.edits.overlay(), first: generator.from, last };
        let mut out = Vec::new();
        series.collect(lo, hi, descending, max, &mut out);
        out
    }

    /// The newest sample at or before an instant.
    pub(crate) fn newest(&self, tag: &Tag, at: i64) -> Option<Sample> {
        self.collect(tag, ALL.0, at, true, 1).pop().map(|item| item.whole(&tag.generator))
    }

    /// The oldest sample at or after an instant.
    pub(crate) fn oldest(&self, tag: &Tag, at: i64) -> Option<Sample> {
        self.collect(tag, at, ALL.1, false, 1).pop().map(|item| item.whole(&tag.generator))
    }

    /// The historian behind the views cannot be reached.
    pub(crate) fn is_offline(&self) -> bool {
        self.inner.offline.load(Ordering::Acquire)
    }

    /// The server's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}
