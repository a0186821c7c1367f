//! The stored arguments of a job: what they must be, and how they are read and written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{BoxError, PayloadError};
use crate::payload;

/// What the type of a stored argument has to be; the name is what errors show.
#[doc(hidden)]
pub trait StoredArgument: Serialize + DeserializeOwned + Send + 'static {
    /// The same type again, if the argument can be stored.
    ///
    /// Generated code asks for the bound through this: where it does not hold,
    /// the type is unknown, and the compiler says nothing more about it. So the
    /// error at the argument's type is the only one.
    type Then<J>;
}

impl<T: Serialize + DeserializeOwned + Send + 'static> StoredArgument for T {
    type Then<J> = J;
}

/// Reads stored arguments.
#[doc(hidden)]
pub fn read_arguments<J: DeserializeOwned>(text: &str) -> Result<J, PayloadError> {
    serde_json::from_str(text).map_err(|error| PayloadError::Unreadable(reason::<J>(text, &error)))
}

/// Tells whether stored arguments can be read.
#[doc(hidden)]
pub fn check_arguments<J: DeserializeOwned>(text: &str) -> Result<(), PayloadError> {
    read_arguments::<J>(text).map(drop)
}

/// The arguments that a schedule gives to a run, as they are stored.
#[doc(hidden)]
pub fn slot_arguments<T: Serialize>(given: &T) -> Result<String, BoxError> {
    payload::to_json(given).map_err(BoxError::from)
}

/// Why arguments cannot be read: which one is in the way, and how.
///
/// No value is in the text, since it may be secret, and since equal faults of
/// many jobs are counted by it. They are read a second time for the path, which
/// reading at full speed does not keep.
fn reason<J: DeserializeOwned>(text: &str, error: &serde_json::Error) -> String {
    if !error.is_data() {
        return format!("they are no JSON: {error}");
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, J>(&mut reader) {
        Err(traced) => explain(&argument_of(traced.path()), &traced.inner().to_string()),
        // Only what stands behind the arguments can be wrong then.
        Ok(_) => without_place(&error.to_string()).to_owned(),
    }
}

/// The path to a value as people write it, without the numbers of list items: `to[].name`.
fn argument_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { .. } => text.push_str("[]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Segment::Unknown => {}
        }
    }
    text
}

/// A message of serde's in the words of a job.
fn explain(path: &str, message: &str) -> String {
    let message = without_place(message);
    let at = if path.is_empty() { "as a whole".to_owned() } else { format!("at `{path}`") };
    if let Some(name) = quoted_after(message, "missing field ") {
        let dot = if path.is_empty() { "" } else { "." };
        return format!("missing argument `{path}{dot}{name}`");
    }
    if let Some(name) = quoted_after(message, "unknown field ") {
        let outer = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
        let dot = if outer.is_empty() { "" } else { "." };
        return format!("unknown argument `{outer}{dot}{name}`");
    }
    if message.starts_with("duplicate field ") {
        return format!("{message} {at}");
    }
    for (start, word) in [("invalid type: ", "type"), ("invalid value: ", "value")] {
        if let Some((found, expected)) = message.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected ")) {
            // `integer `300``, `string "abc"`: the kind stands before the value.
            let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
            return format!("wrong {word} {at}: expected {expected}, found {kind}");
        }
    }
    if let Some((_, expected)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.rsplit_once(", expected "))
    {
        return format!("wrong value {at}: expected {expected}, found another variant");
    }
    format!("wrong value {at}: {message}")
}

/// The name in backquotes that follows.
fn quoted_after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// The message without the place in the text, which differs from row to row.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code, reason = "only read")]
        id: u8,
        #[serde(default)]
        #[allow(dead_code, reason = "only read")]
        users: Vec<User>,
        #[serde(default)]
        #[allow(dead_code, reason = "only read")]
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct User {
        #[allow(dead_code, reason = "only read")]
        name: String,
    }

    #[derive(Debug, Default, Deserialize)]
    enum Kind {
        #[default]
        Small,
        Large,
    }

    #[test]
    fn what_cannot_be_read_is_told_by_argument_and_without_its_value() {
        for (text, told) in [
            (r"{}", "missing argument `id`"),
            (r#"{"id":1,"users":[{}]}"#, "missing argument `users[].name`"),
            (r#"{"id":1,"idd":2}"#, "unknown argument `idd`"),
            (r#"{"id":1,"users":[{"name":"a","age":3}]}"#, "unknown argument `users[].age`"),
            (r#"{"id":"secret"}"#, "wrong type at `id`: expected u8, found string"),
            (r#"{"id":null}"#, "wrong type at `id`: expected u8, found null"),
            (r#"{"id":300}"#, "wrong value at `id`: expected u8, found integer"),
            (
                r#"{"id":1,"users":[{"name":"a"},{"name":7}]}"#,
                "wrong type at `users[].name`: expected a string, found integer",
            ),
            (r#"{"id":1,"kind":"Huge"}"#, "wrong value at `kind`: expected `Small` or `Large`, found another variant"),
            (r#"{"id":1,"id":2}"#, "duplicate field `id` as a whole"),
            (r"[]", "wrong value as a whole: invalid length 0, expected struct Sample with 3 elements"),
            (r"7", "wrong type as a whole: expected struct Sample, found integer"),
            (r"{", "they are no JSON: EOF while parsing an object at line 1 column 1"),
            (r#"{"id":1} x"#, "they are no JSON: trailing characters at line 1 column 10"),
        ] {
            let Err(PayloadError::Unreadable(reason)) = read_arguments::<Sample>(text) else {
                panic!("{text} was read")
            };
            assert_eq!(reason, told, "{text}");
        }
        let large =
            read_arguments::<Sample>(r#"{"id":1,"kind":"Large"}"#).map(|sample| matches!(sample.kind, Kind::Large));
        assert!(matches!(large, Ok(true)));
    }
}
