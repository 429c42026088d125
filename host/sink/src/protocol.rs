//! Whether a table may be written as it is. Tidegate creates tables that need nothing special, but their owner may have
//! switched on Delta features since; a feature that asks more of a writer than a plain Parquet file is refused, because
//! ignoring it would corrupt the table.

use deltalake::kernel::transaction::PROTOCOL;
use deltalake::table::state::DeltaTableState;
use serde_json::Value;

use crate::{Error, Result};

/// Writer features under which a plain append is correct.
const HARMLESS: [&str; 8] = [
    "appendOnly",
    "invariants",
    "deletionVectors",
    "changeDataFeed",
    "timestampNtz",
    "domainMetadata",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// Refuses a table that asks more of a writer.
///
/// # Errors
/// Names the feature.
pub(crate) fn check_writable(table: &str, state: &DeltaTableState) -> Result<()> {
    let refuse = |feature: String| Err(Error::Protocol { table: table.to_owned(), feature });
    if let Err(error) = PROTOCOL.can_write_to(state) {
        return refuse(error.to_string());
    }
    let protocol = serde_json::to_value(state.protocol()).unwrap_or_default();
    let features = protocol.get("writerFeatures").and_then(Value::as_array);
    let unknown = features.into_iter().flatten().filter_map(Value::as_str).find(|name| !HARMLESS.contains(name));
    if let Some(name) = unknown {
        return refuse(name.to_owned());
    }
    let configuration = state.metadata().configuration();
    let mapped = configuration.get("delta.columnMapping.mode").is_some_and(|mode| mode != "none");
    if mapped {
        return refuse("columnMapping".to_owned());
    }
    match configuration.keys().find(|key| key.starts_with("delta.constraints.")) {
        Some(key) => refuse(key.clone()),
        None => Ok(()),
    }
}

/// Refuses a table whose rows may only be added, or whose changes must be logged row by row.
///
/// # Errors
/// Names the table property.
pub(crate) fn check_rewritable(table: &str, state: &DeltaTableState) -> Result<()> {
    let configuration = state.metadata().configuration();
    let on = |key: &&str| configuration.get(*key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    match ["delta.appendOnly", "delta.enableChangeDataFeed"].iter().find(|key| on(key)) {
        Some(key) => Err(Error::Protocol { table: table.to_owned(), feature: (*key).to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{HUGE, RUN, lake, spec};

    #[tokio::test]
    async fn a_table_whose_owner_asks_more_of_writers_is_refused_by_the_feature_s_name() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        drop(lake.events(spec(), "live", RUN, HUGE).await.unwrap());
        let first = folder.path().join("bronze/x_events/_delta_log/00000000000000000000.json");
        let log = std::fs::read_to_string(&first).unwrap();
        let strict = log.replace("\"configuration\":{}", "\"configuration\":{\"delta.constraints.c\":\"value > 0\"}");
        assert_ne!(strict, log);
        std::fs::write(first, strict).unwrap();
        let error = lake.events(spec(), "live", RUN, HUGE).await.unwrap_err().to_string();
        assert!(error.starts_with("table bronze.x_events uses the Delta feature delta.constraints.c"), "{error}");
    }
}
