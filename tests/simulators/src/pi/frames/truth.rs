//! What event frames there really are, for tests to compare with and to change while the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::make::af_grid;
use super::record::{Record, Severity};
use crate::pi::assets::{Attribute, Home};
use crate::pi::event::Event;
use crate::pi::truth::Truth;
use crate::pi::webid::{self, Class, Form, Guid, Local, parse_guid};

/// The event frames behind a server; clones share them. Frames go by their `Id`, hyphenated.
#[derive(Clone, Debug)]
pub struct FrameTruth {
    truth: Truth,
}

/// An event frame as it stands. Times are 100 ns ticks since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Name of its database.
    pub database: String,
    /// `Id`, hyphenated.
    pub id: String,
    /// `Name`, not unique.
    pub name: String,
    /// `Description`.
    pub description: String,
    /// `Path`.
    pub path: String,
    /// `TemplateName`, empty without one.
    pub template: String,
    /// `CategoryNames`.
    pub categories: Vec<String>,
    /// `StartTime`.
    pub start: i64,
    /// `EndTime`; `None`: still open.
    pub end: Option<i64>,
    /// `Severity`.
    pub severity: &'static str,
    /// `CanBeAcknowledged`.
    pub can_be_acknowledged: bool,
    /// `AcknowledgedBy` and `AcknowledgedDate`; `None`: not acknowledged.
    pub acknowledged: Option<(String, i64)>,
    /// `IsAnnotated`.
    pub annotated: bool,
    /// `IsLocked`.
    pub locked: bool,
    /// `AreValuesCaptured`: the frame has ended.
    pub captured: bool,
    /// `Id` of the frame that it lies below.
    pub parent: Option<String>,
    /// `Id`s of the frames below it that have begun.
    pub children: Vec<String>,
    /// `Id`s of the referenced elements that the caller may see, the primary one first.
    pub elements: Vec<String>,
    guid: Guid,
    server: Guid,
}

impl Frame {
    /// Its WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::EventFrame, &self.server, Local::Guid(self.guid), &self.path)
    }
}

/// A frame to add; times are 100 ns ticks since the Unix epoch and are rounded down to AF's grid of 1/300 s.
#[derive(Clone, Debug, Default)]
pub struct NewFrame {
    /// `Name`.
    pub name: String,
    /// Name of its template; `None`: without one.
    pub template: Option<String>,
    /// `StartTime`.
    pub start: i64,
    /// `EndTime`; `None`: open.
    pub end: Option<i64>,
    /// `Id`s of the referenced elements, the primary one first.
    pub elements: Vec<String>,
    /// `Id` of the frame that it lies below.
    pub parent: Option<String>,
    /// `CanBeAcknowledged`.
    pub can_be_acknowledged: bool,
}

impl FrameTruth {
    pub(crate) fn new(truth: Truth) -> FrameTruth {
        FrameTruth { truth }
    }

    fn homes(&self) -> Vec<Arc<Home>> {
        self.truth.af().trees().map(|tree| Arc::clone(&tree.home)).collect()
    }

    fn home(&self, database: &str) -> Option<Arc<Home>> {
        self.homes().into_iter().find(|home| home.name.eq_ignore_ascii_case(database))
    }

    fn locate(&self, id: &str) -> Option<(Arc<Home>, Arc<Record>)> {
        let guid = parse_guid(id)?;
        let arrived = self.truth.clock().arrived();
        self.homes().into_iter().find_map(|home| {
            let store = self.truth.af().frames(home.index, arrived)?;
            let frame = store.find(&guid).filter(|frame| frame.begun(arrived))?;
            Some((home, Arc::clone(frame)))
        })
    }

    /// Every frame of a database that has begun, those below others included, by start.
    pub fn all(&self, database: &str) -> Vec<Frame> {
        let arrived = self.truth.clock().arrived();
        let Some(home) = self.home(database) else { return Vec::new() };
        let Some(store) = self.truth.af().frames(home.index, arrived) else { return Vec::new() };
        let begun = store.all().iter().filter(|frame| frame.begun(arrived));
        begun.map(|frame| self.show(&home, frame)).collect()
    }

    /// One frame.
    pub fn frame(&self, id: &str) -> Option<Frame> {
        self.locate(id).map(|(home, frame)| self.show(&home, &frame))
    }

    /// The attributes of a frame.
    pub fn attributes(&self, id: &str) -> Vec<Attribute> {
        let arrived = self.truth.clock().arrived();
        let found = self.locate(id);
        found.map(|(home, frame)| frame.attributes(&home, &self.truth.catalogue(), arrived)).unwrap_or_default()
    }

    /// What the server answers to a read of the frame's values: the attribute's name and its value.
    pub fn values(&self, id: &str) -> Vec<(String, Event)> {
        let Some((_, frame)) = self.locate(id) else { return Vec::new() };
        let at = self.truth.context(&frame);
        let each = self.attributes(id).into_iter().map(|attribute| {
            let event = self.truth.reading(&attribute, at);
            (attribute.name, event)
        });
        each.collect()
    }

    /// Adds a frame; its `Id`. `None`: no such database, template, element or parent.
    pub fn add(&self, database: &str, new: NewFrame) -> Option<String> {
        let home = self.home(database)?;
        let template = new.template.map(|name| home.template(&name)).map_or(Some(None), |at| at.map(Some))?;
        let parent = match &new.parent {
            None => None,
            Some(id) => self.locate(id).map(|(_, frame)| Some((frame.guid, frame.name.clone())))?,
        };
        let elements = new.elements.iter().map(|id| parse_guid(id)).collect::<Option<Vec<_>>>()?;
        self.truth.af().change_frames(home.index, |store| {
            let number = store.all().len() as u64 ^ 1 << 48;
            let guid = (0..).map(|n| webid::derive(&home.guid, b'N', number + n)).find(|id| store.find(id).is_none());
            let guid = guid?;
            store.add(Record {
                guid,
                name: new.name,
                description: String::new(),
                template,
                categories: Vec::new(),
                start: af_grid(new.start),
                end: new.end.map(af_grid),
                fixed: true,
                severity: "None",
                can_acknowledge: new.can_be_acknowledged,
                acknowledged: None,
                annotated: false,
                locked: false,
                parent,
                children: Vec::new(),
                elements,
                values: BTreeMap::new(),
                number,
            });
            Some(webid::guid_text(&guid))
        })?
    }

    /// Ends an open frame, or moves the end of one that has ended. `false`: there is none.
    pub fn close(&self, id: &str, end: i64) -> bool {
        self.change(id, |frame| frame.end = Some(af_grid(end)))
    }

    /// Sets both times; without an end the frame is open. `false`: there is none.
    pub fn set_times(&self, id: &str, start: i64, end: Option<i64>) -> bool {
        self.change(id, |frame| (frame.start, frame.end) = (af_grid(start), end.map(af_grid)))
    }

    /// Sets the value of an attribute. `false`: there is no such frame.
    pub fn set_value(&self, id: &str, attribute: &str, event: Event) -> bool {
        self.change(id, |frame| {
            frame.values.insert(attribute.to_owned(), event);
        })
    }

    /// Acknowledges a frame. `false`: there is none.
    pub fn acknowledge(&self, id: &str, by: &str, at: i64) -> bool {
        self.change(id, |frame| frame.acknowledged = Some((by.to_owned(), af_grid(at))))
    }

    /// Renames a frame. `false`: there is none.
    pub fn rename(&self, id: &str, name: &str) -> bool {
        self.change(id, |frame| name.clone_into(&mut frame.name))
    }

    /// Sets the severity; `false`: there is no such frame or severity.
    pub fn set_severity(&self, id: &str, severity: &str) -> bool {
        Severity::parse(severity).is_some_and(|severity| self.change(id, |frame| frame.severity = severity))
    }

    /// Deletes a frame and those below it. `false`: there is none.
    pub fn delete(&self, id: &str) -> bool {
        let Some((home, frame)) = self.locate(id) else { return false };
        self.truth.af().change_frames(home.index, |store| store.delete(&frame.guid)).unwrap_or(false)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Record)) -> bool {
        let arrived = self.truth.clock().arrived();
        let Some((home, frame)) = self.locate(id) else { return false };
        let edit = |frame: &mut Record| {
            frame.acknowledged = frame.acknowledged(arrived).cloned();
            frame.end = frame.end(arrived);
            frame.fixed = true;
            change(frame);
        };
        self.truth.af().change_frames(home.index, |store| store.change(&frame.guid, edit)).unwrap_or(false)
    }

    fn show(&self, home: &Home, frame: &Record) -> Frame {
        let arrived = self.truth.clock().arrived();
        let children = self.truth.af().frames(home.index, arrived).map(|store| {
            let begun = |id: &&Guid| store.find(id).is_some_and(|child| child.begun(arrived));
            frame.children.iter().filter(begun).map(webid::guid_text).collect()
        });
        let elements = self.truth.af().tree(home.index).map(|tree| {
            let seen = |id: &&Guid| tree.find(id).and_then(|at| tree.node(at)).is_some_and(|node| !node.hidden);
            frame.elements.iter().filter(seen).map(webid::guid_text).collect()
        });
        Frame {
            database: home.name.clone(),
            id: webid::guid_text(&frame.guid),
            name: frame.name.clone(),
            description: frame.description.clone(),
            path: frame.path(home),
            template: frame.template_name(home).to_owned(),
            categories: frame.categories.clone(),
            start: frame.start,
            end: frame.end(arrived),
            severity: frame.severity,
            can_be_acknowledged: frame.can_acknowledge,
            acknowledged: frame.acknowledged(arrived).cloned(),
            annotated: frame.annotated,
            locked: frame.locked,
            captured: frame.end(arrived).is_some(),
            parent: frame.parent.as_ref().map(|(guid, _)| webid::guid_text(guid)),
            children: children.unwrap_or_default(),
            elements: elements.unwrap_or_default(),
            guid: frame.guid,
            server: home.server,
        }
    }
}
