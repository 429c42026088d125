//! What can go wrong with a Views service, beside what can with any server.

use anyhow::Result;

pub use crate::shared::fault::Scope;
pub(crate) use crate::shared::fault::{Book, Incident};
use crate::shared::fault::{Effects, Numbers, Wire, disturb, effects};

/// One misbehaviour and when it happens.
///
/// `route` is the name of a method, with `v1/` before those of version 1; `tag` is a wildcard over the tag paths and the
/// path in the request.
pub type Fault = crate::shared::fault::Fault<Effect>;

effects! {
    /// What goes wrong.
    pub enum Effect {
        /// Status 200, `Errors` in the envelope.
        Errors,
        /// Status 200, `BadUserToken`, the token being what it was.
        BadUserToken,
        /// Status 200, `BadLiveDataToken`.
        BadLiveDataToken,
        /// Status 200, `BadLicense`.
        BadLicense,
        /// Every user token expires before the request is looked at.
        ExpireTokens,
        /// Every live data token expires before the request is looked at, as after a restart.
        ExpireLiveTokens,
        /// A request with a continuation is answered `Errors`.
        RejectContinuation,
        /// All views are rebuilt: their sequences change.
        BumpSequence,
        /// The tags that the fault's `tag` names are unknown to this call, as if they had just been deleted.
        Vanish,
        /// The tags that the fault's `tag` names have no entry in `getTagContext`, which is good otherwise.
        OmitContext,
        /// Status 200 and an envelope without its payload.
        NoPayload,
        /// Status 200 and empty lists.
        Offline,
        /// The sample in the middle comes twice.
        Duplicate,
        /// Two neighbouring samples change places.
        Unordered,
    }
}

/// What happens to an answer.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// An effect that replaces the payload, or precedes it.
    pub(crate) first: Vec<Effect>,
    /// Tags of these names, by wildcard, are unknown.
    pub(crate) vanish: Vec<String>,
    /// Tags of these names, by wildcard, are left out of the contexts.
    pub(crate) omit_context: Vec<String>,
    /// Only the envelope.
    pub(crate) no_payload: bool,
    /// Empty lists.
    pub(crate) offline: bool,
    /// The middle sample twice.
    pub(crate) duplicate: bool,
    /// Two neighbours change places.
    pub(crate) unordered: bool,
}

impl Shape {
    /// Changes a list of samples.
    pub(crate) fn apply<T: Clone>(&self, items: &mut Vec<T>) {
        if self.offline {
            items.clear();
        }
        disturb(items, self.duplicate, self.unordered);
    }
}

impl Effects for Effect {
    type Shape = Shape;

    fn parse(name: &str, _: &mut Numbers<'_>) -> Result<Option<Effect>> {
        Ok(Some(match name {
            "errors" => Effect::Errors,
            "bad-user-token" => Effect::BadUserToken,
            "bad-live-data-token" => Effect::BadLiveDataToken,
            "bad-license" => Effect::BadLicense,
            "expire-tokens" => Effect::ExpireTokens,
            "expire-live-tokens" => Effect::ExpireLiveTokens,
            "reject-continuation" => Effect::RejectContinuation,
            "bump-sequence" => Effect::BumpSequence,
            "vanish" => Effect::Vanish,
            "omit-context" => Effect::OmitContext,
            "no-payload" => Effect::NoPayload,
            "offline" => Effect::Offline,
            "duplicate" => Effect::Duplicate,
            "unordered" => Effect::Unordered,
            _ => return Ok(None),
        }))
    }

    fn wire(&self) -> Option<Wire> {
        self.on_wire()
    }

    fn shape(&self, tag: Option<&str>, shape: &mut Shape) {
        match self {
            Effect::Vanish => shape.vanish.push(tag.unwrap_or("*").to_owned()),
            Effect::OmitContext => shape.omit_context.push(tag.unwrap_or("*").to_owned()),
            Effect::NoPayload => shape.no_payload = true,
            Effect::Offline => shape.offline = true,
            Effect::Duplicate => shape.duplicate = true,
            Effect::Unordered => shape.unordered = true,
            other => shape.first.push(other.clone()),
        }
    }
}
