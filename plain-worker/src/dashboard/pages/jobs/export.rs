//! All that match, as JSON lines or CSV: read and sent a piece at a time, so that neither side holds all of it.

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::super::super::guard::Visit;
use super::super::super::state::State;
use super::columns::Columns;
use super::shown;
use crate::queue::Queue;
use crate::record::{JobFilter, JobId, JobRow};

/// Jobs that are read at once.
const PIECE: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    JsonLines,
    Csv,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Where an export is.
struct Reader {
    queue: Queue,
    visit: Visit,
    kind: Kind,
    wanted: JobFilter,
    columns: Columns,
    place: Place,
}

enum Place {
    Head,
    After(Option<JobId>),
    End,
}

pub(super) fn stream(state: &State, visit: &Visit, kind: Kind, wanted: JobFilter, columns: Columns) -> Response {
    let place = if kind == Kind::Csv { Place::Head } else { Place::After(None) };
    let reader = Reader { queue: state.queue().clone(), visit: visit.clone(), kind, wanted, columns, place };
    let pieces = stream::unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        if piece.is_err() {
            // The transfer breaks off, so that nobody takes a part for the whole.
            reader.place = Place::End;
        }
        Some((piece, reader))
    });
    let (content, name) = match kind {
        Kind::JsonLines => ("application/jsonl", "attachment; filename=\"jobs.jsonl\""),
        Kind::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"jobs.csv\""),
    };
    ([(CONTENT_TYPE, content), (CONTENT_DISPOSITION, name)], Body::from_stream(pieces)).into_response()
}

impl Reader {
    async fn next(&mut self) -> Option<crate::Result<String>> {
        let after = match self.place {
            Place::Head => {
                self.place = Place::After(None);
                let names = HEAD.iter().copied().chain(self.columns.names());
                return Some(Ok(line(names.map(str::to_owned))));
            }
            Place::After(after) => after,
            Place::End => return None,
        };
        match self.queue.list(self.wanted.clone(), after, PIECE).await {
            Ok(jobs) => {
                let full = jobs.len() >= PIECE as usize;
                self.place = if full { Place::After(jobs.last().map(|job| job.id)) } else { Place::End };
                (!jobs.is_empty()).then(|| Ok(jobs.into_iter().map(|job| self.line(job)).collect()))
            }
            Err(error) => {
                tracing::warn!(%error, "an export ended early");
                Some(Err(error))
            }
        }
    }

    fn line(&self, job: JobRow) -> String {
        let job = shown(&self.visit, job);
        match self.kind {
            Kind::JsonLines => serde_json::to_string(&job).unwrap_or_else(|_| "null".to_owned()) + "\n",
            Kind::Csv => {
                let time = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
                let own = [
                    job.id.to_string(),
                    job.state.to_string(),
                    job.job.clone(),
                    job.queue.clone(),
                    job.priority.to_string(),
                    job.attempt.to_string(),
                    time(Some(job.enqueued_at)),
                    time(Some(job.due_at)),
                    time(job.started_at),
                    time(job.ended_at),
                    job.error.clone().unwrap_or_default(),
                    job.arguments.clone(),
                ];
                line(own.into_iter().chain(self.columns.values(&job)))
            }
        }
    }
}

const HEAD: [&str; 12] = [
    "id",
    "state",
    "job",
    "queue",
    "priority",
    "attempt",
    "enqueued_at",
    "due_at",
    "started_at",
    "ended_at",
    "error",
    "arguments",
];

/// A line of CSV. What a spreadsheet would take for a formula is marked as text.
fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells
        .map(|cell| {
            let formula =
                cell.starts_with(['=', '+', '@', '\t', '\r']) || cell.starts_with('-') && cell.parse::<f64>().is_err();
            let mark = if formula { "'" } else { "" };
            let plain = !formula && !cell.contains([',', '"', '\n', '\r']);
            if plain { cell } else { format!("\"{mark}{}\"", cell.replace('"', "\"\"")) }
        })
        .collect();
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let cells = ["a", "-7", "a,b", "say \"x\"", "=1+1", "-x", "two\nlines"].map(str::to_owned);
        assert_eq!(line(cells.into_iter()), "a,-7,\"a,b\",\"say \"\"x\"\"\",\"'=1+1\",\"'-x\",\"two\nlines\"\r\n");
    }
}
