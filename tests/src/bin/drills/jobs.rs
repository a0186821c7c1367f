//! The jobs under drill, and the lines in which they tell when they start and end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plain_worker::{BoxError, Context, job};
use plain_worker_tests::Journal;

/// The journal that the drill gives to its workers.
pub(crate) fn journal() -> Result<Journal, BoxError> {
    Ok(Journal::at(std::env::var("JOURNAL")?))
}

/// Now, in microseconds, as all processes of this machine see it.
pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()
}

/// What a job has told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) end: bool,
    pub(crate) n: u32,
    pub(crate) attempt: u32,
    pub(crate) pid: i32,
    pub(crate) at: u128,
}

fn tell(journal: &Journal, what: &str, n: u32, ctx: &Context) {
    journal.write(format_args!("{what} {n} {} {} {}", ctx.attempt(), std::process::id(), now()));
}

/// All that was told so far.
pub(crate) fn told(journal: &Journal) -> Vec<Told> {
    let read = |line: &String| {
        let mut words = line.split(' ');
        Some(Told {
            end: words.next()? == "end",
            n: words.next()?.parse().ok()?,
            attempt: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
        })
    };
    journal.lines().iter().filter_map(read).collect()
}

/// Runs until its round is over, the first time; once rescued it ends at once.
#[job]
pub(crate) async fn held(n: u32, round: u32, #[inject] ctx: Context, #[inject] journal: Journal) {
    tell(&journal, "start", n, &ctx);
    let over = journal.path().with_file_name(format!("over-{round}"));
    while ctx.attempt() == 1 && !ctx.is_cancelled() && !over.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tell(&journal, "end", n, &ctx);
}

/// Takes that long.
#[job]
pub(crate) async fn takes(n: u32, millis: u64, #[inject] ctx: Context, #[inject] journal: Journal) {
    tell(&journal, "start", n, &ctx);
    tokio::time::sleep(Duration::from_millis(millis)).await;
    tell(&journal, "end", n, &ctx);
}
