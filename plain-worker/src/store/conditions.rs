//! A filter as a condition in SQL: the tree is walked here, each store writes its terms.

use crate::filter::{Expression, Matching, Term};

/// A condition and the values of its placeholders, in their order.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Bound>,
}

/// A value that is bound, never written into the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Text(String),
    Integer(i64),
}

/// How one database says a term. What it writes is true, false or null; null is not let through.
pub(super) trait Dialect {
    fn term(&self, term: &Term, values: &mut Values) -> String;
}

/// Collects values and names their placeholders.
pub(super) struct Values {
    sign: char,
    before: usize,
    values: Vec<Bound>,
}

impl Values {
    fn push(&mut self, value: Bound) -> String {
        self.values.push(value);
        format!("{}{}", self.sign, self.before + self.values.len())
    }

    pub(super) fn text(&mut self, text: impl Into<String>) -> String {
        self.push(Bound::Text(text.into()))
    }

    pub(super) fn integer(&mut self, value: i64) -> String {
        self.push(Bound::Integer(value))
    }
}

/// The condition of an expression; `before` values of the statement's own come first.
pub(super) fn condition(expression: &Expression, dialect: &impl Dialect, sign: char, before: usize) -> Condition {
    let mut values = Values { sign, before, values: Vec::new() };
    let sql = write(expression, dialect, &mut values);
    Condition { sql, values: values.values }
}

fn write(expression: &Expression, dialect: &impl Dialect, values: &mut Values) -> String {
    let mut join = |parts: &[Expression], word: &str| {
        let parts: Vec<_> = parts.iter().map(|part| write(part, dialect, values)).collect();
        format!("({})", parts.join(word))
    };
    match expression {
        Expression::All(parts) if parts.is_empty() => "true".to_owned(),
        Expression::All(parts) => join(parts, " AND "),
        Expression::Any(parts) => join(parts, " OR "),
        // Not let through is also what has no such value.
        Expression::Not(inner) => format!("NOT coalesce({}, false)", write(inner, dialect, values)),
        Expression::Term(term) => dialect.term(term, values),
    }
}

/// A pattern of LIKE with `\` as its escape.
pub(super) fn like(matching: &Matching) -> Option<String> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    match matching {
        Matching::Contains(text) => Some(format!("%{}%", escaped(text))),
        Matching::Pattern(pieces) => Some(pieces.iter().map(|piece| escaped(piece)).collect::<Vec<_>>().join("%")),
        _ => None,
    }
}

/// A text as it stands inside a JSON string.
pub(super) fn inside_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// How a value may be written in JSON: as it is, if it is a number or a word of JSON, and as a string.
pub(super) fn as_json(value: &str) -> Vec<String> {
    let bare =
        serde_json::from_str::<&serde_json::value::RawValue>(value).is_ok() && !value.starts_with(['"', '[', '{']);
    let string = serde_json::Value::from(value).to_string();
    if bare { vec![value.to_owned(), string] } else { vec![string] }
}

/// Whether a value is a number that every database reads.
pub(super) fn is_number(value: &str) -> bool {
    value.len() <= 40 && value.parse::<f64>().is_ok_and(f64::is_finite) && !value.contains(['i', 'n', 'I', 'N'])
}
