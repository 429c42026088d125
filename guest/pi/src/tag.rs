//! What reading a tag needs to know about its point: found out once by `resolve`, handed back by the host with each
//! span.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Series, http::push_encoded};

use crate::{api::Point, batch::Dialect, convert::PointKind};

/// The contents of `Series.detail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    /// How values are to be read.
    pub(crate) kind: PointKind,
    /// The point's engineering units; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) units: String,
    /// The batch dialect of the server, where it was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<Dialect>,
    /// The server's limit of events in a page, where it was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

/// A tag of a partition.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) detail: Detail,
}

impl Tag {
    /// A detail of another version of this plugin is as good as none: everything in it has a default.
    pub(crate) fn of(series: &Series) -> Self {
        let detail = serde_json::from_str(&series.detail).unwrap_or_default();
        Self { id: series.id.clone(), name: series.name.clone(), detail }
    }

    /// The path of its recorded values.
    pub(crate) fn recorded(&self) -> String {
        recorded_path(&self.id)
    }

    /// The path of its summaries.
    pub(crate) fn summary(&self) -> String {
        stream_path(&self.id, "summary")
    }
}

/// `/streams/{webId}/recorded`.
pub(crate) fn recorded_path(web_id: &str) -> String {
    stream_path(web_id, "recorded")
}

fn stream_path(web_id: &str, action: &str) -> String {
    let mut path = String::from("/streams/");
    push_encoded(&mut path, web_id);
    path.push('/');
    path.push_str(action);
    path
}

/// The series that a point is.
pub(crate) fn series(point: &Point, dialect: Option<Dialect>, limit: Option<usize>) -> Series {
    let detail = Detail {
        kind: point.point_type.as_deref().map(PointKind::of).unwrap_or_default(),
        units: point.engineering_units.clone().unwrap_or_default(),
        dialect,
        limit,
    };
    Series {
        id: point.web_id.clone(),
        name: point.name.clone(),
        ahead: point.future.unwrap_or(false),
        detail: serde_json::to_string(&detail).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_series_finds_out_comes_back_with_the_span() {
        let point = Point {
            web_id: "F1DP".into(),
            name: "TAG".into(),
            point_type: Some("Float32".into()),
            engineering_units: Some("DEG. C".into()),
            future: Some(true),
            ..Point::default()
        };
        let series = series(&point, Some(Dialect::List), Some(1_500));
        assert!(series.ahead);
        let tag = Tag::of(&series);
        assert_eq!((tag.detail.kind, tag.detail.units.as_str()), (PointKind::Float, "DEG. C"));
        assert_eq!((tag.detail.dialect, tag.detail.limit), (Some(Dialect::List), Some(1_500)));
    }

    #[test]
    fn a_detail_that_cannot_be_read_is_as_good_as_none() {
        for detail in ["", "{", r#"{"kind":"colour"}"#, "[]"] {
            let series = Series { id: "a".into(), name: "A".into(), ahead: false, detail: detail.into() };
            assert_eq!(Tag::of(&series).detail, Detail::default(), "{detail}");
        }
    }
}
