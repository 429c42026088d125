//! Stream Updates (reference §7): which streams are signed up, what has happened to each since, and when the server
//! forgets all of it.
//!
//! What is announced is not what the archive keeps: between two archived values there is a snapshot that the next one
//! discards, as compression does.

mod signup;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::event::Event;
use super::hash::mix;
use super::truth::Truth;
use super::webid::Form;

use signup::Signup;
pub(crate) use signup::{Action, Update};

/// The cache of a user who asks for nothing is dropped after this long.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// What is signed up: a point, or an attribute that refers to one.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Its WebId in every form.
    pub(crate) ids: Vec<(Form, String)>,
    /// Its name.
    pub(crate) name: String,
    /// Its path.
    pub(crate) path: String,
    /// Units of its values.
    pub(crate) units: String,
    /// The tag that holds its events.
    pub(crate) tag: usize,
}

impl Stream {
    /// The WebId in this form.
    pub(crate) fn id(&self, form: Form) -> &str {
        self.ids.iter().find(|(known, _)| *known == form).map_or("", |(_, id)| id)
    }
}

/// What a stream's marker gives.
#[derive(Clone, Debug)]
pub(crate) struct Retrieved {
    /// Whose marker it is.
    pub(crate) stream: Stream,
    /// Where the stream stands now, and what happened since the marker; or why it is signed up no more.
    pub(crate) outcome: Result<(String, Vec<Update>), &'static str>,
}

/// Why a marker gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// There is no cache: nothing is signed up, or all was forgotten.
    Cache,
    /// The cache does not know the marker.
    Marker,
}

/// The cache of the server's one user.
#[derive(Debug)]
pub(crate) struct Updates {
    seed: u64,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the first part of their markers.
    streams: HashMap<String, Signup>,
    /// The first part of a stream's markers by its WebId of the form `IDOnly`.
    signed_up: HashMap<String, String>,
    /// Signups so far; none gets the marker of another.
    made: u64,
    /// Time that tests let pass.
    passed: Duration,
    /// When it was last asked.
    touched: Duration,
}

impl Updates {
    /// Nothing is signed up.
    pub(crate) fn new(seed: u64) -> Updates {
        Updates { seed, started: Instant::now(), state: Mutex::default() }
    }

    /// The cache, without what idle time has cost.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if (self.started.elapsed() + state.passed).saturating_sub(state.touched) > IDLE {
            state.clear();
        }
        state
    }

    fn touch(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.touched = self.started.elapsed() + state.passed;
        state
    }

    /// Signs a stream up; its marker, and whether it is new.
    pub(crate) fn register(&self, truth: &Truth, stream: Stream) -> (String, bool) {
        let mut state = self.touch();
        let id = stream.id(Form::IdOnly).to_owned();
        let known = state.signed_up.get(&id).cloned().unwrap_or_default();
        if let Some(signup) = state.streams.get_mut(&known).filter(|signup| !signup.spoiled) {
            signup.follow(truth);
            return (signup.latest(), false);
        }
        state.streams.remove(&known);
        state.made += 1;
        let hash = mix(self.seed ^ mix(state.made));
        let hex = format!("{hash:016x}{:016x}", mix(hash));
        let signup = Signup::new(hex.clone(), stream, truth);
        let marker = signup.latest();
        state.streams.insert(hex.clone(), signup);
        state.signed_up.insert(id, hex);
        (marker, true)
    }

    /// What happened since a marker. With `once`, what has been retrieved is forgotten, and so is every marker before it.
    pub(crate) fn retrieve(&self, truth: &Truth, marker: &str, once: bool) -> Result<Retrieved, Lost> {
        let mut state = self.touch();
        if state.streams.is_empty() {
            return Err(Lost::Cache);
        }
        let (hex, at) = signup::parse(marker).ok_or(Lost::Marker)?;
        let signup = state.streams.get_mut(hex).ok_or(Lost::Marker)?;
        signup.follow(truth);
        let stream = signup.stream.clone();
        if signup.spoiled {
            state.streams.remove(hex);
            return Ok(Retrieved { stream, outcome: Err(signup::SPOILED) });
        }
        let updates = signup.since(at, once).ok_or(Lost::Marker)?;
        Ok(Retrieved { stream, outcome: Ok((signup.latest(), updates)) })
    }

    /// Announces a change of a tag to its signups.
    pub(crate) fn announce(&self, tag: usize, action: Action, event: &Event) {
        let mut state = self.state();
        for signup in state.streams.values_mut().filter(|signup| signup.stream.tag == tag) {
            signup.push(action, event.clone());
        }
    }

    /// Announces what has arrived of a tag, before something else is done to it.
    pub(crate) fn follow(&self, truth: &Truth, tag: usize) {
        let mut state = self.state();
        state.streams.values_mut().filter(|signup| signup.stream.tag == tag).for_each(|signup| signup.follow(truth));
    }

    /// The metadata of a stream changed: its signups end with an error when they are asked.
    pub(crate) fn spoil(&self, tag: usize) -> usize {
        let mut state = self.state();
        let signups = state.streams.values_mut().filter(|signup| signup.stream.tag == tag);
        signups.map(|signup| signup.spoiled = true).count()
    }

    /// Lets time pass without a request.
    pub(crate) fn pass(&self, time: Duration) {
        self.state().passed += time;
    }

    /// Forgets all, as a restart of the service does.
    pub(crate) fn forget(&self) {
        self.state().clear();
    }
}

impl State {
    fn clear(&mut self) {
        self.streams.clear();
        self.signed_up.clear();
    }
}
