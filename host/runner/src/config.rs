//! The configuration: one YAML file, checked as a whole before anything runs.
//!
//! Text → tree that knows its lines → `${…}` → `--set` → defaults → JSON Schema (the host's and the plugin's) → typed. All
//! problems are reported at once, each with file, line, key and what would be right. A value that came from the
//! environment or a file is never quoted, and nothing of `auth` reaches the plugin.

mod durations;
pub mod form;
mod formats;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod interpolate;
mod overrides;
mod problem;
mod read;
mod schema;
mod source_text;
mod suggest;
mod typed;
mod validate;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::interpolate::Lookup;
use self::source_text::Tree;
use crate::exit::Failure;
use crate::secret;

pub use self::durations::{Start, nanos, size, time};
pub use self::problem::{Invalid, Origin, Problem};
pub use self::schema::schema;
pub use self::typed::{
    Auth, Config, Ingestion, Login, Mirror, Performance, Place, Quality, Schedule, Sink, Source, StorageOptions, Tls,
};

/// No configuration is larger; reading on would only take memory.
const LARGEST: u64 = 1 << 20;

/// A configuration that was read but not checked: enough to find the plugin, which has a say in the rest.
pub struct Document {
    file: String,
    folder: PathBuf,
    tree: Tree,
}

impl Document {
    /// Reads `path` and puts `overrides` (`KEY=VALUE`) in their places.
    ///
    /// # Errors
    /// The file cannot be read or is not a YAML mapping. Smaller problems wait for [`Document::check`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, Failure> {
        Self::read_with(path, overrides, &|name| std::env::var_os(name))
    }

    fn read_with(
        path: &Path,
        overrides: &[String],
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let text = read_text(path)?;
        let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_path_buf));
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        let lookup = Lookup { folder: &folder, environment };
        let tree = Tree::parse(&text, &lookup);
        let mut tree = tree.map_err(|problem| Failure::usage(problem.line(&file)))?;
        overrides::apply(&mut tree, overrides, &lookup);
        register_secrets(&tree);
        Ok(Self { file, folder, tree })
    }

    /// The plugin as configured, if that much is readable.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        self.tree.value.get("plugin").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// Bytes that the whole host may take, as configured or by default: needed to load the plugin, before all is checked.
    #[must_use]
    pub fn memory_limit(&self) -> u64 {
        let limit = self.tree.value.pointer("/performance/memory_limit");
        let text = limit.map(|limit| limit.as_str().map_or_else(|| limit.to_string(), str::to_owned));
        let bytes = text.and_then(|text| durations::size(&text).ok());
        bytes.filter(|bytes| *bytes >= read::LEAST_MEMORY).unwrap_or(form::MEMORY_LIMIT)
    }

    /// Absolute folder of the file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the value at a JSON pointer was written.
    #[must_use]
    pub fn origin(&self, pointer: &str) -> Origin {
        self.tree.origin(pointer)
    }

    /// Checks everything. `plugin` is the JSON Schema of the keys that the plugin adds to `source` and `ingestion`; without
    /// it they pass unchecked.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn check(mut self, plugin: Option<&Value>) -> Result<Config, Invalid> {
        let schema = schema(plugin);
        let mut problems = std::mem::take(&mut self.tree.problems);
        schema::fill(&schema, &mut self.tree.value);
        validate::coerce(&mut self.tree, &schema);
        match validate::validate(&self.tree, &schema) {
            Ok(found) => problems.extend(found),
            Err(what) => problems.push(self.problem("/plugin", what)),
        }
        if !problems.is_empty() {
            return Err(Invalid::new(self.file, problems));
        }
        let interpolated: Vec<&str> = self.tree.interpolated.iter().map(String::as_str).collect();
        Config::read(self.file.clone(), self.folder.clone(), &self.tree.value, &interpolated).map_err(|wrong| {
            let problems = wrong.into_iter().map(|(pointer, what)| self.problem(pointer, what)).collect();
            Invalid::new(self.file.clone(), problems)
        })
    }

    /// The file as the operator named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Every problem there is when the plugin cannot be loaded because of `failure`.
    #[must_use]
    pub fn without_plugin(self, failure: String) -> Invalid {
        let problem = self.problem("/plugin", failure);
        let file = self.file.clone();
        let problems = self.check(None).err().map(|invalid| invalid.problems).unwrap_or_default();
        Invalid::new(file, problems.into_iter().chain(std::iter::once(problem)).collect())
    }

    fn problem(&self, pointer: &str, what: String) -> Problem {
        Problem { origin: self.tree.origin(pointer), key: problem::dotted(pointer), what }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::usage(invalid.to_string())
    }
}

impl Config {
    /// Completes a URL that names only the server with the place where the API of its kind lies, such as `/api`.
    pub fn complete_url(&mut self, root: &str) {
        if self.source.url.path() != "/" || root.is_empty() {
            return;
        }
        self.source.url.set_path(root);
        if let Some(url) = self.settings.pointer_mut("/source/url") {
            *url = Value::from(self.source.url.as_str());
        }
    }
}

/// What the plugin gets: `{"source": …, "ingestion": …, "performance": …}` with defaults filled in, never a credential.
#[must_use]
pub fn plugin_settings(config: &Config) -> String {
    config.settings.to_string()
}

/// Registers everything under `auth` that is secret before the first message about the file is printed.
fn register_secrets(tree: &Tree) {
    for key in ["password", "token", "client_secret"] {
        if let Some(text) = tree.value.pointer(&format!("/auth/{key}")).and_then(Value::as_str) {
            secret::register(text);
        }
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let file = path.display();
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::usage(format!(
            "cannot read the configuration {file}: there is no such file; `tidegate init` writes one, `--config` names another"
        )),
        _ => Failure::usage(format!("cannot read the configuration {file}: {error}")),
    };
    let length = std::fs::metadata(path).map_err(cannot)?.len();
    if length > LARGEST {
        return Err(Failure::usage(format!("cannot read the configuration {file}: larger than 1 MiB")));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("cannot read the configuration {file}: not UTF-8 text")))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests;
