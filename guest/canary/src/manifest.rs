//! What this plugin is: its tables, its keys in the configuration, and every request that it will ever make.

use serde_json::{Value, json};
use tidegate_sdk::{
    Capability, Description, Session, Table,
    config::{cap, flag, text, texts},
    tables::{elements, event_frames, points},
};

use crate::settings::Ingestion;

/// The table of events, without the prefix.
pub(crate) const TIMESERIES: &str = "timeseries";
/// The tag catalogue, without the prefix.
pub(crate) const POINTS: &str = "points";
/// The nodes of the view, without the prefix.
pub(crate) const ASSET_HIERARCHY: &str = "asset_hierarchy";
/// The events of the view, without the prefix.
pub(crate) const EVENT_FRAMES: &str = "event_frames";

/// What `discover` can be asked for.
pub(crate) const KINDS: [&str; 3] = ["tags", "assets", "databases"];

/// For `describe`.
pub(crate) fn description() -> Description {
    Description {
        name: "canary".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        root: "/api/v2".to_owned(),
        starter: include_str!("starter.yaml").to_owned(),
        tables: tables(),
        kinds: KINDS.map(str::to_owned).to_vec(),
        config_schema: config_schema(),
        capabilities: capabilities(),
        token_member: "apiToken".to_owned(),
        session: Some(session()),
    }
}

/// For `wanted`: nodes and events are read only where they are asked for, the tags always.
pub(crate) fn wanted(ingestion: &Ingestion) -> Vec<String> {
    let mut tables = vec![TIMESERIES, POINTS];
    if ingestion.wants_hierarchy() {
        tables.push(ASSET_HIERARCHY);
    }
    if ingestion.wants_event_frames() {
        tables.push(EVENT_FRAMES);
    }
    tables.into_iter().map(str::to_owned).collect()
}

fn tables() -> Vec<Table> {
    vec![
        Table::timeseries(TIMESERIES, "Samples of Canary tags, one row for each that the historian holds"),
        Table::snapshot(POINTS, "The Canary tags that this pipeline reads, refreshed by each run", points::schema()),
        Table::snapshot(
            ASSET_HIERARCHY,
            "The nodes of the view below which tags stand, one row each, refreshed as a whole",
            elements::schema(),
        ),
        Table::records(
            EVENT_FRAMES,
            "Events of the view, one row each; an event that ends later changes its row",
            event_frames::schema(),
            "database_id",
            "event_frame_id",
            "start_time",
            "end_time",
        ),
    ]
}

/// The calls that open and end a session are the host's and stand in [`session`] alone.
fn capabilities() -> Vec<Capability> {
    let methods = [
        "/browseNodes",
        "/browseTags",
        "/getAggregates",
        "/getAssetInstances",
        "/getAssetTypes",
        "/getEvents",
        "/getTagContext",
        "/getTagData2",
        "/getTagProperties",
        "/getVirtualViews",
    ];
    methods.into_iter().map(|path| Capability::new("POST", path)).collect()
}

/// A user's token (§4). The application is what an administrator sees as the name of the connection; the time zone of a
/// user's token counts for all of its calls, whatever these say.
fn session() -> Session {
    Session {
        login: "/getUserToken".to_owned(),
        login_body: json!({ "application": "Tidegate", "timezone": "UTC" }).to_string(),
        username_member: "username".to_owned(),
        password_member: "password".to_owned(),
        token_member: "userToken".to_owned(),
        logout: "/revokeUserToken".to_owned(),
        expired_member: "statusCode".to_owned(),
        expired_value: "BadUserToken".to_owned(),
    }
}

fn config_schema() -> Value {
    json!({
        "properties": {
            "source": {
                "properties": {
                    "view": text("The view whose tags, nodes and events are read. Default: the historian's own, which is the one that is not virtual; it must be set where there are several.")
                }
            },
            "ingestion": {
                "properties": {
                    "tags": texts("Tags to read: full paths such as 'PLANTHIST.Plant A.Pump 1', or paths inside the view. Without tags: all of the view, or those of tag_filter."),
                    "tag_filter": {
                        "type": "object",
                        "description": "Tags of the view by place, words and pattern; used when `tags` is absent.",
                        "additionalProperties": false,
                        "properties": {
                            "path": text("Only tags below this node: a full path, or a path inside the view."),
                            "search": text("Only tags that hold all of these words, as the server searches."),
                            "name_pattern": text("Pattern of the path inside the view: `*` stands for any run of characters, `?` for one. Default: `*`."),
                            "max_tags": cap("Read no more tags than this. No cap by default.")
                        }
                    },
                    "include_diagnostics": flag("Read what the historian tells about itself too: tags and nodes of the dataset {Diagnostics}."),
                    "include_asset_hierarchy": flag("Refresh the table asset_hierarchy."),
                    "include_event_frames": flag("Read the table event_frames."),
                    "event_frame_templates": texts("Only events of these types. Default: all.")
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_capability_holds_a_call_of_the_session() {
        let session = session();
        for capability in capabilities() {
            assert!(capability.path != session.login && capability.path != session.logout, "{}", capability.path);
            assert_eq!(capability.method, "POST");
        }
        assert!(serde_json::from_str::<Value>(&session.login_body).unwrap().is_object());
    }

    #[test]
    fn the_columns_are_those_of_every_historian() {
        let tables = tables();
        for (table, columns) in tables.iter().zip([15, 12, 12, 17]) {
            assert_eq!(table.schema.fields().len(), columns, "{}", table.name);
            for column in [&table.series_column, &table.time_column, &table.key_column, &table.end_column] {
                assert!(column.is_empty() || table.schema.column_with_name(column).is_some(), "{column}");
            }
        }
    }

    #[test]
    fn nodes_and_events_are_wanted_only_where_they_are_asked_for() {
        let wanted = |hierarchy: bool, events: bool| {
            wanted(&Ingestion {
                include_asset_hierarchy: Some(hierarchy),
                include_event_frames: Some(events),
                ..Ingestion::default()
            })
        };
        assert_eq!(wanted(false, false), [TIMESERIES, POINTS]);
        assert_eq!(wanted(true, false), [TIMESERIES, POINTS, ASSET_HIERARCHY]);
        let all: Vec<String> = tables().into_iter().map(|table| table.name).collect();
        assert_eq!(wanted(true, true), all);
    }

    #[test]
    fn an_unknown_key_in_the_filter_is_an_error_for_the_host_to_find() {
        let schema = config_schema();
        assert_eq!(schema.pointer("/properties/ingestion/properties/tag_filter/additionalProperties").unwrap(), false);
    }
}
