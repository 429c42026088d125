//! Where an initial load began, kept in a small file until the run has entered what it missed. A start like `-30d` moves
//! with the clock: what a run that died had not reached yet would otherwise never be asked for again.

use deltalake::logstore::object_store::ObjectStoreExt;
use deltalake::{ObjectStoreError, Path};
use serde::{Deserialize, Serialize};
use tidegate_model::Instant;

use crate::lake::Lake;
use crate::{Error, Result};

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Begun {
    /// What the start follows from: another setting is another load.
    setting: String,
    /// In nanoseconds since the Unix epoch.
    start: i64,
}

impl Lake {
    /// Notes that a run on this lane reads series without a cursor from `start` on, which follows from `setting`. Returns
    /// where an earlier run with the same setting began that did not come to its end, or `start`.
    ///
    /// # Errors
    /// A store that refuses.
    pub async fn begin(&self, table: &str, lane: &str, setting: &str, start: Instant) -> Result<Instant> {
        let (store, path) = (self.root.store()?, self.begun(table, lane));
        let failed = |error| Error::storage("note the start in", path.as_ref(), error);
        let known = match store.get(&path).await {
            Ok(found) => serde_json::from_slice::<Begun>(&found.bytes().await.map_err(failed)?).ok(),
            Err(ObjectStoreError::NotFound { .. }) => None,
            Err(error) => return Err(failed(error)),
        };
        let known = known.filter(|begun| begun.setting == setting).map(|begun| Instant(begun.start));
        if let Some(earlier) = known.filter(|known| *known <= start) {
            return Ok(earlier);
        }
        let begun = Begun { setting: setting.to_owned(), start: start.0 };
        let json =
            serde_json::to_vec(&begun).map_err(|error| Error::storage("note the start in", path.as_ref(), error))?;
        store.put(&path, json.into()).await.map_err(failed)?;
        Ok(start)
    }

    /// The run that began, or one after it, has entered all that it missed.
    ///
    /// # Errors
    /// A store that refuses.
    pub async fn ended(&self, table: &str, lane: &str) -> Result<()> {
        let path = self.begun(table, lane);
        match self.root.store()?.delete(&path).await {
            Ok(()) | Err(ObjectStoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::storage("delete", path.as_ref(), error)),
        }
    }

    fn begun(&self, table: &str, lane: &str) -> Path {
        let id = self.lane_id(table, lane);
        Path::from_iter([self.config.checkpoint_schema.as_str(), "_staged"])
            .join(format!("{}.begun.json", id.file_prefix()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lake;

    #[tokio::test]
    async fn a_load_begins_where_the_run_began_that_did_not_come_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let begin =
            async |lane: &str, setting: &str, at: i64| lake.begin("t", lane, setting, Instant(at)).await.unwrap().0;
        assert_eq!(begin("live", "30d", 100).await, 100);
        assert_eq!(begin("live", "30d", 200).await, 100, "the first run died");
        assert_eq!(begin("other", "30d", 300).await, 300);
        assert_eq!(begin("live", "10d", 400).await, 400, "the operator wants less");
        lake.ended("t", "live").await.unwrap();
        assert_eq!(begin("live", "10d", 500).await, 500);
        lake.ended("t", "live").await.unwrap();
        lake.ended("t", "live").await.unwrap();
        assert_eq!(begin("other", "30d", 600).await, 300);
    }
}
