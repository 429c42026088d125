//! What can go wrong before a plugin runs: an engine that does not start, a file that is no plugin, an egress that
//! cannot be built. What goes wrong while it runs is a `Fault`.

use std::path::PathBuf;

use tidegate_model::Fault;

/// An error of setting up the sandbox. Its text says what failed, where, and what to do; never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The WebAssembly engine did not start.
    #[error("the WebAssembly engine did not start: {reason}")]
    Engine {
        /// What the engine says.
        reason: String,
    },
    /// The directory for compiled components cannot be used.
    #[error("the cache for compiled plugins cannot be used: {}: {reason}; make the directory writable", path.display())]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// The bytes are something else than WebAssembly.
    #[error(
        "`{name}` is not a plugin: the file holds no WebAssembly (it starts with {start}); a plugin is a WebAssembly component"
    )]
    NotWebAssembly {
        /// The plugin as the caller names it.
        name: String,
        /// The first bytes, readable.
        start: String,
    },
    /// A core module instead of a component.
    #[error(
        "`{name}` is not a plugin: it is a WebAssembly core module, not a component; build it for the target wasm32-wasip2"
    )]
    CoreModule {
        /// The plugin as the caller names it.
        name: String,
    },
    /// It does not compile.
    #[error("`{name}` is not a valid WebAssembly component: {reason}; the file is damaged or needs a newer Tidegate")]
    Compile {
        /// The plugin as the caller names it.
        name: String,
        /// What the compiler says.
        reason: String,
    },
    /// A component of another world.
    #[error(
        "`{name}` is a component of another world: it lacks the export `{missing}` ({reason}); a plugin implements the world tidegate:historian/extractor"
    )]
    World {
        /// The plugin as the caller names it.
        name: String,
        /// The export it lacks or has in another shape.
        missing: String,
        /// In which way.
        reason: String,
    },
    /// It needs something from the host that the gate does not have.
    #[error(
        "`{name}` imports `{import}`, which the gate does not offer: {reason}; a plugin reaches outgoing HTTP, clocks and random numbers only"
    )]
    Import {
        /// The plugin as the caller names it.
        name: String,
        /// The import.
        import: String,
        /// In which way it does not fit.
        reason: String,
    },
    /// It did not survive being asked what it is.
    #[error("`{name}` failed to describe itself: {fault}")]
    Describe {
        /// The plugin as the caller names it.
        name: String,
        /// What happened.
        fault: Fault,
    },
    /// What it says about itself does not hold together.
    #[error("`{name}` describes itself wrongly: {reason}; this is a defect of the plugin")]
    Description {
        /// The plugin as the caller names it.
        name: String,
        /// Which statement, and why it cannot be.
        reason: String,
    },
    /// The way out cannot be built from the configuration.
    #[error("no requests can be made to the source: {reason}")]
    Egress {
        /// Which setting, and what to do.
        reason: String,
    },
}
