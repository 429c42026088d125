//! The part of the configuration that concerns this plugin, with the host's defaults filled in.

use serde::Deserialize;
use tidegate_sdk::{Fault, host};

/// Everything the host hands over. Keys of other plugins' sections are not ours to judge.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Settings {
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) ingestion: Ingestion,
    #[serde(default)]
    pub(crate) performance: Performance,
}

/// Where the data comes from.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Source {
    /// The address of the Web API, as the host grants it; nothing is added to it.
    pub(crate) url: String,
    /// The PI Data Archive; needed when the Web API shows several.
    #[serde(default)]
    pub(crate) data_server: Option<String>,
}

/// What to read.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Ingestion {
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tag_filter: Option<TagFilter>,
}

/// Points by pattern, where no tags are listed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TagFilter {
    #[serde(default)]
    pub(crate) name_pattern: Option<String>,
    #[serde(default)]
    pub(crate) max_tags: Option<usize>,
}

/// How much at once.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Performance {
    /// Tags per batch request.
    pub(crate) batch_size: usize,
    /// Events per tag and request.
    pub(crate) max_count_per_request: usize,
    /// Requests in flight, whole host.
    pub(crate) parallel_batches: usize,
}

impl Default for Performance {
    fn default() -> Self {
        Self { batch_size: 100, max_count_per_request: 10_000, parallel_batches: 5 }
    }
}

impl Settings {
    /// Asks the host.
    pub(crate) fn load() -> Result<Self, Fault> {
        Ok(host::settings::<Self>()?.sane())
    }

    /// Zero of anything would never end: one is the least.
    fn sane(mut self) -> Self {
        let performance = &mut self.performance;
        performance.batch_size = performance.batch_size.max(1);
        performance.max_count_per_request = performance.max_count_per_request.max(1);
        performance.parallel_batches = performance.parallel_batches.max(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_product() {
        let text = r#"{"source":{"url":"https://h/piwebapi"},"ingestion":{"lookback":"48h"}}"#;
        let settings: Settings = host::parse_settings(text).unwrap();
        assert_eq!(settings.performance.batch_size, 100);
        assert!(settings.ingestion.tags.is_none() && settings.source.data_server.is_none());
    }

    #[test]
    fn zero_is_lifted_to_one() {
        let text = r#"{"source":{"url":"u"},"performance":{"batch_size":0,"max_count_per_request":0}}"#;
        let settings = host::parse_settings::<Settings>(text).unwrap().sane();
        assert_eq!((settings.performance.batch_size, settings.performance.max_count_per_request), (1, 1));
    }
}
