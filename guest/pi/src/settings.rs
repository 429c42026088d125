//! The part of the configuration that concerns this plugin, with the host's defaults filled in.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
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
    /// The points behind attributes; used where no tags are listed.
    #[serde(default)]
    pub(crate) af_filter: Option<AfFilter>,
    /// Paths or names of AF databases.
    #[serde(default, deserialize_with = "one_or_several")]
    pub(crate) af_database: Vec<String>,
    /// WebIds of AF databases.
    #[serde(default, deserialize_with = "one_or_several")]
    pub(crate) af_database_id: Vec<String>,
    /// Only the hierarchy below this element.
    #[serde(default)]
    pub(crate) af_root: Option<String>,
    #[serde(default)]
    pub(crate) include_af_hierarchy: Option<bool>,
    #[serde(default)]
    pub(crate) include_event_frames: Option<bool>,
    /// Only frames of these templates, and of templates derived from them.
    #[serde(default)]
    pub(crate) event_frame_templates: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) stream_updates: Option<StreamUpdates>,
}

/// Whether Stream Updates are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StreamUpdates {
    /// Where the server has them.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// Attributes by the elements they belong to.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AfFilter {
    /// Path of the element below which these stand.
    #[serde(default)]
    pub(crate) root: Option<String>,
    /// Template of the elements.
    #[serde(default)]
    pub(crate) template: Option<String>,
    /// Pattern of the attributes' names.
    #[serde(default)]
    pub(crate) attribute: Option<String>,
}

/// Points by pattern, where no tags are listed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TagFilter {
    #[serde(default)]
    pub(crate) name_pattern: Option<String>,
    #[serde(default)]
    pub(crate) max_tags: Option<usize>,
}

impl Ingestion {
    /// Whether the hierarchy and the attributes of elements are asked for.
    pub(crate) fn wants_hierarchy(&self) -> bool {
        self.include_af_hierarchy.unwrap_or(false)
    }

    /// Whether event frames are asked for.
    pub(crate) fn wants_event_frames(&self) -> bool {
        self.include_event_frames.unwrap_or(false)
    }

    /// Whether the server may be asked what it changed.
    pub(crate) fn uses_updates(&self) -> bool {
        self.stream_updates.unwrap_or_default() == StreamUpdates::Auto
    }

    /// Whether points are selected by the attributes that they stand behind.
    pub(crate) fn selects_by_attribute(&self) -> bool {
        self.af_filter.is_some() && !self.names_tags()
    }

    /// Whether tags are listed by name.
    pub(crate) fn names_tags(&self) -> bool {
        self.tags.as_ref().is_some_and(|tags| !tags.is_empty())
    }
}

/// A text, or a list of them.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(OneOrSeveral)
}

struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut several = Vec::new();
        while let Some(text) = seq.next_element()? {
            several.push(text);
        }
        Ok(several)
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
        let text = r#"{"source":{"url":"https://h/piwebapi"},"ingestion":{"lookback":"48h"}}"#;
        let settings: Settings = host::parse_settings(text).unwrap();
        assert_eq!(settings.performance.batch_size, 100);
        assert!(settings.ingestion.tags.is_none() && settings.source.data_server.is_none());
    }

    #[test]
    fn a_database_is_written_alone_or_in_a_list() {
        let read = |ingestion: &str| {
            let text = format!(r#"{{"source":{{"url":"u"}},"ingestion":{ingestion}}}"#);
            host::parse_settings::<Settings>(&text).map(|settings| settings.ingestion)
        };
        assert_eq!(read(r#"{"af_database":"\\\\AF1\\P"}"#).unwrap().af_database, [r"\\AF1\P"]);
        assert_eq!(read(r#"{"af_database":["P","Q"]}"#).unwrap().af_database, ["P", "Q"]);
        let none = read(r#"{"af_database":null,"af_database_id":null,"include_af_hierarchy":null}"#).unwrap();
        assert!(none.af_database.is_empty() && !none.wants_hierarchy() && !none.wants_event_frames());
        let fault = read(r#"{"af_database":5}"#).unwrap_err();
        assert!(fault.message.contains("a text or a list of texts"), "{}", fault.message);
    }

    #[test]
    fn listed_tags_come_before_any_filter() {
        let read = |ingestion: &str| {
            let text = format!(r#"{{"source":{{"url":"u"}},"ingestion":{ingestion}}}"#);
            host::parse_settings::<Settings>(&text).unwrap().ingestion.selects_by_attribute()
        };
        assert!(read(r#"{"af_filter":{"template":"Pump"}}"#) && read(r#"{"tags":[],"af_filter":{}}"#));
        assert!(!read(r#"{"tags":["A"],"af_filter":{}}"#) && !read("{}"));
    }
}
