//! `docs/commands.md` says what the command line says: its tables of flags are those of the grammar.
//!
//! `UPDATE_DOCS=1 cargo test -p plain-worker-tests --test commands_page` writes them anew.

use std::path::{Path, PathBuf};

use clap::Subcommand;

/// Flags that all commands share, which the page explains once.
const SHARED: [&str; 6] = ["database-url", "embedded", "schema", "log", "log-format", "json"];

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md")
}

fn grammar() -> clap::Command {
    let mut grammar = plain_worker::cli::Command::augment_subcommands(clap::Command::new("your-program"));
    grammar.build();
    grammar
}

/// The tables by the name of their command; those of commands within commands are named `schedules check`.
fn tables() -> Vec<(String, String)> {
    let grammar = grammar();
    let mut tables = Vec::new();
    let shared = grammar.find_subcommand("stats").expect("a command that has them all");
    tables.push(("shared".to_owned(), table(shared, |flag| SHARED.contains(&flag))));
    collect(&grammar, "", &mut tables);
    tables
}

fn collect(command: &clap::Command, path: &str, tables: &mut Vec<(String, String)>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set()) {
        let name = format!("{path}{}", inner.get_name());
        collect(inner, &format!("{name} "), tables);
        if !inner.has_subcommands() || inner.get_arguments().any(clap::Arg::is_positional) {
            tables.push((name, table(inner, |flag| !SHARED.contains(&flag))));
        }
    }
}

/// The arguments and flags of a command, with their variables and their help.
fn table(command: &clap::Command, wanted: impl Fn(&str) -> bool) -> String {
    let mut rows = vec!["| flag | variable | |\n|---|---|---|\n".to_owned()];
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let id = argument.get_long().unwrap_or_else(|| argument.get_id().as_str());
        if id == "help" || id == "version" || !wanted(id) {
            continue;
        }
        let takes = argument.get_action().takes_values();
        let value = if takes { argument.get_value_names().unwrap_or_default().join(" ") } else { String::new() };
        let shown = match argument.get_long() {
            Some(flag) if value.is_empty() => format!("--{flag}"),
            Some(flag) => format!("--{flag} {value}"),
            None => value,
        };
        let variable = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default =
            if default.is_empty() || !takes { String::new() } else { format!(" (default `{}`)", default.join(",")) };
        rows.push(format!("| `{shown}` | {variable} | {}{default} |\n", help.replace('\n', " ").replace('|', "\\|")));
    }
    if rows.len() == 1 { "No flags of its own.\n".to_owned() } else { rows.concat() }
}

/// The page with these tables between their marks; the names whose marks are missing.
fn filled(page: &str, tables: &[(String, String)]) -> (String, Vec<String>) {
    let mut page = page.to_owned();
    let mut missing = Vec::new();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- flags: {name} -->\n"), "<!-- end -->");
        let Some(from) = page.find(&begin).map(|at| at + begin.len()) else {
            missing.push(name.clone());
            continue;
        };
        let to = page[from..].find(end).map_or(page.len(), |at| from + at);
        page.replace_range(from..to, table);
    }
    (page, missing)
}

#[test]
fn the_page_has_every_command_and_flag() {
    let mut written = std::fs::read_to_string(page()).expect("docs/commands.md");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        // A new command gets a section at the end.
        for name in filled(&written, &tables()).1 {
            written += &["\n## ", &name, "\n\n<!-- flags: ", &name, " -->\n<!-- end -->\n"].concat();
        }
    }
    let (expected, missing) = filled(&written, &tables());
    assert!(missing.is_empty(), "docs/commands.md lacks `<!-- flags: NAME -->` and `<!-- end -->` for {missing:?}");
    if update {
        std::fs::write(page(), &expected).expect("docs/commands.md");
        return;
    }
    let wrong = expected.lines().zip(written.lines()).find(|(expected, written)| expected != written);
    assert!(
        expected == written,
        "docs/commands.md differs from the command line, first in {wrong:?}; write it anew with: \
         UPDATE_DOCS=1 cargo test -p plain-worker-tests --test commands_page"
    );
}

#[test]
fn the_page_knows_no_command_that_is_gone() {
    let written = std::fs::read_to_string(page()).expect("docs/commands.md");
    let names: Vec<_> = tables().into_iter().map(|(name, _)| name).collect();
    for line in written.lines() {
        let Some(name) = line.strip_prefix("<!-- flags: ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        assert!(names.iter().any(|known| known == name), "`{name}` is no command any more");
    }
}
