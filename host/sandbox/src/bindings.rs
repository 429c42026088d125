//! The contract of `wit/` as Rust types, generated once. Everything else in this crate imports from here, so that a
//! second version of the contract can stand beside this one.

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "extractor",
        imports: {
            "tidegate:historian/host.emit": async | trappable,
            "tidegate:historian/host.covered": async | trappable,
            "tidegate:historian/host.complete": async | trappable,
            "tidegate:historian/host.gap": async | trappable,
            "tidegate:historian/host.reject": async | trappable,
            "tidegate:historian/host.found": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:random": wasmtime_wasi::p2::bindings::random,
        },
    });
}

pub(crate) use generated::ExtractorPre;
pub(crate) use generated::exports::tidegate::historian::plugin;
pub(crate) use generated::tidegate::historian::{host, types};
