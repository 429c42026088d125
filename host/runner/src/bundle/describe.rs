//! What a plugin says about itself, in the words of a bundle's manifest.

use serde_json::Value;
use tidegate_bundle::{CallLimits, Capability, Column, ComponentFacts, Digest, Manifest, Session, Table};
use tidegate_sandbox::{Limits, Plugin, Shape, TableSpec};

/// The interface whose version is that of the world.
const PLUGIN: &str = "tidegate:historian/plugin";
/// The world that a plugin implements.
const WORLD: &str = "tidegate:historian/extractor";

/// The manifest of a plugin that was loaded from `component`.
#[must_use]
pub fn describe(plugin: &Plugin, component: &[u8], limits: CallLimits) -> Manifest {
    let (said, interfaces) = (plugin.description(), plugin.interfaces());
    let version = interfaces.exports.iter().find_map(|export| export.strip_prefix(PLUGIN));
    Manifest {
        format: Manifest::FORMAT,
        name: said.name.clone(),
        version: said.version.clone(),
        license: said.license.clone(),
        world: format!("{WORLD}{}", version.unwrap_or_default()),
        component: ComponentFacts {
            digest: Digest::of(component),
            size: component.len() as u64,
            imports: interfaces.imports.clone(),
            exports: interfaces.exports.clone(),
        },
        tables: said.tables.iter().map(table).collect(),
        kinds: said.kinds.clone(),
        capabilities: said.capabilities.iter().map(capability).collect(),
        token_member: said.token_member.clone(),
        session: said.session.as_ref().map(session),
        limits,
        config_schema: said.config_schema.clone(),
    }
}

/// The limits of one call, as a manifest states them. Memory is left to the host, which has as much as its operator gave it.
#[must_use]
pub fn call_limits(limits: &Limits) -> CallLimits {
    CallLimits {
        memory_bytes: None,
        busy_seconds: limits.busy.as_secs(),
        request_bytes: limits.request_bytes,
        response_bytes: limits.response_bytes,
        batch_bytes: limits.emit_bytes as u64,
    }
}

fn table(table: &TableSpec) -> Table {
    let shape = match table.shape {
        Shape::Events => "events",
        Shape::Records => "records",
        Shape::Snapshot => "snapshot",
    };
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| Column {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    };
    Table {
        name: table.name.clone(),
        shape: shape.to_owned(),
        comment: table.comment.clone(),
        columns: table.schema.fields().iter().map(column).collect(),
    }
}

fn capability(capability: &tidegate_sandbox::Capability) -> Capability {
    Capability { method: capability.method.clone(), path: format!("/{}", capability.path) }
}

fn session(session: &tidegate_sandbox::Session) -> Session {
    Session {
        login: capability(&session.login),
        login_body: Value::Object(session.login_body.clone()),
        username_member: session.username_member.clone(),
        password_member: session.password_member.clone(),
        token_member: session.token_member.clone(),
        logout: session.logout.as_ref().map(capability),
        expired_member: session.expired_member.clone(),
        expired_value: session.expired_value.clone(),
    }
}
