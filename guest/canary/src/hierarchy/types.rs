//! The types of assets (§7): what an asset model calls the nodes that are built alike.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::json;
use tidegate_sdk::{
    Fault,
    host::{self, Level},
};

use crate::{
    api::{AssetInstances, AssetTypes},
    server::{Server, refuses},
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

    /// The instances of types, of which `derived` says what is derived from what: the type that most others stand above
    /// says most of an asset, for the instances of a type are those of its derived types too.
    fn new(mut instances: Vec<(String, Vec<String>)>, derived: &[(String, String)]) -> Self {
        let mut depths: HashMap<&str, usize> = HashMap::new();
        // As often as there are types, so that it ends even where types are derived from each other.
        for _ in 0..instances.len() {
            for (parent, child) in derived {
                let depth = depths.get(parent.as_str()).copied().unwrap_or(0) + 1;
                let known = depths.entry(child).or_default();
                *known = depth.max(*known);
            }
        }
        instances.sort_by_key(|(name, _)| depths.get(name.as_str()).copied().unwrap_or(0));
        let typed =
            instances.into_iter().flat_map(|(name, paths)| paths.into_iter().map(move |path| (path, name.clone())));
        Self(typed.collect())
    }
}

/// The types of all assets of a view; none where it has no asset model. One request for each type and one for those derived
/// from it.
pub(super) async fn types(server: &Server, view: &str) -> Result<Types, Fault> {
    let mut open: VecDeque<String> = match derived(server, view, None).await {
        Ok(found) => found.into(),
        Err(fault) if refuses(&fault) || fault.code == "http-404" => {
            host::log(Level::Warn, &format!("{}; nodes of {view} stay without templates", fault.message));
            return Ok(Types::default());
        }
        Err(fault) => return Err(fault),
    };
    let (mut instances, mut edges) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    while let Some(asset_type) = open.pop_front() {
        if !seen.insert(asset_type.clone()) {
            continue;
        }
        let request = json!({ "view": view, "assetType": asset_type });
        let AssetInstances(paths) = server.ask_whole("getAssetInstances", &request).await?;
        for child in derived(server, view, Some(&asset_type)).await? {
            edges.push((asset_type.clone(), child.clone()));
            open.push_back(child);
        }
        instances.push((asset_type, paths));
    }
    Ok(Types::new(instances, &edges))
}

async fn derived(server: &Server, view: &str, parent: Option<&str>) -> Result<Vec<String>, Fault> {
    let mut request = json!({ "view": view });
    if let (Some(parent), Some(request)) = (parent, request.as_object_mut()) {
        request.insert("parentType".to_owned(), parent.into());
    }
    let AssetTypes(types) = server.ask_whole("getAssetTypes", &request).await?;
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_has_the_most_special_of_its_types() {
        let instances = vec![
            ("Pump".to_owned(), vec!["V.Site.Pump 1".to_owned()]),
            ("Machine".to_owned(), vec!["V.Site.Pump 1".to_owned(), "Site.Fan".to_owned()]),
        ];
        let edge = |parent: &str, child: &str| (parent.to_owned(), child.to_owned());
        let types = Types::new(instances.clone(), &[edge("Machine", "Pump")]);
        assert_eq!(types.of("V", "V.Site.Pump 1"), Some("Pump"));
        assert_eq!(types.of("V", "V.Site.Fan"), Some("Machine"));
        assert_eq!((types.of("V", "V.Site"), types.of("V", "W.Site.Fan")), (None, None));
        let circle = Types::new(instances, &[edge("Machine", "Pump"), edge("Pump", "Machine")]);
        assert!(circle.of("V", "V.Site.Pump 1").is_some());
    }
}
