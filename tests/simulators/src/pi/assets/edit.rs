//! Changes to the tree. Paths, lists and links follow from it, so nothing else has to be kept in step.

use std::sync::Arc;

use super::tree::{Holder, Node, Tree};

impl Tree {
    /// Adds an element below its parent; where it is.
    pub(super) fn push(&mut self, node: Node) -> usize {
        let at = self.nodes.len();
        let parent = node.parent;
        self.by_guid.insert(node.guid, at);
        self.nodes.push(Some(Arc::new(node)));
        self.list(parent, |own| own.push(at));
        self.forget();
        at
    }

    /// Changes one element itself; its place in the tree is left to the other edits. `false`: there is none.
    pub(super) fn change(&mut self, at: usize, change: impl FnOnce(&mut Node)) -> bool {
        self.forget();
        let node = self.nodes.get_mut(at).and_then(Option::as_mut);
        node.map(|node| change(Arc::make_mut(node))).is_some()
    }

    /// Changes the list of what a holder has of its own.
    fn list(&mut self, holder: Holder, change: impl FnOnce(&mut Vec<usize>)) {
        match holder {
            None => change(&mut self.top),
            Some(at) => {
                self.change(at, |node| change(&mut node.children));
            }
        }
    }

    /// Changes the list of what a holder holds by reference.
    fn references(&mut self, holder: Holder, change: impl FnOnce(&mut Vec<usize>)) {
        match holder {
            None => change(&mut self.referenced),
            Some(at) => {
                self.change(at, |node| change(&mut node.referenced));
            }
        }
    }

    /// Gives the element a further parent; `false`: it has that one already.
    pub(super) fn hold(&mut self, holder: Holder, at: usize) -> bool {
        let known = self.node(at).is_none_or(|node| node.parent == holder || node.held_by.contains(&holder));
        if known {
            return false;
        }
        self.change(at, |node| node.held_by.push(holder));
        self.references(holder, |held| held.push(at));
        true
    }

    /// Takes a further parent away again; `false`: it is none.
    pub(super) fn release(&mut self, holder: Holder, at: usize) -> bool {
        if self.node(at).is_none_or(|node| !node.held_by.contains(&holder)) {
            return false;
        }
        self.change(at, |node| node.held_by.retain(|known| *known != holder));
        self.references(holder, |held| held.retain(|known| *known != at));
        true
    }

    /// Gives the element another first parent; `false`: that one lies below the element itself.
    pub(super) fn move_to(&mut self, at: usize, parent: Holder) -> bool {
        let above = |at: &usize| self.node(*at).and_then(|node| node.parent);
        if self.node(at).is_none() || std::iter::successors(parent, above).any(|above| above == at) {
            return false;
        }
        self.release(parent, at);
        let old = self.node(at).and_then(|node| node.parent);
        self.list(old, |own| own.retain(|known| *known != at));
        self.list(parent, |own| own.push(at));
        self.change(at, |node| node.parent = parent)
    }

    /// Deletes the element and everything below it that no other parent holds.
    pub(super) fn delete(&mut self, at: usize) -> bool {
        let Some(node) = self.node(at).cloned() else { return false };
        for child in &node.children {
            let heir = self.node(*child).and_then(|child| child.held_by.first().copied());
            let moved = heir.is_some_and(|heir| heir != Some(at) && self.move_to(*child, heir));
            if !moved {
                self.delete(*child);
            }
        }
        for held in &node.referenced {
            self.release(Some(at), *held);
        }
        for holder in &node.held_by {
            self.release(*holder, at);
        }
        self.list(node.parent, |own| own.retain(|known| *known != at));
        self.by_guid.remove(&node.guid);
        if let Some(slot) = self.nodes.get_mut(at) {
            *slot = None;
        }
        self.forget();
        true
    }

    /// Hides or shows the element with everything of its own below it, as inherited permissions do.
    pub(super) fn hide(&mut self, at: usize, hidden: bool) -> bool {
        let mut open = vec![at];
        let mut found = false;
        while let Some(at) = open.pop() {
            found |= self.change(at, |node| {
                node.hidden = hidden;
                open.extend(&node.children);
            });
        }
        found
    }
}
