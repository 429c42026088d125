//! Staged coverage: a small file beside the checkpoints that says what batch N proves, written before the batch is
//! committed. With it a run that died between its two commits is finished by the next one.

use std::sync::Arc;

use deltalake::logstore::object_store::{ObjectStoreExt, PutMode, PutOptions};
use deltalake::{ObjectStore, ObjectStoreError, Path};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use tidegate_model::Instant;

use crate::coverage::Coverage;
use crate::{Error, Result};

/// The staged files of one lane.
#[derive(Clone)]
pub(crate) struct Staging {
    store: Arc<dyn ObjectStore>,
    folder: Path,
    /// The table as it stands in file names, and the start of this lane's own.
    table: String,
    prefix: String,
}

/// What is staged for a table.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// By this lane, by batch.
    pub own: Vec<Staged>,
    /// By other lanes, committed or not.
    pub others: Coverage,
}

/// The content of a staged file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staged {
    /// The batch.
    pub batch: i64,
    /// When its run began, in nanoseconds since the Unix epoch.
    pub run: i64,
    /// What it proves, together with every earlier batch that the watermarks do not hold yet.
    pub coverage: Coverage,
}

impl Staged {
    pub(crate) fn run(&self) -> Instant {
        Instant(self.run)
    }
}

impl Staging {
    /// For the lane `<pipeline>.<table>.<lane>`, escaped so that none of the three holds a dot or what a store encodes.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, checkpoint_schema: &str, lane: &str) -> Self {
        let folder = Path::from_iter([checkpoint_schema, "_staged"]);
        let table = lane.split('.').nth(1).unwrap_or_default().to_owned();
        Self { store, folder, table, prefix: format!("{lane}.") }
    }

    fn path(&self, batch: i64) -> Path {
        self.folder.clone().join(format!("{}{batch}.json", self.prefix))
    }

    /// Writes the file in one step. `false` when the batch is staged already, by another run.
    pub(crate) async fn put(&self, staged: &Staged) -> Result<bool> {
        let path = self.path(staged.batch);
        let json =
            serde_json::to_vec(staged).map_err(|error| Error::storage("stage coverage in", path.as_ref(), error))?;
        match self.store.put_opts(&path, json.into(), PutOptions::from(PutMode::Create)).await {
            Ok(_) => Ok(true),
            Err(ObjectStoreError::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(Error::storage("stage coverage in", path.as_ref(), error)),
        }
    }

    /// What is staged for the table.
    pub(crate) async fn list(&self) -> Result<Left> {
        let failed = |error| Error::storage("read staged coverage in", self.folder.as_ref(), error);
        let names: Vec<Path> =
            self.store.list(Some(&self.folder)).map_ok(|meta| meta.location).try_collect().await.map_err(failed)?;
        let mut left = Left::default();
        for path in names {
            let name = path.filename().unwrap_or_default();
            if !self.concerns(name) {
                continue;
            }
            let bytes = match self.store.get(&path).await {
                Ok(found) => found.bytes().await.map_err(failed)?,
                // Another run has just finished with it.
                Err(ObjectStoreError::NotFound { .. }) => continue,
                Err(error) => return Err(failed(error)),
            };
            let content: Staged = serde_json::from_slice(&bytes).map_err(|error| Error::Damaged {
                place: path.to_string(),
                what: format!("{error}; restore it from a backup: without it the rows of that batch may be read twice"),
            })?;
            if name.starts_with(&self.prefix) {
                left.own.push(content);
            } else {
                left.others.extend(content.coverage);
            }
        }
        left.own.sort_by_key(|staged| staged.batch);
        Ok(left)
    }

    /// Whether a file is `<pipeline>.<table>.<lane>.<batch>.json` of this table.
    fn concerns(&self, name: &str) -> bool {
        let parts: Vec<&str> = name.split('.').collect();
        matches!(parts.as_slice(), [_, table, _, batch, "json"] if *table == self.table && batch.parse::<i64>().is_ok())
    }

    /// Deletes the file of a batch; it may be gone already.
    pub(crate) async fn remove(&self, batch: i64) -> Result<()> {
        let path = self.path(batch);
        match self.store.delete(&path).await {
            Ok(()) | Err(ObjectStoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::storage("delete", path.as_ref(), error)),
        }
    }
}
