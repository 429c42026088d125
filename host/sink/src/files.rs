//! The live data files of a table while a run writes to it: what the log held when it was last looked at, moved on by
//! every commit of the run itself. Kept apart from the Delta snapshot, whose renewal costs more with every file.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use deltalake::kernel::{Add, LogicalFileView, Remove};
use deltalake::{ObjectStore, Path};

use crate::Result;
use crate::reader::Reads;
use crate::scan::{self, Opened};
use crate::table::Table;

/// One data file.
#[derive(Clone)]
pub(crate) enum DataFile {
    /// From the log.
    Logged(LogicalFileView),
    /// Added by this run.
    Own(Arc<Add>),
}

impl DataFile {
    /// A file that this run has written.
    pub(crate) fn own(add: Add) -> Self {
        Self::Own(Arc::new(add))
    }

    /// Below the table's folder.
    pub(crate) fn path(&self) -> Path {
        match self {
            Self::Logged(file) => file.object_store_path(),
            Self::Own(add) => Path::parse(&add.path).unwrap_or_else(|_| Path::from(add.path.as_str())),
        }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        let size = match self {
            Self::Logged(file) => file.size(),
            Self::Own(add) => add.size,
        };
        u64::try_from(size).unwrap_or_default()
    }

    /// The statistics as JSON.
    pub(crate) fn stats(&self) -> Option<String> {
        match self {
            Self::Logged(file) => file.stats(),
            Self::Own(add) => add.stats.clone(),
        }
    }

    /// Values by partition column.
    pub(crate) fn partition(&self) -> HashMap<String, Option<String>> {
        match self {
            Self::Logged(file) => file.partition_values_map(),
            Self::Own(add) => add.partition_values.clone(),
        }
    }

    /// Whether some of its rows are deleted by a vector beside it.
    pub(crate) fn has_deleted_rows(&self) -> bool {
        match self {
            Self::Logged(file) => file.deletion_vector_descriptor().is_some(),
            Self::Own(add) => add.deletion_vector.is_some(),
        }
    }

    /// The action that takes the file out of the table, at `millis` since the Unix epoch.
    pub(crate) fn remove(&self, millis: i64) -> Remove {
        match self {
            Self::Logged(file) => Remove { deletion_timestamp: Some(millis), ..file.remove_action(true) },
            Self::Own(add) => Remove {
                path: add.path.clone(),
                data_change: true,
                deletion_timestamp: Some(millis),
                extended_file_metadata: Some(true),
                partition_values: Some(add.partition_values.clone()),
                size: Some(add.size),
                deletion_vector: None,
                tags: None,
                base_row_id: None,
                default_row_commit_version: None,
            },
        }
    }
}

/// A file with the date of its partition.
type Dated = (Option<String>, DataFile);

/// All live files, each with its date. Clones share the list.
#[derive(Clone)]
pub(crate) struct Listing {
    /// `schema.table`.
    pub table: Arc<str>,
    /// Below the table's folder.
    pub store: Arc<dyn ObjectStore>,
    date: Option<String>,
    files: Arc<RwLock<Vec<Dated>>>,
    reads: Arc<Reads>,
}

impl Listing {
    /// The files of a table that has just been loaded; `date` is its partition column.
    pub(crate) fn new(table: &Table, date: Option<&str>) -> Result<Self> {
        let listing = Self {
            table: table.name.as_str().into(),
            store: table.store(),
            date: date.map(str::to_owned),
            files: Arc::default(),
            reads: Arc::default(),
        };
        listing.renew(table)?;
        Ok(listing)
    }

    /// Looks at the files of the table again, after others have changed it.
    pub(crate) fn renew(&self, table: &Table) -> Result<()> {
        let files = table.files()?.into_iter().map(|file| self.dated(DataFile::Logged(file))).collect();
        *self.write() = files;
        Ok(())
    }

    /// Follows a commit of this run.
    pub(crate) fn follow(&self, added: &[Add], removed: &[DataFile]) {
        let mut files = self.write();
        if !removed.is_empty() {
            let gone: HashSet<Path> = removed.iter().map(DataFile::path).collect();
            files.retain(|(_, file)| !gone.contains(&file.path()));
        }
        files.extend(added.iter().map(|add| self.dated(DataFile::own(add.clone()))));
    }

    /// The files that a test of date and file lets through.
    pub(crate) fn select(&self, test: impl Fn(Option<&str>, &DataFile) -> bool) -> Vec<DataFile> {
        let files = self.read();
        let fits = files.iter().filter(|(date, file)| test(date.as_deref(), file));
        fits.map(|(_, file)| file.clone()).collect()
    }

    /// Opens one of the files to read it.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) async fn open(&self, file: &DataFile) -> Result<Opened> {
        scan::open(&self.store, &self.table, file, &self.reads).await
    }

    /// How much of the table has been read through this list and its clones.
    pub(crate) fn reads(&self) -> &Reads {
        &self.reads
    }

    fn dated(&self, file: DataFile) -> Dated {
        let date = self.date.as_ref().and_then(|date| file.partition().remove(date).flatten());
        (date, file)
    }

    // Nothing panics while the lock is held; a poisoned one still holds a whole list.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Dated>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Dated>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}
