//! One event frame as it is kept.

use std::collections::BTreeMap;

use crate::pi::assets::patterns::{FRAME, Owner};
use crate::pi::assets::{Attribute, Home};
use crate::pi::event::Event;
use crate::pi::truth::Catalogue;
use crate::pi::webid::{self, Class, Form, Guid, Local};

/// The names of `Severity`, in rising order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Severity;

impl Severity {
    /// All of them.
    pub(crate) const ALL: [&'static str; 6] = ["None", "Information", "Warning", "Minor", "Major", "Critical"];

    /// A name in any case, or its number.
    pub(crate) fn parse(text: &str) -> Option<&'static str> {
        let by_name = Self::ALL.iter().find(|name| name.eq_ignore_ascii_case(text));
        by_name.or_else(|| Self::ALL.get(text.parse::<usize>().ok()?)).copied()
    }
}

/// An event frame as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// `Id`.
    pub(crate) guid: Guid,
    /// `Name`, not unique.
    pub(crate) name: String,
    /// `Description`.
    pub(crate) description: String,
    /// Position of its template.
    pub(crate) template: Option<usize>,
    /// `CategoryNames`.
    pub(crate) categories: Vec<String>,
    /// `StartTime` in ticks.
    pub(crate) start: i64,
    /// When it ends; `None`: it never does.
    pub(crate) end: Option<i64>,
    /// The clock no longer decides whether it has begun and ended.
    pub(crate) fixed: bool,
    /// `Severity`.
    pub(crate) severity: &'static str,
    /// `CanBeAcknowledged`.
    pub(crate) can_acknowledge: bool,
    /// By whom and when, once it has ended.
    pub(crate) acknowledged: Option<(String, i64)>,
    /// `IsAnnotated`.
    pub(crate) annotated: bool,
    /// `IsLocked`.
    pub(crate) locked: bool,
    /// The frame that it lies below, and that one's name.
    pub(crate) parent: Option<(Guid, String)>,
    /// Frames below it.
    pub(crate) children: Vec<Guid>,
    /// Referenced elements, the primary one first.
    pub(crate) elements: Vec<Guid>,
    /// Values that have been edited, by name of the attribute.
    pub(crate) values: BTreeMap<String, Event>,
    /// What its attributes are generated from.
    pub(crate) number: u64,
}

impl Record {
    /// Whether it has begun when this much has arrived.
    pub(crate) fn begun(&self, arrived: i64) -> bool {
        self.fixed || self.start <= arrived
    }

    /// `EndTime` when this much has arrived; `None`: it is open.
    pub(crate) fn end(&self, arrived: i64) -> Option<i64> {
        self.end.filter(|end| self.fixed || *end <= arrived)
    }

    /// Who acknowledged it when, when this much has arrived.
    pub(crate) fn acknowledged(&self, arrived: i64) -> Option<&(String, i64)> {
        self.acknowledged.as_ref().filter(|_| self.fixed || self.end(arrived).is_some())
    }

    /// `Path`.
    pub(crate) fn path(&self, home: &Home) -> String {
        match &self.parent {
            None => format!(r"{}\EventFrames[{}]", home.path, self.name),
            Some((_, parent)) => format!(r"{}\EventFrames[{parent}]\{}", home.path, self.name),
        }
    }

    /// Its WebId in one of the five forms.
    pub(crate) fn web_id(&self, home: &Home, form: Form) -> String {
        let path = if matches!(form, Form::Full | Form::PathOnly) { self.path(home) } else { String::new() };
        webid::encode(form, Class::EventFrame, &home.server, Local::Guid(self.guid), &path)
    }

    /// The name of its template, empty without one.
    pub(crate) fn template_name<'h>(&self, home: &'h Home) -> &'h str {
        self.template.and_then(|index| home.templates.get(index)).map_or("", |template| &template.name)
    }

    /// Its attributes when this much has arrived. Values are captured when a frame ends, so they change with its end.
    pub(crate) fn attributes(&self, home: &Home, tags: &Catalogue, arrived: i64) -> Vec<Attribute> {
        let path = self.path(home);
        let end = self.end(arrived);
        let owner = Owner {
            home,
            tags,
            guid: self.guid,
            class: Class::FrameAttribute,
            path: &path,
            number: self.number,
            at: end.unwrap_or(self.start),
            count: home.frame_attributes,
            patterns: &FRAME,
        };
        let mut all = owner.all();
        if end.is_none() {
            let running = Owner { number: self.number ^ 1 << 56, ..owner };
            for (attribute, now) in all.iter_mut().zip(running.all()) {
                attribute.value = now.value;
            }
        }
        for attribute in &mut all {
            attribute.value = self.values.get(&attribute.name).cloned().or(attribute.value.take());
        }
        all
    }
}
