//! Rows of a snapshot table on their way to the host: in batches while they come, and one word at the end.

use crate::{Fault, host};

/// Rows in a batch.
const ROWS: usize = 10_000;

/// Encodes rows as a stream for the host.
pub type Encode<R> = fn(&[R]) -> Result<Vec<u8>, Fault>;

/// The rows of one table.
#[derive(Debug)]
pub struct Snapshot<R> {
    table: &'static str,
    encode: Encode<R>,
    waiting: Vec<R>,
    begun: bool,
}

impl<R> Snapshot<R> {
    /// No row yet of this table.
    #[must_use]
    pub fn new(table: &'static str, encode: Encode<R>) -> Self {
        Self { table, encode, waiting: Vec::new(), begun: false }
    }

    /// Hands over whole batches, and keeps the rest.
    ///
    /// # Errors
    /// When rows cannot be encoded.
    pub fn push(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), Fault> {
        self.waiting.extend(rows);
        while let Some(full) = self.full() {
            self.emit(&full)?;
        }
        Ok(())
    }

    /// All rows have been pushed, and nothing of the table is missing.
    ///
    /// # Errors
    /// When rows cannot be encoded; the table then stays as it was.
    pub fn complete(mut self) -> Result<(), Fault> {
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() || !self.begun {
            self.emit(&rest)?;
        }
        host::complete(self.table);
        Ok(())
    }

    fn full(&mut self) -> Option<Vec<R>> {
        if self.waiting.len() < ROWS {
            return None;
        }
        let rest = self.waiting.split_off(ROWS);
        Some(std::mem::replace(&mut self.waiting, rest))
    }

    fn emit(&mut self, rows: &[R]) -> Result<(), Fault> {
        self.begun = true;
        host::emit(self.table, &(self.encode)(rows)?, &[]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_full_and_nothing_is_left_behind() {
        let mut snapshot = Snapshot::new("t", |rows: &[u32]| Ok(vec![0; rows.len()]));
        snapshot.waiting.extend(0..25_000);
        let sizes: Vec<usize> = std::iter::from_fn(|| snapshot.full()).map(|rows| rows.len()).collect();
        assert_eq!((sizes, snapshot.waiting.len()), (vec![10_000, 10_000], 5_000));
        assert_eq!(snapshot.waiting.first(), Some(&20_000));
    }
}
