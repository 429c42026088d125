//! Which tags there are, by index and by path, and the trees that views show of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::tag::Tag;

/// All tags and the ways to find one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    /// By index.
    pub(crate) tags: Vec<Arc<Tag>>,
    /// Indices that have been removed.
    gone: HashSet<usize>,
    /// The views in their order, the historian's first.
    pub(crate) views: Vec<View>,
}

/// One view: its nodes and its tags by full path. What Tag Security hides is in neither.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Its name.
    pub(crate) name: String,
    nodes: BTreeMap<String, BTreeSet<String>>,
    tags: BTreeMap<String, usize>,
    with_tags: HashSet<String>,
    by_path: HashMap<String, usize>,
}

/// One child of a node, as `browseNodes` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Last segment.
    pub(crate) name: String,
    /// Dotted path.
    pub(crate) path: String,
    /// It has children.
    pub(crate) has_nodes: bool,
    /// It holds tags itself \[I\].
    pub(crate) has_tags: bool,
}

impl View {
    fn new(name: &str) -> View {
        View {
            name: name.to_owned(),
            nodes: BTreeMap::from([(name.to_owned(), BTreeSet::new())]),
            tags: BTreeMap::new(),
            with_tags: HashSet::new(),
            by_path: HashMap::new(),
        }
    }

    fn add(&mut self, path: &str, index: usize, hidden: bool) {
        if hidden {
            return;
        }
        self.by_path.insert(path.to_owned(), index);
        self.tags.insert(path.to_owned(), index);
        let mut node = parent(path);
        self.with_tags.insert(node.to_owned());
        // Upwards until a node is known already.
        while node.len() > self.name.len() {
            let (above, name) = (parent(node), node.rsplit('.').next().unwrap_or_default());
            self.nodes.entry(node.to_owned()).or_default();
            if !self.nodes.entry(above.to_owned()).or_default().insert(name.to_owned()) {
                break;
            }
            node = above;
        }
    }

    fn child(&self, name: &str, path: String) -> Child {
        let has_nodes = self.nodes.get(&path).is_some_and(|below| !below.is_empty());
        Child { name: name.to_owned(), has_nodes, has_tags: self.with_tags.contains(&path), path }
    }

    /// Full paths of the tags at or below a node.
    fn below<'v>(&'v self, path: &str, deep: bool) -> impl Iterator<Item = (&'v str, usize)> {
        let (node, prefix) = (path.to_owned(), format!("{path}."));
        let from = self.tags.range(prefix.clone()..);
        from.take_while(move |(tag, _)| tag.starts_with(&prefix))
            .filter(move |(tag, _)| deep || parent(tag) == node)
            .map(|(tag, index)| (tag.as_str(), *index))
    }
}

/// The path above this one; empty for a view.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(above, _)| above)
}

/// What a tag path in a request turns out to be.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A tag.
    Tag(Arc<Tag>),
    /// No tag of that name in a dataset that exists.
    Unknown,
    /// Not even the view or the dataset exists.
    Nowhere,
}

impl Catalogue {
    /// The views of these tags, empty at first.
    pub(crate) fn new(views: &[&str]) -> Catalogue {
        Catalogue { views: views.iter().map(|name| View::new(name)).collect(), ..Catalogue::default() }
    }

    /// Adds a tag to all views that show it.
    pub(crate) fn add(&mut self, tag: Tag) {
        let point = &tag.point;
        for (view, path) in self.views.iter_mut().zip(point.paths()) {
            view.add(path, point.index, point.hidden);
        }
        self.tags.push(Arc::new(tag));
    }

    /// Takes a tag out of all views; `false`: there was none.
    pub(crate) fn remove(&mut self, index: usize) -> bool {
        if index >= self.tags.len() || !self.gone.insert(index) {
            return false;
        }
        let names: Vec<String> = self.views.iter().map(|view| view.name.clone()).collect();
        self.views = names.iter().map(|name| View::new(name)).collect();
        for tag in self.tags.iter().filter(|tag| !self.gone.contains(&tag.point.index)) {
            for (view, path) in self.views.iter_mut().zip(tag.point.paths()) {
                view.add(path, tag.point.index, tag.point.hidden);
            }
        }
        true
    }

    /// Whether the tag at this index still exists.
    pub(crate) fn holds(&self, index: usize) -> bool {
        index < self.tags.len() && !self.gone.contains(&index)
    }

    fn view(&self, path: &str) -> Option<&View> {
        let name = path.split('.').next().unwrap_or_default();
        self.views.iter().find(|view| view.name == name)
    }

    /// The path with the alias `localhost` replaced by the historian view's name, as vendor samples use it.
    pub(crate) fn canonical(&self, path: &str) -> String {
        let historian = self.views.first().map_or("", |view| view.name.as_str());
        match path.strip_prefix("localhost") {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("{historian}{rest}"),
            _ => path.to_owned(),
        }
    }

    /// What a tag path names.
    pub(crate) fn find(&self, path: &str) -> Target {
        let path = self.canonical(path);
        let Some(view) = self.view(&path) else { return Target::Nowhere };
        if let Some(tag) = view.by_path.get(&path).and_then(|index| self.tags.get(*index)) {
            return Target::Tag(Arc::clone(tag));
        }
        let rest = path.get(view.name.len() + 1..).unwrap_or_default();
        let known = |name: &String| rest.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        match view.nodes.get(&view.name).is_some_and(|names| names.iter().any(known)) {
            true => Target::Unknown,
            false => Target::Nowhere,
        }
    }

    /// The children of a node; those of the empty path are the views. A path that does not exist has none, since it may
    /// be hidden \[assumed\].
    pub(crate) fn children(&self, path: &str) -> Vec<Child> {
        if path.is_empty() {
            return self.views.iter().map(|view| view.child(&view.name, view.name.clone())).collect();
        }
        let path = self.canonical(path);
        let Some(view) = self.view(&path) else { return Vec::new() };
        let names = view.nodes.get(&path).into_iter().flatten();
        names.map(|name| view.child(name, format!("{path}.{name}"))).collect()
    }

    /// Full paths and indices of the tags at a node, or of all below it, that hold every term of `search`; sorted by
    /// path within each view.
    pub(crate) fn list(&self, path: &str, deep: bool, search: &str) -> Vec<(&str, usize)> {
        let terms: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
        let holds = |tag: &str| {
            let tag = tag.to_lowercase();
            terms.iter().all(|term| tag.contains(term.as_str()))
        };
        let wanted = |(tag, _): &(&str, usize)| terms.is_empty() || holds(tag);
        if path.is_empty() {
            let views = self.views.iter().filter(|_| deep);
            return views.flat_map(|view| view.below(&view.name, true)).filter(wanted).collect();
        }
        let path = self.canonical(path);
        let view = self.view(&path).into_iter();
        view.flat_map(|view| view.below(&path, deep)).filter(wanted).collect()
    }
}
