//! The lock of a lane: one holder on one machine, so that a second run, or a change of the state, is refused at once and
//! not when its first commit is lost. The operating system gives it back when the holder dies, however it dies. It is no
//! substitute for the lane's numbers in the table, which hold across machines and on file systems without locks.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;

use crate::lake::Lake;
use crate::lane::LaneId;
use crate::location::checked_name;
use crate::{Error, Result};

/// A lane that is held until this is dropped.
#[must_use = "the lane is given back when this is dropped"]
#[derive(Debug)]
pub struct LaneLock {
    _file: File,
}

impl Lake {
    /// Holds a lane of this pipeline: `table` without its schema, `lane` as `live` or `backfill`. Makes the folder of
    /// staged coverage if there is none.
    ///
    /// # Errors
    /// [`Error::LaneTaken`] while another process holds it; a folder that cannot be written.
    pub fn lock(&self, table: &str, lane: &str) -> Result<LaneLock> {
        checked_name("table", table)?;
        checked_name("lane", lane)?;
        let id = LaneId { pipeline: self.config.pipeline.clone(), table: table.to_owned(), lane: lane.to_owned() };
        let folder = self.root.path().join(&self.config.checkpoint_schema).join("_staged");
        let path = folder.join(format!("{}.lock", id.file_prefix()));
        let failed = |error| Error::storage("lock", path.display().to_string(), error);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let table = format!("{}.{table}", self.config.schema);
                return Err(Error::LaneTaken { pipeline: id.pipeline, table, lane: id.lane });
            }
            // A file system without locks: the numbers in the table still keep two runs apart.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                tracing::debug!(path = %path.display(), "no locks here");
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(LaneLock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lake;

    #[test]
    fn a_lane_has_one_holder_and_its_neighbours_have_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let held = lake.lock("t", "live").unwrap();
        let error = lake.lock("t", "live").unwrap_err();
        assert!(matches!(error, Error::LaneTaken { .. }), "{error}");
        let _neighbours = [lake.lock("t", "backfill").unwrap(), lake.lock("u", "live").unwrap()];
        drop(held);
        let _again = lake.lock("t", "live").unwrap();
    }
}
