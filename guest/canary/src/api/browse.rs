//! What there is (§5, §7): views, nodes, tags, properties, asset types.

use serde::Deserialize;

use super::{Entries, Payload};

/// A node of a view, as its key and what it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) full_path: Option<String>,
    /// Whether there are nodes below it; `None` where the server does not say.
    pub(crate) has_nodes: Option<bool>,
    pub(crate) has_tags: bool,
}

/// `browseNodes`: the nodes at one level, by their short names.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Nodes<'a>(#[serde(borrow)] pub(crate) Entries<'a, Node>);

impl Payload for Nodes<'_> {
    const KEY: &'static str = "nodes";
}

/// `getTagProperties`: values by tag and name.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Properties<'a>(#[serde(borrow)] pub(crate) Entries<'a, Option<Entries<'a, serde_json::Value>>>);

impl Payload for Properties<'_> {
    const KEY: &'static str = "properties";
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident = $key:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Vec<String>);

        impl Payload for $name {
            const KEY: &'static str = $key;
        }
    )*};
}

lists! {
    /// `browseTags`: full paths.
    Tags = "tags";
    /// `getVirtualViews`.
    Views = "views";
    /// `getAssetTypes`.
    AssetTypes = "assetTypes";
    /// `getAssetInstances`: paths.
    AssetInstances = "assetInstances";
}
