//! The floors of ARCHITECTURE.md: a module imports from its own floor and those below, never upwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that reach upwards on purpose.
const EXCEPTIONS: [(&str, &str); 3] = [
    // The caller's own transaction is a destination of the queue: each store says how rows get into its kind.
    ("store/postgres/transaction.rs", "queue"),
    ("store/sqlite/transaction.rs", "queue"),
    // The suite over both stores makes its requests as the queue does.
    ("store/conformance/mod.rs", "queue"),
];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The floor of each module, from the table in ARCHITECTURE.md.
fn floors() -> BTreeMap<String, u32> {
    let text = std::fs::read_to_string(project("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split('|');
        let floor: u32 = cells.next()?.split_whitespace().next()?.parse().ok()?;
        Some((floor, cells.next()?.to_owned()))
    });
    rows.flat_map(|(floor, modules)| {
        let names: Vec<String> = modules.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names.into_iter().map(move |name| (name, floor))
    })
    .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The module of each name that the crate's root gives out again.
fn given_out(root: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root.join("lib.rs")).expect("lib.rs");
    let uses = text.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(item, _)| item);
    let paths = uses.filter_map(|item| item.split_once("::"));
    paths
        .flat_map(|(module, names)| {
            let names = names.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty());
            names.map(|name| (name.to_owned(), module.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// The modules of the crate's root that the code names as `crate::name` or inside `crate::{..}`.
fn named(code: &str) -> Vec<String> {
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = lines.join("\n");
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in our own macros, and `some_crate::`.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let (mut depth, mut fresh) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && c.is_alphabetic() => {
                    names.push(word(&group[at..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn imports_only_go_down() {
    let (floors, root) = (floors(), project("plain-worker/src"));
    let given_out = given_out(&root);
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources were found: {}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).expect("below the root").display().to_string();
        let module = path.split(['/', '.']).next().unwrap_or_default();
        // The table of contents, what generated code names, and the program beside the library.
        if ["lib", "__private", "bin", "main"].contains(&module) {
            continue;
        }
        let Some(own) = floors.get(module) else {
            wrong.push(format!("{path}: `{module}` is on no floor of ARCHITECTURE.md"));
            continue;
        };
        for name in named(&std::fs::read_to_string(&file).expect("a source")) {
            let module = if floors.contains_key(&name) { &name } else { given_out.get(&name).unwrap_or(&name) };
            match floors.get(module) {
                Some(floor) if floor <= own || EXCEPTIONS.contains(&(&path, module)) => {}
                Some(floor) => wrong.push(format!("{path} is on floor {own} and names `{name}` of floor {floor}")),
                None => wrong.push(format!("{path} names `crate::{name}`, which is on no floor of ARCHITECTURE.md")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_alone_and_in_groups() {
    let code =
        "use crate::error::Error;\n// crate::no\nuse crate::{job::{Job, A}, status};\nlet x = crate::record::y();";
    assert_eq!(named(code), ["error", "job", "status", "record"]);
}
