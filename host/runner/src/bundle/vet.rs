//! Whether a plugin may run, in the order of distrust: the locks decide from digest and signature; then its manifest is
//! read and compared with what was approved; then it is compiled; then what it says about itself is compared with the
//! manifest; then it gets the requests that are both asked for and approved, and no others.

use std::fmt;
use std::time::Duration;

use tidegate_bundle::{CallLimits, Found, Locks, Manifest, Refusal};
use tidegate_sandbox::{Capability, Engine, Limits, Plugin};

use super::{Candidate, call_limits, describe};
use crate::exit::Failure;

/// The command line that would allow what is refused, without the name of the plugin.
#[derive(Clone, Debug)]
pub struct Approval(String);

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Approval {
    /// For the configuration that the operator named so.
    #[must_use]
    pub fn of(config: &str) -> Self {
        let config = if config == "tidegate.yaml" { String::new() } else { format!("-c {} ", word(config)) };
        Self(format!("tidegate {config}plugin approve"))
    }

    /// The refusal of a candidate, as the operator reads it.
    fn refuse(&self, candidate: &Candidate, refusal: &Refusal) -> Failure {
        let (shown, word) = (&candidate.shown, word(&candidate.shown));
        Failure::refused(format!(
            "{shown} is refused: {refusal}\nto look at it: tidegate plugin inspect {word}\nto allow it: {self} {word}"
        ))
    }
}

/// A path as a shell takes it for one word.
pub(crate) fn word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:@+,=".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// The plugin, once everything about it is as it was approved.
///
/// # Errors
/// A refusal with the difference and the line that would allow it; or it is no plugin of this world.
pub async fn vet(
    candidate: &Candidate,
    locks: &Locks,
    approval: &Approval,
    engine: &Engine,
    limits: Limits,
) -> Result<Plugin, Failure> {
    let found = Found { source: &candidate.source, bundle: candidate.bundle(), digest: &candidate.digest };
    let refuse = |refusal: Refusal| approval.refuse(candidate, &refusal);
    let vouched = locks.judge(found).map_err(refuse)?;
    if let Some(said) = manifest(candidate)? {
        vouched.agrees_with(&said).map_err(refuse)?;
    }
    let (mut plugin, said) = compile(candidate, engine, limits).await?;
    vouched.agrees_with(&said).map_err(refuse)?;
    let approved: Result<Vec<Capability>, String> =
        vouched.entry.capabilities.iter().map(|line| line.parse()).collect();
    plugin
        .grant(&approved.map_err(|error| Failure::usage(format!("plugins.lock: `{}`: {error}", vouched.entry.name)))?);
    Ok(plugin)
}

/// Compiles a plugin that is trusted so far, within the limits that its manifest states, and has it say what it is. It
/// makes no request.
///
/// # Errors
/// It is no plugin of this world, or says about itself something else than its manifest.
pub async fn compile(candidate: &Candidate, engine: &Engine, limits: Limits) -> Result<(Plugin, Manifest), Failure> {
    let manifest = manifest(candidate)?;
    let stated = manifest.as_ref().map_or_else(|| call_limits(&Limits::default()), |said| said.limits.clone());
    let component = candidate.component();
    let name = candidate.source.rsplit('/').next().unwrap_or(&candidate.source);
    let loaded = Plugin::load(engine, name, component, narrower(limits, &stated)).await;
    let plugin = loaded.map_err(|error| Failure::usage(format!("{}: {error}", candidate.shown)))?;
    let said = describe(&plugin, component, stated);
    match manifest.as_ref().and_then(|manifest| contradiction(manifest, &said)) {
        None => Ok((plugin, said)),
        Some(what) => Err(Failure::refused(format!(
            "{} is refused: what the plugin says about itself ({what}) is not what its manifest says; ask whoever packed it",
            candidate.shown
        ))),
    }
}

/// The manifest of a bundle; none of a bare component, which has to be asked.
///
/// # Errors
/// A refusal: it is broken, or about another component.
pub fn manifest(candidate: &Candidate) -> Result<Option<Manifest>, Failure> {
    let refuse = |error| Failure::refused(format!("{} is refused: {error}", candidate.shown));
    candidate.bundle().map(|bundle| bundle.manifest().map_err(refuse)).transpose()
}

/// In what a manifest and its plugin differ.
fn contradiction(manifest: &Manifest, said: &Manifest) -> Option<&'static str> {
    [
        ("name", manifest.name == said.name),
        ("version", manifest.version == said.version),
        ("licence", manifest.license == said.license),
        ("world", manifest.world == said.world),
        ("interfaces", manifest.component == said.component),
        ("tables", manifest.tables == said.tables),
        ("kinds", manifest.kinds == said.kinds),
        ("capabilities", manifest.capabilities == said.capabilities),
        ("credentials", manifest.token_member == said.token_member && manifest.session == said.session),
        ("configuration", manifest.config_schema == said.config_schema),
    ]
    .into_iter()
    .find_map(|(what, same)| (!same).then_some(what))
}

/// The host's limits, where a manifest does not state lower ones.
fn narrower(limits: Limits, stated: &CallLimits) -> Limits {
    let size = |host: usize, stated: u64| host.min(usize::try_from(stated).unwrap_or(usize::MAX));
    Limits {
        memory_bytes: stated.memory_bytes.map_or(limits.memory_bytes, |stated| size(limits.memory_bytes, stated)),
        busy: limits.busy.min(Duration::from_secs(stated.busy_seconds)),
        request_bytes: limits.request_bytes.min(stated.request_bytes),
        response_bytes: limits.response_bytes.min(stated.response_bytes),
        emit_bytes: size(limits.emit_bytes, stated.batch_bytes),
        ..limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_allows_it_names_the_configuration_and_is_one_for_a_shell() {
        assert_eq!(Approval::of("tidegate.yaml").to_string(), "tidegate plugin approve");
        assert_eq!(Approval::of("plant a/t.yaml").to_string(), "tidegate -c 'plant a/t.yaml' plugin approve");
        assert_eq!(word("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_manifest_narrows_the_hosts_limits_and_never_widens_them() {
        let host = Limits { memory_bytes: 8 << 30, request_bytes: 100, ..Limits::default() };
        let mut stated = call_limits(&Limits::default());
        stated.request_bytes = 10;
        let limits = narrower(host.clone(), &stated);
        // Nobody who packs a plugin knows how much memory the operator has, unless they say so.
        assert_eq!((limits.memory_bytes, limits.request_bytes), (8 << 30, 10));
        assert_eq!(limits.busy, Limits::default().busy);
        for (memory_bytes, least) in [(1 << 20, 1 << 20), (1 << 40, 8 << 30)] {
            let stated = CallLimits { memory_bytes: Some(memory_bytes), ..stated.clone() };
            assert_eq!(narrower(host.clone(), &stated).memory_bytes, least);
        }
    }
}
