use std::fmt;

use crate::error::{Error, Result};

/// The schema (Postgres) or table prefix (SQLite) of a queue's tables.
///
/// Kept to plain identifiers, so that rendering it into statements is safe
/// without quoting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace(String);

impl Namespace {
    /// Long enough for any sane name, short enough for index names below Postgres' 63 bytes.
    const LONGEST: usize = 40;

    pub(crate) fn new(name: &str) -> Result<Self> {
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= Self::LONGEST {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::Namespace { name: name.to_owned() })
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("plain_worker".to_owned())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_identifiers_pass() {
        for good in ["plain_worker", "a", "jobs2"] {
            assert!(Namespace::new(good).is_ok(), "{good}");
        }
        for bad in ["", "2jobs", "Jobs", "a-b", "a.b", "a\"b", "a;b", "ä", "_a", &"a".repeat(41)] {
            assert!(Namespace::new(bad).is_err(), "{bad}");
        }
    }
}
