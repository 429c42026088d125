//! The contract as Rust: generated from `wit/`, never written by hand.
//!
//! Private, because generated names change with the generator: what a plugin may use is re-exported by name.

wit_bindgen::generate!({
    path: "../../wit",
    world: "extractor",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "tidegate_sdk::__private",
    additional_type_attributes: {
        "tidegate:historian/types@0.1.0/interval": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/types@0.1.0/fault": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/types@0.1.0/series": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/types@0.1.0/span": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/types@0.1.0/cover": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/plugin@0.1.0/change": [#[derive(PartialEq, Eq)]],
        "tidegate:historian/host@0.1.0/item": [#[derive(PartialEq, Eq)]],
    },
});

pub use exports::tidegate::historian::plugin as exported;
pub use tidegate::historian::{host as imported, types};
