//! File statistics for the Delta log, taken from what the Parquet writer has counted anyway. Readers skip files by them,
//! so a bound may be wide but never wrong: timestamps are floored and ceiled to milliseconds as Delta readers expect, and
//! floating-point columns have no bounds, because a NaN would lie outside them.

use deltalake::parquet::basic::{LogicalType, TimeUnit, Type};
use deltalake::parquet::file::metadata::ParquetMetaData;
use deltalake::parquet::file::statistics::Statistics;
use serde_json::{Map, Value};

/// The `stats` of an add action.
pub(crate) fn stats_json(metadata: &ParquetMetaData) -> String {
    let (mut mins, mut maxes, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (index, column) in metadata.file_metadata().schema_descr().columns().iter().enumerate() {
        // Nested columns: the counts of leaves say nothing about rows.
        if column.path().parts().len() > 1 {
            continue;
        }
        let groups = || metadata.row_groups().iter().map(move |group| group.column(index).statistics());
        let logical = column.logical_type_ref();
        let counts: Option<u64> = groups().map(|stats| stats.and_then(Statistics::null_count_opt)).sum();
        let bounds = groups().map(|stats| stats.and_then(|stats| bounds(stats, logical)));
        // A row group that is all NULL has no bounds and must not hide those of the others.
        let bounds = bounds.flatten().reduce(|a, b| Bounds { min: a.min.min(b.min), max: a.max.max(b.max) });
        if let Some(count) = counts {
            nulls.insert(column.name().to_owned(), count.into());
        }
        if let Some(Bounds { min, max }) = bounds
            && column.physical_type() != Type::DOUBLE
        {
            mins.insert(column.name().to_owned(), min.json(false));
            maxes.insert(column.name().to_owned(), max.json(true));
        }
    }
    let rows = metadata.file_metadata().num_rows();
    serde_json::json!({ "numRecords": rows, "minValues": mins, "maxValues": maxes, "nullCount": nulls }).to_string()
}

struct Bounds {
    min: Bound,
    max: Bound,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Bool(bool),
    Int(i64),
    Micros(i64),
    Days(i32),
    Text(String),
}

fn bounds(stats: &Statistics, logical: Option<&LogicalType>) -> Option<Bounds> {
    let micros = matches!(logical, Some(LogicalType::Timestamp(t)) if t.unit == TimeUnit::MICROS);
    let pair = |min, max| Some(Bounds { min, max });
    match stats {
        Statistics::Boolean(s) => pair(Bound::Bool(*s.min_opt()?), Bound::Bool(*s.max_opt()?)),
        Statistics::Int32(s) if matches!(logical, Some(LogicalType::Date)) => {
            pair(Bound::Days(*s.min_opt()?), Bound::Days(*s.max_opt()?))
        }
        Statistics::Int32(s) if logical.is_none() => {
            pair(Bound::Int((*s.min_opt()?).into()), Bound::Int((*s.max_opt()?).into()))
        }
        Statistics::Int64(s) if micros => pair(Bound::Micros(*s.min_opt()?), Bound::Micros(*s.max_opt()?)),
        Statistics::Int64(s) if logical.is_none() => pair(Bound::Int(*s.min_opt()?), Bound::Int(*s.max_opt()?)),
        // The Parquet writer shortens long text so that it still bounds: the minimum cut, the maximum raised.
        Statistics::ByteArray(s) if matches!(logical, Some(LogicalType::String)) => {
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(|text| Bound::Text(text.to_owned()));
            pair(text(s.min_bytes_opt()?)?, text(s.max_bytes_opt()?)?)
        }
        _ => None,
    }
}

impl Bound {
    fn json(self, up: bool) -> Value {
        match self {
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Text(value) => value.into(),
            Self::Days(days) => date_text(days).into(),
            Self::Micros(micros) => {
                let floor = micros.div_euclid(1_000);
                let millis = if up && micros.rem_euclid(1_000) != 0 { floor + 1 } else { floor };
                chrono::DateTime::from_timestamp_millis(millis)
                    .map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
                    .into()
            }
        }
    }
}

/// A date as Delta writes partition values, from days since the Unix epoch.
pub(crate) fn date_text(days: i32) -> String {
    chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0)
        .map(|at| at.date_naive().to_string())
        .unwrap_or_default()
}

/// The statistics of a stored file, as its log entry has them. Whoever wrote the file may have left any of them out.
pub(crate) struct FileStats(Value);

impl FileStats {
    /// `None` when there are none, or none that can be read.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    /// The smallest and the largest text of a column.
    pub(crate) fn texts(&self, column: &str) -> Option<(&str, &str)> {
        let bound = |side: &str| self.0.get(side)?.get(column)?.as_str();
        bound("minValues").zip(bound("maxValues"))
    }

    /// The first and the last instant of a column, in microseconds since the Unix epoch.
    pub(crate) fn micros(&self, column: &str) -> Option<(i64, i64)> {
        let micros = |text| chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros());
        let (min, max) = self.texts(column)?;
        // Log checkpoints may keep the upper bound only to the millisecond.
        micros(min).zip(micros(max)).map(|(min, max)| (min, max.saturating_add(1_000)))
    }

    /// How many rows of a column are NULL.
    pub(crate) fn nulls(&self, column: &str) -> Option<u64> {
        self.0.get("nullCount")?.get(column)?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_bounds_are_widened_to_milliseconds_on_both_sides_of_the_epoch() {
        assert_eq!(Bound::Micros(1_500).json(false), "1970-01-01T00:00:00.001Z");
        assert_eq!(Bound::Micros(1_500).json(true), "1970-01-01T00:00:00.002Z");
        assert_eq!(Bound::Micros(-1).json(false), "1969-12-31T23:59:59.999Z");
        assert_eq!(Bound::Micros(-1).json(true), "1970-01-01T00:00:00.000Z");
        assert_eq!(date_text(-1), "1969-12-31");
    }
}
