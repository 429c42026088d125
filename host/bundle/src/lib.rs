//! Vetted plugins: bundles, who signed them, where they come from, and what `plugins.lock` says of them.
//!
//! A bundle `NAME.tidegate` is an OCI image layout in a tar: a WebAssembly component in the shape that registries and
//! `wkg` carry, what it says about itself, and signatures in cosign's shape. The order of distrust is fixed: sizes, the
//! archive, the digest of every blob, exactly one component, the signature over its digest, the lock; only then is the
//! manifest read, and only then may anybody hand the component to a compiler.
//!
//! The only crate that names archives, registries and signatures. It runs nothing and decides nothing about requests.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::allow_attributes,
        reason = "a test fails by panicking"
    )
)]

mod archive;
mod bundle;
mod digest;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod keys;
mod lock;
mod manifest;
mod oci;
mod reference;
mod registry;
mod signature;

pub use bundle::{Bundle, LARGEST_BUNDLE};
pub use digest::Digest;
pub use error::Error;
pub use keys::{PublicKey, SigningKey};
pub use lock::{Entry, Found, Lock, Locks, Refusal, Signatures, Signer, Vouched};
pub use manifest::{CallLimits, Capability, Column, ComponentFacts, Manifest, Session, Table};
pub use reference::Reference;
pub use registry::{Registry, Transport};
