//! The WebAssembly engine of the whole process: compiles components (and keeps the result on disk), and wakes itself
//! every few milliseconds so that no guest can hold a thread.

use std::path::Path;

use wasmtime::{Cache, CacheConfig, Config, OptLevel};

use crate::error::Error;
use crate::limits::TICK;

/// Stack of a guest's own functions, in bytes: enough for the recursion of a JSON parser.
const WASM_STACK: usize = 1 << 20;
/// Stack of a guest together with the host functions that it calls, in bytes.
const ASYNC_STACK: usize = 3 << 20;

/// Compiles and runs plugins. One per process; clones share everything.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
}

impl Engine {
    /// Starts the engine. With `cache_dir` the machine code of a plugin is kept there and found again by its content,
    /// so that only the first start compiles.
    ///
    /// # Errors
    /// When the directory cannot be used or the machine is not supported.
    pub fn new(cache_dir: Option<&Path>) -> Result<Self, Error> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .epoch_interruption(true)
            .consume_fuel(false)
            .cranelift_opt_level(OptLevel::Speed)
            .max_wasm_stack(WASM_STACK)
            .async_stack_size(ASYNC_STACK);
        if let Some(path) = cache_dir {
            config.cache(Some(cache(path)?));
        }
        let refused = |error: wasmtime::Error| Error::Engine { reason: format!("{error:#}") };
        let engine = wasmtime::Engine::new(&config).map_err(refused)?;
        tick(&engine)?;
        Ok(Self { engine })
    }

    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.engine
    }
}

fn cache(path: &Path) -> Result<Cache, Error> {
    let refused = |reason: String| Error::Cache { path: path.to_owned(), reason };
    std::fs::create_dir_all(path).map_err(|error| refused(error.to_string()))?;
    let directory = path.canonicalize().map_err(|error| refused(error.to_string()))?;
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config).map_err(|error| refused(format!("{error:#}")))
}

/// Starts the clock by which guests are interrupted. It holds the engine weakly and ends with it.
fn tick(engine: &wasmtime::Engine) -> Result<(), Error> {
    let weak = engine.weak();
    let run = move || {
        loop {
            std::thread::sleep(TICK);
            let Some(engine) = weak.upgrade() else { return };
            engine.increment_epoch();
        }
    };
    let spawned = std::thread::Builder::new().name("tidegate-ticker".to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| Error::Engine { reason: format!("its clock thread: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_cannot_be_written_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Engine::new(Some(&file.path().join("below"))).err().unwrap().to_string();
        assert!(error.contains("below") && error.contains("make the directory writable"), "{error}");
    }

    #[test]
    fn the_clock_does_not_keep_the_engine_alive() {
        let engine = Engine::new(None).unwrap();
        let weak = engine.inner().weak();
        drop(engine);
        // The ticker holds a reference for the length of one increment at most.
        while weak.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}
