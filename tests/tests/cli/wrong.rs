//! Wrong input: what is wrong and what to do, exit code 2, no backtrace, never a panic.

use std::process::Stdio;
use std::time::Duration;

use plain_worker_tests::{Database, on_every_store};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::program::{call, jobs};

on_every_store! {
    missing_tables_name_the_command,
    wrong_arguments_are_refused_with_what_is_right,
    a_closed_pipe_is_no_error,
}

async fn missing_tables_name_the_command(database: Database) {
    let answer = jobs(&database, &["stats", "--json"]).answer().await;
    if database.is_postgres() {
        let text = answer.fails(1);
        assert!(text.contains("the tables of plain-worker are missing") && text.contains("`jobs migrate"), "{text}");
        // Looking created nothing.
        assert!(jobs(&database, &["list"]).answer().await.fails(1).contains("missing"));
        let program = env!("CARGO_BIN_EXE_stand_alone");
        let stand_alone = call(program, database.folder.path(), &["stats"]).env("DATABASE_URL", &database.url);
        assert!(stand_alone.answer().await.fails(1).contains("`stand_alone migrate"));
    } else {
        // One file has one application, so its tables come by themselves.
        assert_eq!(answer.json()["total"], 0);
    }
}

async fn wrong_arguments_are_refused_with_what_is_right(database: Database) {
    for (line, text) in [
        (
            vec!["enqueue", "welcom_user", "{}"],
            "no job named `welcom_user` is registered: did you mean `welcome_user`?",
        ),
        (vec!["enqueue", "zzz", "{}"], "no job named `zzz` is registered"),
        (vec!["enqueue", "welcome_user", "{user_id:7}"], "are no JSON"),
        (vec!["enqueue", "welcome_user", r#"{"user_id":"7"}"#], "user_id: i64, note: Option<String>"),
        (vec!["enqueue", "welcome_user", r#"{"user_id":7,"extra":1}"#], "extra"),
        (vec!["enqueue", "welcome_user"], "user_id"),
        (vec!["enqueue", "panics", "[]"], "no JSON object"),
        (vec!["enqueue", "panics", r#"{"x":1}"#], "`panics` cannot take these arguments"),
        (vec!["enqueue", "panics", "--metadata", "7"], "--metadata"),
        (vec!["enqueue", "panics", "--unique-until", "start"], "--unique-key"),
        (vec!["enqueue", "panics", "--queue", ""], "queue name"),
        (vec!["enqueue", "panics", "--delay", "9999999y"], "past the end of the calendar"),
        (vec!["run", "nothing"], "no job named `nothing`"),
        (vec!["worker", "--log", "=x=y"], "=x=y"),
        (vec!["stats", "--schema", "No Such"], "No Such"),
        (vec![], "Usage"),
    ] {
        let answer = jobs(&database, &line).answer().await;
        let told = answer.fails(2);
        assert!(told.contains(text), "{line:?}: {told}");
        assert_eq!(answer.stdout, "", "{line:?}");
    }
}

#[tokio::test]
async fn wrong_databases_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.db"), "this is no database at all, but it is long enough".repeat(100))
        .unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for (url, code, text) in [
        ("mysql://localhost/app", 2, "postgres://user@host/database"),
        ("nonsense", 2, "sqlite:FILE"),
        ("sqlite:none/jobs.db", 2, "there is no folder `none`"),
        ("sqlite:text.db", 2, "not a database"),
        ("sqlite:folder.db", 2, "folder.db"),
        ("postgres://me:secret@127.0.0.1:notaport/app", 2, "port"),
        ("postgres://me:secret@127.0.0.1:9/app", 1, "could not be reached"),
    ] {
        for line in [&["stats"] as &[&str], &["worker", "--drain"]] {
            let call = call(env!("CARGO_BIN_EXE_bare"), folder.path(), line);
            let answer = call.env("PLAIN_WORKER_DATABASE_URL", url).answer().await;
            let told = answer.fails(code);
            assert!(told.contains(text), "{url}: {told}");
            assert!(!told.contains("secret"), "{url}: {told}");
        }
    }
}

#[tokio::test]
async fn the_stand_alone_program_says_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let stand_alone = |line: &'static [&'static str]| call(env!("CARGO_BIN_EXE_stand_alone"), folder.path(), line);
    for name in ["worker", "enqueue", "run", "jobs", "check"] {
        let line: &'static [&'static str] = Box::leak(Box::new([name, "x", "--drain"]));
        let answer = stand_alone(line).answer().await;
        assert!(answer.fails(2).contains("needs the code of your jobs"), "{answer:?}");
    }
    assert!(!stand_alone(&["--help"]).answer().await.ok().contains("  enqueue"));
}

async fn a_closed_pipe_is_no_error(database: Database) {
    for n in 0..300 {
        let arguments = format!("{{\"user_id\":{n},\"note\":\"{}\"}}", "x".repeat(1_000));
        if n == 0 {
            jobs(&database, &["enqueue", "welcome_user", &arguments]).answer().await.ok();
        }
    }
    let mut command = jobs(&database, &["list", "--json"]).command();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = String::new();
    let reading = async {
        while let Ok(Some(line)) = stderr.next_line().await {
            told.push_str(&line);
        }
        child.wait().await.unwrap()
    };
    let status = tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}
