//! What a plugin says about itself, checked once when it is loaded, so that everything after can rely on it.

mod capability;
mod table;

use serde_json::Value;

use crate::bindings::plugin as wit;

pub use capability::Capability;
use table::is_name;
pub use table::{Shape, TableSpec};

/// What a plugin says about itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// Also the prefix of its tables: `pi`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The tables it fills, in its order.
    pub tables: Vec<TableSpec>,
    /// What it can be asked to discover.
    pub kinds: Vec<String>,
    /// JSON Schema of the keys that it adds to the sections `source` and `ingestion` of the configuration.
    pub config_schema: Value,
    /// All requests that it will ever ask for.
    pub capabilities: Vec<Capability>,
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
        if said.version.is_empty() || said.version.len() > 64 {
            return Err("its version is empty or longer than 64 bytes".to_owned());
        }
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
        let capabilities = said.capabilities.into_iter().map(Capability::check).collect::<Result<_, _>>()?;
        Ok(Self { name: said.name, version: said.version, tables, kinds: said.kinds, config_schema, capabilities })
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableSpec> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// Text from a plugin, fit for a message: short and without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
