//! What the server really holds, for tests to compare with and to change while the server runs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::archive::View;
use super::assets::{Af, AssetTruth, Attribute};
use super::clock::{Clock, DAY, SECOND};
use super::config::{Config, Override};
use super::event::{Event, Value};
use super::frames::{FrameTruth, Record};
use super::generate::Generator;
use super::hash::mix;
use super::names;
use super::tag::{Kind, Point, Tag};
use super::updates::{Action, Updates};
use super::webid::Guid;

/// The data behind a server; clones share it.
#[derive(Clone, Debug)]
pub struct Truth {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    server: Guid,
    start: i64,
    clock: Clock,
    tags: RwLock<Arc<Catalogue>>,
    assets: Af,
    updates: Updates,
}

/// All tags and the ways to find one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    /// By index.
    pub(crate) tags: Vec<Arc<Tag>>,
    by_id: HashMap<u32, usize>,
    by_name: HashMap<String, usize>,
}

impl Catalogue {
    /// The tag with this `Id`.
    pub(crate) fn by_id(&self, id: u32) -> Option<&Arc<Tag>> {
        self.tags.get(*self.by_id.get(&id)?)
    }

    /// The tag with this name, in any case.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Tag>> {
        self.tags.get(*self.by_name.get(&name.to_uppercase())?)
    }

    fn add(&mut self, tag: Tag) {
        let index = self.tags.len();
        self.by_id.insert(tag.point.id, index);
        self.by_name.insert(tag.point.name.to_uppercase(), index);
        self.tags.push(Arc::new(tag));
    }
}

/// A GUID for a server name; the one of the documented examples for `SIMPI`.
pub(crate) fn server_guid(name: &str) -> Guid {
    if name.eq_ignore_ascii_case("SIMPI") {
        return [0x6f, 0x40, 0xdf, 0x05, 0xd9, 0xcd, 0x44, 0xf7, 0x8d, 0x4a, 0x3c, 0xb8, 0x26, 0xd0, 0xf9, 0x7d];
    }
    let hash = name.to_uppercase().bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
    let mut guid = [0; 16];
    guid[..8].copy_from_slice(&mix(hash).to_be_bytes());
    guid[8..].copy_from_slice(&mix(hash ^ 1).to_be_bytes());
    guid
}

impl Truth {
    /// The data that this config describes.
    pub(crate) fn new(config: &Config) -> Truth {
        let clock = Clock::new(config.end, config.live, config.knobs.clock_skew_seconds);
        let start = clock.arrived() - (config.days * DAY as f64) as i64;
        let server = server_guid(&config.server_name);
        let assets = Af::new(config, start, clock.arrived());
        let (tags, updates) = (RwLock::default(), Updates::new(config.seed));
        let inner = Inner { config: config.clone(), server, start, clock, tags, assets, updates };
        let truth = Truth { inner: Arc::new(inner) };
        let mut catalogue = Catalogue::default();
        for index in 0..config.tags {
            let change = config.overrides.get(&index).cloned().unwrap_or_default();
            catalogue.add(truth.make(index, &change));
        }
        *truth.inner.tags.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
        truth
    }

    fn make(&self, index: usize, change: &Override) -> Tag {
        let config = &self.inner.config;
        let (name, units, descriptor) = names::tag(&config.name_prefix, index, config.hostile_names);
        let name = change.name.clone().unwrap_or(name);
        let deal = config.kinds.get(index % config.kinds.len().max(1)).copied();
        let kind = change.kind.or(deal).unwrap_or(Kind::Float32);
        let from_end = config.tags.saturating_sub(index);
        let future = (1..=config.future).contains(&from_end);
        let empty = from_end > config.future && from_end <= config.future + config.empty;
        let (set, labels) = names::SETS[index % names::SETS.len()];
        let (digital_set, labels) = if kind == Kind::Digital { (set, labels) } else { ("", &[][..]) };
        let seconds = change.interval_seconds.unwrap_or(config.interval_seconds);
        let middle = self.inner.start + (self.inner.clock.arrived() - self.inner.start) / 2;
        let hidden = config.hidden.get(&index).copied();
        let generator = Generator {
            kind,
            seed: mix(mix(config.seed) ^ index as u64),
            interval: ((seconds * SECOND as f64) as i64).max(SECOND / 1000),
            from: change.born.unwrap_or(self.inner.start).max(self.inner.start),
            ahead: if future { (config.future_days * DAY as f64) as i64 } else { 0 },
            empty,
            burst: change.burst.map(|count| (change.burst_at.unwrap_or(middle), count)),
            sprinkle: config.sprinkle,
            labels,
        };
        let number = matches!(kind, Kind::Float32 | Kind::Float64 | Kind::Int32 | Kind::Int16 | Kind::Int64);
        let point = Point {
            index,
            id: 1001 + 3 * index as u32,
            path: format!(r"\\{}\{name}", config.server_name),
            name,
            descriptor,
            kind,
            digital_set,
            units: if number { units } else { "" },
            zero: 0.0,
            span: 100.0,
            step: !matches!(kind, Kind::Float32 | Kind::Float64),
            future,
            hidden: hidden.is_some(),
            server: self.inner.server,
        };
        Tag::new(point, generator, hidden)
    }

    /// Every point by index, hidden ones included.
    pub fn points(&self) -> Vec<Point> {
        self.catalogue().tags.iter().map(|tag| tag.point.clone()).collect()
    }

    /// The index of the tag with this name, in any case.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.catalogue().by_name(name).map(|tag| tag.point.index)
    }

    /// What the tag holds in `[start_ns, end_ns)`, nanoseconds since the Unix epoch, in the server's order.
    ///
    /// An unknown index holds nothing. With snapshots the provisional newest value is part of the answer, marked so.
    pub fn events(&self, tag_index: usize, start_ns: i64, end_ns: i64) -> Vec<Event> {
        let (lo, hi) = (
            start_ns.div_euclid(100) + i64::from(start_ns.rem_euclid(100) != 0),
            end_ns.saturating_sub(1).div_euclid(100),
        );
        let catalogue = self.catalogue();
        let Some(tag) = catalogue.tags.get(tag_index) else { return Vec::new() };
        let view = self.view(tag);
        view.collect(lo, hi, false, usize::MAX).iter().map(|item| item.event(tag)).collect()
    }

    /// The number of events in `[start_ns, end_ns)`.
    pub fn count(&self, tag_index: usize, start_ns: i64, end_ns: i64) -> usize {
        let (lo, hi) = (
            start_ns.div_euclid(100) + i64::from(start_ns.rem_euclid(100) != 0),
            end_ns.saturating_sub(1).div_euclid(100),
        );
        self.catalogue().tags.get(tag_index).map_or(0, |tag| self.view(tag).count(lo, hi, true))
    }

    /// First instant of the history and last instant that has arrived, in ticks.
    pub fn range(&self) -> (i64, i64) {
        (self.inner.start, self.inner.clock.arrived())
    }

    /// Moves the end of what has arrived, in ticks: later brings new events, earlier takes them back.
    pub fn set_end(&self, ticks: i64) {
        self.inner.clock.set_end(ticks);
    }

    /// Adds an event, after those that already share its timestamp. `false`: no such tag.
    pub fn insert(&self, tag_index: usize, event: Event) -> bool {
        let (ticks, newest) = (event.ticks, self.newest(tag_index));
        let action = if newest.is_none_or(|newest| ticks > newest) { Action::Add } else { Action::Update };
        let done = self.change(tag_index, ticks, |events| events.push(Arc::new(event.clone()))).is_some();
        self.inner.updates.announce(tag_index, action, &event);
        done
    }

    /// Replaces the `ordinal`-th event at `ticks`, 0 first. `false`: there is none.
    pub fn replace(&self, tag_index: usize, ticks: i64, ordinal: usize, event: Event) -> bool {
        let new = Event { ticks, ..event };
        let put = |events: &mut Vec<Arc<Event>>| events.get_mut(ordinal).map(|slot| *slot = Arc::new(new.clone()));
        let done = self.change(tag_index, ticks, put).flatten().is_some();
        if done {
            self.inner.updates.announce(tag_index, Action::Update, &new);
        }
        done
    }

    /// Deletes every event at `ticks`; how many there were.
    pub fn delete(&self, tag_index: usize, ticks: i64) -> usize {
        let gone = self.change(tag_index, ticks, std::mem::take).unwrap_or_default();
        for event in &gone {
            self.inner.updates.announce(tag_index, Action::Delete, event);
        }
        gone.len()
    }

    /// Adds a tag, as an administrator would at run time; its index. `born` decides whether it brings a history.
    pub fn add_tag(&self, tag: Override) -> usize {
        let mut guard = self.inner.tags.write().unwrap_or_else(PoisonError::into_inner);
        let catalogue = Arc::make_mut(&mut guard);
        let index = catalogue.tags.len();
        catalogue.add(self.make(index, &tag));
        index
    }

    /// The metadata of a tag changes: its Stream Updates end with an error when they are next asked for. How many signups
    /// that concerns.
    pub fn spoil_updates(&self, tag_index: usize) -> usize {
        self.inner.updates.spoil(tag_index)
    }

    /// The newest archived instant of a tag.
    fn newest(&self, tag_index: usize) -> Option<i64> {
        let catalogue = self.catalogue();
        let view = View::new(catalogue.tags.get(tag_index)?, &self.inner.clock, false);
        view.newest(i64::MAX / 4).map(|item| item.instant())
    }

    fn change<T>(&self, tag_index: usize, ticks: i64, change: impl FnOnce(&mut Vec<Arc<Event>>) -> T) -> Option<T> {
        let catalogue = self.catalogue();
        let tag = catalogue.tags.get(tag_index)?;
        self.inner.updates.follow(self, tag_index);
        let now = View::new(tag, &self.inner.clock, false).collect(ticks, ticks, false, usize::MAX);
        let now: Vec<Arc<Event>> = now.iter().map(|item| Arc::new(item.event(tag))).collect();
        Some(tag.edits.edit(|overlay| change(overlay.entry(ticks).or_insert(now))))
    }

    /// The elements and their attributes.
    pub fn assets(&self) -> AssetTruth {
        AssetTruth::new(self.clone())
    }

    /// The event frames.
    pub fn frames(&self) -> FrameTruth {
        FrameTruth::new(self.clone())
    }

    /// The asset databases.
    pub(crate) fn af(&self) -> &Af {
        &self.inner.assets
    }

    /// What a read of an attribute at `at` gives: its own value, or that of the tag it refers to.
    pub(crate) fn reading(&self, attribute: &Attribute, at: i64) -> Event {
        if let Some(event) = &attribute.value {
            let calculated = attribute.data_reference == "Formula";
            let ticks = if calculated { at.min(self.inner.clock.arrived()) } else { event.ticks };
            return Event { ticks, ..event.clone() };
        }
        let bad = |value: Value| Event { good: false, ..Event::good(at, value) };
        let catalogue = self.catalogue();
        let Some(tag) = attribute.tag.and_then(|index| catalogue.tags.get(index)) else {
            return bad(Value::Errors(vec![format!("PI Point not found '{}'.", attribute.config_string)]));
        };
        if tag.point.kind == Kind::Blob {
            return bad(Value::Errors(vec!["Values of type 'Unsupported' are not supported.".to_owned()]));
        }
        let newest = self.view(tag).newest(at);
        newest.map_or_else(|| bad(Value::System { name: "No Data".into(), code: 248 }), |item| item.event(tag))
    }

    /// The instant that values of a frame are read at: its end, or what has arrived while it is open.
    pub(crate) fn context(&self, frame: &Record) -> i64 {
        let arrived = self.inner.clock.arrived();
        frame.end(arrived).unwrap_or(arrived)
    }

    /// All tags as of now.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.inner.tags.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One tag as of now.
    pub(crate) fn view<'a>(&self, tag: &'a Tag) -> View<'a> {
        View::new(tag, &self.inner.clock, self.inner.config.snapshot)
    }

    /// Who is signed up for updates.
    pub(crate) fn updates(&self) -> &Updates {
        &self.inner.updates
    }

    /// The data server's GUID.
    pub(crate) fn server(&self) -> Guid {
        self.inner.server
    }

    /// The server's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Timestamps only, for the tests of the archive.
    #[cfg(test)]
    pub(crate) fn ticks(&self, tag_index: usize, lo: i64, hi: i64, descending: bool, max: usize) -> Vec<i64> {
        let catalogue = self.catalogue();
        self.view(&catalogue.tags[tag_index])
            .collect(lo, hi, descending, max)
            .iter()
            .map(super::archive::Item::instant)
            .collect()
    }
}
