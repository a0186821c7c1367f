//! Lists of options, read by a table of the keys that there are.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, Result, Token, parenthesized};

use crate::complaints::Complaints;
use crate::spelling;

/// One option as it is written.
pub struct Entry {
    pub key: Ident,
    pub form: Form,
}

/// What follows the key of an option.
pub enum Form {
    /// `unique`
    Bare,
    /// `retries = 3`
    Value(Expr),
    /// `aliases("a", "b")`
    List(TokenStream),
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let form = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Form::Value(input.parse()?)
        } else if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            Form::List(list.parse()?)
        } else {
            Form::Bare
        };
        Ok(Self { key, form })
    }
}

impl Entry {
    /// The value of an option that has one.
    pub fn value(&self, example: &str) -> Result<&Expr> {
        match &self.form {
            Form::Value(value) => Ok(value),
            Form::Bare | Form::List(_) => {
                Err(Error::new_spanned(&self.key, format!("`{}` takes a value, as in `{example}`", self.key)))
            }
        }
    }

    /// The items of an option that has a list of them.
    pub fn list<T: Parse>(&self, example: &str) -> Result<Vec<T>> {
        match &self.form {
            Form::List(tokens) => {
                let items = syn::parse::Parser::parse2(Punctuated::<T, Token![,]>::parse_terminated, tokens.clone())?;
                if items.is_empty() {
                    return Err(Error::new_spanned(
                        &self.key,
                        format!("`{}()` names nothing: write `{example}`", self.key),
                    ));
                }
                Ok(items.into_iter().collect())
            }
            Form::Bare | Form::Value(_) => {
                Err(Error::new_spanned(&self.key, format!("`{}` takes a list, as in `{example}`", self.key)))
            }
        }
    }

    /// Refuses a value or a list.
    pub fn bare(&self) -> Result<()> {
        match &self.form {
            Form::Bare => Ok(()),
            Form::Value(_) | Form::List(_) => {
                Err(Error::new_spanned(&self.key, format!("`{}` takes no value: write it alone", self.key)))
            }
        }
    }
}

/// An option that there is: its key, and how its value is read.
pub struct Key<T> {
    pub name: &'static str,
    pub read: fn(&mut T, &Entry) -> Result<()>,
}

/// Reads one option that the table has.
pub fn read_one<T>(table: &[Key<T>], into: &mut T, entry: &Entry) -> Result<()> {
    let written = spelling::plain(&entry.key);
    match table.iter().find(|key| written == key.name) {
        Some(key) => (key.read)(into, entry),
        None => Err(Error::new_spanned(&entry.key, format!("`{written}` is not an option"))),
    }
}

/// Reads options by the table; what is wrong with one does not hide the others.
pub fn read<T>(
    of: &str,
    table: &[Key<T>],
    entries: &Punctuated<Entry, Token![,]>,
    into: &mut T,
    complaints: &mut Complaints,
) {
    let mut seen: Vec<&str> = Vec::new();
    for entry in entries {
        let written = spelling::plain(&entry.key);
        let Some(key) = table.iter().find(|key| written == key.name) else {
            let names = || table.iter().map(|key| key.name);
            let hint = spelling::hint(&written, names());
            let list = spelling::list(names());
            complaints.at(&entry.key, format!("`{written}` is not an option of `{of}`; valid are {list}{hint}"));
            continue;
        };
        if seen.contains(&key.name) {
            complaints.at(&entry.key, format!("`{written}` is given twice"));
            continue;
        }
        seen.push(key.name);
        complaints.take((key.read)(into, entry));
    }
}
