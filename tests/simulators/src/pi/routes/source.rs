//! What a stream is: a PI point, or an attribute of an element or an event frame.

use std::sync::Arc;

use super::assets;
use crate::pi::answer::Refusal;
use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Tree};
use crate::pi::event::{Event, Value};
use crate::pi::json::Obj;
use crate::pi::recorded::Ask;
use crate::pi::tag::{Kind, Tag};
use crate::pi::webid::{self, Class, Form};

/// A stream that a WebId names.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A PI point.
    Point(Arc<Tag>),
    /// An attribute, with or without data reference.
    Attribute(Arc<Tree>, Box<Attribute>),
}

fn is_attribute(web_id: &str) -> bool {
    webid::decode(web_id).is_ok_and(|id| matches!(id.class, Class::ElementAttribute | Class::FrameAttribute))
}

impl Source {
    /// The stream with this WebId, if the caller may read it.
    pub(super) fn find(call: &Call<'_>, web_id: &str) -> Result<Source, Refusal> {
        if is_attribute(web_id) {
            let (tree, attribute) = assets::attribute(call, web_id)?;
            return Ok(Source::Attribute(tree, Box::new(attribute)));
        }
        call.app.readable_tag(web_id).map(Source::Point)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        match self {
            Source::Point(tag) => &tag.point.name,
            Source::Attribute(_, attribute) => &attribute.name,
        }
    }

    /// Units of its values, empty for points.
    pub(super) fn units(&self) -> &str {
        match self {
            Source::Point(_) => "",
            Source::Attribute(_, attribute) => &attribute.units,
        }
    }

    /// The tag whose history this is: 409 for an attribute without history, 404 without its point, 501 for blobs.
    pub(super) fn history(&self, call: &Call<'_>) -> Result<Arc<Tag>, Refusal> {
        let tag = match self {
            Source::Point(tag) => Arc::clone(tag),
            Source::Attribute(_, attribute) if !attribute.is_stream() => return Err(no_history(&attribute.name)),
            Source::Attribute(_, attribute) => {
                let missing = || Refusal::errors(404, format!("PI Point not found '{}'.", attribute.config_string));
                let catalogue = call.app.truth.catalogue();
                let tag = attribute.tag.and_then(|index| catalogue.tags.get(index));
                tag.filter(|tag| tag.hidden.is_none()).cloned().ok_or_else(missing)?
            }
        };
        if tag.point.kind == Kind::Blob {
            return Err(Refusal::errors(501, "Values of type 'Blob' are not supported."));
        }
        Ok(tag)
    }

    /// Its newest value at or before `time`, or at or before now; the very last one for `end`.
    pub(super) fn newest(&self, call: &Call<'_>, end: bool) -> Result<Event, Refusal> {
        match self {
            Source::Attribute(tree, attribute) if !end => reading(call, tree, attribute),
            Source::Attribute(_, attribute) if attribute.value.is_some() => {
                Ok(call.app.truth.reading(attribute, call.app.truth.clock().arrived()))
            }
            _ => {
                let tag = self.history(call)?;
                let at = if end { i64::MAX / 4 } else { call.query.time(call.app, "time", "time", "*")? };
                let found = call.app.truth.view(&tag).newest(at);
                let no_data = Value::System { name: "No Data".into(), code: 248 };
                let nothing = || Event { good: false, ..Event::good(call.app.truth.clock().now(), no_data) };
                Ok(found.map_or_else(nothing, |item| item.event(&tag)))
            }
        }
    }

    /// The window of a request, which for an attribute of an event frame is the frame's unless told otherwise.
    pub(super) fn within(&self, call: &Call<'_>, ask: Ask) -> Ask {
        match self {
            Source::Attribute(tree, attribute) if attribute.class == Class::FrameAttribute => {
                let arrived = call.app.truth.clock().arrived();
                let store = call.app.truth.af().frames(tree.home.index, arrived);
                let frame = store.as_ref().and_then(|store| store.find(&attribute.owner));
                frame.map_or(ask, |frame| ask.within(call, frame.start, call.app.truth.context(frame)))
            }
            _ => ask,
        }
    }

    /// Writes what stands before the values in a stream set.
    pub(super) fn heading(&self, call: &Call<'_>, object: &mut Obj<'_, '_>, form: Form) {
        let (id, path, collection) = match self {
            Source::Point(tag) => (tag.point.web_id(form), &tag.point.path, "/points/"),
            Source::Attribute(_, attribute) => (attribute.web_id(form), &attribute.path, "/attributes/"),
        };
        object.text("WebId", &id).text("Name", self.name()).text("Path", path);
        object.object("Links", |links| {
            links.link("Source", &[call.base, collection, &id]);
        });
    }
}

/// 409 of a read that the data reference does not support.
pub(super) fn no_history(name: &str) -> Refusal {
    Refusal::errors(409, format!("The operation is not supported by the data reference of '{name}'."))
}

/// The value of an attribute at `time`; without it now, or at the end of the event frame that owns it.
pub(super) fn reading(call: &Call<'_>, tree: &Tree, attribute: &Attribute) -> Result<Event, Refusal> {
    let truth = &call.app.truth;
    let arrived = truth.clock().arrived();
    let at = if call.query.one("time").is_some() {
        call.query.time(call.app, "time", "time", "*")?
    } else {
        let store = truth.af().frames(tree.home.index, arrived).filter(|_| attribute.class == Class::FrameAttribute);
        let frame = store.as_ref().and_then(|store| store.find(&attribute.owner));
        frame.map_or_else(|| truth.clock().now(), |frame| truth.context(frame))
    };
    Ok(truth.reading(attribute, at))
}
