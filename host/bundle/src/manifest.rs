//! What a bundle says of its component, for a person who decides about it. It lies in the configuration blob of the
//! component's image, as the member `tidegate` beside those that `wkg` reads: one digest covers all of it, and tools that
//! carry components leave it alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::error::{Error, broken, printable};
use crate::oci;

/// The version of this form; another one needs another program.
const FORMAT: u32 = 1;
/// The longest name of a plugin, and the longest version, in bytes.
const LONGEST_WORD: usize = 64;
/// The instant at which every bundle is made: the same component is the same bundle.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What a component is, needs and may be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this document: 1.
    pub format: u32,
    /// The plugin's name, also the prefix of its tables.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// The terms of its use, an SPDX expression.
    pub license: String,
    /// The world that it was built for, with its version.
    pub world: String,
    /// The component that is meant.
    pub component: ComponentFacts,
    /// The tables that it fills.
    pub tables: Vec<Table>,
    /// What it can be asked to discover.
    pub kinds: Vec<String>,
    /// All requests that it will ever ask for.
    pub capabilities: Vec<Capability>,
    /// The member of a request's JSON body in which the host puts the token that the operator was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_member: Option<String>,
    /// The calls in which the host gives credentials away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// What one call into it may take at most.
    pub limits: CallLimits,
    /// JSON Schema of the keys that it adds to the configuration.
    pub config_schema: Value,
}

/// The component that a manifest is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentFacts {
    /// Of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// The interfaces that it needs from the host.
    pub imports: Vec<String>,
    /// The interfaces that it offers.
    pub exports: Vec<String>,
}

/// A table that a plugin fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Without the plugin's prefix.
    pub name: String,
    /// How its rows live: `events`, `records`, or `snapshot`.
    pub shape: String,
    /// What it holds.
    pub comment: String,
    /// All columns in order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A kind of request below the configured URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path; `*` stands for one segment.
    pub path: String,
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The calls in which the host gives credentials away, and where it puts the token that it gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The call that opens a session.
    pub login: Capability,
    /// What its body holds besides name and password.
    pub login_body: Value,
    /// The member that takes the user's name.
    pub username_member: String,
    /// The member that takes the password.
    pub password_member: String,
    /// The member that carries the token from then on.
    pub token_member: String,
    /// The call that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<Capability>,
    /// The member of an answer that says that a token is not valid,
    pub expired_member: String,
    /// when it holds this text.
    pub expired_value: String,
}

/// What one call into a plugin may take at most. The host's own limits hold beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimits {
    /// Linear memory, in bytes; as the operator configured the host where whoever packed it chose none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Computing without progress, in seconds.
    pub busy_seconds: u64,
    /// One request's body, in bytes.
    pub request_bytes: u64,
    /// One response's body, in bytes.
    pub response_bytes: u64,
    /// One batch of rows, in bytes.
    pub batch_bytes: u64,
}

impl Manifest {
    /// The current form.
    pub const FORMAT: u32 = FORMAT;

    /// The requested capabilities as lines for people, sorted, each once.
    #[must_use]
    pub fn capability_lines(&self) -> Vec<String> {
        lines(self.capabilities.iter().map(ToString::to_string))
    }

    /// Where the host gives credentials away, as lines for people; empty where a header is all that it sends.
    #[must_use]
    pub fn credential_lines(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(member) = &self.token_member {
            said.push(format!("the token given by the operator, as `{member}` in the body of each request"));
        }
        if let Some(session) = &self.session {
            let Session { username_member, password_member, login, .. } = session;
            said.push(format!("name and password, as `{username_member}` and `{password_member}` to {login}"));
            said.push(format!("the token of a session, as `{}` in the body of each request", session.token_member));
            if let Some(logout) = &session.logout {
                said.push(format!("the token of a session, as `{}` to {logout}", session.token_member));
            }
        }
        lines(said.into_iter())
    }
}

fn lines(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.dedup();
    lines
}

/// The configuration blob: what `wkg` reads of a component, and the manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    created: String,
    architecture: String,
    os: String,
    layer_digests: Vec<Digest>,
    component: Interfaces,
    tidegate: Manifest,
}

#[derive(Serialize, Deserialize)]
struct Interfaces {
    exports: Vec<String>,
    imports: Vec<String>,
    target: Option<String>,
}

/// The configuration blob of a manifest.
pub(crate) fn write(manifest: &Manifest) -> Result<Vec<u8>, Error> {
    oci::json(&Config {
        created: CREATED.to_owned(),
        architecture: "wasm".to_owned(),
        os: "wasip2".to_owned(),
        layer_digests: vec![manifest.component.digest.clone()],
        component: Interfaces {
            exports: manifest.component.exports.clone(),
            imports: manifest.component.imports.clone(),
            target: Some(manifest.world.clone()),
        },
        tidegate: manifest.clone(),
    })
}

/// The manifest in a configuration blob, which must be about `component` and written as [`write`] does.
pub(crate) fn read(blob: &[u8], component: &[u8]) -> Result<Manifest, Error> {
    /// Read first, so that a later form is told from a broken one.
    #[derive(Deserialize)]
    struct Versioned {
        tidegate: Format,
    }
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let Versioned { tidegate: Format { format } } = oci::parse("its manifest", blob)?;
    if format != FORMAT {
        return Err(broken(format!(
            "its manifest has the form {format}, and this version reads {FORMAT}; use a newer tidegate"
        )));
    }
    let manifest = oci::parse::<Config>("its manifest", blob)?.tidegate;
    if manifest.component.digest != Digest::of(component) || manifest.component.size != component.len() as u64 {
        let named = &manifest.component.digest;
        return Err(broken(format!("its manifest is about the component {named}, which is not the one that it holds")));
    }
    words(&manifest)?;
    if write(&manifest)? != blob {
        return Err(broken(format!(
            "the manifest of `{}` {} is not written in its one form",
            manifest.name, manifest.version
        )));
    }
    Ok(manifest)
}

/// Fails unless name and version are words that look like what they are: they are printed before anything is believed.
fn words(manifest: &Manifest) -> Result<(), Error> {
    let (name, version) = (&manifest.name, &manifest.version);
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.len() > LONGEST_WORD || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(rest) {
        let name = printable(name);
        return Err(broken(format!("the name `{name}` in its manifest is none (a-z, 0-9, _; a letter first)")));
    }
    if version.is_empty() || version.len() > LONGEST_WORD || !version.bytes().all(|byte| byte.is_ascii_graphic()) {
        let version = printable(version);
        return Err(broken(format!(
            "the version `{version}` in its manifest is not 1 to {LONGEST_WORD} printable ASCII characters"
        )));
    }
    Ok(())
}
