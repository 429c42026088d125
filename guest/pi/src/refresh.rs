//! Snapshot tables that no time series needs: the hierarchy of AF, the attributes of its elements, the tag catalogue.
//!
//! Each is complete only when every configured database was read to its end. The hierarchy does not wait for the
//! attributes: it stands even if these fail.

use tidegate_sdk::Fault;

use crate::{
    af, attributes, hierarchy,
    manifest::{ASSET_HIERARCHY, ELEMENT_ATTRIBUTES, POINTS},
    resolve,
    server::Server,
    settings::Settings,
};

/// Refreshes these tables.
pub(crate) async fn tables(settings: &Settings, tables: &[String]) -> Result<(), Fault> {
    let asked = Asked::of(tables)?;
    if asked.points {
        resolve::catalogue(settings).await?;
    }
    if !(asked.elements || asked.attributes) {
        return Ok(());
    }
    let server = Server::new(settings);
    let ingestion = &settings.ingestion;
    let databases = af::configured(&server, ingestion).await?;
    let roots = af::roots(&server, &databases, ingestion.af_root.as_deref(), "af_root").await?;
    let indexes = hierarchy::refresh(&server, settings, &roots, asked.elements).await?;
    if asked.attributes {
        attributes::refresh(&server, settings, &roots, &indexes).await?;
    }
    Ok(())
}

/// Which tables are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    points: bool,
    elements: bool,
    attributes: bool,
}

impl Asked {
    fn of(tables: &[String]) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for table in tables {
            match table.as_str() {
                POINTS => asked.points = true,
                ASSET_HIERARCHY => asked.elements = true,
                ELEMENT_ATTRIBUTES => asked.attributes = true,
                other => {
                    let text = format!(
                        "pi refreshes no table {other}; it has `{POINTS}`, `{ASSET_HIERARCHY}` and `{ELEMENT_ATTRIBUTES}`"
                    );
                    return Err(Fault::internal("table", text));
                }
            }
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_snapshot_tables_are_refreshed() {
        let asked = |tables: &[&str]| Asked::of(&tables.iter().map(|table| (*table).to_owned()).collect::<Vec<_>>());
        let both = Asked { points: false, elements: true, attributes: true };
        assert_eq!(asked(&[ELEMENT_ATTRIBUTES, ASSET_HIERARCHY]), Ok(both));
        assert_eq!(asked(&[]), Ok(Asked::default()));
        assert_eq!(asked(&[POINTS, "event_frames"]).unwrap_err().code, "table");
    }
}
