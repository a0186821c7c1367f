//! The code that is written beside the function.

mod definition;
mod run;
#[cfg(test)]
mod snapshots;
pub mod timetable;
mod twin;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Item, ItemFn, Path};

use crate::attributes::{self, Face, Written};
use crate::complaints::Complaints;
use crate::model::{self, Model};
use crate::options::{self, Options};
use crate::schedules::{self, Scheduled};
use crate::{conditions, rules, spelling};

/// Everything that the parts of the expansion need.
pub struct Job<'a> {
    pub function: &'a ItemFn,
    pub model: &'a Model,
    pub options: &'a Options,
    pub schedules: &'a [Scheduled],
    /// The one module that generated code names.
    pub private: TokenStream,
    /// The same as text, for serde.
    pub private_text: String,
}

impl Job<'_> {
    /// The `#[cfg]`s of the function, which its twin must share.
    pub fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// The one module, in code that is to be seen at that place.
    pub fn private_at(&self, span: Span) -> TokenStream {
        let tokens = self.private.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        tokens.collect()
    }
}

/// A place in the user's code, of which lints know that a macro wrote it.
pub fn located(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// Expands the attribute that the compiler met first; it takes the others along.
pub fn expand(face: Face, options: TokenStream, item: TokenStream) -> TokenStream {
    if attributes::is_seen(&options) {
        return TokenStream::new();
    }
    let mut function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => return refuse_item(face, item, &error),
    };
    let original = function.clone();
    let mut complaints = Complaints::default();
    let Written { job, scheduled, seen } =
        attributes::take_ours(face, options.clone(), &mut function.attrs, &mut complaints);
    let job_options = options::read(job, &mut complaints);
    let schedules: Vec<_> =
        scheduled.into_iter().filter_map(|tokens| schedules::read(tokens, &mut complaints)).collect();
    let private = private_path(&job_options, &schedules);
    if let Some(split) = conditions::split(face, &options, &private, &original) {
        return split;
    }
    let mut code = TokenStream::new();
    if let Some(model) = model::read(&mut function, &mut complaints) {
        rules::check(&model, &job_options, &schedules, &mut complaints);
        // Written in spite of complaints, so that one mistake does not make every use of the job another.
        code = expand_job(&Job {
            function: &function,
            model: &model,
            options: &job_options,
            schedules: &schedules,
            private_text: spelling::type_text(private.clone()),
            private,
        });
    }
    let complaints = complaints.into_tokens();
    quote! {
        #[allow(clippy::needless_pass_by_value, reason = "a job owns its arguments")]
        #function
        #code
        #seen
        #complaints
    }
}

/// What is not a function is left as it is.
fn refuse_item(face: Face, item: TokenStream, error: &syn::Error) -> TokenStream {
    let name = face.name();
    let message = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(_)) | Err(_) => error.clone(),
        Ok(other) => {
            let word = match &other {
                Item::Struct(item) => item.struct_token.to_token_stream(),
                Item::Enum(item) => item.enum_token.to_token_stream(),
                Item::Impl(item) => item.impl_token.to_token_stream(),
                Item::Mod(item) => item.mod_token.to_token_stream(),
                Item::Trait(item) => item.trait_token.to_token_stream(),
                other => other.to_token_stream(),
            };
            syn::Error::new_spanned(word, format!("`#[{name}]` goes on a function: `async fn` or `fn`"))
        }
    }
    .to_compile_error();
    quote!(#item #message)
}

/// `::plain_worker::__private`, or that of the crate that an option names.
fn private_path(options: &Options, schedules: &[Scheduled]) -> TokenStream {
    let named: Option<&Path> =
        options.crate_path.as_ref().or_else(|| schedules.iter().find_map(|one| one.options.crate_path.as_ref()));
    named.map_or_else(|| quote!(::plain_worker::__private), |path| quote!(#path::__private))
}

fn expand_job(job: &Job<'_>) -> TokenStream {
    let twin = twin::expand(job);
    let methods = twin::expand_methods(job);
    let comforts = twin::expand_comforts(job);
    let run = run::expand(job);
    let definition = definition::expand(job);
    let conditions = job.conditions();
    quote! {
        #twin

        #(#conditions)*
        #[allow(deprecated, trivial_bounds, clippy::pedantic, clippy::nursery, reason = "generated code")]
        const _: () = {
            #methods
            #comforts
            #run
            #definition
        };
    }
}
