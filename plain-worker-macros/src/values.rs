//! Readers of the values that options take.

use std::ops::RangeInclusive;
use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, LitStr, Path, Result, UnOp};

use crate::spelling;

/// The longest name of a job, a queue or a schedule, in bytes; the databases hold no longer one.
const LONGEST_NAME: usize = 200;
/// The longest span that makes sense: beyond it the calendars of the databases end.
const LONGEST_SPAN: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);

/// A string literal.
pub fn string(value: &Expr, example: &str) -> Result<LitStr> {
    match ungrouped(value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Ok(text.clone()),
            other => Err(Error::new_spanned(other, format!("write a string, as in `{example}`"))),
        },
        other => Err(Error::new_spanned(other, format!("write a string literal, as in `{example}`"))),
    }
}

/// The name of a job, a queue or a schedule: 1 to 200 bytes without NUL.
pub fn name(value: &Expr, example: &str) -> Result<LitStr> {
    let text = string(value, example)?;
    match wrong_name(&text.value()) {
        Some(wrong) => Err(Error::new_spanned(text, wrong)),
        None => Ok(text),
    }
}

/// What is wrong with a name, if anything.
pub fn wrong_name(text: &str) -> Option<String> {
    if text.is_empty() {
        Some("a name must not be empty".to_owned())
    } else if text.len() > LONGEST_NAME {
        Some(format!("this name takes {} bytes; at most {LONGEST_NAME} can be stored", text.len()))
    } else if text.contains('\0') {
        Some("a name must not hold a NUL".to_owned())
    } else {
        None
    }
}

/// A duration such as `"1h 30m"`.
pub fn duration(value: &Expr, example: &str) -> Result<Duration> {
    let literal = string(value, example)?;
    let text = literal.value();
    match humantime::parse_duration(&text) {
        Ok(span) if span > LONGEST_SPAN => Err(Error::new_spanned(literal, "at most 1000 years can be stored")),
        Ok(span) => Ok(span),
        Err(reason) => {
            let message =
                format!("`{text}` is not a duration: {reason}; write it as in \"15s\", \"1h 30m\" or \"250ms\"");
            Err(Error::new_spanned(literal, message))
        }
    }
}

/// A duration of at least one millisecond; `why` tells what a shorter one would do.
pub fn real_duration(value: &Expr, example: &str, why: &str) -> Result<Duration> {
    let span = duration(value, example)?;
    if span < Duration::from_millis(1) { Err(Error::new_spanned(value, why)) } else { Ok(span) }
}

/// The code of a duration.
pub fn duration_tokens(span: Duration, private: &TokenStream) -> TokenStream {
    let (seconds, nanos) = (span.as_secs(), span.subsec_nanos());
    quote!(#private::core::time::Duration::new(#seconds, #nanos))
}

/// A whole number within a range.
pub fn integer(value: &Expr, range: RangeInclusive<i64>) -> Result<i64> {
    let (sign, digits) = match ungrouped(value) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => ("-", ungrouped(expr)),
        other => ("", other),
    };
    let number = match digits {
        Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) => format!("{sign}{}", digits.base10_digits()).parse().ok(),
        _ => None,
    };
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        let (least, most) = range.into_inner();
        Error::new_spanned(value, format!("write a whole number from {least} to {most}"))
    })
}

/// The path of a function or a crate.
pub fn path(value: &Expr, example: &str) -> Result<Path> {
    match ungrouped(value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        other => Err(Error::new_spanned(other, format!("write a path, as in `{example}`"))),
    }
}

/// One of a few words, written as a string.
pub fn word<'w>(value: &Expr, key: &str, valid: &[&'w str]) -> Result<&'w str> {
    let literal = string(value, &format!("{key} = \"{}\"", valid.first().unwrap_or(&"")))?;
    let text = literal.value();
    valid.iter().find(|word| **word == text).copied().ok_or_else(|| {
        let hint = spelling::hint(&text, valid.iter().copied());
        let list = spelling::list(valid.iter().copied());
        Error::new_spanned(literal, format!("`{text}` is not a value of `{key}`; valid are {list}{hint}"))
    })
}

/// The expression itself: what a `macro_rules` passes on comes in an invisible group.
fn ungrouped(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => ungrouped(&group.expr),
        other => other,
    }
}
