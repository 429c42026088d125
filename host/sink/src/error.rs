//! What can go wrong with the lake, in words that say what to do about it. An error never holds a storage option: those
//! may be credentials.

use std::error::Error as StdError;
use std::io;

use deltalake::DeltaTableError;

/// The result of everything that touches the lake.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the lake could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured location or a name in it cannot be used.
    #[error("{value:?} cannot be used as {what}: {reason}")]
    Location {
        /// What was configured: the location, a schema, a table.
        what: &'static str,
        /// As configured.
        value: String,
        /// Why not, and what is supported.
        reason: String,
    },
    /// The store refused to read or write.
    #[error("cannot {action} {place}: {cause}; {advice}")]
    Storage {
        /// What was being done.
        action: &'static str,
        /// To which table or file.
        place: String,
        /// The innermost cause.
        cause: String,
        /// What to do next.
        advice: &'static str,
        /// The whole chain of causes.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A column is stored with one type and declared with another.
    #[error(
        "column {column} of table {table} is stored as {stored} but the plugin declares {declared}; use the plugin \
         version that wrote the table, or move the table's folder away and read it again from the historian"
    )]
    SchemaConflict {
        /// `schema.table`.
        table: String,
        /// The column.
        column: String,
        /// Its type in the lake.
        stored: String,
        /// Its type as declared now.
        declared: String,
    },
    /// The table's owner has switched on a Delta feature that asks more of a writer.
    #[error(
        "table {table} uses the Delta feature {feature}, which tidegate does not write; switch it off, or move the \
         table's folder away and let tidegate create it anew"
    )]
    Protocol {
        /// `schema.table`.
        table: String,
        /// The feature.
        feature: String,
    },
    /// The caller, and behind it a plugin, broke the rules of the contract.
    #[error("table {table}: {what}")]
    Contract {
        /// `schema.table`.
        table: String,
        /// The rule, and how it was broken.
        what: String,
    },
    /// Someone else moved this lane's transaction number.
    #[error(
        "another run of pipeline {pipeline} is writing table {table} ({lane} lane); stop it or wait until it ends, then \
         run again: nothing was written half-way"
    )]
    LaneTaken {
        /// The pipeline.
        pipeline: String,
        /// `schema.table`.
        table: String,
        /// `live` or `backfill`.
        lane: String,
    },
    /// The state is no longer what was shown to whoever wanted to change it.
    #[error(
        "the state in table {table} was changed by others after the difference was shown: nothing was changed; run again"
    )]
    StateChanged {
        /// `schema.table` of the watermarks.
        table: String,
    },
    /// Other writers were faster at every attempt.
    #[error("table {table} was changed by others at each of {attempts} attempts to commit; run again when it is quiet")]
    Contended {
        /// `schema.table`.
        table: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Something stored cannot be understood.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// Table or file.
        place: String,
        /// How, and what to do.
        what: String,
    },
    /// A SQL statement failed.
    #[error("the query failed: {message}")]
    Query {
        /// What the engine said.
        message: String,
        /// The engine's error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn storage(
        action: &'static str,
        place: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let (cause, advice) = diagnose(&source);
        Self::Storage { action, place: place.into(), cause, advice, source: Box::new(source) }
    }

    pub(crate) fn contract(table: &str, what: impl Into<String>) -> Self {
        Self::Contract { table: table.to_owned(), what: what.into() }
    }

    pub(crate) fn query(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Query { message: source.to_string(), source: Box::new(source) }
    }
}

/// Whether a commit failed only because another writer took the version: the one failure worth another attempt.
pub(crate) fn is_lost_race(error: &DeltaTableError) -> bool {
    use deltalake::kernel::transaction::TransactionError as T;
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: T::MaxCommitAttempts(_) | T::VersionAlreadyExists(_) | T::CommitConflict(_)
            }
    )
}

/// Whether an object store does not let us in.
fn is_denied(error: &(dyn StdError + 'static)) -> bool {
    use deltalake::ObjectStoreError as E;
    matches!(error.downcast_ref(), Some(E::PermissionDenied { .. } | E::Unauthenticated { .. }))
}

/// The innermost cause and the advice that fits it.
fn diagnose(error: &(dyn StdError + 'static)) -> (String, &'static str) {
    let mut kind = None;
    let mut cause = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        cause = error.to_string();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            kind = Some(io.kind());
            // An error inside an io::Error is not always its source.
            next = io.get_ref().map(|inner| inner as &(dyn StdError + 'static));
        } else {
            if is_denied(error) {
                kind = Some(io::ErrorKind::PermissionDenied);
            }
            next = error.source();
        }
    }
    let advice = match kind {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            "free space there or choose another location, then run again"
        }
        Some(io::ErrorKind::PermissionDenied) => "give the user that runs tidegate permission to read and write there",
        Some(io::ErrorKind::ReadOnlyFilesystem) => "choose a location that can be written",
        Some(io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::NotFound) => {
            "check the location and that nothing else removes files there"
        }
        _ => "check that the store is reachable and run again",
    };
    (cause, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_deep_in_the_chain_is_named_with_its_remedy() {
        let io = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = deltalake::ObjectStoreError::Generic { store: "LocalFileSystem", source: Box::new(io) };
        let error = Error::storage("write", "bronze.t", DeltaTableError::ObjectStore { source: wrapped }).to_string();
        assert!(error.starts_with("cannot write bronze.t: no storage space"), "{error}");
        assert!(error.contains("free space"), "{error}");
    }

    #[test]
    fn an_object_store_that_denies_access_asks_for_permission() {
        let source = "403 AccessDenied".into();
        let denied = deltalake::ObjectStoreError::PermissionDenied { path: "t/a".into(), source };
        let error = Error::storage("write", "bronze.t", DeltaTableError::ObjectStore { source: denied }).to_string();
        assert!(error.starts_with("cannot write bronze.t: 403 AccessDenied; give the user"), "{error}");
    }

    #[test]
    fn only_a_lost_race_is_tried_again() {
        assert!(is_lost_race(&DeltaTableError::VersionAlreadyExists(3)));
        assert!(!is_lost_race(&DeltaTableError::NoSchema));
    }
}
