//! The tidegate program: configuration, credentials, the pipeline, and the command line around them.
//!
//! [`cli::main`] is the program. [`pipeline`] is the whole job on one page; [`config`] turns one YAML file into what it
//! needs; [`bundle`] and [`auth`] find the plugin and who we are to the historian; [`secret`] keeps what must not be seen
//! out of everything that is printed; [`audit`] keeps the record of all requests; [`metrics`] tells Prometheus.

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

pub mod audit;
pub mod auth;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod exit;
pub mod glob;
pub mod metrics;
pub mod output;
pub mod pipeline;
pub mod progress;
pub mod secret;
mod state;
pub mod summary;
pub mod telemetry;
