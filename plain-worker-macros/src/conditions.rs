//! Parameters that exist, or carry something, only under a `#[cfg]`.
//!
//! A call cannot leave out an argument by `#[cfg]`, and a macro cannot ask what
//! is configured. So the function is written out twice, with and without what
//! the condition guards, each under the condition; the compiler drops one and
//! expands the other, which is one condition nearer to having none.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, ItemFn, Meta, Token};

use crate::attributes::{Face, is_ours};

/// The two forms of a function with a condition in its parameters or on one of our attributes.
pub fn split(face: Face, options: &TokenStream, private: &TokenStream, function: &ItemFn) -> Option<TokenStream> {
    let split = split_attributes(function).or_else(|| split_parameters(function))?;
    let Split { condition, with, without } = split;
    let attribute = match face {
        Face::Job => quote!(#private::job),
        Face::Scheduled => quote!(#private::scheduled),
    };
    Some(quote! {
        #[cfg(#condition)]
        #[#attribute(#options)]
        #with
        #[cfg(not(#condition))]
        #[#attribute(#options)]
        #without
    })
}

struct Split {
    condition: TokenStream,
    with: ItemFn,
    without: ItemFn,
}

/// `#[cfg_attr(.., scheduled(..))]` on the function.
fn split_attributes(function: &ItemFn) -> Option<Split> {
    for (at, attribute) in function.attrs.iter().enumerate() {
        let Some(Guarded { condition, attributes }) = guarded_attributes(attribute) else { continue };
        if !attributes.iter().any(|meta| is_ours(meta.path())) {
            continue;
        }
        let (mut with, mut without) = (function.clone(), function.clone());
        replace(&mut with.attrs, at, attributes);
        without.attrs.remove(at);
        return Some(Split { condition, with, without });
    }
    None
}

fn split_parameters(function: &ItemFn) -> Option<Split> {
    for (nth, parameter) in function.sig.inputs.iter().enumerate() {
        for (at, attribute) in attributes_of(parameter).iter().enumerate() {
            let (mut with, mut without) = (function.clone(), function.clone());
            if let Some(condition) = condition_of(attribute) {
                if let Some(parameter) = with.sig.inputs.iter_mut().nth(nth) {
                    attributes_of_mut(parameter).remove(at);
                }
                let others = function.sig.inputs.iter().enumerate().filter(|(other, _)| *other != nth);
                without.sig.inputs = others.map(|(_, parameter)| parameter.clone()).collect();
                return Some(Split { condition, with, without });
            }
            if let Some(Guarded { condition, attributes }) = guarded_attributes(attribute) {
                if let Some(parameter) = with.sig.inputs.iter_mut().nth(nth) {
                    replace(attributes_of_mut(parameter), at, attributes);
                }
                if let Some(parameter) = without.sig.inputs.iter_mut().nth(nth) {
                    attributes_of_mut(parameter).remove(at);
                }
                return Some(Split { condition, with, without });
            }
        }
    }
    None
}

fn attributes_of(parameter: &FnArg) -> &[Attribute] {
    match parameter {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    }
}

fn attributes_of_mut(parameter: &mut FnArg) -> &mut Vec<Attribute> {
    match parameter {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    }
}

fn condition_of(attribute: &Attribute) -> Option<TokenStream> {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.clone()),
        _ => None,
    }
}

/// What a `cfg_attr` holds.
struct Guarded {
    condition: TokenStream,
    attributes: Vec<Meta>,
}

fn guarded_attributes(attribute: &Attribute) -> Option<Guarded> {
    let Meta::List(list) = &attribute.meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let read = |input: ParseStream<'_>| {
        let mut condition = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![,]) {
            condition.extend([input.parse::<proc_macro2::TokenTree>()?]);
        }
        input.parse::<Token![,]>()?;
        let attributes = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
        Ok(Guarded { condition, attributes: attributes.into_iter().collect() })
    };
    // One that cannot be read stays, for the compiler to say what is wrong with it.
    read.parse2(list.tokens.clone()).ok()
}

fn replace(attributes: &mut Vec<Attribute>, at: usize, by: Vec<Meta>) {
    let old = attributes.remove(at);
    for (offset, meta) in by.into_iter().enumerate() {
        attributes.insert(at + offset, Attribute { meta, ..old.clone() });
    }
}
