//! From bytes to a plugin that is known to fit: compiled, linked against what the gate offers, asked what it is. Each
//! way of not being a plugin has an error of its own.

use std::sync::Arc;

use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{ExtractorPre, host};
use crate::connection::Connection;
use crate::describe::{Capability, Description, printable};
use crate::egress::Egress;
use crate::engine::Engine;
use crate::error::Error;
use crate::limits::Limits;
use crate::state::{Scene, State};
use crate::stop;

/// Starts every WebAssembly file.
const MAGIC: &[u8] = b"\0asm";
/// Version and layer of a core module, behind the magic.
const MODULE: &[u8] = &[1, 0, 0, 0];
/// The interface that makes a component a plugin.
const EXPORT: &str = "tidegate:historian/plugin@";
/// The interfaces that the gate offers. `wasi:cli`, `wasi:filesystem` and `wasi:sockets` are there because standard
/// libraries link them; behind them is nothing.
const OFFERED: [&str; 9] = [
    "tidegate:historian/host@",
    "tidegate:historian/types@",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// A compiled plugin. Cheap to clone; every call runs in an instance of its own.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) engine: Engine,
    pub(crate) pre: ExtractorPre<State>,
    pub(crate) limits: Limits,
    description: Arc<Description>,
    interfaces: Arc<Interfaces>,
    granted: Arc<[Capability]>,
}

/// The names of the interfaces by which a component is linked, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    /// What it needs.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

impl Plugin {
    /// Compiles `bytes` (or finds the result in the cache) and asks the plugin what it is. `name` stands for the
    /// plugin in messages until it has said its own.
    ///
    /// # Errors
    /// When the bytes are no component, one of another world, or one that fails to describe itself truthfully.
    pub async fn load(engine: &Engine, name: &str, bytes: &[u8], limits: Limits) -> Result<Self, Error> {
        recognise(name, bytes)?;
        let (shared, owned, label) = (engine.clone(), bytes.to_vec(), name.to_owned());
        // Compiling takes seconds of CPU.
        let linked = tokio::task::spawn_blocking(move || link(&shared, &label, &owned)).await;
        let (pre, interfaces) =
            linked.map_err(|error| Error::Compile { name: name.to_owned(), reason: error.to_string() })??;
        let description = describe(engine, name, &pre, &limits).await?;
        let (description, interfaces, granted) = (Arc::new(description), Arc::new(interfaces), Arc::default());
        Ok(Self { engine: engine.clone(), pre, limits, description, interfaces, granted })
    }

    /// What the plugin says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The interfaces by which it is linked.
    #[must_use]
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// Allows the requests that are approved, as far as the plugin asks for them. Without this word it may make none.
    pub fn grant(&mut self, approved: &[Capability]) {
        let mut granted: Vec<Capability> = Vec::new();
        for requested in &self.description.capabilities {
            for shared in approved.iter().filter_map(|approved| requested.meet(approved)) {
                if !granted.contains(&shared) {
                    granted.push(shared);
                }
            }
        }
        self.granted = granted.into();
    }

    /// The requests that it may make.
    #[must_use]
    pub fn granted(&self) -> &[Capability] {
        &self.granted
    }

    /// The plugin with its configuration (JSON, without credentials) and its way out.
    #[must_use]
    pub fn connect(&self, settings: String, egress: Arc<Egress>) -> Connection {
        Connection::new(self.clone(), settings.into(), egress)
    }

    pub(crate) fn shared_description(&self) -> Arc<Description> {
        Arc::clone(&self.description)
    }
}

fn recognise(name: &str, bytes: &[u8]) -> Result<(), Error> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let start = bytes.get(..bytes.len().min(16)).unwrap_or_default();
        let start = match start {
            [] => "nothing: it is empty".to_owned(),
            start => format!("`{}`", printable(&String::from_utf8_lossy(start))),
        };
        return Err(Error::NotWebAssembly { name: name.to_owned(), start });
    };
    if rest.starts_with(MODULE) { Err(Error::CoreModule { name: name.to_owned() }) } else { Ok(()) }
}

fn link(engine: &Engine, name: &str, bytes: &[u8]) -> Result<(ExtractorPre<State>, Interfaces), Error> {
    let name = || name.to_owned();
    let component = Component::new(engine.inner(), bytes)
        .map_err(|error| Error::Compile { name: name(), reason: format!("{error:#}") })?;
    let types = component.component_type();
    let mut exports: Vec<String> = types.exports(engine.inner()).map(|(export, _)| export.to_owned()).collect();
    exports.sort();
    if !exports.iter().any(|export| export.starts_with(EXPORT)) {
        let reason = match exports.as_slice() {
            [] => "it exports nothing".to_owned(),
            exports => {
                format!("it exports {}", exports.iter().map(|export| printable(export)).collect::<Vec<_>>().join(", "))
            }
        };
        return Err(Error::World { name: name(), missing: EXPORT.trim_end_matches('@').to_owned(), reason });
    }
    let mut imports: Vec<String> = types.imports(engine.inner()).map(|(import, _)| import.to_owned()).collect();
    imports.sort();
    if let Some(import) = imports.iter().find(|import| !OFFERED.iter().any(|offered| import.starts_with(offered))) {
        return Err(Error::Import { name: name(), import: printable(import), reason: "no such interface".to_owned() });
    }
    let linker = linker(engine).map_err(|error| Error::Engine { reason: format!("{error:#}") })?;
    let pre = linker.instantiate_pre(&component).map_err(|error| Error::Import {
        name: name(),
        import: culprit(&error),
        reason: format!("{error:#}"),
    })?;
    let pre = ExtractorPre::new(pre).map_err(|error| Error::World {
        name: name(),
        missing: EXPORT.trim_end_matches('@').to_owned(),
        reason: format!("in the shape of this version: {error:#}"),
    })?;
    Ok((pre, Interfaces { imports, exports }))
}

/// The import that an error of the linker names, which it does between backquotes.
fn culprit(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    text.split('`').nth(1).map_or_else(|| "an interface in another shape".to_owned(), printable)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.inner());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    host::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

async fn describe(
    engine: &Engine,
    name: &str,
    pre: &ExtractorPre<State>,
    limits: &Limits,
) -> Result<Description, Error> {
    let scene = Scene { plugin: name.into(), settings: "{}".into(), description: None, egress: None, outlet: None };
    let mut store = State::store(engine, scene, limits);
    let asked = async {
        let instance = pre.instantiate_async(&mut store).await?;
        instance.tidegate_historian_plugin().call_describe(&mut store).await
    };
    match asked.await {
        Ok(said) => Description::check(said).map_err(|reason| Error::Description { name: name.to_owned(), reason }),
        Err(error) => {
            let fault = stop::fault(name, "describe itself", &error, &store.data().words.text());
            Err(Error::Describe { name: name.to_owned(), fault })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(bytes: &[u8]) -> Error {
        let engine = Engine::new(None).unwrap();
        Plugin::load(&engine, "x.tidegate", bytes, Limits::default()).await.err().unwrap()
    }

    #[tokio::test]
    async fn text_is_not_webassembly() {
        let error = refusal(b"#!/bin/sh\nrm -rf").await.to_string();
        assert!(error.contains("holds no WebAssembly (it starts with `#!/bin/sh"), "{error}");
        assert!(matches!(refusal(b"").await, Error::NotWebAssembly { .. }));
    }

    #[tokio::test]
    async fn a_core_module_is_told_from_a_component() {
        let error = refusal(b"\0asm\x01\0\0\0").await;
        assert!(matches!(error, Error::CoreModule { .. }) && error.to_string().contains("wasm32-wasip2"));
    }

    #[tokio::test]
    async fn an_empty_component_is_one_of_another_world() {
        let error = refusal(b"\0asm\x0d\0\x01\0").await;
        assert!(matches!(error, Error::World { .. }), "{error}");
        assert!(
            error.to_string().contains("lacks the export `tidegate:historian/plugin` (it exports nothing)"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_damaged_component_does_not_compile() {
        let error = refusal(b"\0asm\x0d\0\x01\0garbage").await;
        assert!(matches!(error, Error::Compile { .. }), "{error}");
    }
}
