//! From a WebId in any form, or a path, to the object it names. Ids count before paths, so the Full WebId of a renamed
//! object still finds it.

use std::sync::Arc;

use super::answer::Refusal;
use super::app::App;
use super::assets::{Attribute, Tree};
use super::frames::Record;
use super::tag::Tag;
use super::webid::{self, Class, Form, Guid, Local, Unknown, WebId};
use super::wildcard;

/// An object that a WebId names.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A PI point.
    Tag(Arc<Tag>),
    /// The AF server.
    AssetServer,
    /// A database.
    Database(Arc<Tree>),
    /// An element, hidden or not.
    Element(Arc<Tree>, usize),
    /// A template.
    Template(Arc<Tree>, usize),
    /// An event frame.
    Frame(Arc<Tree>, Arc<Record>),
    /// An attribute of an element or an event frame.
    Attribute(Arc<Tree>, Box<Attribute>),
}

impl Subject {
    fn name(&self) -> Option<&str> {
        match self {
            Subject::Tag(tag) => Some(&tag.point.name),
            Subject::AssetServer => None,
            Subject::Database(tree) => Some(&tree.home.name),
            Subject::Element(tree, at) => tree.node(*at).map(|node| node.name.as_str()),
            Subject::Template(tree, at) => tree.home.templates.get(*at).map(|template| template.name.as_str()),
            Subject::Frame(_, frame) => Some(&frame.name),
            Subject::Attribute(_, attribute) => Some(&attribute.name),
        }
    }

    fn web_id(&self, form: Form) -> String {
        match self {
            Subject::Tag(tag) => tag.point.web_id(form),
            Subject::AssetServer => String::new(),
            Subject::Database(tree) => tree.home.web_id(form),
            Subject::Element(tree, at) => tree.web_id(*at, form),
            Subject::Template(tree, at) => tree.home.templates.get(*at).map_or(String::new(), |it| it.web_id(form)),
            Subject::Frame(tree, frame) => frame.web_id(&tree.home, form),
            Subject::Attribute(_, attribute) => attribute.web_id(form),
        }
    }

    /// Whether a fault's `tag` pattern means this object: its name, by wildcard, or one of its WebIds.
    pub(crate) fn answers_to(&self, pattern: &str) -> bool {
        self.name().is_some_and(|name| wildcard::matches(pattern, name) || pattern == name)
            || Form::ALL.iter().any(|form| self.web_id(*form) == pattern)
    }
}

impl App {
    /// The object that a WebId names, hidden or not; the data server and its digital sets are looked up elsewhere.
    pub(crate) fn lookup(&self, web_id: &str) -> Result<Subject, Refusal> {
        let missing = || Refusal::errors(404, format!("The specified object was not found. WebId '{web_id}'."));
        match webid::decode(web_id) {
            Ok(id) if id.class == Class::Point => self.find_tag(web_id).map(Subject::Tag),
            Ok(id) => self.named(&id).ok_or_else(missing),
            Err(Unknown::Garbage) => Err(Refusal::bad(format!("The specified WebId '{web_id}' is invalid."))),
            Err(Unknown::Missing) => Err(missing()),
        }
    }

    fn named(&self, id: &WebId) -> Option<Subject> {
        let trees = || self.truth.af().trees();
        let server = trees().next()?.home.server;
        if id.server.is_some_and(|known| known != server) {
            return None;
        }
        match (id.class, id.local) {
            (_, None) => self.at_path(id.class, id.path.as_deref()?),
            (Class::AssetServer, Some(_)) => {
                let wanted = self.config.asset_server_name.to_uppercase();
                id.path.as_ref().is_none_or(|path| *path == wanted).then_some(Subject::AssetServer)
            }
            (Class::AssetDatabase, Some(Local::Guid(guid))) => {
                trees().find(|tree| tree.home.guid == guid).map(Subject::Database)
            }
            (Class::Element, Some(Local::Guid(guid))) => {
                trees().find_map(|tree| tree.find(&guid).map(|at| Subject::Element(tree, at)))
            }
            (Class::ElementTemplate, Some(Local::Guid(guid))) => trees().find_map(|tree| {
                let at = tree.home.templates.iter().position(|template| template.guid == guid);
                at.map(|at| Subject::Template(tree, at))
            }),
            (Class::EventFrame, Some(Local::Guid(guid))) => trees().find_map(|tree| self.frame_of(tree, &guid)),
            (Class::ElementAttribute, Some(Local::Owned(owner, guid))) => trees().find_map(|tree| {
                let (_, found) = tree.attribute(&self.truth.catalogue(), &owner, &guid)?;
                Some(Subject::Attribute(tree, Box::new(found)))
            }),
            (Class::FrameAttribute, Some(Local::Owned(owner, guid))) => trees().find_map(|tree| {
                let Subject::Frame(tree, frame) = self.frame_of(tree, &owner)? else { return None };
                self.attribute_of(tree, &frame, |attribute| attribute.guid == guid)
            }),
            _ => None,
        }
    }

    fn frame_of(&self, tree: Arc<Tree>, guid: &Guid) -> Option<Subject> {
        let arrived = self.truth.clock().arrived();
        let store = self.truth.af().frames(tree.home.index, arrived)?;
        let frame = store.find(guid).filter(|frame| frame.begun(arrived))?;
        Some(Subject::Frame(tree, Arc::clone(frame)))
    }

    fn attribute_of(&self, tree: Arc<Tree>, frame: &Record, is: impl Fn(&Attribute) -> bool) -> Option<Subject> {
        let attributes = frame.attributes(&tree.home, &self.truth.catalogue(), self.truth.clock().arrived());
        let found = attributes.into_iter().find(is)?;
        Some(Subject::Attribute(tree, Box::new(found)))
    }

    /// The object of this class at a path, with or without its leading backslashes, in any case.
    pub(crate) fn at_path(&self, class: Class, path: &str) -> Option<Subject> {
        let path = path.trim_start_matches('\\');
        let (server, rest) = path.split_once('\\').unwrap_or((path, ""));
        if server.to_uppercase() != self.config.asset_server_name.to_uppercase() {
            return None;
        }
        if class == Class::AssetServer {
            return rest.is_empty().then_some(Subject::AssetServer);
        }
        let (database, _) = rest.split_once('\\').unwrap_or((rest, ""));
        let wanted = database.to_uppercase();
        let tree = self.truth.af().trees().find(|tree| tree.home.name.to_uppercase() == wanted)?;
        let below = rest.get(database.len() + 1..).unwrap_or_default();
        let whole = format!(r"\\{path}").to_uppercase();
        let is = |attribute: &Attribute| attribute.path.to_uppercase() == whole;
        match class {
            Class::AssetDatabase => below.is_empty().then_some(Subject::Database(tree)),
            Class::Element => tree.at_path(below).map(|at| Subject::Element(tree, at)),
            Class::ElementTemplate => {
                let at = tree.home.templates.iter().position(|template| template.path.to_uppercase() == whole)?;
                Some(Subject::Template(tree, at))
            }
            Class::ElementAttribute => {
                let (owner, inside) = below.split_once('|')?;
                let inside = inside.to_uppercase();
                let at = tree.at_path(owner)?;
                let all = tree.attributes(&self.truth.catalogue(), at);
                let found = all.into_iter().find(|attribute| attribute.inside().to_uppercase() == inside)?;
                Some(Subject::Attribute(tree, Box::new(found)))
            }
            Class::EventFrame | Class::FrameAttribute => {
                let arrived = self.truth.clock().arrived();
                let store = self.truth.af().frames(tree.home.index, arrived)?;
                let frame_path = path.split_once('|').map_or(path, |(frame, _)| frame);
                let frame = store.at_path(&format!(r"\\{frame_path}")).filter(|frame| frame.begun(arrived))?;
                match class {
                    Class::EventFrame => Some(Subject::Frame(tree, Arc::clone(frame))),
                    _ => self.attribute_of(tree, frame, is),
                }
            }
            Class::AssetServer | Class::DataServer | Class::Point => None,
        }
    }
}
