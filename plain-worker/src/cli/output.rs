//! What is printed on stdout: a table for people or JSON for programs, in one piece.

use std::io::{ErrorKind, Write};

use clap::Args;
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use super::exit::{Code, Failure, Outcome};

/// How a command answers.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Output {
    /// Print JSON, whose shape is documented and stable
    #[arg(long, env = "PLAIN_WORKER_JSON", value_parser = super::values::yes_or_no())]
    pub(super) json: bool,
}

impl Output {
    /// Prints the value as JSON, or what `text` makes of it.
    pub(super) fn print<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Outcome {
        let text = if self.json {
            serde_json::to_string_pretty(value)
                .map_err(|error| Failure::failed(format!("the answer cannot be written as JSON: {error}")))?
        } else {
            text()
        };
        print(&text)
    }
}

/// Prints text and ends its last line. A reader that has seen enough (`| head`) is no error.
pub(super) fn print(text: &str) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = write!(stdout, "{text}{end}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("the answer cannot be printed: {error}")))
        }
        _ => Ok(Code::Done),
    }
}

/// A column: its title, and on which side its values stand.
pub(super) enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// A table without lines, as wide as its content.
pub(super) fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(title) | Column::Number(title) => Cell::new(title.to_uppercase()),
    }));
    for row in rows {
        table.add_row(row.iter().map(|text| Cell::new(super::text::shown(text))));
    }
    for (index, column) in columns.iter().enumerate() {
        let Some(found) = table.column_mut(index) else { continue };
        found.set_padding((0, 2));
        if matches!(column, Column::Number(_)) {
            found.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right() {
        let rows = [vec!["mail".to_owned(), "7".to_owned()], vec!["a\u{1b}[2J".to_owned(), "1234".to_owned()]];
        let text = table(&[Column::Text("queue"), Column::Number("jobs")], rows);
        assert_eq!(text, "QUEUE       JOBS\nmail           7\na\\u{1b}[2J  1234");
    }
}
