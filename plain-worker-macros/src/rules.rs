//! What must hold between the options and the function.

use std::collections::HashSet;

use crate::complaints::Complaints;
use crate::model::{Model, Returned};
use crate::options::Options;
use crate::schedules::{self, Scheduled};
use crate::{spelling, values};

/// Checks everything that needs both the function and its attributes.
pub fn check(model: &Model, options: &Options, schedules: &[Scheduled], complaints: &mut Complaints) {
    check_names(model, options, complaints);
    check_unique(model, options, complaints);
    check_retry_if(model, options, complaints);
    check_flattened(model, options, complaints);
    for scheduled in schedules {
        check_given(model, scheduled, complaints);
    }
    check_schedules_differ(schedules, complaints);
}

fn check_names(model: &Model, options: &Options, complaints: &mut Complaints) {
    let own = spelling::plain(&model.ident);
    if options.name.is_none()
        && let Some(wrong) = values::wrong_name(&own)
    {
        complaints.at(&model.ident, format!("{wrong}; give the job another one with `name = \"..\"`"));
    }
    let mut names = HashSet::from([options.name.as_ref().map_or(own, syn::LitStr::value)]);
    for alias in &options.aliases {
        if !names.insert(alias.value()) {
            complaints.at(alias, format!("the job has the name `{}` already", alias.value()));
        }
    }
}

/// Says that a name is none of the stored arguments.
fn no_argument(model: &Model, name: &proc_macro2::Ident) -> String {
    let name = spelling::plain(name);
    if model.injected().any(|parameter| parameter.name() == name) {
        return format!("`{name}` is given by the worker: only stored arguments can be named here");
    }
    let names: Vec<_> = model.stored().map(|(parameter, _)| parameter.name()).collect();
    let hint = spelling::hint(&name, names.iter().map(String::as_str));
    if names.is_empty() {
        format!("`{name}` is not an argument of this job: it has none")
    } else {
        let list = spelling::list(names.iter().map(String::as_str));
        format!("`{name}` is not an argument of this job; it has {list}{hint}")
    }
}

fn is_stored(model: &Model, name: &proc_macro2::Ident) -> bool {
    let name = spelling::plain(name);
    model.stored().any(|(parameter, _)| parameter.name() == name)
}

fn check_unique(model: &Model, options: &Options, complaints: &mut Complaints) {
    if let (Some(until), None) = (&options.until, &options.unique) {
        complaints.at(&until.key, "`until` says how long a unique key is held: it needs `unique` beside it");
    }
    let mut seen = HashSet::new();
    for name in options.unique.iter().flat_map(|unique| &unique.arguments) {
        if !is_stored(model, name) {
            complaints.at(name, no_argument(model, name));
        } else if !seen.insert(spelling::plain(name)) {
            complaints.at(name, format!("`{name}` is given twice"));
        }
    }
}

fn check_retry_if(model: &Model, options: &Options, complaints: &mut Complaints) {
    if let (Some(path), Returned::Unit | Returned::Output(_)) = (&options.retry_if, &model.returned) {
        complaints.at(path, "`retry_if` decides by the error, but this function returns no `Result`");
    }
}

fn check_flattened(model: &Model, options: &Options, complaints: &mut Complaints) {
    if options.allow_unknown {
        return;
    }
    for attribute in model.stored().filter_map(|(_, stored)| stored.flattened.as_ref()) {
        complaints.at(attribute, "`flatten` takes what no other argument does: it needs `#[job(allow_unknown)]`");
    }
}

/// The arguments that a schedule gives: known ones, once each, and all that have no default.
fn check_given(model: &Model, scheduled: &Scheduled, complaints: &mut Complaints) {
    let mut given = HashSet::new();
    for argument in &scheduled.options.arguments {
        if !is_stored(model, &argument.name) {
            complaints.at(&argument.name, no_argument(model, &argument.name));
        } else if !given.insert(spelling::plain(&argument.name)) {
            complaints.at(&argument.name, format!("`{}` is given twice", argument.name));
        }
    }
    let left_out: Vec<_> = model
        .stored()
        .filter(|(parameter, stored)| !stored.defaulted && !given.contains(&parameter.name()))
        .map(|(parameter, _)| parameter.name())
        .collect();
    let Some(first) = left_out.first() else { return };
    let list = spelling::list(left_out.iter().map(String::as_str));
    complaints.at(
        &scheduled.literal,
        format!("this schedule gives no {list}: write `args({first} = ..)`, or `#[serde(default)]` on the argument"),
    );
}

/// Two schedules of one job are told apart by their names, else by what they say.
fn check_schedules_differ(schedules: &[Scheduled], complaints: &mut Complaints) {
    let mut seen = HashSet::new();
    for scheduled in schedules {
        let options = &scheduled.options;
        if let Some(name) = &options.name {
            if !seen.insert((name.value(), String::new(), String::new())) {
                complaints.at(name, format!("another schedule of this job has the name `{}`", name.value()));
            }
            continue;
        }
        let zone = options.zone.as_ref().map_or_else(String::new, syn::LitStr::value);
        let arguments = schedules::canonical(&options.arguments);
        if !seen.insert((scheduled.expression.clone(), zone, arguments)) {
            complaints.at(&scheduled.literal, "this schedule is on the job already; give one of them `name = \"..\"`");
        }
    }
}
