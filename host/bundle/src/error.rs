//! What can go wrong with a bundle, told apart by whose fault it is: the bundle's, the key's, the registry's.

/// An error of this crate. Its text says what failed, where, and what to do next; never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no bundle that can be trusted: broken, tampered with, or of another kind.
    #[error("{0}")]
    Broken(String),
    /// A key cannot be used, or does not fit.
    #[error("{0}")]
    Key(String),
    /// `plugins.lock` cannot be used as it is.
    #[error("{0}")]
    Lock(String),
    /// A name of something in a registry is not one.
    #[error("{0}")]
    Reference(String),
    /// A registry did not do what it was asked for.
    #[error("{0}")]
    Registry(String),
}

/// The refusal of a bundle.
pub(crate) fn broken(reason: impl Into<String>) -> Error {
    Error::Broken(reason.into())
}

/// Text from a bundle, fit for a message: short and without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
