//! What reading a tag needs to know: found out once by `resolve`, handed back by the host with each span.

use serde::{Deserialize, Serialize};
use tidegate_sdk::Series;

/// The contents of `Series.detail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Detail {
    /// Under which path it is read; empty where that is its identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    /// Its unit of measure; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    units: String,
}

/// A tag of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) units: Option<String>,
}

impl Tag {
    /// The name of a series is its path, so a detail that another version wrote is as good as none.
    pub(crate) fn of(series: &Series) -> Self {
        let detail: Detail = serde_json::from_str(&series.detail).unwrap_or_default();
        let path = if detail.path.is_empty() { series.name.clone() } else { detail.path };
        Self { id: series.id.clone(), path, units: Some(detail.units).filter(|units| !units.is_empty()) }
    }
}

/// The series of a tag.
pub(crate) fn series(id: &str, path: &str, units: &str, ahead: bool) -> Series {
    let detail = Detail { path: path.to_owned(), units: units.to_owned() };
    Series {
        id: id.to_owned(),
        name: path.to_owned(),
        ahead,
        detail: serde_json::to_string(&detail).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_resolve_finds_out_comes_back_with_the_span() {
        let series = series("localhost.DS.Tag", "Site \"1\".Öl", "°C", true);
        assert!(series.ahead && series.name == "Site \"1\".Öl");
        let expected = Tag { id: "localhost.DS.Tag".into(), path: "Site \"1\".Öl".into(), units: Some("°C".into()) };
        assert_eq!(Tag::of(&series), expected);
    }

    #[test]
    fn a_detail_that_cannot_be_read_is_as_good_as_none() {
        for detail in ["", "{", "[]", r#"{"path":5}"#] {
            let series = Series { id: "a".into(), name: "V.A".into(), ahead: false, detail: detail.into() };
            assert_eq!(Tag::of(&series), Tag { id: "a".into(), path: "V.A".into(), units: None }, "{detail}");
        }
    }
}
