//! A filter in SQLite's words.

use std::fmt::Write;

use super::renderer;
use crate::filter::{Column, Comparison, Document, Matching, Measure, Moment, Term, When};
use crate::record::{JobFilter, JobId};
use crate::status::JobState;
use crate::store::conditions::{Bound, Condition, Dialect, Values, as_json, condition, inside_json, is_number, like};
use crate::store::{Clock, Namespace};

/// The condition of a filter on the jobs that follow `after` in its order, for a statement with `before` values of its own.
pub(super) fn condition_of(
    filter: &JobFilter,
    after: Option<JobId>,
    namespace: &Namespace,
    clock: Clock,
    before: usize,
) -> Condition {
    let mut condition = condition(&filter.expression(), &Sqlite, '?', before);
    if let Some(after) = after {
        condition.values.push(Bound::Text(after.to_string()));
        let beyond = if filter.oldest_first { ">" } else { "<" };
        condition.sql = format!("id {beyond} ?{} AND {}", before + condition.values.len(), condition.sql);
    }
    condition.sql = renderer(namespace, clock)(&condition.sql);
    condition
}

struct Sqlite;

impl Dialect for Sqlite {
    fn term(&self, term: &Term, values: &mut Values) -> String {
        match term {
            Term::State(states) => in_states(states, values),
            Term::Id(id) => format!("id = {}", values.text(id.to_string())),
            Term::Column(column, matching) => text(name(*column), matching, values),
            Term::Worker(matching) => {
                let id = text("worker_id", matching, values);
                let host = text("host", matching, values);
                format!("({id} OR worker_id IN (SELECT id FROM {{prefix}}workers WHERE {host}))")
            }
            Term::Value { document, path, matching } => value(*document, path, matching, values),
            Term::Measure(measure, comparison, value) => {
                let name = match measure {
                    Measure::Attempt => "attempt",
                    Measure::Failures => "failures",
                    Measure::Losses => "losses",
                    Measure::HandBacks => "hand_backs",
                    Measure::Retries => "retries",
                    Measure::Priority => "priority",
                };
                format!("{name} {} {}", comparison.as_sql(), values.integer(*value))
            }
            Term::Moment(moment, comparison, when) => at(*moment, *comparison, *when, values),
            Term::Duration(comparison, micros) => {
                let value = values.integer(*micros);
                format!("coalesce(ended_at, {{now}}) - started_at {} {value}", comparison.as_sql())
            }
            Term::Anywhere(sought) => {
                let written = values.text(like(&Matching::Contains(inside_json(sought))).unwrap_or_default());
                let plain = values.text(like(&Matching::Contains(sought.clone())).unwrap_or_default());
                format!(r"(arguments LIKE {written} ESCAPE '\' OR error LIKE {plain} ESCAPE '\')")
            }
        }
    }
}

fn in_states(states: &[JobState], values: &mut Values) -> String {
    let list: Vec<_> = states.iter().map(|state| values.text(state.as_str())).collect();
    let mut sql = format!("state IN ({})", list.join(", "));
    // What the index of the unhappy ends is for, in its own words.
    if !states.contains(&JobState::Succeeded) {
        sql.push_str(" AND state <> 'succeeded'");
    }
    format!("({sql})")
}

fn at(moment: Moment, comparison: Comparison, when: When, values: &mut Values) -> String {
    let name = match moment {
        Moment::Enqueued => "enqueued_at",
        Moment::Due => "due_at",
        Moment::Started => "started_at",
        Moment::Ended => "ended_at",
    };
    match when {
        When::Ago(micros) => {
            format!("{name} {} {{now}} - {}", comparison.reversed().as_sql(), values.integer(micros))
        }
        When::Day(day) if comparison == Comparison::Equal => {
            let start = values.integer(day.timestamp_micros());
            format!("({name} >= {start} AND {name} < {start} + 86400000000)")
        }
        When::At(instant) | When::Day(instant) => {
            format!("{name} {} {}", comparison.as_sql(), values.integer(instant.timestamp_micros()))
        }
    }
}

fn name(column: Column) -> &'static str {
    match column {
        Column::Job => "job",
        Column::Queue => "queue",
        Column::Key => "unique_key",
        Column::Source => "source",
        Column::Error => "error",
    }
}

fn text(name: &str, matching: &Matching, values: &mut Values) -> String {
    match matching {
        Matching::OneOf(texts) => {
            let list: Vec<_> = texts.iter().map(|text| values.text(text)).collect();
            format!("{name} IN ({})", list.join(", "))
        }
        Matching::Present => format!("{name} IS NOT NULL"),
        Matching::Compared(comparison, text) => format!("{name} {} {}", comparison.as_sql(), values.text(text)),
        Matching::Pattern(_) | Matching::Contains(_) => {
            let pattern = values.text(like(matching).unwrap_or_default());
            format!(r"{name} LIKE {pattern} ESCAPE '\'")
        }
    }
}

/// A value inside a document. One that is no JSON (a corrupt row) has none.
fn value(document: Document, path: &[String], matching: &Matching, values: &mut Values) -> String {
    let column = match document {
        Document::Arguments => "arguments",
        Document::Metadata => "metadata",
        Document::Output => "output",
    };
    // A number is a place in a list, or the name of a field.
    let numeric = path.iter().any(|step| step.bytes().all(|b| b.is_ascii_digit()));
    let mut found = vec![values.text(json_path(path, false))];
    if numeric {
        found.push(values.text(json_path(path, true)));
    }
    let of = |function: &str| {
        let looks: Vec<_> = found.iter().map(|path| function.replace("{path}", path)).collect();
        let look = if looks.len() == 1 { looks[0].clone() } else { format!("coalesce({})", looks.join(", ")) };
        look.replace("{column}", column)
    };
    let kind = of("json_type({column}, {path})");
    let plain = of("json_extract({column}, {path})");
    let condition = match matching {
        Matching::Present => format!("{kind} IS NOT NULL"),
        Matching::OneOf(texts) => {
            let list: Vec<_> = texts.iter().flat_map(|text| as_json(text)).map(|text| values.text(text)).collect();
            format!("{} IN ({})", of("{column} -> {path}"), list.join(", "))
        }
        Matching::Compared(comparison, text) if is_number(text) => {
            let value = values.text(text);
            format!("{kind} IN ('integer', 'real') AND {plain} {} CAST({value} AS NUMERIC)", comparison.as_sql())
        }
        Matching::Compared(comparison, text) => {
            let value = values.text(text);
            format!("{kind} = 'text' AND {plain} {} {value}", comparison.as_sql())
        }
        // Looked for in the JSON text: LIKE ends at a NUL, which is escaped there.
        Matching::Pattern(_) | Matching::Contains(_) => {
            let plain = like(matching).unwrap_or_default();
            let written = like(&written(matching)).unwrap_or_default();
            let (string, number) = (values.text(format!("\"{written}\"")), values.text(plain));
            let json = of("{column} -> {path}");
            format!(
                r"({kind} = 'text' AND {json} LIKE {string} ESCAPE '\' OR {kind} IN ('integer', 'real') AND {json} LIKE {number} ESCAPE '\')"
            )
        }
    };
    format!("CASE WHEN json_valid({column}) THEN {condition} END")
}

/// The same as it is looked for inside a JSON string.
fn written(matching: &Matching) -> Matching {
    match matching {
        Matching::Pattern(pieces) => Matching::Pattern(pieces.iter().map(|piece| inside_json(piece)).collect()),
        Matching::Contains(text) => Matching::Contains(inside_json(text)),
        other => other.clone(),
    }
}

/// `$."user"."id"`, or with places in lists: `$."tags"[0]`.
fn json_path(path: &[String], places: bool) -> String {
    let mut text = "$".to_owned();
    for step in path {
        let place = places && step.bytes().all(|b| b.is_ascii_digit());
        // Writing to a string does not fail.
        let _ = if place { write!(text, "[{step}]") } else { write!(text, ".\"{step}\"") };
    }
    text
}
