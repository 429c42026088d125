//! `selectedFields`: which parts of an answer the client wants.
//!
//! Dotted paths from the root, separated by semicolons, without case. A parent keeps its whole subtree, and what is not
//! selected is absent, not null.

/// The selected paths as a tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    children: Vec<(String, Fields)>,
    whole: bool,
}

/// What is selected at one place of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selection<'a> {
    /// Everything below.
    All,
    /// Only these.
    Some(&'a Fields),
}

impl Fields {
    /// Reads the parameter; absent or blank selects everything.
    pub(crate) fn parse(text: Option<&str>) -> Fields {
        let mut root = Fields::default();
        for path in text.unwrap_or_default().split(';').map(str::trim).filter(|path| !path.is_empty()) {
            let mut node = &mut root;
            for name in path.split('.') {
                let found = node.children.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
                let at = found.unwrap_or_else(|| {
                    node.children.push((name.to_owned(), Fields::default()));
                    node.children.len() - 1
                });
                node = &mut node.children[at].1;
            }
            node.whole = true;
        }
        root.whole = root.children.is_empty();
        root
    }

    /// What is selected at the root.
    pub(crate) fn root(&self) -> Selection<'_> {
        if self.whole { Selection::All } else { Selection::Some(self) }
    }
}

impl<'a> Selection<'a> {
    /// What is selected below `name`; `None` when the field itself is not.
    pub(crate) fn pick(self, name: &str) -> Option<Selection<'a>> {
        match self {
            Selection::All => Some(Selection::All),
            Selection::Some(fields) => {
                let (_, child) = fields.children.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
                Some(child.root())
            }
        }
    }

    /// Whether `name` is selected.
    pub(crate) fn has(self, name: &str) -> bool {
        self.pick(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_keeps_its_subtree_and_others_vanish() {
        let fields = Fields::parse(Some("items.webid; Items.Links ;Links.Next"));
        let root = fields.root();
        let items = root.pick("Items").unwrap();
        assert!(items.has("WebId") && !items.has("Name"));
        assert!(items.pick("Links").unwrap().has("Self"));
        assert!(root.pick("Links").unwrap().has("Next") && !root.pick("Links").unwrap().has("First"));
        assert!(!root.has("UnitsAbbreviation"));
    }

    #[test]
    fn nothing_asked_selects_everything() {
        for text in [None, Some(""), Some(" ; ")] {
            assert!(Fields::parse(text).root().pick("Items").unwrap().has("Anything"));
        }
        let both = Fields::parse(Some("Items;Items.Value"));
        assert!(both.root().pick("Items").unwrap().has("Timestamp"));
    }
}
