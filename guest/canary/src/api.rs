//! What the read API writes (§3, §5 to §7): only the members that are read, every one of them optional, because versions and
//! permissions change what is there.
//!
//! Samples arrive by the million and are borrowed from the body ([`Sample`], [`Value`]); the rest is small and owned.

mod browse;
mod entries;
mod envelope;
mod event;
mod sample;
mod value;

pub(crate) use browse::{AssetInstances, AssetTypes, Node, Nodes, Properties, Tags, Views};
pub(crate) use entries::Entries;
pub(crate) use envelope::{Payload, judge, judge_whole};
pub(crate) use event::{Event, Events, Property};
pub(crate) use sample::{Data, Sample, Stamp};
pub(crate) use value::Value;

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_sdk::{Instant, time::parse_instant};

/// Where an answer goes on, as the text that the server wrote: echoed byte for byte (§6.3), never looked into but for
/// whether it says that there is no more.
#[derive(Clone, Debug)]
pub(crate) struct Continuation(Box<RawValue>);

impl Continuation {
    /// `None` where the answer was the last: null, nothing, or a list of nothing but null, which is what tags that are
    /// finished have in it; to ask with that would begin again.
    pub(crate) fn of(text: &RawValue) -> Option<Self> {
        let finished = match serde_json::from_str::<serde_json::Value>(text.get()) {
            Ok(serde_json::Value::Null) => true,
            Ok(serde_json::Value::String(text)) => text.is_empty(),
            Ok(serde_json::Value::Array(entries)) => entries.iter().all(serde_json::Value::is_null),
            _ => false,
        };
        (!finished).then(|| Self(text.to_owned()))
    }

    /// The text to send.
    pub(crate) fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl PartialEq for Continuation {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// The range that a tag's samples lie in, and the stored item behind it; `getTagContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Context {
    /// The identity of the stored tag behind a path; null for a calculated one.
    pub(crate) historian_item_id: Option<String>,
    pub(crate) source_item_id: Option<String>,
    pub(crate) oldest_time_stamp: Option<String>,
    pub(crate) latest_time_stamp: Option<String>,
}

impl Context {
    /// Whether the server knows anything of the tag.
    pub(crate) fn is_known(&self) -> bool {
        let known = [&self.historian_item_id, &self.source_item_id];
        known.into_iter().flatten().any(|text| !text.is_empty()) || self.oldest().is_some() || self.latest().is_some()
    }

    /// When the first sample was; `None` where there is none, or where the server does not say.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        time(self.oldest_time_stamp.as_deref())
    }

    /// When the last sample was.
    pub(crate) fn latest(&self) -> Option<Instant> {
        time(self.latest_time_stamp.as_deref())
    }
}

/// One entry of `getTagContext`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TagContext {
    pub(crate) tag_name: String,
    pub(crate) tag_context: Option<Context>,
}

impl Payload for Vec<TagContext> {
    const KEY: &'static str = "data";
}

/// A time that may be missing: the year 1 stands for none, and cannot be read anyway.
fn time(text: Option<&str>) -> Option<Instant> {
    parse_instant(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuation_is_kept_to_the_byte_or_says_that_there_is_no_more() {
        for (text, ends) in [
            ("null", true),
            ("[]", true),
            ("\"\"", true),
            ("[null,null]", true),
            (r#"["a",null]"#, false),
            (r#""pathid=VIEW.a b\tindex=1""#, false),
            (r#"[ "xqR72\u0061nHAu3" , "" ]"#, false),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            let continuation = Continuation::of(raw);
            assert_eq!(continuation.is_none(), ends, "{text}");
            assert!(continuation.is_none_or(|continuation| continuation.raw().get() == text), "{text}");
        }
    }

    #[test]
    fn a_tag_of_which_nothing_is_said_is_not_known() {
        let read = |text: &str| serde_json::from_str::<Context>(text).unwrap();
        assert!(!read("{}").is_known());
        let never = r#"{"historianItemId":null,"sourceItemId":"","oldestTimeStamp":"0001-01-01T00:00:00.0000000"}"#;
        assert!(!read(never).is_known());
        assert!(read(r#"{"historianItemId":"localhost.DS.Tag"}"#).is_known());
        let calculated = read(r#"{"latestTimeStamp":"2023-04-20T06:10:58.0000000-05:00"}"#);
        assert_eq!(calculated.latest(), Some(1_681_989_058_000_000_000));
        assert!(calculated.is_known() && calculated.oldest().is_none());
    }
}
