//! Stored records that were read again and did not come. They are not deleted for that: the configuration may select less
//! than before, or a server be offline that answers like one that is empty. The historian is asked for each, and those of
//! which it says that they do not exist any more leave the table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use tidegate_model::{Fault, Instant, Interval, Window};
use tidegate_sandbox::{Connection, Shape, TableSpec};
use tidegate_sink::{Absence, Absent, Advance, Reading, RecordKey, RecordKeys, RecordsReader, RunStamp};

use super::mirror::{FEW, shrunk_fault};
use super::{Intake, Page, locks_out};
use crate::pipeline::rows::contract;

/// Records that one run asks for, table by table; what is beyond is left to the next ones. More than are deleted in a day,
/// and few requests where a configuration that selects less makes every run ask in vain.
const ASKED: usize = 5_000;
/// Records that one call asks for: each call has its own limits.
const CALL: usize = 1_000;
/// Records of a round that are remembered, some 32 bytes each.
const REMEMBERED: usize = 1 << 20;

/// Looks for records that do not come again, round by round.
pub(crate) struct Absentees {
    stored: RecordsReader,
    /// Chooses which are asked for where there are too many; another one in each run, so that each has its turn.
    salt: u64,
    /// How many may still be asked for.
    left: usize,
    /// Series of which too much was missing to believe it, in an earlier round: a later one may see but a few.
    doubted: HashSet<String>,
}

/// What the historian said of some records of one series.
#[derive(Default)]
struct Said {
    asked: usize,
    gone: Vec<RecordKey>,
}

/// Whether stored records are missed that do not come again in this window.
pub(super) fn missed(table: &TableSpec, window: &Window) -> bool {
    table.shape == Shape::Records && !again(window).is_empty()
}

/// The stretch that has been read before.
fn again(window: &Window) -> Interval {
    Interval::new(window.read.start, window.settled.min(window.read.end))
}

impl Intake {
    /// Keeps in mind which records came.
    pub(super) fn remember(&self, page: &RecordBatch) -> Result<(), Fault> {
        let table = &self.table;
        let broken = |name: &str| contract(table, format!("a column `{name}` of another type"));
        let text = |name: &str| -> Result<StringArray, Fault> {
            let column = page.column_by_name(name).and_then(|column| cast(column, &DataType::Utf8).ok());
            column.and_then(|column| column.as_string_opt::<i32>().cloned()).ok_or_else(|| broken(name))
        };
        let (series, keys) = (text(&table.series_column)?, text(&table.key_column)?);
        let starts = page.column_by_name(&table.time_column);
        let starts = starts.and_then(|starts| starts.as_primitive_opt::<TimestampMicrosecondType>());
        let starts = starts.ok_or_else(|| broken(&table.time_column))?;
        let mut states = self.states();
        let mut new = 0;
        for row in 0..page.num_rows() {
            let state = states.get_mut(series.value(row));
            if let Some(emitted) = state.and_then(|state| state.emitted.as_mut()) {
                new += usize::from(emitted.insert(keys.value(row), starts.value(row)));
            }
        }
        if self.remembered.fetch_add(new, Ordering::Relaxed) + new > REMEMBERED && new > 0 {
            tracing::warn!(table = table.name, "too many records are read again; deleted ones are not looked for");
            states.values_mut().for_each(|state| state.emitted = None);
        }
        Ok(())
    }

    /// What this round has read again, series by series, as far as it came to the end of that.
    fn readings(&self) -> HashMap<String, Reading> {
        let mut readings = HashMap::new();
        for (id, state) in self.states().iter_mut() {
            let window = again(&state.window);
            if let Some(emitted) = state.emitted.take().filter(|_| state.reached >= window.end) {
                readings.insert(id.clone(), Reading { window, emitted });
            }
        }
        readings
    }

    /// Has the writer take out what is gone, unless that is suspiciously much of a series.
    async fn take_out(
        &self,
        readings: &HashMap<String, Reading>,
        absent: Absent,
        said: HashMap<String, Said>,
        doubted: &mut HashSet<String>,
    ) {
        let mut records = RecordKeys { deleted: Vec::new(), moved: absent.moved };
        for (series, said) in said {
            let (Some(reading), Some(absence)) = (readings.get(&series), absent.series.get(&series)) else { continue };
            if said.gone.is_empty() {
                continue;
            }
            let doubtful = doubted.contains(&series) || said.shrinks(*absence, reading.emitted.len());
            if self.mirror.append_only {
                let deleted = said.gone.len() as u64;
                self.counts.deleted.fetch_add(deleted, Ordering::Relaxed);
                tracing::warn!(table = self.table.name, series, deleted, "mirror: append_only leaves deleted records");
            } else if doubtful && !self.mirror.accept_shrink {
                self.shrunk(&series, reading.window, *absence, &said.gone);
                doubted.insert(series);
            } else {
                records.deleted.extend(said.gone);
            }
        }
        let advances = self.advances(&records);
        if !advances.is_empty() {
            // A writer that has ended says why itself.
            let _ended = self.send(Page { records, advances, ..Page::default() }).await;
        }
    }

    /// Nothing is proven of these series, but they lose rows.
    fn advances(&self, records: &RecordKeys) -> Vec<Advance> {
        let states = self.states();
        let mut ids: Vec<&str> =
            records.deleted.iter().chain(&records.moved).map(|record| record.series.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let series = ids.into_iter().filter_map(|id| states.get(id));
        series.map(|state| Advance { series: Arc::clone(&state.series), covered: None, rows: 0 }).collect()
    }

    /// Notes where records are missing that are too many to believe it.
    fn shrunk(&self, series: &str, window: Interval, absence: Absence, gone: &[RecordKey]) {
        // Where the window begins moves with each run, so that the gap would fall to pieces.
        let starts =
            || gone.iter().map(|record| Instant::from_micros(record.start)).filter(move |at| window.contains(*at));
        let (first, last) = starts().min().zip(starts().max()).unwrap_or((window.start, window.start));
        let fault = shrunk_fault(series, absence.absent, absence.alive, "records");
        if let Some(state) = self.states().get_mut(series) {
            state.shrunk = Some((Interval::new(first, last.plus_nanos(1_000)), fault));
        }
    }
}

impl Said {
    /// Whether the series would lose most of what is stored, and shows little in its place. An account that lost its
    /// permissions is told of every record that it does not exist; where records were made anew, others came.
    fn shrinks(&self, absence: Absence, emitted: usize) -> bool {
        // Of those that were not asked for, the same share will be gone.
        let gone = self.gone.len().saturating_mul(absence.absent) / self.asked.max(1);
        gone > FEW && gone.saturating_mul(2) > absence.alive && emitted.saturating_mul(2) < absence.alive
    }
}

impl Absentees {
    /// For one run over one table.
    pub(crate) fn new(stored: RecordsReader, run: RunStamp) -> Self {
        Self { stored, salt: run.at.0.cast_unsigned(), left: ASKED, doubted: HashSet::new() }
    }

    /// Finds the stored records that a round read again and that did not come, asks the historian for them, and has those
    /// taken out that it says are gone. What cannot be told stays, and the next run asks again.
    pub(crate) async fn settle(&mut self, connection: &Connection, intake: &Intake) {
        let readings = intake.readings();
        if readings.is_empty() || intake.broken() || intake.locked_out() {
            return;
        }
        let absent = match self.stored.absent(&readings, self.left, self.salt).await {
            Ok(absent) => absent,
            Err(error) => {
                tracing::warn!(table = intake.table.name, "deleted records are not looked for: {error}");
                return;
            }
        };
        let all: usize = absent.series.values().map(|absence| absence.absent).sum();
        let beyond = all.saturating_sub(absent.absent.len());
        if beyond > 0 {
            tracing::warn!(table = intake.table.name, beyond, "more records did not come again than one run asks for");
        }
        let said = self.ask(connection, intake, &absent.absent).await;
        intake.take_out(&readings, absent, said, &mut self.doubted).await;
    }

    /// Asks for records, and stops where that fails.
    async fn ask(&mut self, connection: &Connection, intake: &Intake, absent: &[RecordKey]) -> HashMap<String, Said> {
        let mut said: HashMap<String, Said> = HashMap::new();
        for records in absent.chunks(CALL) {
            let mut keys: Vec<String> = records.iter().map(|record| record.key.clone()).collect();
            keys.sort_unstable();
            keys.dedup();
            let gone = match connection.gone(&intake.table.name, &keys).await {
                Ok(gone) => gone,
                Err(fault) => {
                    let code = &fault.code;
                    tracing::warn!(table = intake.table.name, code, "deleted records are not known: {}", fault.message);
                    if locks_out(&fault) {
                        intake.locked_out.store(true, Ordering::Relaxed);
                    }
                    break;
                }
            };
            self.left = self.left.saturating_sub(records.len());
            let gone: HashSet<String> = gone.into_iter().collect();
            tracing::debug!(
                table = intake.table.name,
                asked = keys.len(),
                gone = gone.len(),
                "records did not come again"
            );
            for record in records {
                let said = said.entry(record.series.clone()).or_default();
                said.asked += 1;
                if gone.contains(&record.key) {
                    said.gone.push(record.clone());
                }
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrinks(gone: usize, asked: usize, absent: usize, alive: usize, emitted: usize) -> bool {
        let record = |start| RecordKey { series: "s".into(), key: "k".into(), start };
        let said = Said { asked, gone: (0..gone as i64).map(record).collect() };
        said.shrinks(Absence { alive, absent }, emitted)
    }

    #[test]
    fn a_series_that_loses_most_and_shows_nothing_in_its_place_is_suspicious() {
        assert!(shrinks(100, 100, 100, 100, 0) && shrinks(21, 21, 21, 30, 9));
        assert!(!shrinks(20, 20, 20, 20, 0), "a few");
        assert!(!shrinks(100, 100, 100, 100, 90), "made anew");
        assert!(!shrinks(30, 1_000, 1_000, 1_000, 0), "a configuration that selects less");
        assert!(shrinks(5_000, 5_000, 90_000, 100_000, 10_000), "those not asked for count");
        assert!(!shrinks(50, 100, 100, 1_000, 900));
    }

    #[test]
    fn only_what_was_read_before_is_missed() {
        let interval = |start, end| Interval::new(Instant::from_micros(start), Instant::from_micros(end));
        let window = |settled| Window {
            read: interval(0, 100),
            settled: Instant::from_micros(settled),
            advance: interval(settled, 100),
            changed: None,
        };
        assert_eq!(again(&window(40)), interval(0, 40));
        assert_eq!(again(&window(140)), interval(0, 100), "a clock set back");
        assert!(again(&window(0)).is_empty());
    }
}
