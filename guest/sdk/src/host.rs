//! What the host lends to a plugin: a place to hand rows to, a ledger for what is missing, a log.
//!
//! These functions exist inside a running component only; called from a native test they panic. Keep what you want
//! to test apart from them.

use serde::de::DeserializeOwned;

use crate::{Cover, Fault, Interval, bindings::imported as host};

pub use host::{Item, Level};

/// The configuration that the operator wrote, with defaults filled in: `source`, `ingestion` and `performance`.
///
/// # Errors
/// A fault in the domain `user` that names the key which does not fit `T`.
pub fn settings<T: DeserializeOwned>() -> Result<T, Fault> {
    parse_settings(&host::settings())
}

/// What [`settings`] does with the host's text; for tests.
///
/// # Errors
/// As [`settings`].
pub fn parse_settings<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| {
        Fault::user("settings", format!("the configuration does not fit this plugin: {error}; see `tidegate spec`"))
    })
}

/// Hands over rows of a table together with what they prove. `batch` is the stream that [`crate::ipc`], a
/// [`crate::events::TimeSeriesBuilder`] or a [`crate::columns::Columns`] makes.
///
/// Returns when the host has taken it: a slow lake slows the plugin, and memory stays bounded.
pub fn emit(table: &str, batch: &[u8], covers: &[Cover]) {
    host::emit(table, batch, covers);
}

/// These intervals hold no event.
pub fn covered(table: &str, covers: &[Cover]) {
    host::covered(table, covers);
}

/// All rows of this snapshot table have been emitted by this call: they replace the old ones. Without this word the
/// table stays as it was.
pub fn complete(table: &str) {
    host::complete(table);
}

/// This interval of this series could not be read, and why.
pub fn gap(table: &str, series: &str, interval: Interval, fault: &Fault) {
    host::gap(table, series, interval, fault);
}

/// A row that could not be mapped, with its raw text.
pub fn reject(table: &str, series: &str, raw: &str, reason: &str) {
    host::reject(table, series, raw, reason);
}

/// Things that `tidegate discover` lists.
pub fn found(items: &[Item]) {
    host::found(items);
}

/// A line for the operator. The host bounds number and length.
pub fn log(level: Level, message: &str) {
    host::log(level, message);
}
