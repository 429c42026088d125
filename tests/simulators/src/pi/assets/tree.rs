//! The elements of one database: a tree by first parents, and further parents by reference.
//!
//! Elements keep their place in a list, so that edges are numbers; what is derived from the whole tree is made once and
//! forgotten at the next edit.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::attribute::Attribute;
use super::home::Home;
use crate::pi::webid::{self, Class, Form, Guid, Local};

/// What holds an element: another element, or the database itself.
pub(crate) type Holder = Option<usize>;

/// An element as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// `Id`.
    pub(crate) guid: Guid,
    /// `Name`.
    pub(crate) name: String,
    /// `Description`.
    pub(crate) description: String,
    /// Position of its template.
    pub(crate) template: Option<usize>,
    /// `CategoryNames`.
    pub(crate) categories: Vec<String>,
    /// The first parent, which the primary path leads through.
    pub(crate) parent: Holder,
    /// Further parents.
    pub(crate) held_by: Vec<Holder>,
    /// Elements whose first parent this is.
    pub(crate) children: Vec<usize>,
    /// Elements that it holds by reference.
    pub(crate) referenced: Vec<usize>,
    /// The caller may not see it.
    pub(crate) hidden: bool,
    /// What its attributes are generated from.
    pub(crate) number: u64,
    /// Its attributes, where they are no longer as generated.
    pub(crate) attributes: Option<Arc<Vec<Attribute>>>,
}

/// All elements of one database.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The database.
    pub(crate) home: Arc<Home>,
    pub(super) nodes: Vec<Option<Arc<Node>>>,
    pub(super) by_guid: HashMap<Guid, usize>,
    pub(super) top: Vec<usize>,
    pub(super) referenced: Vec<usize>,
    visible: OnceLock<Vec<usize>>,
    attributes: OnceLock<Vec<(usize, usize)>>,
}

impl Tree {
    /// A database without elements.
    pub(crate) fn new(home: Arc<Home>) -> Tree {
        Tree {
            home,
            nodes: Vec::new(),
            by_guid: HashMap::new(),
            top: Vec::new(),
            referenced: Vec::new(),
            visible: OnceLock::new(),
            attributes: OnceLock::new(),
        }
    }

    /// Forgets what was derived from the tree; call on every edit.
    pub(super) fn forget(&mut self) {
        self.visible = OnceLock::new();
        self.attributes = OnceLock::new();
    }

    /// One element.
    pub(crate) fn node(&self, at: usize) -> Option<&Arc<Node>> {
        self.nodes.get(at)?.as_ref()
    }

    /// Where the element with this `Id` is.
    pub(crate) fn find(&self, guid: &Guid) -> Option<usize> {
        self.by_guid.get(guid).copied()
    }

    /// Every element, hidden ones included, in the order of their making.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Arc<Node>)> {
        self.nodes.iter().enumerate().filter_map(|(at, node)| Some((at, node.as_ref()?)))
    }

    /// The visible elements right below a holder, those held by reference behind those of its own.
    pub(crate) fn below(&self, holder: Holder, references: bool) -> Vec<usize> {
        let own = match holder.map(|at| self.node(at)) {
            None => self.top.as_slice(),
            Some(node) => node.map_or(&[][..], |node| &node.children),
        };
        let held = if references { self.held(holder) } else { &[] };
        let visible = |at: &&usize| self.node(**at).is_some_and(|node| !node.hidden);
        own.iter().chain(held).filter(visible).copied().collect()
    }

    /// The elements that a holder holds by reference, hidden ones included.
    pub(crate) fn held(&self, holder: Holder) -> &[usize] {
        match holder.map(|at| self.node(at)) {
            None => &self.referenced,
            Some(node) => node.map_or(&[], |node| &node.referenced),
        }
    }

    /// The visible elements at any depth below a holder, each once; loops end where they close.
    pub(crate) fn whole(&self, holder: Holder) -> Vec<usize> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut open = vec![holder];
        while let Some(holder) = open.pop() {
            for at in self.below(holder, true) {
                if seen.insert(at) {
                    found.push(at);
                    open.push(Some(at));
                }
            }
        }
        found
    }

    /// Every visible element by name.
    pub(crate) fn visible(&self) -> &[usize] {
        self.visible.get_or_init(|| {
            let mut order: Vec<usize> = self.all().filter(|(_, node)| !node.hidden).map(|(at, _)| at).collect();
            self.sort_by_name(&mut order);
            order
        })
    }

    /// Sorts by name without case; ties by `Id`, as nothing promises an order.
    pub(crate) fn sort_by_name(&self, order: &mut [usize]) {
        order.sort_by_cached_key(|at| self.node(*at).map(|node| (node.name.to_lowercase(), node.guid)));
    }

    /// The attributes of every visible element, by their names: (element, position of the attribute).
    pub(crate) fn attributes_by_name(&self, make: impl FnOnce(&Tree) -> Vec<(usize, usize)>) -> &[(usize, usize)] {
        self.attributes.get_or_init(|| make(self))
    }

    /// The primary path, `\\SERVER\Database\A\B`.
    pub(crate) fn path(&self, at: usize) -> String {
        let mut names = Vec::new();
        let mut next = Some(at);
        while let Some(node) = next.and_then(|at| self.node(at)) {
            names.push(node.name.as_str());
            next = node.parent;
        }
        let len = names.iter().map(|name| name.len() + 1).sum::<usize>();
        let mut path = String::with_capacity(self.home.path.len() + len);
        path.push_str(&self.home.path);
        for name in names.iter().rev() {
            path.push('\\');
            path.push_str(name);
        }
        path
    }

    /// Every path, the primary one first; a path through a loop counts only up to where the loop closes.
    pub(crate) fn paths(&self, at: usize) -> Vec<String> {
        let mut found = Vec::new();
        self.climb(Some(at), &mut Vec::new(), &mut |path| found.push(path));
        found
    }

    /// Calls `each` with every way from the database down to `holder`.
    fn climb(&self, holder: Holder, below: &mut Vec<usize>, each: &mut dyn FnMut(String)) {
        let Some(at) = holder else {
            let names = below.iter().rev().filter_map(|at| self.node(*at)).map(|node| node.name.as_str());
            return each(names.fold(self.home.path.clone(), |path, name| format!(r"{path}\{name}")));
        };
        let Some(node) = self.node(at) else { return };
        if below.contains(&at) {
            return;
        }
        below.push(at);
        for holder in std::iter::once(&node.parent).chain(&node.held_by) {
            self.climb(*holder, below, each);
        }
        below.pop();
    }

    /// Levels between the database and the element by its primary path; 0 at the top.
    pub(crate) fn depth(&self, at: usize) -> usize {
        let parent = |at: &usize| self.node(*at).and_then(|node| node.parent);
        std::iter::successors(Some(at), parent).count().saturating_sub(1)
    }

    /// The element at `A\B` below the database, by any of its paths and in any case.
    pub(crate) fn at_path(&self, below: &str) -> Option<usize> {
        let mut holder: Holder = None;
        for name in below.split('\\') {
            let wanted = name.to_uppercase();
            let own = match holder {
                None => &self.top,
                Some(at) => &self.node(at)?.children,
            };
            let named = |at: &&usize| self.node(**at).is_some_and(|node| node.name.to_uppercase() == wanted);
            holder = Some(*own.iter().chain(self.held(holder)).find(named)?);
        }
        holder
    }

    /// The name of the element's template, empty without one.
    pub(crate) fn template_name(&self, node: &Node) -> &str {
        node.template.and_then(|index| self.home.templates.get(index)).map_or("", |template| &template.name)
    }

    /// The element's WebId.
    pub(crate) fn web_id(&self, at: usize, form: Form) -> String {
        let Some(node) = self.node(at) else { return String::new() };
        let path = if matches!(form, Form::Full | Form::PathOnly) { self.path(at) } else { String::new() };
        webid::encode(form, Class::Element, &self.home.server, Local::Guid(node.guid), &path)
    }
}
