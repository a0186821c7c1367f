//! The names that may stand before a colon, and what to offer while somebody types one.

use super::expression::{Column, Document, Measure, Moment};
use crate::status::JobState;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    State,
    Id,
    Worker,
    Column(Column),
    Measure(Measure),
    Moment(Moment),
    Duration,
}

/// The fields, in the order in which they are offered.
const FIELDS: &[(&str, Field)] = &[
    ("state", Field::State),
    ("status", Field::State),
    ("job", Field::Column(Column::Job)),
    ("queue", Field::Column(Column::Queue)),
    ("error", Field::Column(Column::Error)),
    ("age", Field::Moment(Moment::Enqueued)),
    ("attempt", Field::Measure(Measure::Attempt)),
    ("worker", Field::Worker),
    ("key", Field::Column(Column::Key)),
    ("due", Field::Moment(Moment::Due)),
    ("started", Field::Moment(Moment::Started)),
    ("ended", Field::Moment(Moment::Ended)),
    ("enqueued", Field::Moment(Moment::Enqueued)),
    ("duration", Field::Duration),
    ("failures", Field::Measure(Measure::Failures)),
    ("losses", Field::Measure(Measure::Losses)),
    ("hand_backs", Field::Measure(Measure::HandBacks)),
    ("retries", Field::Measure(Measure::Retries)),
    ("priority", Field::Measure(Measure::Priority)),
    ("source", Field::Column(Column::Source)),
    ("id", Field::Id),
];

/// What stands before the first point of a path.
const DOCUMENTS: &[(&str, Document)] = &[
    ("args", Document::Arguments),
    ("arguments", Document::Arguments),
    ("meta", Document::Metadata),
    ("metadata", Document::Metadata),
    ("output", Document::Output),
];

/// Words that stand for several states.
const GROUPS: &[(&str, &[JobState])] = &[
    ("waiting", &[JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Blocked, JobState::Parked]),
    ("finished", &[JobState::Succeeded, JobState::Dead, JobState::Cancelled, JobState::Expired]),
    ("errored", &[JobState::Retrying, JobState::Dead]),
    ("successful", &[JobState::Succeeded]),
];

pub(super) fn field(name: &str) -> Option<Field> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|&(_, field)| field)
}

pub(super) fn document(name: &str) -> Option<Document> {
    DOCUMENTS.iter().find(|(known, _)| *known == name).map(|&(_, document)| document)
}

pub(super) fn states(word: &str) -> Option<Vec<JobState>> {
    let group = GROUPS.iter().find(|(known, _)| *known == word).map(|(_, states)| states.to_vec());
    group.or_else(|| word.parse().ok().map(|state| vec![state]))
}

pub(super) fn state_words() -> impl Iterator<Item = &'static str> {
    JobState::ALL.iter().map(|state| state.as_str()).chain(GROUPS.iter().map(|(word, _)| *word))
}

pub(super) fn field_words() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(word, _)| *word).chain(DOCUMENTS.iter().map(|(word, _)| *word))
}

/// The nearest of the words, as a question, if one is near.
pub(super) fn did_you_mean(word: &str, known: impl Iterator<Item = &'static str>) -> Option<String> {
    let likeness = |known| strsim::jaro_winkler(&word.to_lowercase(), known);
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(nearest) > 0.75).then(|| format!("did you mean `{nearest}`?"))
}

/// What could follow at the end of a text that is being typed: fields, states, and `values` for the field that is
/// asked for (names of jobs, queues, paths of arguments).
///
/// Each answer is the whole last word as it would be.
///
/// ```
/// let names = |field: &str| if field == "job" { vec!["welcome_user".to_owned()] } else { vec![] };
/// assert_eq!(plain_worker::suggest("state:dead job:wel", names), ["job:welcome_user"]);
/// assert_eq!(plain_worker::suggest("que", |_: &str| vec![]), ["queue:"]);
/// ```
pub fn suggest(text: &str, values: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    const MOST: usize = 12;
    let last = text.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let (sign, last) = last.strip_prefix('-').map_or(("", last), |rest| ("-", rest));
    let found: Vec<String> = match last.split_once(':') {
        None if last.starts_with("args.") || last.starts_with("meta.") => {
            let (document, start) = last.split_once('.').unwrap_or_default();
            let of = values(document).into_iter().filter(|path| path.starts_with(start));
            of.map(|path| format!("{sign}{document}.{path}:")).collect()
        }
        None => {
            let fields = field_words().filter(|word| word.starts_with(last) && !last.is_empty());
            fields
                .map(|word| if document(word).is_some() { format!("{sign}{word}.") } else { format!("{sign}{word}:") })
                .collect()
        }
        Some((name, start)) => {
            let known: Vec<String> = match field(name) {
                Some(Field::State) => state_words().map(str::to_owned).collect(),
                _ => values(name),
            };
            let (before, start) = start.rsplit_once(',').map_or((String::new(), start), |(a, b)| (format!("{a},"), b));
            let of = known.into_iter().filter(|value| value.starts_with(start) && value != start);
            of.map(|value| format!("{sign}{name}:{before}{}", quoted(&value))).collect()
        }
    };
    found.into_iter().take(MOST).collect()
}

/// A value as a filter has to write it.
pub(crate) fn quoted(value: &str) -> String {
    let plain = !value.is_empty()
        && !value.starts_with(['<', '>', '='])
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | ':' | ',' | '*' | '\\'));
    if plain { value.to_owned() } else { format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")) }
}
