//! What `#[scheduled(..)]` says.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Path, Result, Token};

use crate::complaints::Complaints;
use crate::options::read_crate;
use crate::schedule::{Schedule, parse_zone};
use crate::spelling;
use crate::table::{self, Entry, Key};
use crate::values;

/// One `#[scheduled("..")]`.
pub struct Scheduled {
    /// The expression as written.
    pub literal: LitStr,
    /// Its normal form, by which it is known; as written where it is wrong.
    pub expression: String,
    pub options: ScheduleOptions,
}

/// What follows the expression.
#[derive(Default)]
pub struct ScheduleOptions {
    pub name: Option<LitStr>,
    pub zone: Option<LitStr>,
    pub arguments: Vec<Given>,
    pub catch_up: Option<&'static str>,
    pub overlap: Option<&'static str>,
    pub window: Option<Duration>,
    pub crate_path: Option<Path>,
}

/// `region = "eu"` in `args(..)`.
#[derive(Clone)]
pub struct Given {
    pub name: Ident,
    pub value: Expr,
}

impl Given {
    /// Name and value as text that does not depend on how they are spaced.
    pub fn text(&self) -> String {
        format!("{} = {}", spelling::plain(&self.name), spelling::type_text(self.value.to_token_stream()))
    }
}

/// The arguments as text that does not depend on their order.
pub fn canonical(arguments: &[Given]) -> String {
    let mut all: Vec<_> = arguments.iter().map(Given::text).collect();
    all.sort();
    all.join(", ")
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, value: input.parse()? })
    }
}

const KEYS: &[Key<ScheduleOptions>] = &[
    Key {
        name: "tz",
        read: |options, entry| {
            let zone = values::string(entry.value("tz = \"Europe/Berlin\"")?, "tz = \"Europe/Berlin\"")?;
            parse_zone(&zone.value()).map_err(|error| Error::new_spanned(&zone, error))?;
            options.zone = Some(zone);
            Ok(())
        },
    },
    Key {
        name: "name",
        read: |options, entry| {
            let example = "name = \"nightly\"";
            options.name = Some(values::name(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key {
        name: "args",
        read: |options, entry| {
            options.arguments = entry.list("args(region = \"eu\")")?;
            Ok(())
        },
    },
    Key {
        name: "catch_up",
        read: |options, entry| {
            let value = entry.value("catch_up = \"latest\"")?;
            options.catch_up = Some(values::word(value, "catch_up", &["latest", "none", "all"])?);
            Ok(())
        },
    },
    Key {
        name: "overlap",
        read: |options, entry| {
            let value = entry.value("overlap = \"skip\"")?;
            options.overlap = Some(values::word(value, "overlap", &["skip", "queue", "allow"])?);
            Ok(())
        },
    },
    Key {
        name: "window",
        read: |options, entry| {
            let example = "window = \"24h\"";
            let why = "a window of less than a millisecond lets no missed slot through: write `catch_up = \"none\"`";
            options.window = Some(values::real_duration(entry.value(example)?, example, why)?);
            Ok(())
        },
    },
    Key {
        name: "crate",
        read: |options, entry| {
            options.crate_path = Some(read_crate(entry)?);
            Ok(())
        },
    },
];

/// The expression, then options.
struct Parts {
    expression: Expr,
    options: Punctuated<Entry, Token![,]>,
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            let message = "write when it runs, as in `#[scheduled(\"0 9 * * MON-FRI\")]`";
            return Err(Error::new(proc_macro2::Span::call_site(), message));
        }
        let expression = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Self { expression, options: Punctuated::parse_terminated(input)? })
    }
}

/// Reads one `#[scheduled(..)]`; none when not even its expression can be read.
pub fn read(tokens: TokenStream, complaints: &mut Complaints) -> Option<Scheduled> {
    let parts = complaints.take(Parts::parse.parse2(tokens))?;
    let mut options = ScheduleOptions::default();
    table::read("#[scheduled]", KEYS, &parts.options, &mut options, complaints);
    let literal = complaints.take(values::string(&parts.expression, "#[scheduled(\"0 9 * * MON-FRI\")]"))?;
    let text = literal.value();
    let expression = complaints.take(normal_form(&literal)).unwrap_or(text);
    Some(Scheduled { literal, expression, options })
}

/// Reads the expression of a command's schedule; gives its normal form.
pub fn read_expression(when: &Expr, example: &str) -> Result<String> {
    normal_form(&values::string(when, example)?)
}

/// Reads one option, for a command that has it too.
pub fn read_one(options: &mut ScheduleOptions, entry: &Entry) -> Result<()> {
    table::read_one(KEYS, options, entry)
}

fn normal_form(literal: &LitStr) -> Result<String> {
    match Schedule::parse(&literal.value()) {
        Ok(schedule) => Ok(schedule.expression().to_owned()),
        // Stable Rust gives no span inside a literal: the message shows the place under a caret line.
        Err(error) => Err(Error::new_spanned(literal, error.report())),
    }
}
