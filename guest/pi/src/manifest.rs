//! What this plugin is: its tables, its keys in the configuration, and every request that it will ever make.

use serde_json::{Value, json};
use tidegate_sdk::{
    Capability, Description, Table,
    config::{cap, flag, text, texts},
    tables::{elements, event_frames, points},
};

use crate::{attributes, settings::Ingestion};

/// The table of events, without the prefix.
pub(crate) const TIMESERIES: &str = "timeseries";
/// The tag catalogue, without the prefix.
pub(crate) const POINTS: &str = "points";
/// The elements of AF, without the prefix.
pub(crate) const ASSET_HIERARCHY: &str = "asset_hierarchy";
/// The attributes of elements, without the prefix.
pub(crate) const ELEMENT_ATTRIBUTES: &str = "element_attributes";
/// The event frames, without the prefix.
pub(crate) const EVENT_FRAMES: &str = "event_frames";

/// What `discover` can be asked for.
pub(crate) const KINDS: [&str; 5] = ["tags", "assets", "databases", "servers", "templates"];

/// For `describe`.
pub(crate) fn description() -> Description {
    Description {
        name: "pi".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        root: "/piwebapi".to_owned(),
        starter: include_str!("starter.yaml").to_owned(),
        tables: tables(),
        kinds: KINDS.map(str::to_owned).to_vec(),
        config_schema: config_schema(),
        capabilities: capabilities(),
        ..Description::default()
    }
}

/// For `wanted`: AF is read only where it is asked for, the points always.
pub(crate) fn wanted(ingestion: &Ingestion) -> Vec<String> {
    let mut tables = vec![TIMESERIES, POINTS];
    if ingestion.wants_hierarchy() {
        tables.extend([ASSET_HIERARCHY, ELEMENT_ATTRIBUTES]);
    }
    if ingestion.wants_event_frames() {
        tables.push(EVENT_FRAMES);
    }
    tables.into_iter().map(str::to_owned).collect()
}

fn tables() -> Vec<Table> {
    vec![
        Table::timeseries(TIMESERIES, "Recorded values of PI points, one row for each archived event"),
        Table::snapshot(POINTS, "The PI points that this pipeline reads, refreshed by each run", points::schema()),
        Table::snapshot(
            ASSET_HIERARCHY,
            "The elements of the AF databases, one row each, refreshed as a whole",
            elements::schema(),
        ),
        Table::snapshot(
            ELEMENT_ATTRIBUTES,
            "The attributes of these elements and the PI points behind them, refreshed as a whole",
            attributes::schema(),
        ),
        Table::records(
            EVENT_FRAMES,
            "Event frames of the AF databases, one row each; a frame that closes later changes its row",
            event_frames::schema(),
            "database_id",
            "event_frame_id",
            "start_time",
            "end_time",
        ),
    ]
}

/// Requests inside a batch run under the permissions of `POST /batch`.
fn capabilities() -> Vec<Capability> {
    let requests = [
        ("POST", "/batch"),
        ("GET", "/dataservers"),
        ("GET", "/dataservers/*/points"),
        ("GET", "/streams/*/recorded"),
        ("GET", "/streams/updates/*"),
        ("GET", "/system"),
        ("GET", "/system/configuration"),
        ("GET", "/system/status"),
        ("GET", "/system/userinfo"),
        ("GET", "/assetservers"),
        ("GET", "/assetservers/*/assetdatabases"),
        ("GET", "/assetdatabases/*/elements"),
        ("GET", "/assetdatabases/*/elementattributes"),
        ("GET", "/assetdatabases/*/elementtemplates"),
        ("GET", "/assetdatabases/*/eventframes"),
        ("GET", "/elements"),
        ("GET", "/elements/*/elements"),
        ("GET", "/elements/*/elementattributes"),
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
                    "tags": texts("Tags to read: WebIds, paths such as '\\\\PISRV1\\SINUSOID', or names. Without tags, tag_filter and af_filter, all points of the data server."),
                    "tag_filter": {
                        "type": "object",
                        "description": "Points by pattern; used when `tags` is absent.",
                        "additionalProperties": false,
                        "properties": {
                            "name_pattern": text("Pattern of point names: `*` stands for any run of characters, `?` for one. Default: `*`."),
                            "max_tags": cap("Read no more points than this. No cap by default.")
                        }
                    },
                    "af_filter": {
                        "type": "object",
                        "description": "The PI points behind attributes of AF; used when `tags` is absent, and narrowed by `tag_filter`.",
                        "additionalProperties": false,
                        "properties": {
                            "root": text("Element below which the attributes stand: '\\\\AF1\\ProductionDB\\Site1', or '/Site1' in each configured database."),
                            "template": text("Template of the elements; derived templates count."),
                            "attribute": text("Pattern of attribute names: `*` stands for any run of characters, `?` for one.")
                        }
                    },
                    "af_database": one_or_several("AF databases by path, such as '\\\\AF1\\ProductionDB', or by name. Needed when the Web API shows several."),
                    "af_database_id": one_or_several("AF databases by WebId."),
                    "af_root": text("Only the hierarchy at and below this element: '\\\\AF1\\ProductionDB\\Site1', or '/Site1' in each configured database."),
                    "include_af_hierarchy": flag("Refresh the tables asset_hierarchy and element_attributes."),
                    "include_event_frames": flag("Read the table event_frames."),
                    "stream_updates": {
                        "type": "string",
                        "enum": ["auto", "off"],
                        "default": "auto",
                        "description": "Ask the Web API what it changed, where it has Stream Updates (2018 SP1 and later), and read that again. `off` reads by the look-back alone."
                    },
                    "event_frame_templates": texts("Only event frames of these templates, and of templates derived from them. Default: all.")
                }
            }
        }
    })
}

fn one_or_several(description: &str) -> Value {
    json!({
        "type": ["string", "array"],
        "minLength": 1,
        "items": { "type": "string", "minLength": 1 },
        "description": description
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Shape;

    #[test]
    fn the_tables_name_columns_that_they_have() {
        let description = description();
        for table in &description.tables {
            let columns = [
                &table.series_column,
                &table.time_column,
                &table.sequence_column,
                &table.key_column,
                &table.end_column,
            ];
            let named = columns.iter().filter(|column| !column.is_empty()).count();
            for column in columns {
                assert!(
                    column.is_empty() || table.schema.column_with_name(column).is_some(),
                    "{}.{column}",
                    table.name
                );
            }
            let expected = match table.shape {
                Shape::Events => 3,
                Shape::Records => 4,
                Shape::Snapshot => 0,
            };
            assert_eq!(named, expected, "{}", table.name);
        }
        assert_eq!(description.tables.len(), 5);
    }

    #[test]
    fn af_is_wanted_only_where_it_is_asked_for() {
        let wanted = |hierarchy: bool, frames: bool| {
            wanted(&Ingestion {
                include_af_hierarchy: Some(hierarchy),
                include_event_frames: Some(frames),
                ..Ingestion::default()
            })
        };
        assert_eq!(wanted(false, false), [TIMESERIES, POINTS]);
        assert_eq!(wanted(true, false), [TIMESERIES, POINTS, ASSET_HIERARCHY, ELEMENT_ATTRIBUTES]);
        assert_eq!(wanted(false, true), [TIMESERIES, POINTS, EVENT_FRAMES]);
        let all: Vec<String> = tables().into_iter().map(|table| table.name).collect();
        assert_eq!(wanted(true, true), all);
    }

    #[test]
    fn an_unknown_key_in_a_filter_is_an_error_for_the_host_to_find() {
        let schema = config_schema();
        for filter in ["tag_filter", "af_filter"] {
            let pointer = format!("/properties/ingestion/properties/{filter}/additionalProperties");
            assert_eq!(schema.pointer(&pointer).unwrap(), false);
        }
        assert_eq!(schema.pointer("/properties/ingestion/properties/af_database/type/1").unwrap(), "array");
    }
}
