//! Rows of a batch that others have stored while this run held them: found at the commit, so that no event is stored twice,
//! however many runs read it at the same time. Only files that others have added since are read, and of these only what can
//! be a row of the batch; when nobody else commits, nothing is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::Path;
use deltalake::kernel::Add;
use tidegate_model::{Instant, Interval};

use super::outgoing::Shape;
use crate::Result;
use crate::files::{DataFile, Listing, Origin};
use crate::fingerprint::fingerprints;
use crate::scan::stored_columns;
use crate::stats::FileStats;
use crate::stored::{EventKey, StoredBatch, StoredKeys, StoredReader, Wanted, each_batch};

/// Knows the rows of one batch, and where others have stored them too.
#[derive(Default)]
pub(super) struct Fence {
    /// The stretch in which the batch has rows of each series.
    windows: HashMap<String, Interval>,
    /// Rows of the batch, from those of its files that have been read back.
    own: StoredKeys,
    read: HashSet<Path>,
    /// Rows of the batch in each file that has been looked at. Files never change, so once is enough.
    met: HashMap<Path, Vec<Met>>,
}

/// A row of the batch that others have stored.
struct Met {
    key: EventKey,
    /// Whether it is the same in every column.
    same: bool,
}

/// What is to be done about them.
#[derive(Default)]
pub(super) struct Doubles {
    /// Stored as they are: these rows of the batch need not be.
    pub same: Vec<EventKey>,
    /// Stored with other content. What this run has read replaces it.
    pub other: Vec<EventKey>,
}

impl Fence {
    /// For a batch with rows from the first to the last of these microseconds, by series.
    pub(super) fn new(spans: HashMap<String, (i64, i64)>) -> Self {
        let window = |(series, (first, last)): (String, (i64, i64))| {
            let end = Instant::from_micros(last.saturating_add(1));
            (series, Interval::new(Instant::from_micros(first), end))
        };
        Self { windows: spans.into_iter().map(window).collect(), ..Self::default() }
    }

    /// The rows of the batch, whose files are `written`, that live files of others hold.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn doubles(&mut self, shape: &Shape, files: &Listing, written: &[Add]) -> Result<Doubles> {
        let mut met: HashMap<(&str, i64, i32), (usize, bool)> = HashMap::new();
        let suspects = self.suspects(shape, files);
        for (file, windows) in &suspects {
            if !self.met.contains_key(&file.path()) {
                let rows = self.meet(shape, files, file, windows, written).await?;
                self.met.insert(file.path(), rows);
            }
        }
        for row in suspects.iter().filter_map(|(file, _)| self.met.get(&file.path())).flatten() {
            let (times, same) = met.entry((&row.key.series, row.key.micros, row.key.sequence)).or_insert((0, true));
            *times += 1;
            *same &= row.same;
        }
        let mut doubles = Doubles::default();
        for ((series, micros, sequence), (times, same)) in met {
            let key = EventKey { series: series.into(), micros, sequence };
            // A key that is stored twice is none that this crate has written; replacing it leaves one.
            let list = if same && times == 1 { &mut doubles.same } else { &mut doubles.other };
            list.push(key);
        }
        Ok(doubles)
    }

    /// The files that may hold rows which this run has never compared, each with where: those that others have added since,
    /// and of those that were found what the watermarks did not tell of.
    fn suspects(&self, shape: &Shape, files: &Listing) -> Vec<(DataFile, Arc<HashMap<String, Interval>>)> {
        let unmerged = |(series, window): (&String, &Interval)| {
            let window = window.intersection(files.unmerged.covered(series)?);
            (!window.is_empty()).then(|| (series.clone(), window))
        };
        let found =
            if files.unmerged.is_empty() { HashMap::new() } else { self.windows.iter().filter_map(unmerged).collect() };
        let mut suspects = Vec::new();
        for (origin, windows) in [(Origin::Found, &found), (Origin::Others, &self.windows)] {
            if windows.is_empty() || !files.holds(origin) {
                continue;
            }
            let Some(wanted) = wanted(windows) else { continue };
            let fits = files.select_from(origin, |date, file| wanted.file(&shape.keys, date, file));
            if !fits.is_empty() {
                let windows = Arc::new(windows.clone());
                suspects.extend(fits.into_iter().map(|file| (file, Arc::clone(&windows))));
            }
        }
        suspects
    }

    /// The rows of the batch that a file holds. Its keys are read batch by batch, and contents only where a key is met.
    async fn meet(
        &mut self,
        shape: &Shape,
        files: &Listing,
        file: &DataFile,
        windows: &HashMap<String, Interval>,
        written: &[Add],
    ) -> Result<Vec<Met>> {
        let mut met = Vec::new();
        if !self.read_back(shape, files, file, written).await? {
            return Ok(met);
        }
        let Some(wanted) = wanted(windows) else { return Ok(met) };
        tracing::debug!(table = &*files.table, file = %file.path(), "looking for rows that others have stored too");
        let layout = &shape.layout;
        let names = layout.emitted.fields().iter().map(|field| field.name().as_str());
        each_batch(files, &shape.keys, &wanted, file, names, |batch| {
            let hits = self.hits(shape, files, windows, batch)?;
            if hits.is_empty() {
                return Ok(());
            }
            let columns = stored_columns(&layout.table, batch, &layout.emitted)?;
            let prints = fingerprints(&layout.table, batch.num_rows(), &columns)?;
            met.extend(hits.into_iter().map(|(row, key, own)| Met { key, same: prints.get(row) == Some(&own) }));
            Ok(())
        })
        .await?;
        Ok(met)
    }

    /// Which rows of a stored batch have the key of a row of ours: where, the key, and the fingerprint of ours.
    fn hits(
        &self,
        shape: &Shape,
        files: &Listing,
        windows: &HashMap<String, Interval>,
        batch: &RecordBatch,
    ) -> Result<Vec<(usize, EventKey, u64)>> {
        let stored = StoredBatch::new(&files.table, &shape.keys, batch)?;
        let mut hits = Vec::new();
        for (id, stretch) in stored.stretches() {
            let Some(window) = windows.get(id) else { continue };
            let mut name: Option<Arc<str>> = None;
            for row in stretch {
                let (micros, sequence) = stored.place(row);
                if !window.contains(Instant::from_micros(micros)) {
                    continue;
                }
                if let Some(print) = self.own.fingerprint(id, micros, sequence) {
                    let series = Arc::clone(name.get_or_insert_with(|| id.into()));
                    hits.push((row, EventKey { series, micros, sequence }, print));
                }
            }
        }
        Ok(hits)
    }

    /// Reads those files of the batch that can share a row with a file, unless they have been read. Returns whether there
    /// are any.
    async fn read_back(&mut self, shape: &Shape, files: &Listing, file: &DataFile, written: &[Add]) -> Result<bool> {
        let date = files.date(file);
        let span = span(shape, file);
        let near = |own: &DataFile| {
            let apart = |((a, b), (c, d)): ((i64, i64), (i64, i64))| b < c || d < a;
            files.date(own) == date && !span.zip(self::span(shape, own)).is_some_and(apart)
        };
        let near: Vec<DataFile> = written.iter().cloned().map(DataFile::own).filter(near).collect();
        let Some(wanted) = wanted(&self.windows).map(Arc::new) else { return Ok(false) };
        for own in &near {
            if self.read.insert(own.path()) {
                let reader = StoredReader::new(files.clone(), Arc::clone(&shape.layout), Arc::clone(&shape.keys));
                let rows = reader.read(own.clone(), Arc::clone(&wanted), &self.windows).await?;
                self.own.extend(rows);
                self.own.sort();
            }
        }
        Ok(!near.is_empty())
    }
}

/// First and last microsecond of a file's rows, by its statistics.
fn span(shape: &Shape, file: &DataFile) -> Option<(i64, i64)> {
    file.stats().and_then(|text| FileStats::parse(&text)?.micros(&shape.keys.time))
}

fn wanted(windows: &HashMap<String, Interval>) -> Option<Wanted> {
    let hull = windows.values().copied().reduce(Interval::hull)?;
    let series: Vec<String> = windows.keys().cloned().collect();
    Some(Wanted::new(&series, hull))
}
