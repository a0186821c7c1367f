//! The `#[job]` and `#[scheduled]` attributes of plain-worker, and its `scheduled_command!`.
//!
//! They are re-exported and documented there: use them as `plain_worker::job`,
//! `plain_worker::scheduled` and `plain_worker::scheduled_command`. This crate has no other face.
//!
//! The modules are the way of one function through the macro: `conditions`
//! settles its `#[cfg]`ed parameters, `attributes` collects what is written on
//! it, `options` and `schedules` read that, `model` reads the function,
//! `rules` checks one against the other, `expansion` writes the code.
//! `complaints` gathers what is wrong on the way, so that everything is said
//! at once; the function is emitted in any case.
#![forbid(unsafe_code)]

mod attributes;
mod commands;
mod complaints;
mod conditions;
mod expansion;
mod model;
mod options;
mod rules;
#[allow(dead_code, unused_imports, reason = "the runtime crate uses all of this module; the macros only its checker")]
mod schedule;
mod schedules;
mod spelling;
mod table;
mod values;

use proc_macro::TokenStream;

use attributes::Face;

/// Makes a function a durable job; documented as `plain_worker::job`.
#[proc_macro_attribute]
pub fn job(options: TokenStream, item: TokenStream) -> TokenStream {
    expansion::expand(Face::Job, options.into(), item.into()).into()
}

/// Runs a job by a cron expression; documented as `plain_worker::scheduled`.
#[proc_macro_attribute]
pub fn scheduled(options: TokenStream, item: TokenStream) -> TokenStream {
    expansion::expand(Face::Scheduled, options.into(), item.into()).into()
}

/// Runs a command of the operating system by a cron expression; documented as
/// `plain_worker::scheduled_command`.
#[proc_macro]
pub fn scheduled_command(input: TokenStream) -> TokenStream {
    commands::expand(input.into()).into()
}
