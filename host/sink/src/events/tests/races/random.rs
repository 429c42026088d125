//! Three lanes, opened, filled, committed and closed in any order, over a historian that is edited all the while, with a
//! compaction now and then. A plain map follows along: what a commit takes out leaves it, what it brings enters.

use super::*;

type Key = (String, i64, i32);

fn key(row: &Row) -> Key {
    (row.0.clone(), row.1, row.2)
}

/// One lane while it is open.
struct Session {
    events: Events,
    /// Keys that may be stored for all that the watermarks told when it was opened; and times that it has brought since.
    /// What is neither may be written without comparing.
    known: HashSet<Key>,
    done: HashSet<(String, i64)>,
    /// What was stored when it last looked.
    looked: StoredKeys,
    /// Waits for the commit: what leaves; and what comes, each with whether it was compared.
    gone: Vec<Key>,
    came: Vec<(Row, bool)>,
    committed: HashSet<Key>,
}

struct World {
    dice: Dice,
    lakes: [(Lake, &'static str); 3],
    sessions: [Option<Session>; 3],
    table: BTreeMap<Key, Row>,
    /// Keys that the watermarks tell of: a closed lane has committed them, or one that has compared them.
    merged: HashSet<Key>,
}

const IDS: [&str; 2] = ["a", "b"];

impl World {
    fn new(seed: u64, folder: &tempfile::TempDir) -> Self {
        let lakes = [(lake(folder), "live"), (lake(folder), "backfill"), (other(folder), "live")];
        Self { dice: Dice(seed), lakes, sessions: [None, None, None], table: BTreeMap::new(), merged: HashSet::new() }
    }

    async fn open(&mut self, lane: usize) {
        let (lake, name) = &self.lakes[lane];
        let events = lake.events(spec(), name, RUN, HUGE).await.unwrap();
        let (known, done, committed) = (self.merged.clone(), HashSet::new(), HashSet::new());
        let (looked, gone, came) = (StoredKeys::default(), Vec::new(), Vec::new());
        let mut session = Session { events, known, done, looked, gone, came, committed };
        session.look().await;
        self.sessions[lane] = Some(session);
    }

    /// A page: some times of one series, as the historian has them now, compared where they may be stored.
    async fn push(&mut self, lane: usize) {
        let dice = &mut self.dice;
        let session = self.sessions[lane].as_mut().unwrap();
        if dice.roll(2) == 0 {
            session.look().await;
        }
        let id = IDS[dice.roll(2) as usize];
        let times: BTreeSet<i64> =
            (0..dice.roll(12)).map(|_| noon(dice.roll(2) as i64) + dice.roll(15) as i64).collect();
        let (mut rows, mut gone, mut covering) = (Vec::new(), Vec::new(), false);
        for at in times {
            if !session.done.insert((id.to_owned(), at)) {
                continue;
            }
            let version = |dice: &mut Dice, sequence| {
                (id.to_owned(), at, sequence, Some(dice.roll(3) as f64), Some("text".to_owned()))
            };
            let fresh: Vec<Row> = (0..dice.roll(3) as i32).map(|sequence| version(dice, sequence)).collect();
            let blind = (0..3).all(|sequence| !session.known.contains(&(id.to_owned(), at, sequence)));
            if blind && dice.roll(3) > 0 {
                covering |= !fresh.is_empty();
                session.came.extend(fresh.iter().map(|row| (row.clone(), false)));
                rows.extend(fresh);
            } else {
                let (written, left) = session.compare(id, at, fresh);
                session.came.extend(written.iter().map(|row| (row.clone(), true)));
                rows.extend(written);
                gone.extend(left);
            }
        }
        let gain = rows.len() as i64 - gone.len() as i64;
        let covers = Advance { rows: gain, ..advance(id, 0, noon(9), 0) };
        let counts = Advance { covered: None, ..covers.clone() };
        // What was not compared lies beyond the cursor, and moves it.
        covering |= !session.events.watermarks().contains_key(id);
        let advances = match gain {
            _ if covering || dice.roll(2) == 0 => vec![covers],
            0 => vec![],
            _ => vec![counts],
        };
        let page = (!rows.is_empty()).then(|| batch(&rows, dice.roll(2) == 0));
        session.events.amend(page, &gone, advances).await.unwrap();
        session.gone.extend(gone.iter().map(|key| (key.series.to_string(), key.micros, key.sequence)));
    }

    /// What was committed enters the map.
    fn follow(&mut self, session: &mut Session) {
        for key in session.gone.drain(..) {
            self.table.remove(&key);
        }
        for (row, compared) in session.came.drain(..) {
            let known = if compared { &mut self.merged } else { &mut session.committed };
            known.insert(key(&row));
            self.table.insert(key(&row), row);
        }
    }

    async fn commit(&mut self, lane: usize) {
        let mut session = self.sessions[lane].take().unwrap();
        commit(&mut session.events).await;
        self.follow(&mut session);
        self.sessions[lane] = Some(session);
    }

    async fn close(&mut self, lane: usize) {
        let mut session = self.sessions[lane].take().unwrap();
        self.follow(&mut session);
        session.events.finish().await.unwrap();
        self.merged.extend(session.committed);
    }

    /// One step of one lane; says which.
    async fn step(&mut self) -> String {
        let (lane, what) = (self.dice.roll(3) as usize, self.dice.roll(10));
        let open = self.sessions[lane].is_some();
        match what {
            _ if !open => self.open(lane).await,
            0..6 => self.push(lane).await,
            6..8 => self.commit(lane).await,
            8 => self.close(lane).await,
            _ => compact(&self.lakes[0].0).await,
        }
        format!("lane {lane} ({open}) {what}")
    }

    fn rows(&self) -> Vec<Row> {
        self.table.values().cloned().collect()
    }
}

impl Session {
    async fn look(&mut self) {
        let windows = windows(&IDS, micros(0, noon(9)));
        self.looked = self.events.reader().stored(&windows).await.unwrap();
    }

    /// What of one instant is written, and what leaves.
    fn compare(&self, id: &str, at: i64, fresh: Vec<Row>) -> (Vec<Row>, Vec<EventKey>) {
        let prints = self.events.reader().fingerprints(&batch(&fresh, false)).unwrap();
        let places = fresh.iter().zip(prints).map(|(row, print)| (row.1, row.2, print));
        let found = self.looked.compare(id, micros(at, at + 1), places);
        let written = fresh.into_iter().zip(found.write).filter(|(_, write)| *write).map(|(row, _)| row);
        (written.collect(), found.gone)
    }
}

#[tokio::test]
async fn lanes_in_any_order_leave_every_event_once_and_count_it_once() {
    for seed in 0..24 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(seed, &folder);
        let mut steps = Vec::new();
        for _ in 0..40 {
            steps.push(world.step().await);
            if !steps.last().unwrap().ends_with(['6', '7', '8', '9']) {
                continue;
            }
            assert_eq!(stored(&world.lakes[0].0).await, world.rows(), "seed {seed}: {steps:#?}");
        }
        for lane in 0..3 {
            if world.sessions[lane].is_some() {
                world.close(lane).await;
            }
        }
        let lake = &world.lakes[0].0;
        assert_eq!(stored(lake).await, world.rows(), "seed {seed}: {steps:#?}");
        for mark in lake.watermarks().await.unwrap() {
            let rows = world.table.keys().filter(|key| key.0 == mark.series).count();
            assert_eq!(mark.rows, rows as i64, "series {} of seed {seed}: {steps:#?}", mark.series);
        }
        assert_eq!(orphans(&folder, "x_events"), 0, "seed {seed}");
    }
}
