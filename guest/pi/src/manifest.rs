//! What this plugin is: its tables, its keys in the configuration, and every request that it will ever make.

use serde_json::{Value, json};
use tidegate_sdk::{Capability, Description, Table};

use crate::points;

/// The table of events, without the prefix.
pub(crate) const TIMESERIES: &str = "timeseries";
/// The tag catalogue, without the prefix.
pub(crate) const POINTS: &str = "points";

/// For `describe`.
pub(crate) fn description() -> Description {
    Description {
        name: "pi".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tables: vec![
            Table::timeseries(TIMESERIES, "Recorded values of PI points, one row for each archived event"),
            Table::snapshot(POINTS, "The PI points that this pipeline reads, refreshed by each run", points::schema()),
        ],
        config_schema: config_schema(),
        capabilities: capabilities(),
    }
}

/// Requests inside a batch run under the permissions of `POST /batch`.
fn capabilities() -> Vec<Capability> {
    let requests = [
        ("POST", "/batch"),
        ("GET", "/dataservers"),
        ("GET", "/dataservers/*/points"),
        ("GET", "/streams/*/recorded"),
        ("GET", "/system"),
        ("GET", "/system/userinfo"),
        ("GET", "/assetservers"),
        ("GET", "/assetservers/*/assetdatabases"),
        ("GET", "/assetdatabases/*/elements"),
    ];
    requests.into_iter().map(|(method, path)| Capability::new(method, path)).collect()
}

fn config_schema() -> Value {
    json!({
        "properties": {
            "source": {
                "properties": {
                    "data_server": {
                        "type": "string",
                        "minLength": 1,
                        "description": "Name of the PI Data Archive. Needed when the Web API shows several and tags are given by name or pattern."
                    }
                }
            },
            "ingestion": {
                "properties": {
                    "tags": {
                        "type": "array",
                        "items": { "type": "string", "minLength": 1 },
                        "description": "Tags to read: WebIds, paths such as '\\\\PISRV1\\SINUSOID', or names. Without tags and tag_filter, all points of the data server."
                    },
                    "tag_filter": {
                        "type": "object",
                        "description": "Points by pattern; used when `tags` is absent.",
                        "additionalProperties": false,
                        "properties": {
                            "name_pattern": {
                                "type": "string",
                                "description": "Pattern of point names: `*` stands for any run of characters, `?` for one. Default: `*`."
                            },
                            "max_tags": {
                                "type": "integer",
                                "minimum": 1,
                                "description": "Read no more points than this. No cap by default."
                            }
                        }
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_columns_that_they_have() {
        let description = description();
        for table in &description.tables {
            for column in [&table.series_column, &table.time_column, &table.sequence_column] {
                assert!(
                    column.is_empty() || table.schema.column_with_name(column).is_some(),
                    "{}.{column}",
                    table.name
                );
            }
        }
        assert_eq!(description.tables.len(), 2);
    }

    #[test]
    fn an_unknown_key_in_the_filter_is_an_error_for_the_host_to_find() {
        let schema = config_schema();
        assert_eq!(schema.pointer("/properties/ingestion/properties/tag_filter/additionalProperties").unwrap(), false);
    }
}
