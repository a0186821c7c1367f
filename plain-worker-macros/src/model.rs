//! The function as the macro sees it: its parameters, and what its return type means.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, ItemFn, Lifetime, Meta, Pat, PatType, ReturnType, Safety, Token, Type};

use crate::complaints::Complaints;
use crate::spelling;

/// A function that can be a job.
pub struct Model {
    pub ident: Ident,
    pub blocking: bool,
    /// In the order of the function's.
    pub parameters: Vec<Parameter>,
    pub returned: Returned,
}

/// One parameter, without its attributes.
pub struct Parameter {
    pub ident: Ident,
    pub ty: Type,
    pub kind: Kind,
}

/// Where the value of a parameter comes from.
#[allow(clippy::large_enum_variant, reason = "a handful of them live for a moment")]
pub enum Kind {
    /// From the stored arguments.
    Stored(Stored),
    /// From the worker: it carries `#[inject]`.
    Injected,
}

/// What is written on a stored argument.
#[derive(Default)]
pub struct Stored {
    pub docs: Vec<Attribute>,
    pub serde: Vec<Attribute>,
    pub redacted: bool,
    /// The name in the JSON, where `#[serde(rename)]` gives one.
    pub renamed: Option<String>,
    /// Whether `#[serde(default)]` fills it in.
    pub defaulted: bool,
    /// Whether serde is told to write or read it in another way than by its type's own impls.
    pub by_other_means: bool,
    /// `#[serde(flatten)]`, to point at.
    pub flattened: Option<Attribute>,
}

/// What the return type means.
pub enum Returned {
    /// No return type.
    Unit,
    /// The output itself.
    Output(Type),
    /// Its last name is `Result`.
    Fallible(Type),
}

impl Model {
    /// The arguments that are stored.
    pub fn stored(&self) -> impl Iterator<Item = (&Parameter, &Stored)> {
        self.parameters.iter().filter_map(|parameter| match &parameter.kind {
            Kind::Stored(stored) => Some((parameter, stored)),
            Kind::Injected => None,
        })
    }

    /// The parameters that the worker gives.
    pub fn injected(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| matches!(parameter.kind, Kind::Injected))
    }
}

impl Parameter {
    /// Its name without the `r#` of a raw identifier.
    pub fn name(&self) -> String {
        spelling::plain(&self.ident)
    }

    /// Its name in the stored JSON.
    pub fn stored_name(&self) -> String {
        match &self.kind {
            Kind::Stored(Stored { renamed: Some(renamed), .. }) => renamed.clone(),
            Kind::Stored(_) | Kind::Injected => self.name(),
        }
    }
}

/// Reads the function, and takes off its parameters what only the macro understands.
///
/// None when it cannot be a job at all: the complaints say why.
pub fn read(function: &mut ItemFn, complaints: &mut Complaints) -> Option<Model> {
    let mut wrong = Complaints::default();
    let parameters = function.sig.inputs.iter_mut().filter_map(|input| read_parameter(input, &mut wrong)).collect();
    check_signature(function, &mut wrong);
    let returned = read_returned(&function.sig.output, &mut wrong);
    let usable = wrong.is_empty();
    complaints.append(wrong);
    usable.then(|| Model {
        ident: function.sig.ident.clone(),
        blocking: function.sig.asyncness.is_none(),
        parameters,
        returned,
    })
}

fn check_signature(function: &ItemFn, complaints: &mut Complaints) {
    let signature = &function.sig;
    if !signature.generics.params.is_empty() {
        let message = "a job cannot be generic: its stored arguments have to be of one type";
        complaints.at(&signature.generics, message);
    }
    if let Safety::Unsafe(token) = &signature.safety {
        complaints.at(token, "a job cannot be `unsafe`: the worker that calls it knows nothing of its conditions");
    }
    if let Some(variadic) = &signature.variadic {
        complaints.at(variadic, "a job cannot have a variable number of arguments");
    }
}

fn read_parameter(input: &mut FnArg, complaints: &mut Complaints) -> Option<Parameter> {
    let typed = match input {
        FnArg::Receiver(receiver) => {
            let message = "a job is a function of its own, not a method: take what it needs from `self` as arguments";
            complaints.at(receiver, message);
            return None;
        }
        FnArg::Typed(typed) => typed,
    };
    let kind = take_attributes(typed, complaints);
    let ident = match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
        other => {
            let message =
                "an argument of a job needs a plain name, under which it is stored; take it apart in the body";
            complaints.at(other, message);
            return None;
        }
    };
    let fits = check_type(&typed.ty, matches!(kind, Kind::Injected), complaints);
    fits.then(|| Parameter { ident, ty: (*typed.ty).clone(), kind })
}

/// Takes `#[inject]`, `#[redact]`, `#[serde(..)]` and doc comments off a parameter.
fn take_attributes(typed: &mut PatType, complaints: &mut Complaints) -> Kind {
    let mut stored = Stored::default();
    let mut inject = None;
    let mut of_stored = None;
    typed.attrs.retain(|attribute| {
        let path = attribute.path();
        if path.is_ident("inject") || path.is_ident("redact") {
            if !matches!(attribute.meta, Meta::Path(_)) {
                complaints.at(attribute, "this attribute takes no options");
            }
            if path.is_ident("inject") {
                inject = Some(attribute.clone());
            } else {
                stored.redacted = true;
                of_stored = Some(attribute.clone());
            }
        } else if path.is_ident("serde") {
            read_serde(attribute, &mut stored);
            stored.serde.push(attribute.clone());
            of_stored = Some(attribute.clone());
        } else if path.is_ident("doc") {
            stored.docs.push(attribute.clone());
        } else {
            return true;
        }
        false
    });
    if inject.is_none() {
        return Kind::Stored(stored);
    }
    if let Some(attribute) = of_stored {
        complaints.at(attribute, "a parameter with `#[inject]` is not stored: this attribute means nothing here");
    }
    Kind::Injected
}

/// Notes what matters to us in a `#[serde(..)]`; what is wrong in it, serde says itself.
fn read_serde(attribute: &Attribute, stored: &mut Stored) {
    let Ok(metas) = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else { return };
    for meta in metas {
        let Some(key) = meta.path().get_ident().map(ToString::to_string) else { continue };
        match key.as_str() {
            "default" => stored.defaulted = true,
            "rename" => stored.renamed = renamed(&meta),
            "alias" | "skip_serializing_if" => {}
            "flatten" => {
                stored.flattened = Some(attribute.clone());
                stored.by_other_means = true;
            }
            "skip" | "skip_deserializing" => {
                stored.defaulted = true;
                stored.by_other_means = true;
            }
            _ => stored.by_other_means = true,
        }
    }
}

/// The name that serde writes: `rename = ".."` or `rename(serialize = "..")`.
fn renamed(meta: &Meta) -> Option<String> {
    let text = |value: &syn::Expr| match value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    };
    match meta {
        Meta::NameValue(pair) => text(&pair.value),
        Meta::List(list) => {
            let pairs = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            pairs.iter().find_map(|pair| match pair {
                Meta::NameValue(pair) if pair.path.is_ident("serialize") => text(&pair.value),
                _ => None,
            })
        }
        Meta::Path(_) => None,
    }
}

/// Refuses types that no stored or injected value can have.
fn check_type(ty: &Type, injected: bool, complaints: &mut Complaints) -> bool {
    let mut borrowed = Borrowed::default();
    borrowed.visit_type(ty);
    if let Some(impl_trait) = borrowed.impl_trait {
        complaints.at(impl_trait, "a job cannot be generic: name the type of this argument");
        return false;
    }
    let Some(reference) = borrowed.reference else { return true };
    let message = match (injected, owned(ty)) {
        (true, _) => {
            "what the worker gives is given by value: take an `Arc<..>` or another type that is cheap to clone"
                .to_owned()
        }
        (false, Some(owned)) => format!("an argument of a job is stored, so it cannot be borrowed: take `{owned}`"),
        (false, None) => {
            "an argument of a job is stored, so it cannot be borrowed: take a type that owns its data".to_owned()
        }
    };
    complaints.at(reference, message);
    false
}

/// The owned type that is meant by a borrowed one.
fn owned(ty: &Type) -> Option<String> {
    let Type::Reference(reference) = ty else { return None };
    match &*reference.elem {
        Type::Path(path) if path.path.is_ident("str") => Some("String".to_owned()),
        Type::Slice(slice) => {
            let item = &slice.elem;
            Some(format!("Vec<{}>", spelling::type_text(quote::quote!(#item))))
        }
        Type::Path(path) => Some(spelling::type_text(quote::quote!(#path))),
        _ => None,
    }
}

/// Finds what makes a type borrowed or generic.
#[derive(Default)]
struct Borrowed<'t> {
    reference: Option<TokenStream>,
    impl_trait: Option<&'t syn::TypeImplTrait>,
}

impl<'t> Visit<'t> for Borrowed<'t> {
    fn visit_type_reference(&mut self, reference: &'t syn::TypeReference) {
        self.reference.get_or_insert_with(|| reference.to_token_stream());
    }

    fn visit_lifetime(&mut self, lifetime: &'t Lifetime) {
        if lifetime.ident != "static" {
            self.reference.get_or_insert_with(|| lifetime.to_token_stream());
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'t syn::TypeImplTrait) {
        self.impl_trait.get_or_insert(ty);
        visit::visit_type_impl_trait(self, ty);
    }
}

fn read_returned(output: &ReturnType, complaints: &mut Complaints) -> Returned {
    let ReturnType::Type(_, ty) = output else { return Returned::Unit };
    let mut found = Borrowed::default();
    found.visit_type(ty);
    if let Some(impl_trait) = found.impl_trait {
        complaints.at(impl_trait, "the output of a job is recorded: name its type");
    } else if let Type::Never(never) = &**ty {
        complaints.at(never, "a job has to end: it cannot return `!`");
    }
    match without_groups(ty) {
        // By name, because a type's traits are not known here; the expansion checks both answers.
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result") => {
            Returned::Fallible((**ty).clone())
        }
        other => Returned::Output(other.clone()),
    }
}

fn without_groups(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => without_groups(&group.elem),
        Type::Paren(paren) => without_groups(&paren.elem),
        other => other,
    }
}
