//! Real work on real input: one durable job for each file of a folder.
//!
//! `cargo run -p examples -- FOLDER`, for example `examples/files`
//!
//! Each job hashes its file, and counts the words of a text or makes a
//! thumbnail of a picture. A file that cannot be read (a link to nothing is one)
//! is tried again and then recorded as dead. Kill the program in the middle and start it again: it
//! goes on where it was. `DATABASE_URL=postgres://..` is all it takes to run
//! the same on Postgres.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use plain_worker::{AttemptStatus, JobFilter, JobState, Queue, Worker, job};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is learned about a file.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    sha256: String,
    bytes: u64,
    /// Words of a text, or where the thumbnail of a picture is.
    about: String,
}

/// Reads one file; a plain function, so it runs on a thread of its own.
#[job(queue = "files", retries = 2, backoff = fixed("200ms"), unique, timeout = "60s")]
fn digest_file(path: PathBuf, thumbnails: PathBuf) -> anyhow::Result<Facts> {
    let content = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let about = match std::str::from_utf8(&content) {
        Ok(text) => format!("{} words", text.split_whitespace().count()),
        Err(_) => match image::load_from_memory(&content) {
            Ok(picture) => {
                let target = thumbnails.join(format!("{}.png", &sha256[..16]));
                picture.thumbnail(128, 128).save(&target).context("cannot write the thumbnail")?;
                format!("thumbnail {}", target.display())
            }
            Err(_) => "binary".to_owned(),
        },
    };
    Ok(Facts { sha256, bytes: content.len() as u64, about })
}

/// One durable job for each file of a folder.
#[derive(Parser)]
struct Arguments {
    /// The folder, with all folders below it.
    folder: PathBuf,
    /// Where thumbnails go; a folder of the system's temporary ones by default.
    #[arg(long)]
    thumbnails: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { folder, thumbnails } = Arguments::parse();
    let thumbnails = thumbnails.unwrap_or_else(|| std::env::temp_dir().join("plain-worker-thumbnails"));
    std::fs::create_dir_all(&thumbnails)?;
    let files = files_below(&folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;

    let queue = Queue::process_wide().await?;
    println!("database: {}", queue.describe());
    let jobs: Vec<_> = files.into_iter().map(|path| digest_file { path, thumbnails: thumbnails.clone() }).collect();
    let enqueued = digest_file::enqueue_all(jobs).await?;
    let new = enqueued.iter().filter(|one| one.is_new()).count();
    println!("{} files: {new} enqueued, {} were waiting already", enqueued.len(), enqueued.len() - new);

    let worker = Worker::builder(queue.clone()).queues(["files"]).grace(Duration::from_secs(5));
    let progress = watch(queue.clone(), enqueued.len() as u64);
    let report = worker
        .run_until(async {
            tokio::select! {
                ended = progress => ended.unwrap_or_else(|error| eprintln!("the progress is lost: {error:#}")),
                _ = tokio::signal::ctrl_c() => {}
            }
        })
        .await?;
    println!("{} succeeded, {} dead, {} tried again", report.succeeded, report.dead, report.retrying);
    print_history(&queue, enqueued.iter().map(plain_worker::Inserted::id)).await
}

/// Shows how far it is, until all have ended: a bar on a terminal, lines otherwise.
async fn watch(queue: Queue, files: u64) -> anyhow::Result<()> {
    let bar = ProgressBar::new(files).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    let terminal = std::io::stderr().is_terminal();
    let waiting = [JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Running];
    let filter = waiting.into_iter().fold(JobFilter::new().queue("files"), JobFilter::state);
    let mut told = u64::MAX;
    loop {
        let left: u64 = queue.stats(filter.clone()).await?.iter().map(|line| line.count).sum();
        let done = files.saturating_sub(left);
        if terminal {
            bar.set_position(done);
        } else if told != done {
            println!("{done} of {files} done");
            told = done;
        }
        if left == 0 {
            bar.finish();
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// The history of these jobs: the last 20, with every attempt of those that failed.
async fn print_history(queue: &Queue, ids: impl Iterator<Item = plain_worker::JobId>) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.set_header(["file", "state", "attempt", "result"]);
    let mut rows = Vec::new();
    for id in ids {
        let Some(job) = queue.job(id).await? else { continue };
        let arguments: digest_file = serde_json(&job.arguments)?;
        let name = arguments.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for attempt in queue.attempts(id).await? {
            let result = match (&attempt.output, &attempt.error) {
                (Some(output), _) => {
                    let facts: Facts = serde_json(output)?;
                    format!("{} bytes, {}, sha256 {}…", facts.bytes, facts.about, &facts.sha256[..12])
                }
                (None, error) => error.as_deref().unwrap_or_default().replace('\n', " "),
            };
            let failed = attempt.status != AttemptStatus::Successful;
            rows.push((failed, [name.clone(), job.state.to_string(), attempt.attempt.to_string(), result]));
        }
    }
    // Failures first, then as many others as fit a screen.
    rows.sort_by_key(|(failed, _)| !failed);
    let hidden = rows.len().saturating_sub(20);
    table.add_rows(rows.into_iter().take(20).map(|(_, row)| row));
    println!("{table}");
    if hidden > 0 {
        println!("… and {hidden} more; all of them are in the database");
    }
    Ok(())
}

fn serde_json<'t, T: Deserialize<'t>>(text: &'t str) -> anyhow::Result<T> {
    Ok(plain_worker::serde_json::from_str(text)?)
}

/// Every file of the folder and of the folders below it, in the order of their names.
fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() || kind.is_symlink() && !entry.path().is_dir() {
                files.push(entry.path().canonicalize().unwrap_or_else(|_| entry.path()));
            }
        }
    }
    files.sort();
    Ok(files)
}
