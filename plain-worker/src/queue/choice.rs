//! Which database is used, and who said so.

use std::fmt;

/// The embedded database, in the working directory.
const DEFAULT_FILE: &str = "plain-worker.db";

/// Who named the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The caller, or a flag of the command line.
    Given,
    /// An environment variable.
    Variable(&'static str),
    /// Nobody: the embedded file of debug builds.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("as given"),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::Default => f.write_str("the default of debug builds; DATABASE_URL or --database-url names another"),
        }
    }
}

/// The database to use, by the environment of this process; see [`choose`].
pub(crate) fn database_url(given: Option<&str>, embedded: bool) -> Option<(String, Origin)> {
    // What is no text is shown as far as it is, and refused as a URL.
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    choose(given, embedded, variable, cfg!(debug_assertions))
}

/// The database to use: the one given, `PLAIN_WORKER_DATABASE_URL`, `DATABASE_URL`, the embedded file.
///
/// The embedded file is taken only in debug builds or when it is asked for (by
/// the caller, or by `PLAIN_WORKER_EMBEDDED`, which goes before `DATABASE_URL`):
/// a forgotten variable must not write production jobs into a container's disk.
fn choose(
    given: Option<&str>,
    embedded: bool,
    variable: impl Fn(&str) -> Option<String>,
    debug_build: bool,
) -> Option<(String, Origin)> {
    let file = || format!("sqlite:{DEFAULT_FILE}");
    let said = |name| variable(name).filter(|value| !value.is_empty());
    let named = |name| said(name).map(|url| (url, Origin::Variable(name)));
    let wanted = |name| said(name).filter(|value| !matches!(value.as_str(), "0" | "false" | "no" | "off"));
    if let Some(url) = given {
        return Some((url.to_owned(), Origin::Given));
    }
    if embedded {
        return Some((file(), Origin::Given));
    }
    named("PLAIN_WORKER_DATABASE_URL")
        .or_else(|| wanted("PLAIN_WORKER_EMBEDDED").map(|_| (file(), Origin::Variable("PLAIN_WORKER_EMBEDDED"))))
        .or_else(|| named("DATABASE_URL"))
        .or_else(|| (debug_build && cfg!(feature = "sqlite")).then(|| (file(), Origin::Default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], given: Option<&str>, embedded: bool, debug_build: bool) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        choose(given, embedded, variable, debug_build).map(|(url, _)| url)
    }

    #[test]
    fn the_nearest_word_counts() {
        let all = [("PLAIN_WORKER_DATABASE_URL", "a:"), ("PLAIN_WORKER_EMBEDDED", "1"), ("DATABASE_URL", "b:")];
        let url = |url: &str| Some(url.to_owned());
        assert_eq!(with(&all, Some("c:"), false, true), url("c:"));
        assert_eq!(with(&all, None, true, true), url("sqlite:plain-worker.db"));
        assert_eq!(with(&all, None, false, true), url("a:"));
        assert_eq!(with(&all[1..], None, false, false), url("sqlite:plain-worker.db"));
        assert_eq!(with(&all[2..], None, false, true), url("b:"));
        assert_eq!(with(&[("DATABASE_URL", ""), ("PLAIN_WORKER_EMBEDDED", "false")], None, false, false), None);
    }

    #[test]
    #[cfg(feature = "sqlite")]
    fn only_a_debug_build_takes_the_file_by_itself() {
        assert_eq!(with(&[], None, false, true), Some("sqlite:plain-worker.db".to_owned()));
        assert_eq!(with(&[], None, false, false), None);
    }
}
