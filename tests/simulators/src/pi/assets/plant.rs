//! The generated tree: a branch as deep as asked for, the rest spread at random, then second parents, a loop, secrets.

use std::collections::HashSet;
use std::sync::Arc;

use super::config::Assets;
use super::home::{Home, Makes};
use super::tree::{Holder, Node, Tree};
use crate::pi::webid;
use crate::shared::hash::{mix, unit};

/// Names that URLs and JSON trip over, and that AF allows.
const HOSTILE: [&str; 10] = [
    "Flow%20Rate 50%",
    "A&B=C",
    "Tank#7",
    "C++ Line+1",
    "two  spaces",
    "dots.in..name",
    "slash/in/name",
    "Ключ №1",
    "温度 東京",
    "Größe µ 🚀",
];

/// What equipment is called.
const KINDS: [&str; 6] = ["Unit", "Pump", "Tank", "Line", "Boiler", "Mixer"];

/// The elements that the config describes.
pub(crate) fn grow(home: Arc<Home>, assets: &Assets) -> Tree {
    let mut tree = Tree::new(home);
    let templates = tree.home.makers(Makes::Element);
    let mut levels: Vec<usize> = Vec::with_capacity(assets.elements);
    let mut taken: HashSet<(Holder, String)> = HashSet::new();
    let depth = assets.depth.max(1);
    for index in 0..assets.elements {
        let hash = mix(tree.home.seed ^ mix(index as u64));
        let parent = parent(index, depth, hash, &levels);
        levels.push(parent.and_then(|at| levels.get(at)).map_or(0, |level| level + 1));
        let name = name(index, hash, assets.hostile_names, |name| taken.insert((parent, name.to_lowercase())));
        let chosen = templates.get((mix(hash) % templates.len().max(1) as u64) as usize).copied();
        let template = chosen.filter(|_| unit(mix(hash ^ 1)) >= assets.untemplated);
        let mut categories: Vec<String> =
            template.and_then(|at| tree.home.templates.get(at)).map(super::Template::category).into_iter().collect();
        if index % 5 == 0 {
            categories.push("Critical".to_owned());
        }
        tree.push(Node {
            guid: webid::derive(&tree.home.guid, b'E', index as u64),
            description: if index % 4 == 3 { String::new() } else { format!("{name}, built {}", 1970 + index % 50) },
            name,
            template,
            categories,
            parent,
            held_by: Vec::new(),
            children: Vec::new(),
            referenced: Vec::new(),
            hidden: false,
            number: index as u64,
            attributes: None,
        });
    }
    second_parents(&mut tree, assets);
    hide(&mut tree, assets.hidden);
    tree
}

/// The first `depth` elements form one branch; the others lie at the top now and then, else below any earlier one that is
/// not on the last level.
fn parent(index: usize, depth: usize, hash: u64, levels: &[usize]) -> Holder {
    if index < depth {
        return index.checked_sub(1);
    }
    let span = index as u64 + index as u64 / 24 + 1;
    let draw = |n: u64| (mix(hash ^ (n << 8)) % span) as usize;
    if draw(0) >= index {
        return None;
    }
    (0..4).map(draw).find(|at| *at < index && levels.get(*at).is_some_and(|level| level + 1 < depth))
}

/// A name that its siblings do not have; every fourth element is called `Motor` where that is free.
fn name(index: usize, hash: u64, hostile: bool, mut free: impl FnMut(&str) -> bool) -> String {
    if index % 4 == 3 && free("Motor") {
        return "Motor".to_owned();
    }
    let kind = KINDS.get((hash % KINDS.len() as u64) as usize).copied().unwrap_or("Unit");
    let odd = HOSTILE.get(index / 3 % HOSTILE.len()).filter(|_| hostile && index % 3 == 1);
    let name = odd.map_or_else(|| format!("{kind}{index:05}"), |odd| format!("{odd} {index}"));
    free(&name);
    name
}

/// Gives the last elements a second parent, and closes the loop.
fn second_parents(tree: &mut Tree, assets: &Assets) {
    let count = assets.elements;
    for n in 0..assets.multi_parent.min(count.saturating_sub(2)) {
        let at = count - 1 - n;
        let first = tree.node(at).and_then(|node| node.parent);
        let second = match n {
            0 => None,
            // Edges that lead from an earlier element to a later one close no loop.
            _ => Some((mix(tree.home.seed ^ at as u64) % at as u64) as usize),
        };
        let second = if second == first { first.map_or(Some(0), |at| at.checked_sub(1)) } else { second };
        tree.hold(second, at);
    }
    let last = assets.depth.max(1).min(count);
    if assets.cycle && last > 1 {
        tree.hold(Some(last - 1), 0);
    }
}

/// Hides the last elements that hold nothing and have one parent.
fn hide(tree: &mut Tree, count: usize) {
    let lonely = |node: &Node| node.children.is_empty() && node.referenced.is_empty() && node.held_by.is_empty();
    let all: Vec<usize> = tree.all().filter(|(_, node)| lonely(node)).map(|(at, _)| at).collect();
    for at in all.into_iter().rev().take(count) {
        tree.change(at, |node| node.hidden = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pi::Config;

    fn tree(assets: Assets) -> Tree {
        let config = Config { assets, ..Config::default() };
        grow(Arc::new(Home::new(&config, 0, "Plant")), &config.assets)
    }

    #[test]
    fn the_tree_has_as_many_levels_as_asked_for() {
        for depth in [1, 2, 15] {
            let tree = tree(Assets { elements: 400, depth, ..Assets::default() });
            assert_eq!(tree.all().map(|(at, _)| tree.depth(at)).max(), Some(depth - 1));
            assert_eq!(tree.whole(None).len(), 400);
        }
    }

    #[test]
    fn siblings_have_names_of_their_own_though_cousins_share_some() {
        let tree = tree(Assets { elements: 400, hostile_names: true, ..Assets::default() });
        let mut seen = HashSet::new();
        assert!(tree.all().all(|(_, node)| seen.insert((node.parent, node.name.clone()))));
        assert!(tree.all().filter(|(_, node)| node.name == "Motor").count() > 10);
        for (at, _) in tree.all() {
            let below = tree.path(at).replacen(r"\\SIMAF\Plant\", "", 1);
            assert_eq!(tree.at_path(&below.to_uppercase()), Some(at));
        }
    }

    #[test]
    fn a_loop_ends_and_every_parent_gives_a_path() {
        let tree = tree(Assets { elements: 60, depth: 5, cycle: true, multi_parent: 9, ..Assets::default() });
        assert_eq!(tree.whole(None).len(), 60);
        let several = tree.all().filter(|(at, _)| tree.paths(*at).len() > 1).count();
        assert!(several >= 9, "{several}");
        for (at, _) in tree.all() {
            assert_eq!(tree.paths(at).first(), Some(&tree.path(at)));
        }
        assert!(tree.whole(Some(4)).contains(&0), "the deepest element leads back to the top");
    }

    #[test]
    fn hidden_elements_are_in_no_list() {
        let tree = tree(Assets { elements: 60, hidden: 7, ..Assets::default() });
        assert_eq!(tree.visible().len(), 53);
        assert_eq!(tree.whole(None).len(), 53);
        assert!(tree.visible().iter().all(|at| !tree.node(*at).unwrap().hidden));
    }
}
