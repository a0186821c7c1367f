//! The options of `#[job]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Path, Result};

use crate::complaints::Complaints;
use crate::spelling;
use crate::table::{self, Entry, Form, Key};
use crate::values;

/// What `#[job(..)]` says; nothing is filled in that was not written.
#[derive(Default)]
pub struct Options {
    pub name: Option<LitStr>,
    pub aliases: Vec<LitStr>,
    pub queue: Option<LitStr>,
    pub priority: Option<i16>,
    pub retries: Option<u32>,
    pub retry_if: Option<Path>,
    pub backoff: Option<Backoff>,
    pub timeout: Option<Duration>,
    pub unique: Option<Unique>,
    pub until: Option<Until>,
    pub expires_in: Option<Duration>,
    pub on_lost: Option<OnLost>,
    pub allow_unknown: bool,
    pub crate_path: Option<Path>,
}

/// `backoff = ..`
pub enum Backoff {
    /// `exponential`, `linear` or `fixed`: the constructor of that name.
    Growing { kind: Ident, first: Duration, cap: Option<Duration> },
    /// `list("1s", "10s")`
    List(Vec<Duration>),
    /// `custom(path)`
    Custom(Path),
}

/// `unique` with the arguments that it names; all when none.
pub struct Unique {
    pub arguments: Vec<Ident>,
}

/// `until = ".."`
pub struct Until {
    pub key: Ident,
    pub at_start: bool,
}

/// `on_lost = ".."`
#[derive(Clone, Copy)]
pub enum OnLost {
    Retry,
    Fail,
}

const KEYS: &[Key<Options>] = &[
    Key {
        name: "name",
        read: |options, entry| {
            let example = "name = \"welcome\"";
            options.name = Some(values::name(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key { name: "aliases", read: read_aliases },
    Key {
        name: "queue",
        read: |options, entry| {
            let example = "queue = \"mail\"";
            options.queue = Some(values::name(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key {
        name: "priority",
        read: |options, entry| {
            let range = i16::MIN.into()..=i16::MAX.into();
            let priority = values::integer(entry.value("priority = 10")?, range)?;
            options.priority = i16::try_from(priority).ok();
            Ok(())
        },
    },
    Key {
        name: "retries",
        read: |options, entry| {
            // The databases keep the number as a signed one.
            let range = 0..=i32::MAX.into();
            let retries = values::integer(entry.value("retries = 3")?, range)?;
            options.retries = u32::try_from(retries).ok();
            Ok(())
        },
    },
    Key {
        name: "retry_if",
        read: |options, entry| {
            let example = "retry_if = is_transient";
            options.retry_if = Some(values::path(entry.value(example)?, example)?);
            Ok(())
        },
    },
    Key { name: "backoff", read: read_backoff },
    Key {
        name: "timeout",
        read: |options, entry| {
            let example = "timeout = \"30s\"";
            let why = "a timeout of less than 1 ms lets nothing run";
            options.timeout = Some(values::real_duration(entry.value(example)?, example, why)?);
            Ok(())
        },
    },
    Key { name: "unique", read: read_unique },
    Key {
        name: "until",
        read: |options, entry| {
            let word = values::word(entry.value("until = \"start\"")?, "until", &["start", "end"])?;
            options.until = Some(Until { key: entry.key.clone(), at_start: word == "start" });
            Ok(())
        },
    },
    Key {
        name: "expires_in",
        read: |options, entry| {
            let example = "expires_in = \"1h\"";
            let why = "a job that expires in less than 1 ms never starts";
            options.expires_in = Some(values::real_duration(entry.value(example)?, example, why)?);
            Ok(())
        },
    },
    Key {
        name: "on_lost",
        read: |options, entry| {
            let word = values::word(entry.value("on_lost = \"fail\"")?, "on_lost", &["retry", "fail"])?;
            options.on_lost = Some(if word == "fail" { OnLost::Fail } else { OnLost::Retry });
            Ok(())
        },
    },
    Key {
        name: "allow_unknown",
        read: |options, entry| {
            entry.bare()?;
            options.allow_unknown = true;
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

/// Reads the options of one `#[job(..)]`.
pub fn read(tokens: TokenStream, complaints: &mut Complaints) -> Options {
    let mut options = Options::default();
    if let Some(entries) = complaints.take(Punctuated::parse_terminated.parse2(tokens)) {
        table::read("#[job]", KEYS, &entries, &mut options, complaints);
    }
    options
}

/// Reads one option, for a command that has it too.
pub fn read_one(options: &mut Options, entry: &Entry) -> Result<()> {
    table::read_one(KEYS, options, entry)
}

/// `crate = path`, for a crate that knows plain-worker by another name.
pub fn read_crate(entry: &Entry) -> Result<Path> {
    let example = "crate = my_crate::plain_worker";
    let value = entry.value(example)?;
    // As a string too: that is how it is written for serde.
    match values::string(value, example) {
        Ok(text) => text.parse_with(Path::parse_mod_style),
        Err(_) => values::path(value, example),
    }
}

fn read_aliases(options: &mut Options, entry: &Entry) -> Result<()> {
    let example = "aliases(\"old_name\")";
    for alias in entry.list::<Expr>(example)? {
        options.aliases.push(values::name(&alias, example)?);
    }
    Ok(())
}

fn read_unique(options: &mut Options, entry: &Entry) -> Result<()> {
    let arguments = match &entry.form {
        Form::Bare => Vec::new(),
        Form::List(_) => {
            let names = entry.list::<Entry>("unique(user_id)")?;
            names.into_iter().map(read_unique_name).collect::<Result<_>>()?
        }
        Form::Value(value) => {
            let message = "write `unique` for all arguments, or `unique(user_id)` for some of them";
            return Err(Error::new_spanned(value, message));
        }
    };
    options.unique = Some(Unique { arguments });
    Ok(())
}

fn read_unique_name(entry: Entry) -> Result<Ident> {
    match entry.form {
        Form::Bare => Ok(entry.key),
        Form::Value(_) | Form::List(_) if entry.key == "until" => {
            Err(Error::new_spanned(entry.key, "write `until` beside it: `unique(..), until = \"start\"`"))
        }
        Form::Value(_) | Form::List(_) => {
            Err(Error::new_spanned(entry.key, "write the names of arguments only, as in `unique(user_id)`"))
        }
    }
}

const BACKOFFS: [&str; 5] = ["exponential", "linear", "fixed", "list", "custom"];

fn read_backoff(options: &mut Options, entry: &Entry) -> Result<()> {
    let example = "backoff = exponential(\"15s\", cap = \"1h\")";
    let value = entry.value(example)?;
    let refuse = |tokens: &dyn quote::ToTokens| {
        let list = spelling::list(BACKOFFS);
        Error::new_spanned(tokens.to_token_stream(), format!("a backoff is one of {list}, as in `{example}`"))
    };
    let Expr::Call(call) = value else { return Err(refuse(value)) };
    let Expr::Path(function) = &*call.func else { return Err(refuse(&call.func)) };
    let Some(kind) = function.path.get_ident() else { return Err(refuse(&call.func)) };
    let arguments: Vec<_> = call.args.iter().collect();
    let one = || match arguments.as_slice() {
        [one] => Ok(*one),
        _ => Err(Error::new_spanned(call, format!("`{kind}` takes one argument"))),
    };
    let backoff = match kind.to_string().as_str() {
        "exponential" | "linear" => read_growing(kind, call, &arguments)?,
        "fixed" => {
            Backoff::Growing { kind: kind.clone(), first: values::duration(one()?, "fixed(\"10s\")")?, cap: None }
        }
        "list" if arguments.is_empty() => return Err(Error::new_spanned(call, "name at least one wait")),
        "list" => Backoff::List(
            arguments.iter().map(|wait| values::duration(wait, "list(\"1s\", \"10s\")")).collect::<Result<_>>()?,
        ),
        "custom" => Backoff::Custom(values::path(one()?, "custom(my_backoff)")?),
        _ => return Err(refuse(kind)),
    };
    options.backoff = Some(backoff);
    Ok(())
}

/// `exponential` and `linear`: the first wait, then at most a `cap`.
fn read_growing(kind: &Ident, call: &syn::ExprCall, arguments: &[&Expr]) -> Result<Backoff> {
    let example = format!("{kind}(\"15s\", cap = \"1h\")");
    let wrong = |tokens: &dyn quote::ToTokens| {
        Error::new_spanned(tokens.to_token_stream(), format!("write the first wait, then at most a `cap`: `{example}`"))
    };
    let (first, cap) = match arguments {
        [first] => (first, None),
        [first, Expr::Assign(cap)] => match &*cap.left {
            Expr::Path(key) if key.path.is_ident("cap") => (first, Some(values::duration(&cap.right, &example)?)),
            other => return Err(wrong(other)),
        },
        [_, other] => return Err(wrong(other)),
        _ => return Err(wrong(call)),
    };
    Ok(Backoff::Growing { kind: kind.clone(), first: values::duration(first, &example)?, cap })
}

impl Backoff {
    /// The code that makes it.
    pub fn to_tokens(&self, private: &TokenStream) -> TokenStream {
        match self {
            Self::Growing { kind, first, cap } => {
                let first = values::duration_tokens(*first, private);
                let kind = Ident::new(&kind.to_string(), proc_macro2::Span::call_site());
                let cap = cap.map(|cap| values::duration_tokens(cap, private)).map(|cap| quote!(.cap(#cap)));
                quote!(#private::Backoff::#kind(#first)#cap)
            }
            Self::List(waits) => {
                let waits = waits.iter().map(|wait| values::duration_tokens(*wait, private));
                quote!({
                    const WAITS: &[#private::core::time::Duration] = &[#(#waits),*];
                    #private::Backoff::list(WAITS)
                })
            }
            Self::Custom(path) => quote!(#private::Backoff::custom(#path)),
        }
    }
}
