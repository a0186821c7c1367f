//! What is written on a function: its `#[job]`, its `#[scheduled]`s, and all the rest.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta, Path};

use crate::complaints::Complaints;

/// Which of the two attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Job,
    Scheduled,
}

/// The word in an attribute that asks for nothing but that its name be resolved.
///
/// Whichever attribute comes first on a function takes the others off it. An
/// `use plain_worker::scheduled;` would then be unused, so each is put, with
/// this word, on something empty.
const SEEN: &str = "__seen";

impl Face {
    /// The face of an attribute, by the last name of its path: nothing else is known of it here.
    fn of(path: &Path) -> Option<Self> {
        let last = &path.segments.last()?.ident;
        if last == "job" {
            Some(Self::Job)
        } else if last == "scheduled" {
            Some(Self::Scheduled)
        } else {
            None
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Scheduled => "scheduled",
        }
    }
}

/// Whether these are the options of an attribute that was put on something empty.
pub fn is_seen(options: &TokenStream) -> bool {
    options.to_string() == SEEN
}

/// Whether an attribute is one of ours.
pub fn is_ours(path: &Path) -> bool {
    Face::of(path).is_some()
}

/// The options of all our attributes on one function.
pub struct Written {
    /// Those of `#[job]`; empty when there is only `#[scheduled]`.
    pub job: TokenStream,
    /// Those of each `#[scheduled]`, from the top.
    pub scheduled: Vec<TokenStream>,
    /// The attributes that were taken off, on something empty.
    pub seen: TokenStream,
}

/// Takes our attributes off a function; `first` is the one that is being expanded.
pub fn take_ours(
    first: Face,
    options: TokenStream,
    attributes: &mut Vec<Attribute>,
    complaints: &mut Complaints,
) -> Written {
    let mut jobs = Vec::new();
    let mut scheduled = Vec::new();
    match first {
        Face::Job => jobs.push(options),
        Face::Scheduled => scheduled.push(options),
    }
    let mut seen = TokenStream::new();
    attributes.retain(|attribute| {
        let Some(face) = Face::of(attribute.path()) else { return true };
        let options = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                let name = face.name();
                complaints.at(attribute, format!("write the options in parentheses: `#[{name}(..)]`"));
                TokenStream::new()
            }
        };
        match face {
            Face::Job if !jobs.is_empty() => complaints.at(attribute, "`#[job]` is given twice"),
            Face::Job => jobs.push(options),
            Face::Scheduled => scheduled.push(options),
        }
        let path = attribute.path();
        let word = proc_macro2::Ident::new(SEEN, proc_macro2::Span::call_site());
        seen.extend(quote!(#[#path(#word)] const _: () = ();));
        false
    });
    Written { job: jobs.into_iter().next().unwrap_or_default(), scheduled, seen }
}
