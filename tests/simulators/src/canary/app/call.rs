//! What handlers ask of their call: its tags, its times.

use super::Call;
use crate::canary::answer::Refused;
use crate::canary::catalogue::Target;
use crate::canary::json::named;
use crate::canary::when::{self, Anchors};
use crate::shared::{text, wildcard};

impl Call<'_> {
    /// What a tag path names, faults considered.
    pub(crate) fn find(&self, path: &str) -> Target {
        if names(&self.shape.vanish, path) {
            return Target::Unknown;
        }
        self.app.truth.catalogue().find(path)
    }

    /// Whether a fault leaves this tag out of the contexts.
    pub(crate) fn omits_context(&self, path: &str) -> bool {
        names(&self.shape.omit_context, path)
    }

    /// The tags that `path`, `deep` and `search` select.
    ///
    /// # Errors
    /// No `path` is given.
    pub(crate) fn browse(&self) -> Result<Vec<String>, Refused> {
        let params = &self.params;
        if !params.has("path") {
            return Err(Refused::errors("parameter 'tags' or 'path' is required"));
        }
        let path = params.text("path")?.unwrap_or_default();
        let search = params.text("search")?.unwrap_or_default();
        let catalogue = self.app.truth.catalogue();
        let found = catalogue.list(path, params.flag("deep", false)?, search);
        Ok(found.into_iter().map(|(tag, _)| tag.to_owned()).collect())
    }

    /// The tags of the call, each once: `tags`, or what the server browses itself.
    pub(crate) fn tags(&self) -> Result<Vec<String>, Refused> {
        let mut tags = match self.params.list("tags")? {
            Some(tags) => tags,
            None => self.browse()?,
        };
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        Ok(tags)
    }

    /// What relative times count from.
    pub(crate) fn anchors(&self) -> Anchors {
        let truth = &self.app.truth;
        Anchors { now: truth.clock().now(), zone: self.zone, range: truth.range() }
    }

    /// A time parameter in UTC ticks; `None`: absent.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.params.text(name)? else { return Ok(None) };
        let bad = || Refused::errors(format!("parameter '{name}': '{text}' is not a time"));
        when::time(text, &self.anchors()).map(Some).ok_or_else(bad)
    }

    /// A time parameter that must be there.
    pub(crate) fn instant(&self, name: &str) -> Result<i64, Refused> {
        self.time(name)?.ok_or_else(|| Refused::errors(format!("parameter '{name}' is required")))
    }

    /// Writes the continuation of a call whose continuation is one string.
    pub(crate) fn promise(&self, next: Option<String>, out: &mut Vec<u8>) {
        named(out, "continuation");
        match next {
            Some(next) => {
                text::string(out, &next);
                self.app.continuations.issue(self.binding, &[Some(next)]);
            }
            None => out.extend_from_slice(b"null"),
        }
    }

    /// Whether lists are empty because the historian cannot be reached.
    pub(crate) fn is_offline(&self) -> bool {
        self.shape.offline || self.app.truth.is_offline()
    }
}

/// Whether one of the wildcards names this path.
fn names(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| pattern == path || wildcard::matches(pattern, path))
}
