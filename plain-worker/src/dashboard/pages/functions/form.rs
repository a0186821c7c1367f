//! The form that enqueues a job, made from the names and types of its arguments.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::value::RawValue;

use super::super::super::guard::Visit;
use super::super::super::layout::{Trouble, banner, token};
use super::link;
use crate::job::{Argument, JobDef};

/// What was written into a form, by the names of the arguments.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) token: String,
    values: BTreeMap<String, String>,
}

impl Given {
    pub(super) fn read(form: &[u8]) -> Result<Self, Trouble> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form)
            .map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("The form cannot be read: {error}")))?;
        let mut given = Self::default();
        for (name, value) in pairs {
            match name.strip_prefix("arg.") {
                Some(name) => drop(given.values.insert(name.to_owned(), value)),
                None if name == "token" => given.token = value,
                None => {}
            }
        }
        Ok(given)
    }
}

/// Whether an argument is a text, which is written without quotes.
fn is_text(argument: &Argument) -> bool {
    let plain: String = argument.type_text.chars().filter(|c| !c.is_whitespace()).collect();
    let inner = plain.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')).unwrap_or(&plain);
    matches!(inner.rsplit("::").next(), Some("String"))
}

/// The arguments as JSON text.
///
/// # Errors
/// Which argument is no JSON, in words.
pub(super) fn read(definition: &JobDef, given: &Given) -> Result<String, String> {
    let mut fields: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
    for argument in definition.arguments {
        let Some(text) = given.values.get(argument.name) else { continue };
        if text.is_empty() && (argument.optional || !is_text(argument)) {
            continue;
        }
        let value =
            if is_text(argument) { serde_json::value::to_raw_value(text) } else { serde_json::from_str(text.trim()) };
        let wrong = |error| format!("`{}` is of type {} and no JSON: {error}", argument.name, argument.type_text);
        fields.insert(argument.name, value.map_err(wrong)?);
    }
    serde_json::to_string(&fields).map_err(|error| error.to_string())
}

pub(super) fn form(visit: &Visit, definition: &JobDef, refused: Option<(&Given, &str)>) -> Markup {
    let value = |argument: &Argument| {
        let given = refused.and_then(|(given, _)| given.values.get(argument.name));
        given.filter(|_| !argument.redacted).cloned().unwrap_or_default()
    };
    html! {
        details .panel #enqueue open[refused.is_some()] {
            summary { "Enqueue one" }
            form .fields method="post" action=(link(&visit.base, definition.name)) autocomplete="off" {
                (token(visit))
                @if let Some((_, complaint)) = refused { (banner("bad", html! { (complaint) })) }
                @for argument in definition.arguments {
                    label {
                        span { (argument.name) " " span .mono { (argument.type_text) } @if argument.optional { " (may be left out)" } }
                        @if argument.type_text == "bool" {
                            select name={ "arg." (argument.name) } { @for word in ["false", "true"] { option selected[word == value(argument)] { (word) } } }
                        } @else {
                            input type=(if argument.redacted { "password" } else { "text" }) name={ "arg." (argument.name) } value=(value(argument))
                                placeholder=(if is_text(argument) { "text" } else { "JSON" }) spellcheck="false";
                        }
                    }
                }
                button .main { "Enqueue" }
            }
        }
    }
}
