//! Mistakes that the compiler words itself: which error, on which line, and our own note with it.
//!
//! Its texts differ from release to release, so they are not compared. A
//! comment in the case says what is expected: `//~ E0277 some text` on the
//! line of the error (`nocode` for one without), or `//~* E0277` where the
//! compiler says the same several times. Nothing else may be wrong: one mistake
//! gives one error.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// An error of the compiler's, as far as it matters here.
#[derive(Debug)]
struct Found {
    code: String,
    line: u64,
    rendered: String,
}

/// What a comment in a case expects.
#[derive(Debug)]
struct Expected<'a> {
    code: &'a str,
    line: u64,
    text: &'a str,
    repeated: bool,
}

#[test]
fn one_mistake_gives_one_error_where_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui_rustc");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let wrong: Vec<_> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn check(case: &Path) -> Result<(), String> {
    let source = std::fs::read_to_string(case).expect("a source file");
    let expected: Vec<_> = (1..).zip(source.lines()).filter_map(|(line, text)| expectation(line, text)).collect();
    let mut found = compile(case);
    let repeated = |line| expected.iter().any(|expected| expected.repeated && expected.line == line);
    found.dedup_by(|next, first| (&next.code, next.line) == (&first.code, first.line) && repeated(next.line));
    let matches = expected.len() == found.len()
        && expected.iter().zip(&found).all(|(expected, found)| {
            (expected.code, expected.line) == (found.code.as_str(), found.line)
                && found.rendered.contains(expected.text)
        });
    if matches {
        return Ok(());
    }
    let rendered: Vec<_> = found.iter().map(|found| found.rendered.as_str()).collect();
    Err(format!(
        "{}: expected {expected:?}, found {:?}:\n{}",
        case.display(),
        found.iter().map(|found| (&found.code, found.line)).collect::<Vec<_>>(),
        rendered.join("\n")
    ))
}

fn expectation(line: u64, text: &str) -> Option<Expected<'_>> {
    let (_, comment) = text.split_once("//~")?;
    let (repeated, comment) = comment.split_once(' ')?;
    let (code, text) = comment.split_once(' ').unwrap_or((comment, ""));
    Some(Expected { code, line, text, repeated: repeated == "*" })
}

/// The errors of one file, compiled against the crates that this test was built with, by their lines.
fn compile(case: &Path) -> Vec<Found> {
    let folder = std::env::current_exe().expect("this test").parent().expect("its folder").to_owned();
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--error-format=json", "-o", "/dev/null"]);
    command.arg("-L").arg(format!("dependency={}", folder.display()));
    // This crate alone, and all else through it: of another there may be several builds.
    command.arg("--extern").arg(format!("plain_worker={}", newest(&folder, "plain_worker").display()));
    let output = command.arg(case).output().expect("rustc");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    let file = case.to_str().expect("UTF-8");
    let messages = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let mut found: Vec<_> = messages.filter_map(|message| error(&message, file)).collect();
    found.sort_by_key(|found| found.line);
    found
}

/// The library of that name that was built last.
fn newest(folder: &Path, name: &str) -> PathBuf {
    std::fs::read_dir(folder)
        .expect("the folder of the built crates")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
            file.starts_with(&format!("lib{name}-")) && path.extension().is_some_and(|kind| kind == "rlib")
        })
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).expect("a time"))
        .expect("the crate is built")
}

/// The error in a message of the compiler's; none in a warning or the count at the end.
fn error(message: &Value, file: &str) -> Option<Found> {
    if message["level"] != "error" {
        return None;
    }
    let spans = message["spans"].as_array()?;
    let mut primary = spans.iter().find(|span| span["is_primary"] == true)?;
    // From within a macro of the standard library to where it was called.
    while primary["file_name"] != file && primary["expansion"]["span"].is_object() {
        primary = &primary["expansion"]["span"];
    }
    Some(Found {
        code: message["code"]["code"].as_str().unwrap_or("nocode").to_owned(),
        line: primary["line_start"].as_u64()?,
        rendered: message["rendered"].as_str().unwrap_or_default().to_owned(),
    })
}
