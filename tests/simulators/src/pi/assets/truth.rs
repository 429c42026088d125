//! What the databases really hold, for tests to compare with and to change while the server runs.

use std::sync::Arc;

use super::attribute::Attribute;
use super::home::Template;
use super::tree::{Holder, Node, Tree};
use crate::pi::event::Event;
use crate::pi::truth::Truth;
use crate::pi::webid::{self, Class, Form, Guid, Local, parse_guid};

/// The elements and attributes behind a server; clones share them. Objects go by their `Id`, hyphenated.
#[derive(Clone, Debug)]
pub struct AssetTruth {
    truth: Truth,
}

/// An asset database.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// `Name`.
    pub name: String,
    /// `Id`, hyphenated.
    pub id: String,
    /// `Path`.
    pub path: String,
    /// Templates of elements and of event frames.
    pub templates: Vec<Template>,
    guid: Guid,
    server: Guid,
}

impl Database {
    /// Its WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::AssetDatabase, &self.server, Local::Guid(self.guid), &self.path)
    }
}

/// An element as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Name of its database.
    pub database: String,
    /// `Id`, hyphenated.
    pub id: String,
    /// `Name`.
    pub name: String,
    /// `Description`.
    pub description: String,
    /// `Path`, the primary one.
    pub path: String,
    /// Every path, the primary one first.
    pub paths: Vec<String>,
    /// `TemplateName`, empty without one.
    pub template: String,
    /// `CategoryNames`.
    pub categories: Vec<String>,
    /// Keys and values of `ExtendedProperties`.
    pub extended: Vec<(String, String)>,
    /// `Id` of its first parent; `None` at the top.
    pub parent: Option<String>,
    /// `Id`s of further parents; `None` stands for the database itself.
    pub held_by: Vec<Option<String>>,
    /// Levels above it on the primary path, 0 at the top.
    pub depth: usize,
    /// `HasChildren`.
    pub has_children: bool,
    /// The caller may not see it.
    pub hidden: bool,
    guid: Guid,
    server: Guid,
}

impl Element {
    /// Its WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::Element, &self.server, Local::Guid(self.guid), &self.path)
    }
}

impl Node {
    /// `ExtendedProperties`: every seventh element has one.
    pub(crate) fn extended(&self) -> Option<(&'static str, String)> {
        self.number.is_multiple_of(7).then(|| ("AssetNumber", format!("A-{:06}", self.number)))
    }
}

impl AssetTruth {
    pub(crate) fn new(truth: Truth) -> AssetTruth {
        AssetTruth { truth }
    }

    /// The databases in the order of the config.
    pub fn databases(&self) -> Vec<Database> {
        let each = self.truth.af().trees().map(|tree| Database {
            name: tree.home.name.clone(),
            id: webid::guid_text(&tree.home.guid),
            path: tree.home.path.clone(),
            templates: tree.home.templates.clone(),
            guid: tree.home.guid,
            server: tree.home.server,
        });
        each.collect()
    }

    fn tree(&self, database: &str) -> Option<Arc<Tree>> {
        self.truth.af().trees().find(|tree| tree.home.name.eq_ignore_ascii_case(database))
    }

    fn locate(&self, id: &str) -> Option<(Arc<Tree>, usize)> {
        let guid = parse_guid(id)?;
        self.truth.af().trees().find_map(|tree| tree.find(&guid).map(|at| (tree, at)))
    }

    /// Every element of a database, hidden ones included, in the order of their making.
    pub fn elements(&self, database: &str) -> Vec<Element> {
        let Some(tree) = self.tree(database) else { return Vec::new() };
        tree.all().map(|(at, node)| show(&tree, at, node)).collect()
    }

    /// One element.
    pub fn element(&self, id: &str) -> Option<Element> {
        let (tree, at) = self.locate(id)?;
        tree.node(at).map(|node| show(&tree, at, node))
    }

    /// Every attribute of an element, hidden and excluded ones included: the first level, each followed by those below.
    pub fn attributes(&self, element: &str) -> Vec<Attribute> {
        let found = self.locate(element);
        found.map(|(tree, at)| tree.attributes(&self.truth.catalogue(), at)).unwrap_or_default()
    }

    /// What the server answers to a read of an element's attribute at `at` (ticks).
    pub fn value(&self, attribute: &Attribute, at: i64) -> Event {
        self.truth.reading(attribute, at)
    }

    /// Adds an element below `parent`, at the top without one; its `Id`. `None`: no such database, parent or template.
    pub fn add(&self, database: &str, parent: Option<&str>, name: &str, template: Option<&str>) -> Option<String> {
        let tree = self.tree(database)?;
        let parent = parent.map(|id| tree.find(&parse_guid(id)?)).map_or(Some(None), |at| at.map(Some))?;
        let template = template.map(|name| tree.home.template(name)).map_or(Some(None), |at| at.map(Some))?;
        self.truth.af().change(tree.home.index, |tree| {
            let number = tree.nodes.len() as u64;
            let guid = webid::derive(&tree.home.guid, b'E', number);
            let hidden = parent.and_then(|at| tree.node(at)).is_some_and(|node| node.hidden);
            tree.push(Node {
                guid,
                name: name.to_owned(),
                description: String::new(),
                template,
                categories: Vec::new(),
                parent,
                held_by: Vec::new(),
                children: Vec::new(),
                referenced: Vec::new(),
                hidden,
                number,
                attributes: None,
            });
            webid::guid_text(&guid)
        })
    }

    /// Renames an element; the paths of everything below it follow. `false`: there is none.
    pub fn rename(&self, id: &str, name: &str) -> bool {
        self.change(id, |tree, at| tree.change(at, |node| name.clone_into(&mut node.name)))
    }

    /// Sets an element's description. `false`: there is none.
    pub fn describe(&self, id: &str, description: &str) -> bool {
        self.change(id, |tree, at| tree.change(at, |node| description.clone_into(&mut node.description)))
    }

    /// Sets an element's categories. `false`: there is none.
    pub fn categorise(&self, id: &str, categories: &[&str]) -> bool {
        let categories = categories.iter().map(|name| (*name).to_owned()).collect();
        self.change(id, |tree, at| tree.change(at, |node| node.categories = categories))
    }

    /// Moves an element below another one of its database, or to the top. `false`: that would close a circle.
    pub fn move_to(&self, id: &str, parent: Option<&str>) -> bool {
        self.with_holder(id, parent, |tree, at, parent| tree.move_to(at, parent))
    }

    /// Gives an element a further parent; `None`: the database. `false`: it has that parent.
    pub fn hold(&self, parent: Option<&str>, id: &str) -> bool {
        self.with_holder(id, parent, |tree, at, parent| tree.hold(parent, at))
    }

    /// Takes a further parent away. `false`: it is none.
    pub fn release(&self, parent: Option<&str>, id: &str) -> bool {
        self.with_holder(id, parent, |tree, at, parent| tree.release(parent, at))
    }

    /// Deletes an element and what lies below it, further parents' elements excepted. `false`: there is none.
    pub fn delete(&self, id: &str) -> bool {
        self.change(id, |tree, at| tree.delete(at))
    }

    /// Hides an element from the caller, or shows it, with what lies below it. `false`: there is none.
    pub fn hide(&self, id: &str, hidden: bool) -> bool {
        self.change(id, |tree, at| tree.hide(at, hidden))
    }

    /// Changes an element's attributes as [`AssetTruth::attributes`] lists them; an attribute that is no longer in the
    /// list is deleted. `false`: there is no such element.
    pub fn change_attributes(&self, element: &str, change: impl FnOnce(&mut Vec<Attribute>)) -> bool {
        let mut attributes = self.attributes(element);
        change(&mut attributes);
        self.change(element, |tree, at| tree.change(at, |node| node.attributes = Some(Arc::new(attributes))))
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Tree, usize) -> bool) -> bool {
        let Some((tree, at)) = self.locate(id) else { return false };
        let index = tree.home.index;
        // Dropped first, so that the edit need not copy the whole tree.
        drop(tree);
        self.truth.af().change(index, |tree| change(tree, at)).unwrap_or(false)
    }

    fn with_holder(
        &self,
        id: &str,
        parent: Option<&str>,
        change: impl FnOnce(&mut Tree, usize, Holder) -> bool,
    ) -> bool {
        self.change(id, |tree, at| match parent.map(|id| tree.find(&parse_guid(id)?)) {
            None => change(tree, at, None),
            Some(Some(parent)) => change(tree, at, Some(parent)),
            Some(None) => false,
        })
    }
}

fn show(tree: &Tree, at: usize, node: &Node) -> Element {
    let id = |at: usize| tree.node(at).map(|node| webid::guid_text(&node.guid));
    Element {
        database: tree.home.name.clone(),
        id: webid::guid_text(&node.guid),
        name: node.name.clone(),
        description: node.description.clone(),
        path: tree.path(at),
        paths: tree.paths(at),
        template: tree.template_name(node).to_owned(),
        categories: node.categories.clone(),
        extended: node.extended().map(|(key, value)| (key.to_owned(), value)).into_iter().collect(),
        parent: node.parent.and_then(id),
        held_by: node.held_by.iter().map(|holder| holder.and_then(id)).collect(),
        depth: tree.depth(at),
        has_children: !tree.below(Some(at), true).is_empty(),
        hidden: node.hidden,
        guid: node.guid,
        server: tree.home.server,
    }
}
