//! The part of JSONPath that batches use: `$.id.Content.Items[*].WebId`, `$['id'].Headers.Location`, indexes.

use serde_json::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Every,
}

/// A path that begins at one request's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The request whose answer it looks into.
    pub(super) id: String,
    steps: Vec<Step>,
}

impl Path {
    /// Reads a path; `None` if it is not one.
    pub(super) fn parse(text: &str) -> Option<Path> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[*]").or_else(|| rest.strip_prefix(".*")) {
                steps.push(Step::Every);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = match after.strip_prefix(['\'', '"']) {
                    Some(quoted) => {
                        let quote = &after[..1];
                        quoted
                            .split_once(&format!("{quote}]"))
                            .map(|(name, after)| (Step::Name(name.to_owned()), after))?
                    }
                    None => {
                        let (index, after) = after.split_once(']')?;
                        (Step::Index(index.parse().ok()?), after)
                    }
                };
                steps.push(inside);
                rest = after;
            } else {
                let after = rest.strip_prefix('.')?;
                let len = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at(len);
                if name.is_empty() {
                    return None;
                }
                steps.push(Step::Name(name.to_owned()));
                rest = after;
            }
        }
        if steps.is_empty() {
            return None;
        }
        match steps.remove(0) {
            Step::Name(id) => Some(Path { id, steps }),
            Step::Index(_) | Step::Every => None,
        }
    }

    /// Every match inside the answer, scalars as text; objects, arrays and nulls do not count.
    pub(super) fn find(&self, answer: &Value) -> Vec<String> {
        let mut at = vec![answer];
        for step in &self.steps {
            at = at.into_iter().flat_map(|value| follow(step, value)).collect();
        }
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        };
        at.into_iter().filter_map(text).collect()
    }
}

fn follow<'v>(step: &Step, value: &'v Value) -> Vec<&'v Value> {
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
        (Step::Every, Value::Array(items)) => items.iter().collect(),
        (Step::Every, Value::Object(members)) => members.values().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_paths_find_their_values() {
        let answer = serde_json::json!({
            "Headers": {"Location": "here"},
            "Content": {"Items": [{"WebId": "a"}, {"WebId": "b"}], "Links": {"Next": "n"}}
        });
        let find = |path: &str| Path::parse(path).unwrap().find(&answer);
        assert_eq!(find("$.ef.Content.Items[*].WebId"), ["a", "b"]);
        assert_eq!(find("$['e.f'].Content.Items[1].WebId"), ["b"]);
        assert_eq!(find("$.ef.Headers.Location"), ["here"]);
        assert_eq!(find("$.ef.Content.Links.Next"), ["n"]);
        assert!(find("$.ef.Content.Links").is_empty());
        assert_eq!(Path::parse("$['e.f'].X").unwrap().id, "e.f");
        for bad in ["", "$", "ef.Content", "$[0].x", "$.a..b", "$.a[x]", "$.a['b"] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }
}
