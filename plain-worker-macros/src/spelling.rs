//! How names, types and lists are shown to people.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// A name without the `r#` of a raw identifier.
pub fn plain(name: &Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

/// A type as it is usually written: `Vec<(i64, String)>`.
///
/// It is part of a job's shape (and values are part of a schedule's identity), so it must not depend on how the
/// source spaces it.
pub fn type_text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write_tokens(tokens, &mut text);
    text
}

fn write_tokens(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write_tokens(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => text.push_str(", "),
                ';' => text.push_str("; "),
                '+' => text.push_str(" + "),
                other => text.push(other),
            },
            word => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

/// `a`, `b` and `c`, each in backquotes.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A hint at the name that was meant, if one is near.
pub fn hint<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(written, known), known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).clamp(1, 2))
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_shown_the_same_however_it_is_spaced() {
        for (written, shown) in [
            ("Vec < ( i64 ,String ) >", "Vec<(i64, String)>"),
            ("[ u8;4 ]", "[u8; 4]"),
            ("Box<dyn  Send+Sync>", "Box<dyn Send + Sync>"),
            ("std :: option::Option<u8>", "std::option::Option<u8>"),
        ] {
            let tokens: TokenStream = written.parse().expect("tokens");
            assert_eq!(type_text(tokens), shown);
        }
    }

    #[test]
    fn a_hint_is_near_or_not_given() {
        assert_eq!(hint("retrys", ["retries", "retry_if"]), "; did you mean `retries`?");
        assert_eq!(hint("colour", ["retries", "name"]), "");
    }
}
