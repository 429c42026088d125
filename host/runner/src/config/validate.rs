//! Checks a configuration against its JSON Schema and says every problem in words.
//!
//! A message quotes keys and what the schema allows, never a value: values may be secrets.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::problem::{Origin, Problem, below, dotted};
use super::source_text::Tree;
use super::{formats, schema, suggest};

/// Every way in which `tree` breaks `schema`.
///
/// # Errors
/// The schema itself is not valid; only a plugin can cause that.
pub(super) fn validate(tree: &Tree, schema: &Value) -> Result<Vec<Problem>, String> {
    let options = jsonschema::options().should_validate_formats(true);
    let options = formats::ALL
        .iter()
        .fold(options, |options, (name, check)| options.with_format(*name, move |text: &str| check(text).is_ok()));
    let validator: Validator =
        options.build(schema).map_err(|error| format!("its configuration schema is not valid: {}", error.masked()))?;
    let mut explain = Explain { tree, schema, problems: Vec::new() };
    for error in validator.iter_errors(&tree.value) {
        explain.error(&error);
    }
    explain.empty_keys();
    Ok(explain.problems)
}

/// Turns numbers and booleans that came from the environment, and therefore are text, into what the schema asks for.
pub(super) fn coerce(tree: &mut Tree, schema: &Value) {
    for pointer in &tree.interpolated {
        let expected = schema::at(schema, pointer).and_then(|schema| schema.get("type"));
        let Some(expected) = expected else { continue };
        let allows =
            |name: &str| expected == name || expected.as_array().is_some_and(|types| types.iter().any(|t| t == name));
        let Some(value) = tree.value.pointer_mut(pointer) else { continue };
        let Some(text) = value.as_str().map(str::trim) else { continue };
        let read: Option<Value> = if allows("string") { None } else { serde_json::from_str(text).ok() };
        match read {
            Some(number @ Value::Number(_)) if allows("integer") || allows("number") => *value = number,
            Some(boolean @ Value::Bool(_)) if allows("boolean") => *value = boolean,
            _ => {}
        }
    }
}

struct Explain<'a> {
    tree: &'a Tree,
    schema: &'a Value,
    problems: Vec<Problem>,
}

impl Explain<'_> {
    fn say(&mut self, pointer: &str, what: impl Into<String>) {
        self.say_at(self.tree.origin(pointer), pointer, what);
    }

    fn say_at(&mut self, origin: Origin, pointer: &str, what: impl Into<String>) {
        let within = |broken: &String| {
            pointer.strip_prefix(broken.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !self.tree.broken.iter().any(within) {
            self.problems.push(Problem { origin, key: dotted(pointer), what: what.into() });
        }
    }

    fn error(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                for key in unexpected {
                    self.unknown(pointer, key, error.schema_path().as_str());
                }
            }
            Kind::Required { property } => {
                let key = below(pointer, property.as_str().unwrap_or_default());
                let what =
                    if self.tree.empty.contains(&key) { "must have a value" } else { "is missing and must be set" };
                self.say(&key, what);
            }
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => self.choice(pointer, error, context),
            Kind::Format { format } => {
                let text = error.instance().as_str().unwrap_or_default();
                let what = formats::wrong(format, text).unwrap_or_else(|| format!("is not a valid {format}"));
                self.say(pointer, what);
            }
            Kind::Type { kind } => self.say(pointer, expected(kind, error.instance())),
            Kind::Enum { options } => {
                let near = suggest::value(options, error.instance());
                self.say(pointer, format!("must be {}{near}", one_of(options.as_array().into_iter().flatten())));
            }
            Kind::Minimum { .. } | Kind::Maximum { .. } if self.is_duration(pointer) => {
                self.say(pointer, "a number needs a unit, such as 30s, 15m, 48h or 30d");
            }
            kind => self.say(pointer, plain(kind, error)),
        }
    }

    fn is_duration(&self, pointer: &str) -> bool {
        schema::at(self.schema, pointer)
            .is_some_and(|schema| schema.get("format") == Some(&Value::from("tidegate-duration")))
    }

    /// An unknown key: perhaps misspelt, perhaps in the wrong section.
    fn unknown(&mut self, pointer: &str, key: &str, rule: &str) {
        let section = rule.rsplit_once('/').and_then(|(section, _)| self.schema.pointer(section));
        let hint = suggest::key(self.schema, section, pointer, key);
        self.say(&below(pointer, key), format!("unknown key{hint}"));
    }

    /// Keys without a value count as not set, but must be known all the same.
    fn empty_keys(&mut self) {
        let tree = self.tree;
        for pointer in &tree.empty {
            let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
            let name = name.replace("~1", "/").replace("~0", "~");
            let Some(section) = schema::at(self.schema, parent) else { continue };
            let known = section.pointer("/properties").is_none_or(|properties| properties.get(&name).is_some());
            if !known && section.get("additionalProperties") == Some(&Value::Bool(false)) {
                let hint = suggest::key(self.schema, Some(section), parent, &name);
                self.say(pointer, format!("unknown key{hint}"));
            }
        }
    }

    /// None of several forms fits: speak of the one that was meant.
    fn choice(&mut self, pointer: &str, error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) {
        let tag = |error: &ValidationError<'_>| {
            matches!(error.kind(), Kind::Constant { .. }) && error.instance_path().as_str() != pointer
        };
        let root_type = |error: &ValidationError<'_>| {
            matches!(error.kind(), Kind::Type { .. }) && error.instance_path().as_str() == pointer
        };
        let meant: Vec<_> =
            context.iter().filter(|branch| !branch.iter().any(|error| tag(error) || root_type(error))).collect();
        let tags: Vec<&ValidationError<'_>> = context.iter().flatten().filter(|error| tag(error)).collect();
        let discriminator = self.discriminator(error);
        if let Some((name, values)) = discriminator.filter(|(name, _)| error.instance().get(name).is_none()) {
            let missing = error.instance().is_object();
            return match missing {
                true => self.say(&below(pointer, &name), format!("is missing and must be {}", one_of(values.iter()))),
                false => {
                    self.say(pointer, format!("must be keys and values, with `{name}` one of {}", list(values.iter())))
                }
            };
        }
        if let Some(branch) = meant.into_iter().min_by_key(|branch| branch.len()) {
            return branch.iter().for_each(|error| self.error(error));
        }
        if let [first, ..] = tags.as_slice() {
            let values = tags.iter().filter_map(|error| match error.kind() {
                Kind::Constant { expected_value } => Some(expected_value.as_ref()),
                _ => None,
            });
            let options = Value::Array(values.cloned().collect());
            let near = suggest::value(&options, first.instance());
            let at = first.instance_path().as_str().to_owned();
            return self.say(&at, format!("must be {}{near}", one_of(options.as_array().into_iter().flatten())));
        }
        let types: Vec<String> = context
            .iter()
            .flatten()
            .filter_map(|error| match error.kind() {
                Kind::Type { kind } => Some(kinds(kind)),
                _ => None,
            })
            .collect();
        self.say(pointer, format!("must be {}, but is {}", types.join(" or "), a(error.instance())));
    }

    /// The key that tells the forms of a section apart, and its values.
    fn discriminator(&self, error: &ValidationError<'_>) -> Option<(String, Vec<Value>)> {
        let forms = self.schema.pointer(error.schema_path().as_str())?.as_array()?;
        let name =
            forms.first()?.get("properties")?.as_object()?.iter().find(|(_, rule)| rule.get("const").is_some())?.0;
        let values = forms.iter().filter_map(|form| form.get("properties")?.get(name)?.get("const").cloned());
        Some((name.clone(), values.collect()))
    }
}

/// Rules that need no context.
fn plain(kind: &Kind, error: &ValidationError<'_>) -> String {
    match kind {
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::UniqueItems => "must not hold the same item twice".to_owned(),
        Kind::Pattern { pattern } => format!("must match {pattern}"),
        Kind::Not { .. } | Kind::FalseSchema => "is not allowed here".to_owned(),
        _ => error.masked().to_string(),
    }
}

fn expected(kind: &TypeKind, value: &Value) -> String {
    let wanted = kinds(kind);
    let hint = match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("yes" | "on" | "no" | "off") if wanted.contains("true") => "; YAML 1.2 knows only true and false",
        _ => "",
    };
    format!("must be {wanted}, but is {}{hint}", a(value))
}

fn kinds(kind: &TypeKind) -> String {
    let word = |name: &str| match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "keys and values",
        _ => "nothing",
    };
    match kind {
        TypeKind::Single(one) => word(one.as_str()).to_owned(),
        TypeKind::Multiple(set) => set.iter().map(|one| word(one.as_str())).collect::<Vec<_>>().join(" or "),
    }
}

fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a section with keys",
    }
}

fn one_of<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    format!("one of {}", list(values))
}

fn list<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
}
