use std::fmt;
use std::ops::Range;

/// What is wrong with a filter, and where.
///
/// Its text shows the filter with the place underlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    place: Range<usize>,
    message: String,
}

impl FilterError {
    pub(super) fn new(text: &str, place: Range<usize>, message: impl Into<String>) -> Self {
        Self { text: text.to_owned(), place, message: message.into() }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The bytes of the text that are wrong; empty at the end of the text.
    #[must_use]
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// The text with the place as its second part: before, wrong, after.
    #[must_use]
    pub fn parts(&self) -> (&str, &str, &str) {
        let Range { start, end } = self.place;
        (&self.text[..start], &self.text[start..end], &self.text[end..])
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, wrong, _) = self.parts();
        // Line breaks and control characters are shown as one blank each, so that the caret stands below its place.
        let line: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let carets = "^".repeat(wrong.chars().count().max(1));
        write!(f, "{}\n  {line}\n  {}{carets}", self.message, " ".repeat(before.chars().count()))
    }
}

impl std::error::Error for FilterError {}
