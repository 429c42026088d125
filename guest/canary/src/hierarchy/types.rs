//! The types of assets (§7): what an asset model calls the nodes that are built alike.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::json;
use tidegate_sdk::{
    Fault,
    host::{self, Level},
};

use crate::{
    api::{AssetInstances, AssetTypes},
    server::{Server, isolates},
    view::inside,
};

/// The type of each asset, by its full path.
#[derive(Debug, Default)]
pub(super) struct Types(HashMap<String, String>);

impl Types {
    /// The type of a node, if it is an asset. Paths of assets are written with or without their view.
    pub(super) fn of(&self, view: &str, path: &str) -> Option<&str> {
        self.0.get(path).or_else(|| self.0.get(inside(view, path)?)).map(String::as_str)
    }

    /// Types come from the general to the special: the one that comes last says most of an asset.
    fn add(&mut self, asset_type: &str, instances: Vec<String>) {
        self.0.extend(instances.into_iter().map(|path| (path, asset_type.to_owned())));
    }
}

/// The types of all assets of a view; none where it has no asset model. One request for each type and one for those derived
/// from it.
pub(super) async fn types(server: &Server, view: &str) -> Result<Types, Fault> {
    let mut types = Types::default();
    let mut seen = HashSet::new();
    let mut open: VecDeque<String> = VecDeque::new();
    match derived(server, view, None).await {
        Ok(found) => open.extend(found),
        Err(fault) if isolates(&fault) || fault.code == "http-404" => {
            host::log(Level::Warn, &format!("{}; nodes of {view} stay without templates", fault.message));
        }
        Err(fault) => return Err(fault),
    }
    while let Some(asset_type) = open.pop_front() {
        if !seen.insert(asset_type.clone()) {
            continue;
        }
        let request = json!({ "view": view, "assetType": asset_type });
        let (AssetInstances(instances), _) = server.ask("getAssetInstances", &request).await?;
        types.add(&asset_type, instances);
        open.extend(derived(server, view, Some(&asset_type)).await?);
    }
    Ok(types)
}

async fn derived(server: &Server, view: &str, parent: Option<&str>) -> Result<Vec<String>, Fault> {
    let mut request = json!({ "view": view });
    if let (Some(parent), Some(request)) = (parent, request.as_object_mut()) {
        request.insert("parentType".to_owned(), parent.into());
    }
    let (AssetTypes(types), _) = server.ask("getAssetTypes", &request).await?;
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_has_the_most_special_of_its_types() {
        let mut types = Types::default();
        types.add("Machine", vec!["V.Site.Pump 1".into(), "Site.Fan".into()]);
        types.add("Pump", vec!["V.Site.Pump 1".into()]);
        assert_eq!(types.of("V", "V.Site.Pump 1"), Some("Pump"));
        assert_eq!(types.of("V", "V.Site.Fan"), Some("Machine"));
        assert_eq!((types.of("V", "V.Site"), types.of("V", "W.Site.Fan")), (None, None));
    }
}
