//! What a plugin says about itself, checked once when it is loaded, so that everything after can rely on it.

mod capability;
mod session;
mod table;

use serde_json::Value;

use crate::bindings::plugin as wit;

pub use capability::Capability;
pub use session::Session;
use table::is_name;
pub use table::{Shape, TableSpec};

/// What a plugin says about itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// Also the prefix of its tables: `acme`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The terms of its use, an SPDX expression.
    pub license: String,
    /// Where the API usually lies on its server, such as `/api`; empty at the top.
    pub root: String,
    /// A first configuration, YAML with comments.
    pub starter: String,
    /// The tables it fills, in its order.
    pub tables: Vec<TableSpec>,
    /// What it can be asked to discover.
    pub kinds: Vec<String>,
    /// JSON Schema of the keys that it adds to the sections `source` and `ingestion` of the configuration.
    pub config_schema: Value,
    /// All requests that it will ever ask for.
    pub capabilities: Vec<Capability>,
    /// The member of a request's JSON body in which the historian takes a token that the operator was given.
    pub token_member: Option<String>,
    /// Where the historian gives out tokens itself.
    pub session: Option<Session>,
}

impl Description {
    /// Checks what the guest returned; the error says which statement cannot be, and why.
    pub(crate) fn check(said: wit::Description) -> Result<Self, String> {
        if !is_name(&said.name) {
            return Err(format!(
                "its name `{}` is no table prefix (a-z, 0-9, _; a letter first)",
                printable(&said.name)
            ));
        }
        version(&said.version)?;
        words(&said)?;
        let config_schema: Value = serde_json::from_str(&said.config_schema)
            .map_err(|error| format!("its configuration schema is not JSON: {error}"))?;
        if !config_schema.is_object() {
            return Err("its configuration schema is not a JSON object".to_owned());
        }
        let mut tables: Vec<TableSpec> = Vec::with_capacity(said.tables.len());
        for table in said.tables {
            let table = TableSpec::check(table)?;
            if tables.iter().any(|known| known.name == table.name) {
                return Err(format!("it declares the table `{}` twice", table.name));
            }
            tables.push(table);
        }
        if tables.is_empty() {
            return Err("it declares no table".to_owned());
        }
        if let Some(kind) = said.kinds.iter().find(|kind| !is_name(kind)) {
            return Err(format!("`{}` is no kind of thing (a-z, 0-9, _; a letter first)", printable(kind)));
        }
        let capabilities: Vec<Capability> =
            said.capabilities.into_iter().map(Capability::check).collect::<Result<_, _>>()?;
        let session = said.session.map(Session::check).transpose()?;
        if let Some(session) = &session
            && let Some(own) = capabilities.iter().find(|capability| session.reserves(capability))
        {
            return Err(format!("its capability `{own}` holds a call of its session, which only the host makes"));
        }
        Ok(Self {
            name: said.name,
            version: said.version,
            license: said.license,
            root: said.root,
            starter: said.starter,
            tables,
            kinds: said.kinds,
            config_schema,
            capabilities,
            token_member: (!said.token_member.is_empty()).then_some(said.token_member),
            session,
        })
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableSpec> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// The longest first configuration, in bytes.
const LONGEST_STARTER: usize = 64 << 10;

/// Checks a version. It is printed wherever somebody decides about the plugin: it must look like what it is.
fn version(text: &str) -> Result<(), String> {
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("its version `{}` is not 1 to 64 printable ASCII characters", printable(text)))
}

/// Checks what a plugin says in words of its own.
fn words(said: &wit::Description) -> Result<(), String> {
    if said.license.len() > 128 || said.license.chars().any(char::is_control) {
        return Err("its licence is no SPDX expression of at most 128 bytes".to_owned());
    }
    let below = |root: &str| root.strip_prefix('/').is_some_and(|root| root.split('/').all(capability::is_literal));
    if !(said.root.is_empty() || below(&said.root)) {
        return Err(format!("its root `{}` is no plain path such as /api", printable(&said.root)));
    }
    if said.starter.len() > LONGEST_STARTER {
        return Err(format!("its first configuration is longer than {LONGEST_STARTER} bytes"));
    }
    if said.token_member.is_empty() { Ok(()) } else { session::member(&said.token_member) }
}

/// Text from a plugin, fit for a message: short and without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_could_be_taken_for_something_else_is_refused() {
        for good in ["0.1.0", "1.0.0-rc.1+build.7", &"1".repeat(64)] {
            version(good).unwrap();
        }
        for bad in ["", "1 0", "1\nsigned by acme", "1\u{1b}[2J", "1\u{202e}0", &"1".repeat(65)] {
            let error = version(bad).unwrap_err();
            assert!(error.contains("printable ASCII") && !error.contains(char::is_control), "{bad}: {error}");
        }
    }
}
