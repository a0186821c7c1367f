//! `scheduled_command!("@daily", ["pg_dump", "app"], ..)`.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Path, Result, Token};

use crate::complaints::Complaints;
use crate::expansion::timetable;
use crate::options::{self, Options, read_crate};
use crate::schedules::{self, Given, ScheduleOptions};
use crate::table::{self, Entry, Key};
use crate::values;

const EXAMPLE: &str = "scheduled_command!(\"@daily\", [\"pg_dump\", \"--file=/backup/app.sql\", \"app\"])";

/// What follows the command.
#[derive(Default)]
struct CommandOptions {
    job: Options,
    schedule: ScheduleOptions,
    name: Option<LitStr>,
    directory: Option<LitStr>,
    clear_env: bool,
    keep_env: Vec<LitStr>,
    env: Vec<Given>,
    stop_after: Option<Duration>,
    crate_path: Option<Path>,
}

/// An option that means what it means on a job.
const fn of_job(name: &'static str) -> Key<CommandOptions> {
    Key { name, read: |options, entry| options::read_one(&mut options.job, entry) }
}

/// An option that means what it means in `#[scheduled]`.
const fn of_schedule(name: &'static str) -> Key<CommandOptions> {
    Key { name, read: |options, entry| schedules::read_one(&mut options.schedule, entry) }
}

const KEYS: &[Key<CommandOptions>] = &[
    of_schedule("tz"),
    of_schedule("catch_up"),
    of_schedule("overlap"),
    of_schedule("window"),
    Key {
        name: "name",
        read: |options, entry| {
            let example = "name = \"backup\"";
            options.name = Some(values::name(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key {
        name: "directory",
        read: |options, entry| {
            let example = "directory = \"/srv/app\"";
            options.directory = Some(text(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key {
        name: "clear_env",
        read: |options, entry| {
            entry.bare()?;
            options.clear_env = true;
            Ok(())
        },
    },
    Key {
        name: "keep_env",
        read: |options, entry| {
            let example = "keep_env(\"PATH\", \"HOME\")";
            for name in entry.list::<Expr>(example)? {
                options.keep_env.push(variable(&name, example)?);
            }
            Ok(())
        },
    },
    Key {
        name: "env",
        read: |options, entry| {
            options.env = entry.list("env(LANG = \"C\")")?;
            Ok(())
        },
    },
    Key {
        name: "stop_after",
        read: |options, entry| {
            let example = "stop_after = \"10s\"";
            options.stop_after = Some(values::duration(entry.value(example)?, example)?);
            Ok(())
        },
    },
    of_job("queue"),
    of_job("priority"),
    of_job("retries"),
    of_job("backoff"),
    of_job("timeout"),
    Key {
        name: "crate",
        read: |options, entry| {
            options.crate_path = Some(read_crate(entry)?);
            Ok(())
        },
    },
];

/// When, what, then options.
struct Parts {
    when: Expr,
    what: Expr,
    options: Punctuated<Entry, Token![,]>,
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let missing = |input: ParseStream<'_>| {
            let span = if input.is_empty() { Span::call_site() } else { input.span() };
            Error::new(span, format!("write when it runs and what, as in `{EXAMPLE}`"))
        };
        let when = input.parse().map_err(|_| missing(input))?;
        input.parse::<Token![,]>().map_err(|_| missing(input))?;
        let what = input.parse().map_err(|_| missing(input))?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Self { when, what, options: Punctuated::parse_terminated(input)? })
    }
}

/// What is run.
enum What {
    Shell(LitStr),
    List(Vec<LitStr>),
}

/// A text that a program can be given.
fn text(value: &Expr, example: &str) -> Result<LitStr> {
    let text = values::string(value, example)?;
    if text.value().contains('\0') {
        return Err(Error::new_spanned(text, "it holds a NUL, which no program can be given"));
    }
    Ok(text)
}

/// The name of an environment variable.
fn variable(value: &Expr, example: &str) -> Result<LitStr> {
    let name = text(value, example)?;
    if name.value().is_empty() || name.value().contains('=') {
        return Err(Error::new_spanned(name, "this is not the name of an environment variable"));
    }
    Ok(name)
}

fn read_what(what: &Expr) -> Result<What> {
    let Expr::Array(array) = what else {
        if values::string(what, EXAMPLE).is_err() {
            let message =
                format!("write a list of the program and its arguments, as in `{EXAMPLE}`, or a string for the shell");
            return Err(Error::new_spanned(what, message));
        }
        let line = text(what, EXAMPLE)?;
        // As it is written for a worker's builder.
        let value = line.value();
        let command = value.strip_prefix("cmd:").unwrap_or(&value).trim();
        if command.is_empty() {
            return Err(Error::new_spanned(line, "this command is empty"));
        }
        return Ok(What::Shell(LitStr::new(command, line.span())));
    };
    let list: Vec<_> = array.elems.iter().map(|one| text(one, EXAMPLE)).collect::<Result<_>>()?;
    match list.first() {
        None => Err(Error::new_spanned(what, "this list names no program")),
        Some(program) if program.value().is_empty() => Err(Error::new_spanned(program, "a program has a name")),
        Some(_) => Ok(What::List(list)),
    }
}

/// Registers the command with its schedule; what is wrong with it is an error and nothing is registered.
pub fn expand(tokens: TokenStream) -> TokenStream {
    let mut complaints = Complaints::default();
    let code = complaints.take(Parts::parse.parse2(tokens)).and_then(|parts| {
        let mut options = CommandOptions::default();
        table::read("scheduled_command!", KEYS, &parts.options, &mut options, &mut complaints);
        let expression = complaints.take(schedules::read_expression(&parts.when, EXAMPLE));
        let what = complaints.take(read_what(&parts.what));
        let (expression, what) = (expression?, what?);
        complaints.is_empty().then(|| expand_command(&expression, &what, &options))
    });
    let complaints = complaints.into_tokens();
    quote!(#code #complaints)
}

fn expand_command(expression: &str, what: &What, options: &CommandOptions) -> TokenStream {
    let private = match &options.crate_path {
        Some(path) => quote!(#path::__private),
        None => quote!(::plain_worker::__private),
    };
    let command = match what {
        What::Shell(line) => quote!(#private::Command::shell(#line)),
        What::List(list) => quote!(#private::Command::from([#(#list),*])),
    };
    let settings = expand_settings(options, &private);
    let schedule = timetable::expand_settings(&options.schedule, &private);
    quote! {
        #[allow(clippy::pedantic, clippy::nursery, reason = "generated code")]
        const _: () = {
            #private::inventory::submit! {
                #private::Registered::new(
                    #private::core::file!(),
                    #private::core::line!(),
                    || #command #settings,
                    {
                        #[allow(unused_mut, reason = "nothing may be set")]
                        let mut schedule = #private::CommandSchedule::new(#expression);
                        #schedule
                        schedule
                    },
                )
            }
        };
    }
}

/// One call on the command for each option that is written.
fn expand_settings(options: &CommandOptions, private: &TokenStream) -> TokenStream {
    let mut calls = TokenStream::new();
    let texts = [("name", &options.name), ("directory", &options.directory), ("queue", &options.job.queue)];
    let texts = texts.into_iter().filter_map(|(call, text)| text.as_ref().map(|text| (call, quote!(#text))));
    let spans = [("stop_after", options.stop_after), ("timeout", options.job.timeout)];
    let spans = spans.into_iter().filter_map(|(call, span)| Some((call, values::duration_tokens(span?, private))));
    let numbers = [
        ("priority", options.job.priority.map(|priority| quote!(#priority))),
        ("retries", options.job.retries.map(|retries| quote!(#retries))),
        ("backoff", options.job.backoff.as_ref().map(|backoff| backoff.to_tokens(private))),
    ];
    let numbers = numbers.into_iter().filter_map(|(call, value)| Some((call, value?)));
    for (call, value) in texts.chain(spans).chain(numbers) {
        let call = proc_macro2::Ident::new(call, Span::call_site());
        calls.extend(quote!(.#call(#value)));
    }
    if options.clear_env {
        calls.extend(quote!(.clear_env()));
    }
    let kept = &options.keep_env;
    if !kept.is_empty() {
        calls.extend(quote!(.keep_env([#(#kept),*])));
    }
    for Given { name, value } in &options.env {
        let name = crate::spelling::plain(name);
        calls.extend(quote!(.env(#name, #value)));
    }
    calls
}
