//! Aligned columns.

use std::fmt;

/// Rows under headings; a column is as wide as its widest cell.
#[derive(Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(headings: Vec<String>) -> Self {
        let right = vec![false; headings.len()];
        Self { headings, right, rows: Vec::new() }
    }

    /// Aligns a column to the right, as numbers are.
    pub fn right(&mut self, column: usize) {
        if let Some(right) = self.right.get_mut(column) {
            *right = true;
        }
    }

    /// Adds a row. Control characters in its cells are shown escaped: what a server calls a tag must not move the cursor
    /// of the terminal it is shown on.
    pub fn row(&mut self, cells: Vec<String>) {
        let clean = |cell: String| {
            if cell.chars().any(char::is_control) { cell.escape_debug().to_string() } else { cell }
        };
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for ((cell, width), right) in cells.iter().zip(widths).zip(&self.right) {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if *right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        f.write_str(line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = std::iter::once(&self.headings).chain(&self.rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        self.write(f, &self.headings, &widths)?;
        self.rows.iter().try_for_each(|row| {
            writeln!(f)?;
            self.write(f, row, &widths)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right() {
        let mut table = Table::new(vec!["tag".into(), "rows".into()]);
        table.right(1);
        table.row(vec!["Tëmperature".into(), "5".into()]);
        table.row(vec!["B".into(), "12345".into()]);
        assert_eq!(table.to_string(), "tag           rows\nTëmperature      5\nB            12345");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let mut table = Table::new(vec!["tag".into()]);
        table.row(vec!["a\u{1b}[2Jb".into()]);
        assert_eq!(table.to_string(), "tag\na\\u{1b}[2Jb");
    }
}
