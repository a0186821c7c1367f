//! One grammar for everything that chooses jobs: pages, `list --where`, bulk actions.

mod error;
mod expression;
mod fields;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

pub use error::FilterError;
pub(crate) use expression::{Column, Comparison, Document, Expression, Matching, Measure, Moment, Term, When};
#[cfg(all(feature = "dashboard", any(feature = "sqlite", feature = "postgres")))]
pub(crate) use fields::quoted;
pub use fields::suggest;

#[doc = include_str!("../docs/filter.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: Arc<str>,
    expression: Arc<Expression>,
}

impl Filter {
    /// Reads a filter; white space alone lets everything through.
    ///
    /// # Errors
    /// [`FilterError`] says what is wrong, and where.
    ///
    /// ```
    /// use plain_worker::Filter;
    /// assert!(Filter::parse("state:dead error:\"timed out\"").is_ok());
    /// let error = Filter::parse("stat:dead").unwrap_err();
    /// assert_eq!(error.message(), "`stat` is not a field: did you mean `state`?");
    /// assert_eq!(error.place(), 0..4);
    /// ```
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.trim().into(), expression: Arc::new(parser::parse(text)?) })
    }

    /// The text that was read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&*self.expression, Expression::All(parts) if parts.is_empty())
    }

    /// Whether its answer depends on arguments, metadata, outputs or errors, which not everybody may see.
    #[must_use]
    pub fn reads_contents(&self) -> bool {
        self.expression.reads_contents()
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.expression
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
