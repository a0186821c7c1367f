//! A filter's text cut into words, quoted texts and signs, each with its place.

use std::ops::Range;

use super::FilterError;
use super::expression::Comparison;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, as written; stars in it are wild.
    Word(String),
    /// A text in quotes, without them; stars in it are stars.
    Quoted(String),
    Colon,
    Comma,
    Compare(Comparison),
    Open,
    Close,
    /// A `-` right before something: not that.
    Minus,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) place: Range<usize>,
}

/// Where a word ends that is not in quotes.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"' | ':' | ',')
}

pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, FilterError> {
    let mut tokens: Vec<Spanned> = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some(&(start, c)) = rest.peek() {
        // What follows a colon at once is a value: `-5` there is a number, and times hold colons.
        let in_value = tokens.last().is_some_and(|last| {
            last.place.end == start && matches!(last.token, Token::Colon | Token::Compare(_) | Token::Comma)
        });
        let mut take = |token| {
            rest.next();
            token
        };
        let token = match c {
            c if c.is_whitespace() => {
                rest.next();
                continue;
            }
            '\0' => return Err(FilterError::new(text, start..start + 1, "a filter cannot hold a NUL")),
            '(' => take(Token::Open),
            ')' => take(Token::Close),
            ',' => take(Token::Comma),
            ':' => take(Token::Colon),
            '-' if !in_value => take(Token::Minus),
            '<' | '>' | '=' if in_value => {
                rest.next();
                let or_equal = c != '=' && rest.next_if(|&(_, c)| c == '=').is_some();
                Token::Compare(match (c, or_equal) {
                    ('<', false) => Comparison::Less,
                    ('<', true) => Comparison::AtMost,
                    ('>', false) => Comparison::More,
                    ('>', true) => Comparison::AtLeast,
                    _ => Comparison::Equal,
                })
            }
            '"' => {
                rest.next();
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        Some((_, '"')) => break,
                        Some((at, '\\')) => match rest.next() {
                            Some((_, c @ ('"' | '\\'))) => inside.push(c),
                            _ => {
                                let message = "in quotes a `\\` stands before `\"` or another `\\`: write `\\\\`";
                                return Err(FilterError::new(text, at..at + 1, message));
                            }
                        },
                        Some((at, '\0')) => {
                            return Err(FilterError::new(text, at..at + 1, "a filter cannot hold a NUL"));
                        }
                        Some((_, c)) => inside.push(c),
                        None => return Err(FilterError::new(text, start..text.len(), "the quotes are not closed")),
                    }
                }
                Token::Quoted(inside)
            }
            _ => {
                let mut word = String::new();
                // `2026-12-24T18:00:00Z` in a value is one word.
                while let Some((_, c)) = rest.next_if(|&(_, c)| !ends_word(c) && c != '\0' || c == ':' && in_value) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        let end = rest.peek().map_or(text.len(), |&(at, _)| at);
        tokens.push(Spanned { token, place: start..end });
    }
    Ok(tokens)
}
