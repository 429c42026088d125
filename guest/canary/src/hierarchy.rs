//! The table `asset_hierarchy`: every node of the view once, with its parent.
//!
//! Nodes are asked for level by level with `browseNodes`, one request for each node that has others below it. That is more
//! than it takes to list all tags and cut their paths at the dots, but the list shows no node without tags, and a path must
//! not be cut: names may hold dots, and only the server knows where one ends (§7). The requests grow with the nodes inside of
//! the tree; its leaves, which are most, and tags are never asked for.
//!
//! Where the view has an asset model, the types of its assets are the templates of their nodes.

mod types;

use std::collections::{HashSet, VecDeque};

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    snapshot::Snapshot,
    tables::elements::{ElementRow, encode},
};

use self::types::{Types, types};
use crate::{api::Node, manifest::ASSET_HIERARCHY, server::Server, settings::Settings, view};

/// No plant is this deep: a server that goes on goes round in circles.
const DEEPEST: i32 = 100;

/// Refreshes the table.
pub(crate) async fn refresh(settings: &Settings) -> Result<(), Fault> {
    let server = Server::new(settings);
    let views = view::views(&server).await?;
    let view = view::chosen(&server, settings, &views).await?;
    let types = types(&server, &view).await?;
    let mut table = Snapshot::new(ASSET_HIERARCHY, encode);
    let mut walk = Walk::new(&view, settings.ingestion.wants_diagnostics());
    while let Some(parent) = walk.next() {
        let nodes = view::nodes(&server, &parent.path).await?;
        table.push(walk.take(&parent, nodes, &types)?)?;
    }
    if walk.repeated > 0 {
        let text = format!("{} nodes of {view} were shown in more than one place; each stands once", walk.repeated);
        host::log(Level::Warn, &text);
    }
    table.complete()
}

/// A node whose children are to be asked for.
#[derive(Clone, Debug)]
struct Parent {
    /// Full path; also its identity.
    path: String,
    /// Below the view, with slashes.
    readable: String,
    depth: i32,
}

/// The way down, breadth first.
#[derive(Debug)]
struct Walk<'a> {
    view: &'a str,
    diagnostics: bool,
    open: VecDeque<Parent>,
    seen: HashSet<String>,
    repeated: usize,
}

impl<'a> Walk<'a> {
    fn new(view: &'a str, diagnostics: bool) -> Self {
        let root = Parent { path: view.to_owned(), readable: String::new(), depth: -1 };
        let seen = HashSet::from([view.to_owned()]);
        Self { view, diagnostics, open: VecDeque::from([root]), seen, repeated: 0 }
    }

    fn next(&mut self) -> Option<Parent> {
        self.open.pop_front()
    }

    /// The rows of the nodes right below `parent`; those with children are asked next.
    fn take(&mut self, parent: &Parent, nodes: Vec<(String, Node)>, types: &Types) -> Result<Vec<ElementRow>, Fault> {
        let depth = parent.depth + 1;
        if depth > DEEPEST && !nodes.is_empty() {
            let text = format!("browseNodes of {}: more than {DEEPEST} levels; the tree has no end", parent.path);
            return Err(Fault::external("endless-hierarchy", text));
        }
        let mut rows = Vec::with_capacity(nodes.len());
        for (name, node) in nodes {
            let path =
                node.full_path.filter(|path| !path.is_empty()).unwrap_or_else(|| format!("{}.{name}", parent.path));
            if !self.diagnostics && view::is_diagnostic(self.view, &path) {
                continue;
            }
            if !self.seen.insert(path.clone()) {
                self.repeated += 1;
                continue;
            }
            let readable = format!("{}/{}", parent.readable, name.replace('/', r"\/"));
            // A server that does not say is asked.
            if node.has_nodes != Some(false) {
                self.open.push_back(Parent { path: path.clone(), readable: readable.clone(), depth });
            }
            rows.push(ElementRow {
                template: types.of(self.view, &path).map(str::to_owned),
                element_id: path,
                name: Some(name),
                paths: vec![readable.clone()],
                path: Some(readable),
                parent_id: (depth > 0).then(|| parent.path.clone()),
                depth: Some(depth),
                ..ElementRow::default()
            });
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str, has_nodes: bool) -> Node {
        Node { full_path: Some(path.into()), has_nodes: Some(has_nodes), has_tags: true }
    }

    #[test]
    fn nodes_are_known_by_their_path_and_their_names_are_not_cut() {
        let mut walk = Walk::new("V", false);
        let root = walk.next().unwrap();
        let nodes = vec![
            ("{Diagnostics}".to_owned(), node("V.{Diagnostics}", true)),
            ("Plant 1.5 / North".to_owned(), node("V.Plant 1.5 / North", true)),
            ("Öl".to_owned(), node("V.Öl", false)),
        ];
        let types = Types::default();
        let rows = walk.take(&root, nodes, &types).unwrap();
        assert_eq!(rows.len(), 2);
        let plant = rows.first().unwrap();
        assert_eq!(
            (plant.element_id.as_str(), plant.path.as_deref()),
            ("V.Plant 1.5 / North", Some(r"/Plant 1.5 \/ North"))
        );
        assert_eq!((plant.parent_id.as_deref(), plant.depth), (None, Some(0)));
        let parent = walk.next().unwrap();
        let unsaid: Node = serde_json::from_str(r#"{"hasTags":true}"#).unwrap();
        let below = walk.take(&parent, vec![("P.1".to_owned(), unsaid)], &types).unwrap();
        let pump = below.first().unwrap();
        assert_eq!(pump.element_id, "V.Plant 1.5 / North.P.1");
        assert_eq!(pump.path.as_deref(), Some(r"/Plant 1.5 \/ North/P.1"));
        assert_eq!((pump.parent_id.as_deref(), pump.depth), (Some("V.Plant 1.5 / North"), Some(1)));
        assert_eq!(
            walk.next().unwrap().path,
            pump.element_id,
            "a node of which nothing is said may have others below it"
        );
        assert!(walk.next().is_none());
    }

    #[test]
    fn a_tree_without_end_ends() {
        let mut walk = Walk::new("V", true);
        let mut rows = 0;
        let ended = loop {
            let Some(parent) = walk.next() else { break None };
            match walk.take(
                &parent,
                vec![("a".to_owned(), Node { has_nodes: Some(true), ..Node::default() })],
                &Types::default(),
            ) {
                Ok(more) => rows += more.len(),
                Err(fault) => break Some(fault.code),
            }
        };
        assert_eq!((ended.as_deref(), rows), (Some("endless-hierarchy"), 101));
        let mut circle = Walk::new("V", true);
        let root = circle.next().unwrap();
        assert!(circle.take(&root, vec![("V".to_owned(), node("V", true))], &Types::default()).unwrap().is_empty());
        assert!(circle.next().is_none() && circle.repeated == 1);
    }
}
