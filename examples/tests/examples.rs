//! Every example runs, on both stores where it works on both, and does what it says.

use std::path::Path;

use plain_worker::{AttemptStatus, JobFilter, JobState};
use plain_worker_tests::{Database, Program, on_every_store, until_true};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store!(
    welcome_enqueues_and_runs_two_jobs,
    folder_records_one_job_a_file_and_tries_the_unreadable_one_again,
    folder_does_nothing_twice,
    throughput_tells_two_rates,
);

async fn welcome_enqueues_and_runs_two_jobs(database: Database) {
    let mut welcome = Program::start(env!("CARGO_BIN_EXE_welcome"), &database, &[]);
    assert_eq!(welcome.ended().await, Some(0), "{}", welcome.output());
    let output = welcome.output();
    assert!(output.contains("welcome, user 7!") && output.contains("welcome, user 8!"), "{output}");
    assert!(output.contains("said: greeted 7"), "{output}");
}

/// The folder that the README names, with a link to nothing in it.
fn files() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("files").display().to_string()
}

async fn folder_records_one_job_a_file_and_tries_the_unreadable_one_again(database: Database) {
    let thumbnails = database.folder.path().join("thumbnails").display().to_string();
    let arguments = [files(), "--thumbnails".to_owned(), thumbnails.clone()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut folder = Program::start(env!("CARGO_BIN_EXE_folder"), &database, &arguments);
    assert_eq!(folder.ended().await, Some(0), "{}", folder.output());

    let output = folder.output();
    assert!(output.contains("4 files: 4 enqueued"), "{output}");
    assert!(output.contains("4 of 4 done"), "{output}");
    assert!(output.contains("thumbnail ") && output.contains("words"), "{output}");
    assert_eq!(std::fs::read_dir(thumbnails).unwrap().count(), 1, "one picture, one thumbnail");

    let queue = database.queue().await;
    let jobs = queue.list(JobFilter::new().job("digest_file"), None, 10).await.unwrap();
    let dead: Vec<_> = jobs.iter().filter(|job| job.state == JobState::Dead).collect();
    assert_eq!((jobs.len(), dead.len()), (4, 1));
    assert!(dead[0].arguments.contains("unreadable.txt"), "{}", dead[0].arguments);
    let attempts = queue.attempts(dead[0].id).await.unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    for attempt in attempts {
        assert_eq!(attempt.status, AttemptStatus::Errored);
        assert!(attempt.error.unwrap_or_default().starts_with("cannot read "));
    }
}

/// A second run finds everything ended and makes new jobs; one beside it finds them waiting already.
async fn folder_does_nothing_twice(database: Database) {
    let files = files();
    let start = || Program::start(env!("CARGO_BIN_EXE_folder"), &database, &[&files]);
    let (mut one, mut other) = (start(), start());
    assert_eq!((one.ended().await, other.ended().await), (Some(0), Some(0)), "{}{}", one.output(), other.output());

    let queue = database.queue().await;
    let line = |program: &Program| program.output().lines().find(|line| line.contains("enqueued")).map(str::to_owned);
    let enqueued: usize = [&one, &other]
        .into_iter()
        .filter_map(line)
        .filter_map(|line| line.split_whitespace().nth(2).and_then(|count| count.parse::<usize>().ok()))
        .sum();
    assert_eq!(queue.list(JobFilter::new().job("digest_file"), None, 20).await.unwrap().len(), enqueued);
    assert!((4..=8).contains(&enqueued), "{enqueued}");
}

async fn throughput_tells_two_rates(database: Database) {
    let mut throughput = Program::start(env!("CARGO_BIN_EXE_throughput"), &database, &["500"]);
    assert_eq!(throughput.ended().await, Some(0), "{}", throughput.output());
    let output = throughput.output();
    assert!(output.contains("enqueued: ") && output.contains("(500 succeeded)"), "{output}");
}

/// An order and its receipt: the handler's transaction enqueues, the job's own ends it.
#[tokio::test]
async fn transactional_writes_one_receipt_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_transactional"));
    command.current_dir(folder.path()).env("SHOP_LISTEN", "127.0.0.1:0");
    let mut shop = Program::start_command(command);
    shop.prints("listening on ").await;
    let output = shop.output();
    let address = output.lines().find_map(|line| line.strip_prefix("listening on ")).unwrap().to_owned();

    assert!(ask(&address, "POST /orders/7").await.starts_with("HTTP/1.1 201"));
    // The order exists already: neither it nor a second receipt is stored.
    assert!(ask(&address, "POST /orders/7").await.starts_with("HTTP/1.1 500"));
    until_true("the receipt is there", || async {
        ask(&address, "GET /receipts/7").await.ends_with(r#"["Thank you!"]"#)
    })
    .await;
    shop.signal(rustix::process::Signal::INT);
    assert_eq!(shop.ended().await, Some(0), "{}", shop.output());
    assert!(shop.output().contains("succeeded: 1"), "{}", shop.output());
}

/// One HTTP request with nothing in it, and the whole answer.
async fn ask(address: &str, request: &str) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(
                format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                    .as_bytes(),
            )
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    tokio::time::timeout(plain_worker_tests::PATIENCE, asked).await.expect("an answer in time").expect("an answer")
}
