//! The live data files of a table while a run writes to it: what the log held when it was last looked at, moved on by
//! every commit of the run itself. Kept apart from the Delta snapshot, whose renewal costs more with every file. Also tells
//! which files others have added since the run began: what it has compared before says nothing about them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use deltalake::kernel::{Add, LogicalFileView, Remove};
use deltalake::{ObjectStore, Path};

use crate::Result;
use crate::coverage::Coverage;
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

/// Whose rows a file holds; the later one of these where it holds several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// This run has added them.
    Own,
    /// They were there when the run began.
    Found,
    /// Others have added them since.
    Others,
}

/// A file with the date of its partition.
struct Entry {
    date: Option<String>,
    file: DataFile,
    origin: Origin,
}

/// All live files, each with its date. Clones share the list.
#[derive(Clone)]
pub(crate) struct Listing {
    /// `schema.table`.
    pub table: Arc<str>,
    /// Below the table's folder.
    pub store: Arc<dyn ObjectStore>,
    /// What the files that were found hold of others beyond what the watermarks tell.
    pub unmerged: Arc<Coverage>,
    date: Option<String>,
    files: Arc<RwLock<Vec<Entry>>>,
    reads: Arc<Reads>,
}

impl Listing {
    /// The files of a table that has just been loaded; `date` is its partition column, and `unmerged` what other lanes had
    /// staged then.
    pub(crate) fn new(table: &Table, date: Option<&str>, unmerged: Coverage) -> Result<Self> {
        let listing = Self {
            table: table.name.as_str().into(),
            store: table.store(),
            unmerged: Arc::new(unmerged),
            date: date.map(str::to_owned),
            files: Arc::default(),
            reads: Arc::default(),
        };
        let files = table.files()?.into_iter().map(|file| listing.entry(DataFile::Logged(file), Origin::Found));
        let files = files.collect();
        *listing.write() = files;
        Ok(listing)
    }

    /// Looks at the files of the table again, after others have changed it.
    pub(crate) fn renew(&self, table: &Table) -> Result<()> {
        let live = table.files()?;
        let mut files = self.write();
        let known: HashMap<Path, Origin> = files.iter().map(|entry| (entry.file.path(), entry.origin)).collect();
        let renewed = live.into_iter().map(|file| {
            let origin = known.get(&file.object_store_path()).copied().unwrap_or(Origin::Others);
            self.entry(DataFile::Logged(file), origin)
        });
        *files = renewed.collect();
        Ok(())
    }

    /// Follows a commit of this run.
    pub(crate) fn follow(&self, added: &[Add], removed: &[DataFile]) {
        let mut files = self.write();
        let mut origins: HashMap<Option<String>, Origin> = HashMap::new();
        if !removed.is_empty() {
            let gone: HashSet<Path> = removed.iter().map(DataFile::path).collect();
            for entry in files.extract_if(.., |entry| gone.contains(&entry.file.path())) {
                let origin = origins.entry(entry.date).or_insert(entry.origin);
                *origin = entry.origin.max(*origin);
            }
        }
        for add in added {
            let mut entry = self.entry(DataFile::own(add.clone()), Origin::Own);
            // It may be what is left of a file on the same date, whose rows are no more our own than before.
            entry.origin = origins.get(&entry.date).copied().unwrap_or(Origin::Own);
            files.push(entry);
        }
    }

    /// The files that a test of date and file lets through.
    pub(crate) fn select(&self, test: impl Fn(Option<&str>, &DataFile) -> bool) -> Vec<DataFile> {
        let files = self.read();
        let fits = files.iter().filter(|entry| test(entry.date.as_deref(), &entry.file));
        fits.map(|entry| entry.file.clone()).collect()
    }

    /// Those among them that came to be here in this way.
    pub(crate) fn select_from(&self, origin: Origin, test: impl Fn(Option<&str>, &DataFile) -> bool) -> Vec<DataFile> {
        let files = self.read();
        let fits = files.iter().filter(|entry| entry.origin == origin && test(entry.date.as_deref(), &entry.file));
        fits.map(|entry| entry.file.clone()).collect()
    }

    /// Whether there is any.
    pub(crate) fn holds(&self, origin: Origin) -> bool {
        self.read().iter().any(|entry| entry.origin == origin)
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

    /// The date of a file's partition.
    pub(crate) fn date(&self, file: &DataFile) -> Option<String> {
        self.date.as_ref().and_then(|date| file.partition().remove(date).flatten())
    }

    fn entry(&self, file: DataFile, origin: Origin) -> Entry {
        Entry { date: self.date(&file), file, origin }
    }

    // Nothing panics while the lock is held; a poisoned one still holds a whole list.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Entry>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Entry>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}
