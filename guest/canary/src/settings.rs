//! The part of the configuration that concerns this plugin, with the host's defaults filled in.

use serde::Deserialize;
use tidegate_sdk::{Fault, host, plan::Performance};

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
    /// The address of the read API, as the host grants it; nothing is added to it.
    pub(crate) url: String,
    /// The view to read; by default the historian's own.
    #[serde(default)]
    pub(crate) view: Option<String>,
}

/// What to read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ingestion {
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) tag_filter: Option<TagFilter>,
    pub(crate) include_diagnostics: Option<bool>,
    pub(crate) include_asset_hierarchy: Option<bool>,
    pub(crate) include_event_frames: Option<bool>,
    /// Only events of these types.
    pub(crate) event_frame_templates: Option<Vec<String>>,
}

/// Tags of the view, where none are listed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TagFilter {
    /// The node below which they stand.
    pub(crate) path: Option<String>,
    /// Words that the server looks for.
    pub(crate) search: Option<String>,
    pub(crate) name_pattern: Option<String>,
    pub(crate) max_tags: Option<usize>,
}

impl Ingestion {
    /// Whether the nodes of the view are asked for.
    pub(crate) fn wants_hierarchy(&self) -> bool {
        self.include_asset_hierarchy.unwrap_or(false)
    }

    /// Whether the events of the view are asked for.
    pub(crate) fn wants_event_frames(&self) -> bool {
        self.include_event_frames.unwrap_or(false)
    }

    /// Whether the historian's tags about itself are asked for.
    pub(crate) fn wants_diagnostics(&self) -> bool {
        self.include_diagnostics.unwrap_or(false)
    }

    /// The tags that are listed by name; none where a filter counts.
    pub(crate) fn named(&self) -> &[String] {
        self.tags.as_deref().unwrap_or_default()
    }
}

impl Settings {
    /// Asks the host.
    pub(crate) fn load() -> Result<Self, Fault> {
        let settings: Self = host::settings()?;
        Ok(Self { performance: settings.performance.sane(), ..settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_product() {
        let text = r#"{"source":{"url":"https://h:55236/api/v2"},"ingestion":{"lookback":"48h","tags":null}}"#;
        let settings: Settings = host::parse_settings(text).unwrap();
        assert_eq!(settings.performance, Performance::default());
        let ingestion = settings.ingestion;
        assert!(ingestion.named().is_empty() && settings.source.view.is_none());
        assert!(!ingestion.wants_hierarchy() && !ingestion.wants_event_frames() && !ingestion.wants_diagnostics());
    }
}
