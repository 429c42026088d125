//! Any sequence of what a plugin may say while it reads, against a model of a few lines: what is proven of a series is one
//! stretch from where reading began, its rows lie inside, and what is neither proven nor reported is a gap all the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use futures::executor::block_on;
use tidegate_model::{Cover, Fault, Gap, Instant, Interval, Series, Span, Window};
use tidegate_sandbox::{Outlet, TableSpec, fuzzing};
use tokio::sync::mpsc;

use super::{Bytes, tables};
use crate::pipeline::intake::{Intake, MirrorPolicy, Outputs, Page, PageOutlet};
use crate::progress::Silent;

const NAMES: [&str; 4] = ["a", "b", "c", "nobody"];
/// Things said in one input at most.
const WORDS: usize = 64;

/// A row: which series, microseconds, sequence.
type Row = (usize, i64, i32);

/// What must be true of one series.
struct State {
    window: Window,
    reached: Instant,
    fault: Option<String>,
    member: bool,
}

/// A conversation.
struct Talk<'a> {
    bytes: Bytes<'a>,
    table: TableSpec,
    states: BTreeMap<usize, State>,
    intake: Arc<Intake>,
    outlet: PageOutlet,
    spans: Vec<Span>,
    pages: mpsc::Receiver<Page>,
}

/// The number of series and their windows, and then what is said.
pub fn covers(data: &[u8]) {
    let mut talk = Talk::begin(Bytes(data));
    for _ in 0..WORDS {
        if talk.bytes.is_empty() {
            break;
        }
        match talk.bytes.below(8) {
            0..=2 => talk.emit(),
            3 => talk.cover(),
            4 => talk.gap(),
            5 => talk.reject(),
            6 => talk.complete(),
            _ => talk.call_again(),
        }
    }
    talk.end();
}

fn at(micros: usize) -> Instant {
    Instant::from_micros(i64::try_from(micros).unwrap())
}

fn series(number: usize) -> Arc<Series> {
    let id = NAMES[number].to_owned();
    Arc::new(Series { name: id.clone(), id, ahead: false, detail: String::new() })
}

impl<'a> Talk<'a> {
    fn begin(mut bytes: Bytes<'a>) -> Self {
        let table = tables::KEYS.clone();
        let mut states = BTreeMap::new();
        for number in 0..=bytes.below(3) {
            let (start, length, cursor) = (bytes.below(4), 1 + bytes.below(24), bytes.below(28));
            let read = Interval::new(at(start), at(start + length));
            let advance = Interval::new(at(cursor), read.end);
            let window = Window { read, settled: read.start, advance, changed: None };
            states.insert(number, State { window, reached: read.start, fault: None, member: true });
        }
        let windows: Vec<_> = states.iter().map(|(number, state)| (series(*number), state.window)).collect();
        let (sender, pages) = mpsc::channel(2 * WORDS);
        let outputs = Outputs { stored: None, pages: sender, progress: Arc::new(Silent) };
        let intake = Arc::new(Intake::new(table.clone(), false, MirrorPolicy::default(), &windows, outputs));
        let spans: Vec<_> =
            windows.iter().map(|(series, window)| Span { series: Arc::clone(series), interval: window.read }).collect();
        let outlet = PageOutlet::new(Arc::clone(&intake), &spans);
        Self { bytes, table, states, intake, outlet, spans, pages }
    }

    /// Covers as a plugin writes them: most where they belong. `None` where the sandbox refuses them already.
    fn said_covers(&mut self) -> Option<Vec<(usize, Cover)>> {
        let mut covers = Vec::new();
        for _ in 0..self.bytes.below(4) {
            let number = self.bytes.below(4);
            let reached = self.states.get(&number).map_or(0, |state| state.reached.0);
            let (kind, length) = (self.bytes.byte(), i64::from(self.bytes.byte() % 16));
            let (start, end) = match kind % 8 {
                0 => (length * 1_000, i64::from(kind) * 100),
                1 => (reached + 1_000, reached + length * 1_000),
                2 => (reached - 1_000, reached + length * 1_000),
                3 => (reached, reached - length),
                _ => (reached, reached + length * 1_000),
            };
            covers.push((number, fuzzing::cover(NAMES[number], start, end).ok()?));
        }
        Some(covers)
    }

    /// Rows: most inside of a cover, in order.
    fn said_rows(&mut self, covers: &[(usize, Cover)]) -> Vec<Row> {
        let mut rows = Vec::new();
        let tidy = !self.bytes.byte().is_multiple_of(4);
        for _ in 0..self.bytes.below(8) {
            let (which, time) = (self.bytes.below(8), i64::from(self.bytes.byte() % 32));
            let sequence = i32::from(self.bytes.byte() % 3);
            rows.push(match covers.get(which) {
                Some((number, cover)) => {
                    let length = cover.interval.end.micros() - cover.interval.start.micros();
                    (*number, cover.interval.start.micros() + time % length.max(1), sequence)
                }
                None => (which % 4, time, sequence),
            });
        }
        if tidy {
            rows.retain(|(number, ..)| covers.iter().any(|(covered, _)| covered == number));
            rows.sort_unstable();
            rows.dedup();
        }
        rows
    }

    fn emit(&mut self) {
        let Some(covers) = self.said_covers() else { return };
        let rows = self.said_rows(&covers);
        let batch = batch(&rows, self.bytes.byte());
        let expected = self.covers_fit(&covers) && rows_fit(&rows, &covers);
        let said = covers.iter().map(|(_, cover)| cover.clone()).collect();
        let ended = block_on(self.outlet.emit(&self.table.name, batch, said));
        assert_eq!(ended.is_ok(), expected, "{covers:?} {rows:?}: {ended:?}");
        self.moved(ended, &covers, &rows);
    }

    fn cover(&mut self) {
        let Some(covers) = self.said_covers() else { return };
        let expected = self.covers_fit(&covers);
        let said = covers.iter().map(|(_, cover)| cover.clone()).collect();
        let ended = block_on(self.outlet.cover(&self.table.name, said));
        assert_eq!(ended.is_ok(), expected, "{covers:?}: {ended:?}");
        self.moved(ended, &covers, &[]);
    }

    /// Each follows where its series stands, ends inside of what was asked, and comes once.
    fn covers_fit(&self, covers: &[(usize, Cover)]) -> bool {
        covers.iter().enumerate().all(|(position, (number, cover))| {
            let once = covers.iter().take(position).all(|(other, _)| other != number);
            let state = self.states.get(number).filter(|state| state.member);
            let follows =
                |state: &State| cover.interval.start == state.reached && cover.interval.end <= state.window.read.end;
            once && state.is_some_and(follows)
        })
    }

    /// What was taken leaves for the writer, rows and proof in one page; what was refused leaves nothing.
    fn moved(&mut self, ended: Result<(), Fault>, covers: &[(usize, Cover)], rows: &[Row]) {
        let page = self.pages.try_recv().ok();
        assert!(self.pages.try_recv().is_err(), "more than one page");
        if let Err(fault) = ended {
            assert!(page.is_none() && fault.code == "contract", "{fault}");
            return;
        }
        let sent = page.as_ref().and_then(|page| page.rows.as_ref()).map_or(0, RecordBatch::num_rows);
        assert_eq!(sent, rows.len());
        let mut advances: HashMap<String, _> = HashMap::new();
        for advance in page.into_iter().flat_map(|page| page.advances) {
            assert!(advances.insert(advance.series.id.clone(), advance).is_none(), "a series moves twice");
        }
        for (number, cover) in covers {
            let state = self.states.get_mut(number).unwrap();
            let moves = cover.interval.intersection(state.window.advance);
            let gained = rows.iter().filter(|(series, ..)| series == number).count();
            let advance = advances.remove(NAMES[*number]);
            assert_eq!(advance.as_ref().and_then(|advance| advance.covered), (!moves.is_empty()).then_some(moves));
            assert_eq!(advance.map_or(0, |advance| advance.rows), i64::try_from(gained).unwrap());
            state.reached = cover.interval.end;
        }
        assert!(advances.is_empty(), "a series moves that nobody covered");
    }

    fn gap(&mut self) {
        let number = self.bytes.below(4);
        let code = format!("code-{}", self.bytes.byte());
        let gap = Gap { series: NAMES[number].to_owned(), interval: None, fault: Fault::internal(&code, "") };
        block_on(self.outlet.gap(&self.table.name, gap));
        if let Some(state) = self.states.get_mut(&number).filter(|state| state.member) {
            state.fault = Some(code);
        }
    }

    /// A reject goes with the next page and is never lost.
    fn reject(&mut self) {
        block_on(self.outlet.reject(&self.table.name, "a", "raw", "reason")).unwrap();
        block_on(self.outlet.flush()).unwrap();
        let page = self.pages.try_recv().unwrap();
        assert!(page.rejects.len() == 1 && page.rows.is_none() && page.advances.is_empty());
    }

    fn complete(&mut self) {
        assert!(block_on(self.outlet.complete(&self.table.name)).is_err());
        assert!(block_on(self.outlet.cover("another", Vec::new())).is_err());
    }

    /// The call ends, and what it left open is asked for again, or some of it.
    fn call_again(&mut self) {
        let ended = self.bytes.byte().is_multiple_of(2).then(|| Fault::internal("trap", ""));
        let open = self.intake.settle(&self.spans, ended.as_ref());
        let mut expected = BTreeMap::new();
        for (number, state) in &mut self.states {
            if !state.member {
                continue;
            }
            if state.reached >= state.window.read.end {
                state.fault = None;
                continue;
            }
            let code = state.fault.take().or(ended.as_ref().map(|fault| fault.code.clone()));
            let code = code.unwrap_or_else(|| "not-covered".to_owned());
            state.fault = Some(code.clone());
            expected.insert(NAMES[*number].to_owned(), (state.reached, state.window.read.end, code));
        }
        let found: BTreeMap<_, _> =
            open.iter().map(|(span, fault)| (span.series.id.clone(), shown(span, fault))).collect();
        assert_eq!(found, expected);
        let choice = self.bytes.byte();
        let again = |(position, (span, _)): (usize, (Span, Fault))| (choice >> position & 1 == 0).then_some(span);
        self.spans = open.into_iter().enumerate().filter_map(again).collect();
        self.outlet = PageOutlet::new(Arc::clone(&self.intake), &self.spans);
        for (number, state) in &mut self.states {
            state.member = self.spans.iter().any(|span| span.series.id == NAMES[*number]);
            if state.member {
                state.fault = None;
            }
        }
    }

    /// What is proven and what is missing of each series are, end to end, what was asked.
    fn end(self) {
        let covered: HashMap<String, Interval> =
            self.intake.covered().into_iter().map(|cover| (cover.series, cover.interval)).collect();
        let gaps: HashMap<String, Gap> = self.intake.gaps().into_iter().map(|gap| (gap.series.clone(), gap)).collect();
        for (number, state) in &self.states {
            let read = state.window.read;
            let (proven, missing) = (Interval::new(read.start, state.reached), Interval::new(state.reached, read.end));
            assert_eq!(covered.get(NAMES[*number]).copied(), (!proven.is_empty()).then_some(proven));
            let gap = gaps.get(NAMES[*number]);
            assert_eq!(gap.and_then(|gap| gap.interval), (!missing.is_empty()).then_some(missing));
            if let Some(gap) = gap {
                assert_eq!(gap.fault.code, state.fault.clone().unwrap_or_else(|| "not-read".to_owned()));
            }
        }
        assert!(covered.len() <= self.states.len() && gaps.len() <= self.states.len());
    }
}

fn shown(span: &Span, fault: &Fault) -> (Instant, Instant, String) {
    (span.interval.start, span.interval.end, fault.code.clone())
}

/// The rows of each series stand together, ascend, and lie inside of its cover.
fn rows_fit(rows: &[Row], covers: &[(usize, Cover)]) -> bool {
    let inside = |(number, micros, _): &Row| {
        let cover = covers.iter().find(|(covered, _)| covered == number);
        cover.is_some_and(|(_, cover)| cover.interval.contains(Instant::from_micros(*micros)))
    };
    let mut order: Vec<usize> = rows.iter().map(|(number, ..)| *number).collect();
    order.dedup();
    let together = order.iter().enumerate().all(|(position, number)| !order[..position].contains(number));
    let ascends = rows.windows(2).all(|two| two[0].0 != two[1].0 || (two[0].1, two[0].2) < (two[1].1, two[1].2));
    rows.iter().all(inside) && together && ascends
}

/// The rows as a plugin may encode them: text plain, or in a dictionary in which a name may stand twice.
fn batch(rows: &[Row], encoding: u8) -> RecordBatch {
    let names: StringArray = rows.iter().map(|(number, ..)| Some(NAMES[*number])).collect();
    let series: ArrayRef = if encoding.is_multiple_of(3) {
        Arc::new(names)
    } else {
        let twice = |row: usize| if encoding % 3 == 1 { 0 } else { 4 * ((usize::from(encoding) >> (2 + row % 4)) & 1) };
        let key = |(row, (number, ..)): (usize, &Row)| i32::try_from(number + twice(row)).unwrap();
        let keys = Int32Array::from_iter_values(rows.iter().enumerate().map(key));
        let values = StringArray::from_iter_values(NAMES.iter().chain(&NAMES));
        Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).unwrap())
    };
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(_, micros, _)| *micros));
    let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
    let sequences: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|(.., sequence)| *sequence)));
    RecordBatch::try_from_iter([("tag_webid", series), ("timestamp", times), ("sequence", sequences)]).unwrap()
}
