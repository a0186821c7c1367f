//! The `Job` impl, its definition, and its registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Job, located, run, timetable, twin};
use crate::model::{Parameter, Returned, Stored};
use crate::options::OnLost;
use crate::spelling;

pub fn expand(job: &Job<'_>) -> TokenStream {
    let private = &job.private;
    let ident = &job.model.ident;
    let bounds = twin::stored_bounds(job);
    let (output, guard) = expand_output(job);
    let name = job.options.name.as_ref().map_or_else(|| spelling::plain(ident), syn::LitStr::value);
    let arguments = job.model.stored().map(|(parameter, stored)| expand_argument(job, parameter, stored));
    let injected = job.model.injected().enumerate().map(|(nth, parameter)| {
        let (name, function) = (parameter.name(), run::injection(nth));
        let ty = &parameter.ty;
        let text = spelling::type_text(quote!(#ty));
        quote!(#private::Injected::new(#name, #text, |__states| #function().check(__states)))
    });
    let aliases = &job.options.aliases;
    let (doc, blocking) = (doc_text(job), job.model.blocking);
    let options = expand_options(job);
    let schedules = timetable::expand(job);
    // The function's own line, not that of the attribute.
    let place = job.private_at(ident.span());
    let line = quote_spanned!(ident.span()=> #place::core::line!());
    let registered = twin::asked(job).fold(quote!(#ident), |registered, parameter| {
        let ty = &parameter.ty;
        let private = job.private_at(located(ty.span()));
        quote_spanned!(located(ty.span())=> <#ty as #private::StoredArgument>::Then<#registered>)
    });
    quote! {
        #guard

        const __ARGUMENTS: &[#private::Argument] = &[#(#arguments),*];
        const __INJECTED: &[#private::Injected] = &[#(#injected),*];
        const __SCHEDULES: &[#private::ScheduleDef] = &[#(#schedules),*];

        impl #private::Job for #ident #bounds {
            type Output = #output;

            const DEFINITION: &'static #private::JobDef = &{
                let mut definition = #private::JobDef::new(#name, #private::check_arguments::<#ident>, __start);
                definition.aliases = &[#(#aliases),*];
                definition.file = #private::core::file!();
                definition.line = #line;
                definition.doc = #doc;
                definition.arguments = __ARGUMENTS;
                definition.injected = __INJECTED;
                definition.blocking = #blocking;
                #options
                definition.schedules = __SCHEDULES;
                definition
            };
        }

        #private::inventory::submit! {
            #private::Registration::of::<#registered>()
        }
    }
}

/// The output's type, and what refuses a `Result` under another name.
fn expand_output(job: &Job<'_>) -> (TokenStream, TokenStream) {
    let private = &job.private;
    match &job.model.returned {
        Returned::Unit => (quote!(()), TokenStream::new()),
        Returned::Fallible(ty) => (quote_spanned!(ty.span()=> <#ty as #private::Fallible>::Ok), TokenStream::new()),
        Returned::Output(ty) => {
            let message = format!(
                "`{}` is a `Result` under another name: its errors would be recorded as output; \
                 name it `Result` in the return type",
                spelling::type_text(quote!(#ty))
            );
            let private = job.private_at(located(ty.span()));
            let guard = quote_spanned! {located(ty.span())=>
                const _: () = {
                    use #private::NotResult as _;
                    #private::core::assert!(!#private::Probe::<#ty>::IS_RESULT, #message);
                };
            };
            (quote!(#ty), guard)
        }
    }
}

fn expand_argument(job: &Job<'_>, parameter: &Parameter, stored: &Stored) -> TokenStream {
    let private = &job.private;
    let (name, ty, redacted) = (parameter.name(), &parameter.ty, stored.redacted);
    let text = spelling::type_text(quote!(#ty));
    let optional = if stored.defaulted {
        quote!(true)
    } else if stored.by_other_means {
        // `with = ".."` takes from an `Option` that it may be missing.
        quote!(false)
    } else {
        quote!({
            use #private::NotOption as _;
            #private::Probe::<#ty>::IS_OPTION
        })
    };
    quote!(#private::Argument::new(#name, #text, #optional, #redacted))
}

/// The doc comment as text, without the space that stands before each line.
fn doc_text(job: &Job<'_>) -> String {
    let lines = job.function.attrs.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
            ..
        }) if path.is_ident("doc") => {
            let line = text.value();
            Some(line.strip_prefix(' ').unwrap_or(&line).to_owned())
        }
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// One assignment for each option that is written.
fn expand_options(job: &Job<'_>) -> TokenStream {
    let (private, options) = (&job.private, job.options);
    let mut code = TokenStream::new();
    let mut set = |field: &str, value: TokenStream| {
        let field = proc_macro2::Ident::new(field, proc_macro2::Span::call_site());
        code.extend(quote!(definition.options.#field = #value;));
    };
    let some = |value: TokenStream| quote!(#private::core::option::Option::Some(#value));
    if let Some(queue) = &options.queue {
        set("queue", quote!(#queue));
    }
    if let Some(priority) = options.priority {
        set("priority", quote!(#priority));
    }
    if let Some(retries) = options.retries {
        set("retries", quote!(#retries));
    }
    if let Some(backoff) = &options.backoff {
        set("backoff", backoff.to_tokens(private));
    }
    if let Some(timeout) = options.timeout {
        set("timeout", some(crate::values::duration_tokens(timeout, private)));
    }
    if let Some(span) = options.expires_in {
        set("expires_in", some(crate::values::duration_tokens(span, private)));
    }
    if options.unique.is_some() {
        set("unique", some(expand_unique(job)));
    }
    match options.on_lost {
        Some(OnLost::Retry) => set("on_lost", quote!(#private::OnLost::Retry)),
        Some(OnLost::Fail) => set("on_lost", quote!(#private::OnLost::Fail)),
        None => {}
    }
    if options.allow_unknown {
        set("allow_unknown", quote!(true));
    }
    code
}

/// The arguments of the key by their names in the stored JSON.
fn expand_unique(job: &Job<'_>) -> TokenStream {
    let (private, options) = (&job.private, job.options);
    let named = options.unique.iter().flat_map(|unique| &unique.arguments).filter_map(|name| {
        let name = spelling::plain(name);
        job.model.stored().find(|(parameter, _)| parameter.name() == name).map(|(parameter, _)| parameter.stored_name())
    });
    let until = match &options.until {
        Some(until) if until.at_start => quote!(Start),
        Some(_) | None => quote!(End),
    };
    quote!(#private::Unique::new(&[#(#named),*], #private::UniqueUntil::#until))
}
