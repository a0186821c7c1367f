//! From stored arguments to the end of the function.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Job, located, twin};
use crate::model::{Kind, Returned};

/// The functions that the definition points at: what is injected, and the start of a run.
pub fn expand(job: &Job<'_>) -> TokenStream {
    let private = &job.private;
    let ident = &job.model.ident;
    let injections = job.model.injected().enumerate().map(|(nth, parameter)| {
        let (name, ty) = (injection(nth), &parameter.ty);
        let private = job.private_at(located(ty.span()));
        // One function for each, so that a type that cannot be injected is one error.
        quote_spanned! {located(ty.span())=>
            fn #name() -> #private::Injection<#ty> {
                #[allow(unused_imports, reason = "each type needs one of them")]
                use #private::{ByInject as _, ByState as _};
                (&#private::Injector::<#ty>::new()).injection()
            }
        }
    });
    let injected = job.model.injected().enumerate().map(|(nth, _)| {
        let (value, function) = (value(nth), injection(nth));
        quote!(let #value = #function().inject(__scope)?;)
    });
    let mut nth = 0;
    let arguments = job.model.parameters.iter().map(|parameter| match parameter.kind {
        Kind::Stored(_) => {
            let field = &parameter.ident;
            quote!(__job.#field)
        }
        Kind::Injected => {
            nth += 1;
            let value = value(nth - 1);
            quote!(#value)
        }
    });
    let call = quote!(#ident(#(#arguments),*));
    let started = if job.model.blocking {
        let end = expand_end(job, &call);
        quote!(#private::Started::Blocking(#private::std::boxed::Box::new(move || #end)))
    } else {
        let end = expand_end(job, &quote!(#call.await));
        let private = job.private_at(located(ident.span()));
        quote_spanned! {located(ident.span())=>
            #private::Started::Async(#private::std::boxed::Box::pin(async move { #end }))
        }
    };
    let scope = if job.model.injected().next().is_some() { format_ident!("__scope") } else { format_ident!("_scope") };
    let read = if job.model.stored().next().is_some() { format_ident!("__job") } else { format_ident!("_job") };
    let bounds = twin::stored_bounds(job);
    quote! {
        #(#injections)*

        fn __start(
            __text: &#private::core::primitive::str,
            #scope: &#private::Scope,
        ) -> #private::core::result::Result<#private::Started, #private::PayloadError>
        #bounds
        {
            let #read = #private::read_arguments::<#ident>(__text)?;
            #(#injected)*
            #private::core::result::Result::Ok(#started)
        }
    }
}

/// The code that makes the end of a run out of what the function returned.
fn expand_end(job: &Job<'_>, call: &TokenStream) -> TokenStream {
    let span = match &job.model.returned {
        Returned::Unit => proc_macro2::Span::call_site(),
        Returned::Output(ty) | Returned::Fallible(ty) => ty.span(),
    };
    let private = job.private_at(located(span));
    match &job.model.returned {
        Returned::Unit => quote!(#private::end_of_output(&#call)),
        // By a name of its own, which stands at the type: an output that cannot be recorded is an error there.
        Returned::Output(_) => quote_spanned! {located(span)=> {
            let __returned = #call;
            #private::end_of_output(&__returned)
        }},
        Returned::Fallible(ty) => {
            let retry_if = match &job.options.retry_if {
                Some(path) => quote!(#path),
                None => quote!(#private::always),
            };
            quote_spanned! {located(span)=>
                #private::end_of_result(<#ty as #private::Fallible>::into_result(#call), #retry_if)
            }
        }
    }
}

/// The function that says how the n-th injected parameter is made.
pub fn injection(nth: usize) -> syn::Ident {
    format_ident!("__injection_{nth}")
}

fn value(nth: usize) -> syn::Ident {
    format_ident!("__injected_{nth}")
}
