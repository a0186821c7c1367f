//! The schedules of a job, and the arguments that they give.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, ExprLit, Lit};

use super::{Job, located};
use crate::schedules::{self, Given, ScheduleOptions, Scheduled};
use crate::{spelling, values};

/// One `ScheduleDef` for each.
pub fn expand<'j>(job: &'j Job<'_>) -> impl Iterator<Item = TokenStream> + 'j {
    job.schedules.iter().map(|scheduled| expand_one(job, scheduled))
}

fn expand_one(job: &Job<'_>, scheduled: &Scheduled) -> TokenStream {
    let private = &job.private;
    let (expression, options) = (&scheduled.expression, &scheduled.options);
    let arguments = expand_arguments(job, &options.arguments);
    let sets = expand_settings(options, private);
    quote! {{
        #[allow(unused_mut, reason = "nothing may be set")]
        let mut schedule = #private::ScheduleDef::new(#expression, || #arguments);
        #sets
        schedule
    }}
}

/// One assignment to `schedule` for each option that is written.
pub fn expand_settings(options: &ScheduleOptions, private: &TokenStream) -> TokenStream {
    let some = |value: TokenStream| quote!(#private::core::option::Option::Some(#value));
    let mut sets = TokenStream::new();
    let texts = [
        ("name", options.name.as_ref().map(syn::LitStr::value)),
        ("zone", options.zone.as_ref().map(syn::LitStr::value)),
        ("catch_up", options.catch_up.map(str::to_owned)),
        ("overlap", options.overlap.map(str::to_owned)),
    ];
    for (field, value) in texts {
        if let Some(value) = value {
            let field = proc_macro2::Ident::new(field, proc_macro2::Span::call_site());
            let value = some(quote!(#value));
            sets.extend(quote!(schedule.#field = #value;));
        }
    }
    if let Some(window) = options.window {
        let window = some(values::duration_tokens(window, private));
        sets.extend(quote!(schedule.window = #window;));
    }
    if !options.arguments.is_empty() {
        let given = schedules::canonical(&options.arguments);
        sets.extend(quote!(schedule.given = #given;));
    }
    sets
}

/// The JSON of the given arguments, by a struct that is stored like the job's own.
///
/// Its fields are typed as the arguments are, so a wrong value is an error at
/// the value, and renamed or specially written arguments are so here as well.
fn expand_arguments(job: &Job<'_>, given: &[Given]) -> TokenStream {
    let private = &job.private;
    let serde = format!("{}::serde", job.private_text);
    let mut fields = Vec::new();
    let mut values = Vec::new();
    let mut seen = HashSet::new();
    for Given { name, value } in given {
        let plain = spelling::plain(name);
        // Complained of already: one that is given twice, and one that names no argument.
        if !seen.insert(plain.clone()) {
            continue;
        }
        let Some((parameter, stored)) = job.model.stored().find(|(parameter, _)| parameter.name() == plain) else {
            continue;
        };
        let (ident, ty, attributes) = (&parameter.ident, &parameter.ty, &stored.serde);
        fields.push(quote!(#(#attributes)* #ident: #ty));
        let value = match value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                let private = job.private_at(located(text.span()));
                quote_spanned!(located(text.span())=> #private::core::convert::Into::into(#text))
            }
            other => quote!(#other),
        };
        values.push(quote!(#ident: #value));
    }
    quote! {{
        #[derive(#private::serde::Serialize)]
        #[serde(crate = #serde)]
        #[allow(clippy::pedantic, reason = "generated code")]
        struct __Slot { #(#fields),* }
        #private::slot_arguments(&__Slot { #(#values),* })
    }}
}
