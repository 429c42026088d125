//! Which events belong to a view.

use serde::{Deserialize, Serialize};
use tidegate_sdk::Series;

use crate::view::inside;

/// A view, and what else there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    view: String,
    detail: Detail,
}

/// The contents of `Series.detail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Detail {
    /// The other views.
    others: Vec<String>,
    /// Events whose asset lies in none of the views, or that have none, belong to this one.
    rest: bool,
}

impl Scope {
    pub(super) fn new(view: &str, rest: bool, views: &[String]) -> Self {
        let others = views.iter().filter(|other| *other != view).cloned().collect();
        Self { view: view.to_owned(), detail: Detail { others, rest } }
    }

    /// A detail that another version wrote is read as that of the only view.
    pub(super) fn of(series: &Series) -> Self {
        let only = Detail { others: Vec::new(), rest: true };
        Self { view: series.id.clone(), detail: serde_json::from_str(&series.detail).unwrap_or(only) }
    }

    pub(super) fn series(&self) -> Series {
        Series {
            id: self.view.clone(),
            name: self.view.clone(),
            ahead: false,
            detail: serde_json::to_string(&self.detail).unwrap_or_default(),
        }
    }

    pub(super) fn view(&self) -> &str {
        &self.view
    }

    /// Whether an event about this asset belongs to the view: each event belongs to one.
    pub(super) fn holds(&self, asset: &str) -> bool {
        is_in(&self.view, asset) || (self.detail.rest && !self.detail.others.iter().any(|other| is_in(other, asset)))
    }

    /// The full path of an asset, as `asset_hierarchy` names its node; some servers may leave the view out.
    pub(super) fn full(&self, asset: String) -> String {
        if is_in(&self.view, &asset) { asset } else { format!("{}.{asset}", self.view) }
    }
}

fn is_in(view: &str, path: &str) -> bool {
    path == view || inside(view, path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_belongs_to_one_view() {
        let views = ["PLANT", "UNS"].map(str::to_owned);
        let [plant, uns] = [("PLANT", true), ("UNS", false)].map(|(view, rest)| Scope::new(view, rest, &views));
        for (asset, owner) in
            [("UNS.Site.Pump", 1), ("UNS", 1), ("PLANT.A", 0), ("Site.Pump", 0), ("", 0), ("UNS2.a", 0)]
        {
            assert_eq!((plant.holds(asset), uns.holds(asset)), (owner == 0, owner == 1), "{asset}");
        }
        assert_eq!(plant.full("Site.Pump".into()), "PLANT.Site.Pump");
        assert_eq!(uns.full("UNS.Site.Pump".into()), "UNS.Site.Pump");
    }

    #[test]
    fn what_resolve_finds_out_comes_back_with_the_span() {
        let scope = Scope::new("UNS", false, &["PLANT".to_owned(), "UNS".to_owned()]);
        assert_eq!(Scope::of(&scope.series()), scope);
        let unread = Series { detail: "{".into(), ..scope.series() };
        assert!(Scope::of(&unread).holds("anything"));
    }
}
