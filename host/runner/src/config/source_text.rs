//! YAML text as a tree of JSON values that still knows on which line each key was written.

use std::collections::{HashMap, HashSet};

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value};

use super::interpolate::{Lookup, interpolate};
use super::problem::{Origin, Problem, below, dotted};

/// Deeper nesting has no use here and would exhaust the stack.
const DEEPEST: usize = 64;

/// A configuration as written, with `${…}` replaced. Holds secrets in plain text: it has no `Debug`.
#[derive(Default)]
pub(super) struct Tree {
    /// Always an object.
    pub value: Value,
    /// JSON pointer of every key and list item → where it was written.
    pub origins: HashMap<String, Origin>,
    /// Pointers of values that hold something from the environment or a file, which no message may quote.
    pub interpolated: HashSet<String>,
    /// Pointers of keys without a value: they count as not set.
    pub empty: HashSet<String>,
    /// Pointers whose value could not be read, so that nothing more is said about them.
    pub broken: HashSet<String>,
    /// What is wrong so far.
    pub problems: Vec<Problem>,
}

impl Tree {
    /// Reads YAML text.
    ///
    /// # Errors
    /// Text that is not one YAML mapping. Anything smaller is in `problems`.
    pub(super) fn parse(text: &str, lookup: &Lookup<'_>) -> Result<Self, Problem> {
        let nodes = load(text)?;
        let node = match nodes.as_slice() {
            [] => return Err(whole(1, "the file is empty; `tidegate init` writes one to start from")),
            [node] => node,
            [_, second, ..] => return Err(whole(second.span.start.line(), "a second YAML document; one is expected")),
        };
        let mut tree = Self::default();
        match &node.data {
            YamlData::Mapping(_) => {}
            YamlData::Value(Scalar::Null) | YamlData::BadValue => {
                return Err(whole(1, "the file is empty; `tidegate init` writes one to start from"));
            }
            _ => return Err(whole(node.span.start.line(), "not a mapping of keys to values, such as `version: 1`")),
        }
        tree.value = tree.convert(node, "", Origin::Line, lookup).unwrap_or_else(|| Value::Object(Map::new()));
        Ok(tree)
    }

    /// Converts the value of one `--set`.
    pub(super) fn convert_override(&mut self, text: &str, pointer: &str, lookup: &Lookup<'_>) -> Option<Value> {
        match load(text) {
            Ok(nodes) => {
                let node = nodes.first()?;
                self.convert(node, pointer, |_| Origin::Override, lookup)
            }
            Err(problem) => {
                self.problem(Origin::Override, pointer, format!("the value is {}", problem.what));
                None
            }
        }
    }

    /// Where `pointer`, or the nearest section around it, was written.
    #[must_use]
    pub(super) fn origin(&self, pointer: &str) -> Origin {
        let mut pointer = pointer;
        loop {
            if let Some(origin) = self.origins.get(pointer) {
                return *origin;
            }
            match pointer.rsplit_once('/') {
                Some((parent, _)) => pointer = parent,
                None => return Origin::Line(1),
            }
        }
    }

    pub(super) fn problem(&mut self, origin: Origin, pointer: &str, what: impl Into<String>) {
        self.problems.push(Problem { origin, key: dotted(pointer), what: what.into() });
    }

    /// `None` for an empty value.
    fn convert(
        &mut self,
        node: &MarkedYaml<'_>,
        pointer: &str,
        origin: impl Fn(usize) -> Origin + Copy,
        lookup: &Lookup<'_>,
    ) -> Option<Value> {
        let here = origin(node.span.start.line());
        if pointer.matches('/').count() > DEEPEST {
            self.broken(here, pointer, "nested too deeply");
            return None;
        }
        match &node.data {
            YamlData::Value(scalar) => self.scalar(scalar, pointer, here, lookup),
            YamlData::Sequence(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    self.origins.insert(pointer.clone(), origin(item.span.start.line()));
                    values.push(self.convert(item, &pointer, origin, lookup).unwrap_or(Value::Null));
                }
                Some(Value::Array(values))
            }
            YamlData::Mapping(entries) => {
                let mut object = Map::new();
                for (key, item) in entries {
                    let line = origin(key.span.start.line());
                    let Some(key) = key.data.as_str() else {
                        self.problem(line, pointer, "a key that is not text; put it in quotes");
                        continue;
                    };
                    let pointer = below(pointer, key);
                    self.origins.insert(pointer.clone(), line);
                    match self.convert(item, &pointer, origin, lookup) {
                        Some(value) => drop(object.insert(key.to_owned(), value)),
                        None => drop(self.empty.insert(pointer)),
                    }
                }
                Some(Value::Object(object))
            }
            YamlData::Tagged(..) => self.broken(here, pointer, "YAML tags (`!name`) have no meaning here"),
            YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => self.broken(
                here,
                pointer,
                "the value does not fit its YAML tag, or refers to an anchor that is not complete",
            ),
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, pointer: &str, here: Origin, lookup: &Lookup<'_>) -> Option<Value> {
        match scalar {
            Scalar::Null => None,
            Scalar::Boolean(value) => Some(Value::Bool(*value)),
            Scalar::Integer(value) => Some(Value::from(*value)),
            Scalar::FloatingPoint(value) => match Number::from_f64(value.0) {
                Some(number) => Some(Value::Number(number)),
                None => self.broken(here, pointer, "must be a finite number"),
            },
            Scalar::String(text) => match interpolate(text, lookup) {
                Ok(None) => Some(Value::String(text.as_ref().to_owned())),
                Ok(Some(text)) => {
                    self.interpolated.insert(pointer.to_owned());
                    Some(Value::String(text))
                }
                Err(problems) => {
                    for problem in problems {
                        self.broken(here, pointer, &problem);
                    }
                    Some(Value::String(String::new()))
                }
            },
        }
    }

    fn broken(&mut self, origin: Origin, pointer: &str, what: &str) -> Option<Value> {
        let known = self.origins.get(pointer).copied().unwrap_or(origin);
        self.problem(known, pointer, what);
        self.broken.insert(pointer.to_owned());
        None
    }
}

/// The YAML documents of `text`.
fn load(text: &str) -> Result<Vec<MarkedYaml<'_>>, Problem> {
    if let Some((index, _)) = text.lines().enumerate().find(|(_, line)| too_deep(line)) {
        return Err(whole(index + 1, "not valid YAML: nested too deeply"));
    }
    MarkedYaml::load_from_str(text).map_err(|error| {
        let (line, column) = (error.marker().line(), error.marker().col());
        let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let what = if error.info().contains("duplicated key") {
            let key: String = source.chars().skip(column).take_while(|c| !matches!(c, ':' | '}' | ',')).collect();
            return Problem {
                origin: Origin::Line(line),
                key: key.trim().to_owned(),
                what: "set twice; keep one".to_owned(),
            };
        } else if source.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            "not valid YAML: a tab in the indentation; indent with spaces".to_owned()
        } else {
            format!("not valid YAML: {} (column {})", error.info(), column + 1)
        };
        whole(line, &what)
    })
}

/// Whether one line opens more blocks than any configuration needs; the parser would take the stack for each.
fn too_deep(line: &str) -> bool {
    line.split_whitespace().take_while(|word| matches!(*word, "-" | "?")).count() > DEEPEST
}

fn whole(line: usize, what: &str) -> Problem {
    Problem { origin: Origin::Line(line.max(1)), key: String::new(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Tree, Problem> {
        Tree::parse(text, &Lookup { folder: Path::new("."), environment: &|_| None })
    }

    fn refused(text: &str) -> String {
        parse(text).err().map(|problem| problem.line("f.yaml")).unwrap()
    }

    #[test]
    fn every_key_and_item_knows_its_line() {
        let tree = parse("a: 1\nb:\n  c: [x, y]\n  d:\n    - z\n").unwrap();
        assert_eq!(tree.value, serde_json::json!({"a": 1, "b": {"c": ["x", "y"], "d": ["z"]}}));
        assert_eq!(tree.origin("/b/c"), Origin::Line(3));
        assert_eq!(tree.origin("/b/d/0"), Origin::Line(5));
        assert_eq!(tree.origin("/b/unknown/deep"), Origin::Line(2));
    }

    #[test]
    fn text_that_is_not_one_mapping_is_refused_with_its_line() {
        assert_eq!(refused("a: 1\n\nb: 2\na: 3\n"), "f.yaml:4: a: set twice; keep one");
        assert_eq!(refused("s:\n  k: 1\n  k: 2\n"), "f.yaml:3: k: set twice; keep one");
        assert!(refused("a:\n\tb: 1\n").starts_with("f.yaml:2: not valid YAML: a tab"), "{}", refused("a:\n\tb: 1\n"));
        assert!(refused("a: [1, 2\nb: 3\n").starts_with("f.yaml:"), "{}", refused("a: [1, 2\nb: 3\n"));
        assert!(refused("- a\n- b\n").contains("not a mapping"));
        assert!(refused("").contains("empty"));
        assert!(refused("# only a comment\n").contains("empty"));
        assert!(refused("a: 1\n---\nb: 2\n").contains("second YAML document"));
        assert!(refused(&format!("a:\n  {}1\n", "- ".repeat(100_000))).contains("too deeply"));
        assert!(refused(&format!("a: {}", "[".repeat(100_000))).contains("not valid YAML"));
    }

    #[test]
    fn a_key_without_a_value_counts_as_not_set() {
        let tree = parse("a:\nb: ~\nc: ''\n").unwrap();
        assert_eq!(tree.value, serde_json::json!({"c": ""}));
        assert_eq!(tree.empty.len(), 2);
    }

    #[test]
    fn tags_and_keys_that_are_not_text_are_problems_with_a_line() {
        let tree = parse("a: !secret x\n1: y\nb: .nan\n").unwrap();
        let lines: Vec<String> = tree.problems.iter().map(|problem| problem.line("f")).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("f:1: a: YAML tags"), "{lines:?}");
        assert!(lines[1].starts_with("f:2: a key that is not text"), "{lines:?}");
        assert!(lines[2].starts_with("f:3: b: must be a finite number"), "{lines:?}");
    }
}
