//! Tables for people: aligned columns, two spaces apart.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a cell keeps when a table has to be made narrower.
const CELL_WIDTH_MIN: usize = 6;
const GAP: &str = "  ";

pub(crate) struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headers: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            headers: headers.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as there are headers, each on one line.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<_> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.headers.len());
        self.rows.push(cells);
    }

    /// The table, each line closed by a newline. With a `width`, the widest
    /// columns are cut until a line fits, as far as [`CELL_WIDTH_MIN`] allows.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let mut text = line(self.headers.iter().copied(), &widths);
        for row in &self.rows {
            text += &line(row.iter().map(String::as_str), &widths);
        }
        text
    }

    fn widths(&self, bound: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<_> = self.headers.iter().map(|header| header.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let room = bound.map_or(usize::MAX, |bound| bound.saturating_sub(gaps));
        fit(&mut widths, room);
        widths
    }
}

/// Narrows the widest columns until all fit into `room`: the widest goes down
/// to the second widest, again and again.
fn fit(widths: &mut [usize], room: usize) {
    loop {
        let excess = widths.iter().sum::<usize>().saturating_sub(room);
        let Some(widest) = widths.iter().copied().max() else {
            return;
        };
        if excess == 0 || widest <= CELL_WIDTH_MIN {
            return;
        }
        let second = widths
            .iter()
            .copied()
            .filter(|width| *width < widest)
            .max()
            .unwrap_or(0);
        let count = widths.iter().filter(|width| **width == widest).count();
        let target = second
            .max(CELL_WIDTH_MIN)
            .max(widest.saturating_sub(excess.div_ceil(count)));
        widths
            .iter_mut()
            .filter(|width| **width == widest)
            .for_each(|width| *width = target);
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        let cell = cut(cell, *width);
        let pad = width.saturating_sub(cell.width());
        line = line + &cell + &" ".repeat(pad) + GAP;
    }
    line.truncate(line.trim_end().len());
    line + "\n"
}

/// The text in at most `width` columns, with `…` where something is left off.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1; // the …
    for char in text.chars() {
        used += char.width().unwrap_or(0);
        if used > width {
            break;
        }
        short.push(char);
    }
    short + "…"
}

#[cfg(test)]
mod tests;
