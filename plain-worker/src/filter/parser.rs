//! From tokens to what they say. A mistake ends it at the first place that is wrong.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::FilterError;
use super::expression::{Column, Comparison, Expression, Matching, Term, When};
use super::fields::{self, Field};
use super::lexer::{Spanned, Token, tokens};

/// Long enough for any list that people paste, short enough for every database.
const LONGEST: usize = 8_000;
const MOST_TERMS: usize = 200;
const DEEPEST: usize = 40;
/// A hundred years in microseconds: any calendar holds now, less or more that.
const LONGEST_TIME: u128 = 100 * 366 * 24 * 60 * 60 * 1_000_000;

pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    if text.len() > LONGEST {
        let message = format!("a filter has {LONGEST} bytes at most, this one has {}", text.len());
        return Err(FilterError::new(text, 0..0, message));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let mut parser = Parser { text, tokens, next: 0, terms: 0, depth: 0 };
    let expression = parser.any()?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.wrong_here("this `)` closes nothing")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Spanned>,
    next: usize,
    terms: usize,
    depth: usize,
}

/// A value after a colon.
struct Value {
    text: String,
    quoted: bool,
    place: Range<usize>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|spanned| &spanned.token)
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.text.len()..self.text.len(), |spanned| spanned.place.clone())
    }

    fn wrong(&self, place: Range<usize>, message: impl Into<String>) -> FilterError {
        FilterError::new(self.text, place, message)
    }

    fn wrong_here(&self, message: impl Into<String>) -> FilterError {
        self.wrong(self.place(), message)
    }

    fn take(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.next += usize::from(there);
        there
    }

    /// Whether the next token is this word of the grammar and not the name of a field.
    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
            && !matches!(self.tokens.get(self.next + 1), Some(Spanned { token: Token::Colon, .. }))
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all()?];
        while self.at_word("OR") {
            self.next += 1;
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.one()?];
        loop {
            if self.at_word("AND") {
                self.next += 1;
            } else if matches!(self.peek(), None | Some(Token::Close)) || self.at_word("OR") {
                break;
            }
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong_here(format!("brackets and NOTs are nested more than {DEEPEST} deep")));
        }
        let expression = if self.at_word("NOT") || self.peek() == Some(&Token::Minus) {
            self.next += 1;
            Expression::Not(Box::new(self.one()?))
        } else if self.peek() == Some(&Token::Open) {
            let open = self.place();
            self.next += 1;
            let inner = self.any()?;
            if !self.take(&Token::Close) {
                return Err(self.wrong(open, "this `(` is not closed"));
            }
            inner
        } else {
            Expression::Term(self.term()?)
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(self.wrong_here(format!("a filter has {MOST_TERMS} parts at most")));
        }
        let place = self.place();
        if self.at_word("OR") || self.at_word("AND") {
            return Err(self.wrong_here("something has to stand before and after AND and OR"));
        }
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                self.next += 1;
                if self.take(&Token::Colon) {
                    return self.field(&word, place);
                }
                Ok(Term::Anywhere(word))
            }
            Some(Token::Quoted(text)) if !text.is_empty() => {
                self.next += 1;
                if self.peek() == Some(&Token::Colon) {
                    return Err(self.wrong(place, "a field stands without quotes"));
                }
                Ok(Term::Anywhere(text))
            }
            Some(Token::Quoted(_)) => Err(self.wrong_here("nothing to look for stands between these quotes")),
            Some(Token::Colon | Token::Comma | Token::Compare(_)) => {
                Err(self.wrong_here("a field has to stand before this, for example `state:dead`"))
            }
            Some(Token::Close) => Err(self.wrong_here("nothing stands before this `)`")),
            Some(Token::Open | Token::Minus) | None => Err(self.wrong_here("something has to follow here")),
        }
    }

    fn field(&mut self, name: &str, place: Range<usize>) -> Result<Term, FilterError> {
        if let Some((document, path)) =
            name.split_once('.').and_then(|(head, path)| Some((fields::document(head)?, path)))
        {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.iter().any(|step| step.is_empty() || step.contains('\\')) {
                return Err(self.wrong(place, "a path is made of names and numbers, with one point between them"));
            }
            let matching = self.matching(true)?;
            return Ok(Term::Value { document, path, matching });
        }
        if fields::document(name).is_some() {
            return Err(self.wrong(place, format!("`{name}` needs the name of a field: `{name}.user_id:7`")));
        }
        let Some(field) = fields::field(name) else {
            let hint = fields::did_you_mean(name, fields::field_words())
                .unwrap_or_else(|| "a text that holds a colon goes in double quotes".to_owned());
            return Err(self.wrong(place, format!("`{name}` is not a field: {hint}")));
        };
        match field {
            Field::State => self.states(),
            Field::Id => {
                let value = self.value()?;
                let id = value.text.parse();
                id.map(Term::Id).map_err(|_| self.wrong(value.place, "an id is a UUID in full"))
            }
            Field::Worker => Ok(Term::Worker(self.matching(false)?)),
            Field::Column(Column::Error) => {
                let matching = match self.matching(false)? {
                    Matching::OneOf(mut texts) if texts.len() == 1 => Matching::Contains(texts.remove(0)),
                    Matching::OneOf(_) => {
                        return Err(self.wrong(place, "`error` takes one text; quote it if it holds a comma"));
                    }
                    matching => matching,
                };
                Ok(Term::Column(Column::Error, matching))
            }
            Field::Column(column) => Ok(Term::Column(column, self.matching(false)?)),
            Field::Measure(measure) => {
                let comparison = self.comparison();
                let value = self.value()?;
                let number = value.text.parse();
                let number = number.map_err(|_| self.wrong(value.place, format!("`{name}` is a whole number")))?;
                Ok(Term::Measure(measure, comparison, number))
            }
            Field::Moment(moment) => {
                let (comparison, place) = (self.comparison(), self.place());
                let when = self.when()?;
                if comparison == Comparison::Equal && !matches!(when, When::Day(_)) {
                    let message = format!("write `{name}:>…` or `{name}:<…`: nothing happened at that very moment");
                    return Err(self.wrong(place, message));
                }
                Ok(Term::Moment(moment, comparison, when))
            }
            Field::Duration => {
                let (comparison, place) = (self.comparison(), self.place());
                if comparison == Comparison::Equal {
                    return Err(self.wrong(place, "write `duration:>…` or `duration:<…`"));
                }
                let value = self.value()?;
                Ok(Term::Duration(comparison, self.micros(&value)?))
            }
        }
    }

    fn comparison(&mut self) -> Comparison {
        match self.peek() {
            Some(&Token::Compare(comparison)) => {
                self.next += 1;
                comparison
            }
            _ => Comparison::Equal,
        }
    }

    /// A value that follows without a gap.
    fn value(&mut self) -> Result<Value, FilterError> {
        let place = self.place();
        let adjoins = self.next.checked_sub(1).and_then(|last| self.tokens.get(last));
        let adjoins = adjoins.is_some_and(|last| last.place.end == place.start);
        let (text, quoted) = match self.peek().cloned() {
            Some(Token::Word(word)) if adjoins => (word, false),
            Some(Token::Quoted(text)) if adjoins => (text, true),
            _ => {
                let end = self.tokens.get(self.next.wrapping_sub(1)).map_or(place.start, |last| last.place.end);
                return Err(
                    self.wrong(end..end, "a value has to follow at once; a text with blanks goes in double quotes")
                );
            }
        };
        self.next += 1;
        Ok(Value { text, quoted, place })
    }

    fn states(&mut self) -> Result<Term, FilterError> {
        let mut states = Vec::new();
        loop {
            let value = self.value()?;
            let Some(more) = fields::states(&value.text) else {
                let words: Vec<_> = fields::state_words().collect();
                let hint = fields::did_you_mean(&value.text, words.iter().copied())
                    .unwrap_or_else(|| format!("one of {}", words.join(", ")));
                return Err(self.wrong(value.place, format!("`{}` is not a state: {hint}", value.text)));
            };
            states.extend(more);
            if !self.take(&Token::Comma) {
                return Ok(Term::State(states));
            }
        }
    }

    fn matching(&mut self, compares: bool) -> Result<Matching, FilterError> {
        let place = self.place();
        if let Some(&Token::Compare(comparison)) = self.peek() {
            self.next += 1;
            let value = self.value()?;
            return match comparison {
                Comparison::Equal => Ok(Matching::OneOf(vec![value.text])),
                _ if compares => Ok(Matching::Compared(comparison, value.text)),
                _ => Err(self.wrong(place, "this field has no order: leave the sign away")),
            };
        }
        let value = self.value()?;
        if !value.quoted && value.text == "*" {
            return Ok(Matching::Present);
        }
        if !value.quoted && value.text.contains('*') {
            return Ok(Matching::Pattern(value.text.split('*').map(str::to_owned).collect()));
        }
        let mut values = vec![value.text];
        while self.take(&Token::Comma) {
            let value = self.value()?;
            if !value.quoted && value.text.contains('*') {
                return Err(self.wrong(value.place, "a pattern stands alone: join several with OR"));
            }
            values.push(value.text);
        }
        Ok(Matching::OneOf(values))
    }

    fn when(&mut self) -> Result<When, FilterError> {
        let value = self.value()?;
        let text = value.text.as_str();
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Ok(When::Day(day.and_time(NaiveTime::MIN).and_utc()));
        }
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(When::At(instant.with_timezone(&Utc)));
        }
        if text.contains('T') || text.matches('-').count() > 1 {
            let message = "an instant is written `2026-12-24T18:00:00Z`, a day `2026-12-24`";
            return Err(self.wrong(value.place, message));
        }
        Ok(When::Ago(self.micros(&value)?))
    }

    /// A length of time in microseconds, with a sign: `90s`, `2h30m`, `-5m`.
    fn micros(&self, value: &Value) -> Result<i64, FilterError> {
        let (sign, text) = value.text.strip_prefix('-').map_or((1, value.text.as_str()), |text| (-1, text));
        let micros = humantime::parse_duration(text).ok().map(|span| span.as_micros());
        let micros = micros.filter(|&micros| micros <= LONGEST_TIME).and_then(|micros| i64::try_from(micros).ok());
        let message = "a length of time is written `30s`, `5m`, `2h` or `7d`, up to a hundred years";
        micros.map(|micros| sign * micros).ok_or_else(|| self.wrong(value.place.clone(), message))
    }
}
