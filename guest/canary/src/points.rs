//! The tag catalogue: one row a tag.

use tidegate_sdk::{
    Fault, Series, ipc,
    snapshot::Snapshot,
    tables::points::{self, PointRow},
};

use crate::{catalogue::Described, manifest::POINTS, tag};

/// A tag that is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Point {
    /// What the table knows it by; see [`crate::resolve`].
    pub(crate) id: String,
    pub(crate) path: String,
    /// Its samples lie ahead of now.
    pub(crate) ahead: bool,
    pub(crate) described: Described,
}

impl Point {
    /// The unit of measure (§5.4); empty for none.
    fn units(&self) -> &str {
        ["Units", "engUnit"].into_iter().map(|name| self.text(name)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn text(&self, name: &str) -> &str {
        self.described.get(name).map(String::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.text(name).trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// As a series to read.
    pub(crate) fn series(&self) -> Series {
        tag::series(&self.id, &self.path, self.units(), self.ahead)
    }

    /// What Canary does not tell (§5.4) is NULL: the type of the values, sets of states, whether values step.
    fn row(&self) -> PointRow<'_> {
        let zero = self.number("Default Low Scale");
        PointRow {
            tag_webid: &self.id,
            tag_name: &self.path,
            path: &self.path,
            descriptor: self.text("Description"),
            units: self.units(),
            zero,
            span: self.number("Default High Scale").zip(zero).map(|(high, low)| high - low),
            ..PointRow::default()
        }
    }
}

/// Replaces the catalogue by these tags.
pub(crate) fn emit(tags: &[Point]) -> Result<(), Fault> {
    let mut snapshot = Snapshot::new(POINTS, |tags: &[&Point]| {
        let rows: Vec<PointRow<'_>> = tags.iter().map(|tag| tag.row()).collect();
        ipc::batch(&points::batch(&rows)?)
    });
    snapshot.push(tags)?;
    snapshot.complete()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(pairs: &[(&str, &str)]) -> Point {
        let described = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Point { id: "localhost.DS.Tag".into(), path: "V.DS.Tag".into(), ahead: false, described }
    }

    #[test]
    fn properties_fill_the_row_and_what_is_not_told_is_null() {
        let tag = point(&[
            ("Description", "Motor winding temp"),
            ("Units", "degC"),
            ("Default High Scale", "150"),
            ("Default Low Scale", " -50 "),
        ]);
        let row = tag.row();
        assert_eq!(
            (row.descriptor, row.units, row.zero, row.span),
            ("Motor winding temp", "degC", Some(-50.0), Some(200.0))
        );
        assert_eq!((row.tag_webid, row.path, row.step, row.point_type), ("localhost.DS.Tag", "V.DS.Tag", None, ""));
        let bare = point(&[("engUnit", "bar"), ("Units", ""), ("Default High Scale", "high")]);
        assert_eq!((bare.row().units, bare.row().zero, bare.row().span), ("bar", None, None));
        assert!(bare.series().detail.contains("bar"));
    }
}
