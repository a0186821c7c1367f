//! The brace struct of the function's name, and what can be done with it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::Job;
use crate::model::{Parameter, Stored};
use crate::spelling;

/// The struct: the stored arguments as public fields, written and read by serde.
pub fn expand(job: &Job<'_>) -> TokenStream {
    let Job { private, private_text, .. } = job;
    let (ident, vis) = (&job.model.ident, &job.function.vis);
    let fields = job.model.stored().map(|(parameter, stored)| expand_field(parameter, stored));
    let (docs, conditions, deprecated) = (docs(job), job.conditions(), deprecated(job));
    let strict = (!job.options.allow_unknown).then(|| quote!(#[serde(deny_unknown_fields)]));
    let serde = format!("{private_text}::serde");
    let bound = serde_bound(job);
    quote! {
        #docs
        #(#conditions)*
        #deprecated
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde, bound = #bound)]
        #strict
        #[allow(
            non_camel_case_types, dead_code, deprecated, unreachable_pub, private_interfaces, trivial_bounds,
            clippy::pedantic, clippy::nursery,
            reason = "generated code"
        )]
        #vis struct #ident {
            #(#fields,)*
        }
    }
}

fn expand_field(parameter: &Parameter, stored: &Stored) -> TokenStream {
    let Parameter { ident, ty, .. } = parameter;
    let serde = &stored.serde;
    let docs = &stored.docs;
    let named = stored.docs.is_empty().then(|| {
        let text = format!("The argument `{}`.", parameter.name());
        quote!(#[doc = #text])
    });
    quote!(#(#docs)* #named #(#serde)* pub #ident: #ty)
}

/// Takes the serde impls on trust where the arguments' types say for themselves how they are stored.
///
/// Else a type without them is an error in each of the many places where the
/// derived code uses it. The one place where it is asked for is the registration.
fn serde_bound(job: &Job<'_>) -> String {
    let bounds = asked(job).map(|parameter| {
        let ty = &parameter.ty;
        format!("for<'__any> {}: {}::StoredArgument", quote!(#ty), job.private_text)
    });
    // What comes out of a `macro_rules` cannot be written as text.
    bounds.filter(|bound| !bound.contains('$')).collect::<Vec<_>>().join(", ")
}

/// The arguments whose types must be fit to be stored by themselves.
pub fn asked<'j>(job: &'j Job<'_>) -> impl Iterator<Item = &'j Parameter> {
    job.model.stored().filter(|(_, stored)| !stored.by_other_means).map(|(parameter, _)| parameter)
}

/// The bounds of the impls that hold where the arguments are fit to be stored.
pub fn stored_bounds(job: &Job<'_>) -> TokenStream {
    let private = &job.private;
    let types = asked(job).map(|parameter| &parameter.ty);
    quote!(where #(for<'__any> #types: #private::StoredArgument,)*)
}

/// The function's documentation, or a sentence in its place.
fn docs(job: &Job<'_>) -> TokenStream {
    let docs: Vec<_> = job.function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).collect();
    if docs.is_empty() {
        let text = format!("The arguments of the job `{}`.", spelling::plain(&job.model.ident));
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    }
}

fn deprecated(job: &Job<'_>) -> TokenStream {
    job.function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("deprecated"))
        .map(|attribute| quote!(#attribute))
        .collect()
}

/// `enqueue` and its kin, `handle`, and the look-ups.
pub fn expand_methods(job: &Job<'_>) -> TokenStream {
    let private = &job.private;
    let ident = &job.model.ident;
    let names: Vec<_> = job.model.stored().map(|(parameter, _)| &parameter.ident).collect();
    let types = job.model.stored().map(|(parameter, _)| &parameter.ty);
    let docs: Vec<_> = job.function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).collect();
    let bounds = stored_bounds(job);
    quote! {
        #[allow(
            dead_code, unreachable_pub, private_interfaces, clippy::too_many_arguments, clippy::needless_arbitrary_self_type,
            reason = "generated code"
        )]
        impl #ident #bounds {
            /// Enqueues the job with these arguments; the builder is awaited.
            ///
            #(#docs)*
            #[track_caller]
            pub fn enqueue(#(#names: #types),*) -> #private::Enqueue<'static, Self> {
                #private::Enqueue::new(Self { #(#names),* })
            }

            /// Enqueues the job with these arguments; the builder is awaited.
            #[track_caller]
            pub fn run_in_worker(self) -> #private::Enqueue<'static, Self> {
                #private::Enqueue::new(self)
            }

            /// Enqueues many at once, all or none; the builder is awaited.
            #[track_caller]
            pub fn enqueue_all<__Jobs>(jobs: __Jobs) -> #private::BulkEnqueue<'static>
            where
                __Jobs: #private::core::iter::IntoIterator<Item = Self>,
                __Jobs::IntoIter: #private::core::marker::Send + 'static,
            {
                #private::BulkEnqueue::new(jobs)
            }

            /// The handle of a job of this name that was enqueued elsewhere or earlier.
            #[must_use]
            pub fn handle(id: #private::JobId) -> #private::Handle<Self> {
                #private::Handle::of_id(id)
            }

            /// The jobs of this name that wait: count them, or list them with their arguments.
            pub fn waiting() -> #private::Lookup<Self> {
                #private::Lookup::waiting()
            }

            /// The jobs of this name that run at this moment.
            pub fn running() -> #private::Lookup<Self> {
                #private::Lookup::running()
            }

            /// The jobs of this name that have ended for good.
            pub fn results() -> #private::Lookup<Self> {
                #private::Lookup::results()
            }
        }
    }
}

/// `Clone`, `Debug` and `PartialEq`, where the arguments have them.
pub fn expand_comforts(job: &Job<'_>) -> TokenStream {
    let private = &job.private;
    let ident = &job.model.ident;
    let name = spelling::plain(ident);
    let stored: Vec<_> = job.model.stored().collect();
    let fields: Vec<_> = stored.iter().map(|(parameter, _)| &parameter.ident).collect();
    let types: Vec<_> = stored.iter().map(|(parameter, _)| &parameter.ty).collect();
    let shown = stored.iter().filter(|(_, stored)| !stored.redacted).map(|(parameter, _)| &parameter.ty);
    let debug_fields = stored.iter().map(|(parameter, stored)| {
        let (field, name) = (&parameter.ident, parameter.name());
        if stored.redacted {
            quote!(.field(#name, &#private::core::format_args!("(redacted)")))
        } else {
            quote!(.field(#name, &self.#field))
        }
    });
    let other = if fields.is_empty() { format_ident!("_other") } else { format_ident!("other") };
    let clones = types
        .iter()
        .zip(&fields)
        .map(|(ty, field)| quote_spanned!(ty.span() => #field: #private::core::clone::Clone::clone(&self.#field)));
    quote! {
        #[automatically_derived]
        impl #private::core::clone::Clone for #ident
        where #(for<'__any> #types: #private::core::clone::Clone,)*
        {
            fn clone(&self) -> Self {
                Self { #(#clones),* }
            }
        }

        #[automatically_derived]
        impl #private::core::fmt::Debug for #ident
        where #(for<'__any> #shown: #private::core::fmt::Debug,)*
        {
            fn fmt(&self, formatter: &mut #private::core::fmt::Formatter<'_>) -> #private::core::fmt::Result {
                formatter.debug_struct(#name) #(#debug_fields)* .finish()
            }
        }

        #[automatically_derived]
        impl #private::core::cmp::PartialEq for #ident
        where #(for<'__any> #types: #private::core::cmp::PartialEq,)*
        {
            fn eq(&self, #other: &Self) -> bool {
                true #(&& self.#fields == other.#fields)*
            }
        }
    }
}
