//! A filter in Postgres' words.

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
    let mut condition = condition(&filter.expression(), &Postgres, '$', before);
    if let Some(after) = after {
        condition.values.push(Bound::Text(after.to_string()));
        let beyond = if filter.oldest_first { ">" } else { "<" };
        condition.sql = format!("id {beyond} ${}::text::uuid AND {}", before + condition.values.len(), condition.sql);
    }
    condition.sql = renderer(namespace, clock)(&condition.sql);
    condition
}

struct Postgres;

impl Dialect for Postgres {
    fn term(&self, term: &Term, values: &mut Values) -> String {
        match term {
            Term::State(states) => in_states(states, values),
            Term::Id(id) => format!("id = {}::text::uuid", values.text(id.to_string())),
            Term::Column(column, matching) => text(name(*column), matching, values),
            Term::Worker(matching) => {
                let id = text("worker_id::text", matching, values);
                let host = text("host", matching, values);
                format!("({id} OR worker_id IN (SELECT id FROM {{schema}}.workers WHERE {host}))")
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
                format!("{name} {} {}::bigint", comparison.as_sql(), values.integer(*value))
            }
            Term::Moment(moment, comparison, when) => at(*moment, *comparison, *when, values),
            Term::Duration(comparison, micros) => {
                let value = span(values, *micros);
                format!("coalesce(ended_at, {{now}}) - started_at {} {value}", comparison.as_sql())
            }
            Term::Anywhere(sought) => {
                let written = values.text(like(&Matching::Contains(inside_json(sought))).unwrap_or_default());
                let plain = values.text(like(&Matching::Contains(sought.clone())).unwrap_or_default());
                format!("(arguments::text ILIKE {written}::text OR error ILIKE {plain}::text)")
            }
        }
    }
}

fn in_states(states: &[JobState], values: &mut Values) -> String {
    let list: Vec<_> = states.iter().map(|state| format!("{}::text", values.text(state.as_str()))).collect();
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
            format!("{name} {} {{now}} - {}", comparison.reversed().as_sql(), span(values, micros))
        }
        When::Day(day) if comparison == Comparison::Equal => {
            let start = format!("{}::text::timestamptz", values.text(day.to_rfc3339()));
            format!("({name} >= {start} AND {name} < {start} + interval '24 hours')")
        }
        When::At(instant) | When::Day(instant) => {
            format!("{name} {} {}::text::timestamptz", comparison.as_sql(), values.text(instant.to_rfc3339()))
        }
    }
}

fn span(values: &mut Values, micros: i64) -> String {
    format!("{}::bigint * interval '1 microsecond'", values.integer(micros))
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
            let list: Vec<_> = texts.iter().map(|text| format!("{}::text", values.text(text))).collect();
            format!("{name} IN ({})", list.join(", "))
        }
        Matching::Present => format!("{name} IS NOT NULL"),
        Matching::Compared(comparison, text) => format!("{name} {} {}::text", comparison.as_sql(), values.text(text)),
        Matching::Pattern(_) | Matching::Contains(_) => {
            format!("{name} ILIKE {}::text", values.text(like(matching).unwrap_or_default()))
        }
    }
}

/// A value inside a document.
///
/// Postgres refuses a whole query for one `\u0000` or half a surrogate pair in a
/// document that is looked into: the first is looked at as another character,
/// documents with escaped surrogates are passed over (our own writing has none).
fn value(document: Document, path: &[String], matching: &Matching, values: &mut Values) -> String {
    let column = match document {
        Document::Arguments => "arguments",
        Document::Metadata => "metadata",
        Document::Output => "output",
    };
    let steps: Vec<_> = path.iter().map(|step| format!("{}::text", values.text(step))).collect();
    let path = format!("ARRAY[{}]", steps.join(", "));
    let readable = format!(r"replace({column}::text, '\u0000', '\ufffd')::json");
    let found = format!("({readable} #> {path})");
    let plain = format!("({readable} #>> {path})");
    let kind = format!("json_typeof{found}");
    let condition = match matching {
        Matching::Present => format!("{kind} IS NOT NULL"),
        Matching::OneOf(texts) => {
            let texts = texts.iter().flat_map(|text| as_json(text));
            let list: Vec<_> = texts.map(|text| format!("{}::text", values.text(text))).collect();
            format!("{found}::text IN ({})", list.join(", "))
        }
        Matching::Compared(comparison, text) if is_number(text) => {
            let value = values.text(text);
            format!(
                r"CASE WHEN {kind} = 'number' AND {plain} ~ '^-?[0-9]{{1,40}}(\.[0-9]{{1,40}})?([eE][-+]?[0-9]{{1,3}})?$'
                       THEN {plain}::numeric {} {value}::text::numeric END",
                comparison.as_sql()
            )
        }
        Matching::Compared(comparison, text) => {
            let value = values.text(text);
            format!("{kind} = 'string' AND {plain} {} {value}::text", comparison.as_sql())
        }
        Matching::Pattern(_) | Matching::Contains(_) => {
            let pattern = values.text(like(matching).unwrap_or_default());
            format!("{kind} IN ('string', 'number') AND {plain} ILIKE {pattern}::text")
        }
    };
    format!(r"CASE WHEN {column}::text !~* '\\ud[89a-f]' THEN {condition} END")
}
