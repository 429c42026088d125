//! The live data files of a table of events, as look-ups see them: what the log held on opening, and what this run has
//! added since. Kept apart from the Delta snapshot, whose renewal costs more with every file.

use std::sync::Arc;

use deltalake::kernel::{Add, LogicalFileView};
use deltalake::{ObjectStore, Path};

use crate::Result;
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

    fn date(&self, column: Option<&str>) -> Option<String> {
        match self {
            Self::Logged(file) => file.partition_values_map().remove(column?).flatten(),
            Self::Own(add) => add.partition_values.get(column?).cloned().flatten(),
        }
    }
}

/// All live files, each with its date.
#[derive(Clone)]
pub(crate) struct Listing {
    /// `schema.table`.
    pub table: String,
    /// Below the table's folder.
    pub store: Arc<dyn ObjectStore>,
    date: Option<String>,
    files: Vec<(Option<String>, DataFile)>,
}

impl Listing {
    /// The files of a table that has just been loaded; `date` is its partition column.
    pub(crate) fn new(table: &Table, date: Option<&str>) -> Result<Self> {
        let mut listing =
            Self { table: table.name.clone(), store: table.store(), date: date.map(str::to_owned), files: Vec::new() };
        listing.extend(table.files()?.into_iter().map(DataFile::Logged));
        Ok(listing)
    }

    /// Adds files.
    pub(crate) fn extend(&mut self, files: impl Iterator<Item = DataFile>) {
        let date = self.date.as_deref();
        self.files.extend(files.map(|file| (file.date(date), file)));
    }

    /// The files that a test of date and file lets through.
    pub(crate) fn select(&self, test: impl Fn(Option<&str>, &DataFile) -> bool) -> Vec<DataFile> {
        let fits = self.files.iter().filter(|(date, file)| test(date.as_deref(), file));
        fits.map(|(_, file)| file.clone()).collect()
    }
}
