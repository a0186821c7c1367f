//! What a filter says, free of its spelling and of any database.

use chrono::{DateTime, Utc};

use crate::record::JobId;
use crate::status::JobState;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// All of them; none at all lets everything through.
    All(Vec<Expression>),
    /// One of them at least.
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Term(Term),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    State(Vec<JobState>),
    Id(JobId),
    Column(Column, Matching),
    /// The id of the worker, or the name of its host.
    Worker(Matching),
    /// A value inside arguments, metadata or output.
    Value {
        document: Document,
        path: Vec<String>,
        matching: Matching,
    },
    Measure(Measure, Comparison, i64),
    Moment(Moment, Comparison, When),
    /// How long the latest attempt ran, or runs, in microseconds.
    Duration(Comparison, i64),
    /// A text in the arguments or the error.
    Anywhere(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Job,
    Queue,
    Key,
    Source,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Arguments,
    Metadata,
    Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// One of these, exactly.
    OneOf(Vec<String>),
    /// The pieces between the stars, in their order: `["", "@x.org"]` is `*@x.org`.
    Pattern(Vec<String>),
    Contains(String),
    /// It is there at all.
    Present,
    Compared(Comparison, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Attempt,
    Failures,
    Losses,
    HandBacks,
    Retries,
    Priority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Enqueued,
    Due,
    Started,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The time since then, in microseconds, is compared.
    Ago(i64),
    /// The instant itself is compared.
    At(DateTime<Utc>),
    /// Within that day, for `=`; its first instant otherwise.
    Day(DateTime<Utc>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    /// As SQL writes it.
    pub(crate) const fn as_sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// What holds of the other side: an age of more than an hour is an instant of less than that.
    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

impl Expression {
    pub(super) fn reads_contents(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::reads_contents),
            Self::Not(inner) => inner.reads_contents(),
            Self::Term(term) => {
                matches!(term, Term::Value { .. } | Term::Anywhere(_) | Term::Column(Column::Error | Column::Key, _))
            }
        }
    }
}
