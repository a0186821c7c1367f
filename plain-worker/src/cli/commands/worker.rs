use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Failure, Outcome};
use super::super::left::Left;
use super::super::lifeline::hang_on_supervisor;
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::signals::Stop;
use super::super::supervisor::supervise;
use super::super::values::{retain, retention, span, yes_or_no, zone};
use crate::telling::JobLogs;
use crate::worker::{WorkerBuilder, WorkerReport};

/// Run jobs until SIGTERM or SIGINT (or, with --drain, until nothing is left to do)
///
/// The first signal stops claiming; jobs that run get the grace period, and are then handed back for another worker.
/// A second signal ends the process at once: nothing is lost, another worker rescues what ran.
#[derive(Debug, Args)]
pub(in super::super) struct Work {
    /// Serve this queue only; several by repetition or with commas; all by default, or with `*`. `mail=20` gives a
    /// queue slots of its own, apart from those that the others share
    #[arg(long, value_name = "QUEUE[=JOBS]", env = "PLAIN_WORKER_QUEUE", value_delimiter = ',', value_parser = served)]
    queue: Vec<Served>,
    /// How many async jobs run at once; 50 by default
    #[arg(long, value_name = "JOBS", env = "PLAIN_WORKER_CONCURRENCY", value_parser = at_least_one)]
    concurrency: Option<usize>,
    /// How many plain functions run at once, each on a thread of its own; one a core by default
    #[arg(long, value_name = "JOBS", env = "PLAIN_WORKER_THREADS", value_parser = at_least_one)]
    threads: Option<usize>,
    /// How long jobs may go on after the first signal; 25s by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_GRACE", value_parser = span)]
    grace: Option<Duration>,
    /// How long after its last heartbeat this worker is taken for dead; 30s by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_LEASE", value_parser = span)]
    lease: Option<Duration>,
    /// Postgres behind a pooler that works by transactions: the server's own address, for the two connections that need
    /// a session of their own, one to show that this worker lives and one to hear of new jobs
    #[arg(long, value_name = "URL", env = "PLAIN_WORKER_DIRECT_DATABASE_URL", hide_env_values = true)]
    direct_database_url: Option<String>,
    /// How long ended jobs are kept: `7d` for all, `dead=30d`, `succeeded=`, `cancelled=`, `expired=` for some, `audit=`
    /// for who changed what; `forever` is a length of time, too; may be repeated
    #[arg(long, value_name = "AGE", env = "PLAIN_WORKER_RETAIN", value_delimiter = ',', value_parser = retain)]
    retain: Vec<String>,
    /// Log a line of figures that often, while there is something to do; never by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_STATS_EVERY", value_parser = span)]
    stats_every: Option<Duration>,
    /// Which log lines of jobs are kept with them: those of this level and above, or `off`; info by default
    #[arg(long, value_name = "LEVEL", env = "PLAIN_WORKER_JOB_LOGS")]
    job_logs: Option<JobLogs>,
    /// The IANA zone of schedules that name none; UTC by default
    #[arg(long, value_name = "ZONE", env = "PLAIN_WORKER_TIME_ZONE", value_parser = zone)]
    time_zone: Option<Tz>,
    /// How old the latest slot that a schedule missed in a downtime may be to be run after it; 24h by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_CATCH_UP_WINDOW", value_parser = span)]
    catch_up_window: Option<Duration>,
    /// The build that is recorded with every attempt; this crate's version by default
    #[arg(long, value_name = "TEXT", env = "PLAIN_WORKER_BUILD")]
    build: Option<String>,
    /// Claim nothing until somebody resumes this worker or `*`, as after a restore from a backup
    #[arg(long, env = "PLAIN_WORKER_PAUSED", value_parser = yes_or_no())]
    paused: bool,
    /// Stop when nothing in the served queues is due, running here, or held by a dead worker
    #[arg(long, env = "PLAIN_WORKER_DRAIN", value_parser = yes_or_no())]
    drain: bool,
    /// Run so many worker processes: one that dies is started again, all end with this one, each has the slots of
    /// --concurrency and --threads
    #[arg(long, value_name = "NUMBER", env = "PLAIN_WORKER_PROCESSES", value_parser = at_least_one)]
    processes: Option<usize>,
    /// Replace a worker process by a new one after so many jobs, when what it runs has ended
    #[arg(long, value_name = "JOBS", env = "PLAIN_WORKER_MAX_JOBS_PER_PROCESS", value_parser = at_least_one)]
    max_jobs_per_process: Option<usize>,
    /// This is a worker process: its supervisor starts it so
    #[arg(long, hide = true)]
    supervised: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// A queue to serve, perhaps with slots of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Served {
    name: String,
    slots: Option<usize>,
}

fn served(text: &str) -> Result<Served, String> {
    let (name, slots) = match text.rsplit_once('=') {
        Some((name, slots)) => (name, Some(at_least_one(slots)?)),
        None => (text, None),
    };
    match (name, slots) {
        ("", _) => Err("a queue has a name; write for example mail or mail=20".to_owned()),
        ("*", Some(_)) => Err("slots belong to one queue; --concurrency and --threads are for all".to_owned()),
        _ => Ok(Served { name: name.to_owned(), slots }),
    }
}

/// A number of jobs at once.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("with 0 nothing would run; write 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}; write a number such as 50")),
    }
}

impl Work {
    pub(in super::super) async fn run(self, app: &mut App) -> Outcome {
        if self.supervised {
            hang_on_supervisor()?;
        } else if self.processes.is_some() || self.max_jobs_per_process.is_some() {
            self.settings.log.install(Level::Info)?;
            return supervise(self.processes.unwrap_or(1), self.drain).await;
        }
        self.settings.log.install_keeping(Level::Info, self.job_logs.unwrap_or_default())?;
        let queue = self.settings.open(app, Tables::Create, Level::Info).await?;
        // A program that has set one itself knows better.
        let _ = queue.make_process_wide();
        let stop = Stop::listen()?;
        // This command is the last thing that its process does.
        let worker = self.over(app.prepare_worker(&queue).await?)?.process_ends(true);
        let report = worker.run_until(stop.told()).await?;
        let left = if self.drain { Some(Left::count(&queue, &self.served()).await?) } else { None };
        queue.close().await;
        self.output.print(&Shape::of(report, left), || words(report) + &left.unwrap_or_default().words())?;
        Ok(if !report.clean {
            Code::Failed
        } else if report.used_up {
            Code::Again
        } else {
            Code::Done
        })
    }

    /// The queues that the flags name; none when all are served.
    fn served(&self) -> Vec<String> {
        if self.queue.iter().any(|served| served.name == "*") {
            return Vec::new();
        }
        self.queue.iter().map(|served| served.name.clone()).collect()
    }

    /// The flags over the settings of the program.
    fn over(&self, mut worker: WorkerBuilder) -> Result<WorkerBuilder, Failure> {
        if !self.queue.is_empty() {
            let shared = self.queue.iter().filter(|served| served.slots.is_none());
            worker = worker.queues(shared.map(|served| served.name.clone()));
        }
        for Served { name, slots } in &self.queue {
            if let Some(slots) = slots {
                worker = worker.queue(name, *slots);
            }
        }
        if let Some(jobs) = self.max_jobs_per_process {
            worker = worker.max_jobs(jobs as u64);
        }
        if self.paused {
            worker = worker.paused(true);
        }
        if let Some(jobs) = self.concurrency {
            worker = worker.concurrency(jobs);
        }
        if let Some(jobs) = self.threads {
            worker = worker.threads(jobs);
        }
        if let Some(grace) = self.grace {
            worker = worker.grace(grace);
        }
        if let Some(lease) = self.lease {
            worker = worker.lease(lease);
        }
        if let Some(url) = &self.direct_database_url {
            worker = worker.direct_database_url(url);
        }
        if !self.retain.is_empty() {
            worker = worker.retention(retention(&self.retain)?);
        }
        if let Some(period) = self.stats_every {
            worker = worker.stats_every(period);
        }
        if let Some(kept) = self.job_logs {
            worker = worker.job_logs(kept);
        }
        if let Some(zone) = self.time_zone {
            worker = worker.time_zone(zone);
        }
        if let Some(window) = self.catch_up_window {
            worker = worker.catch_up_window(window);
        }
        if let Some(build) = &self.build {
            worker = worker.build(build);
        }
        Ok(if self.drain { worker.drain() } else { worker })
    }
}

/// What a worker did, as JSON.
#[derive(Serialize)]
struct Shape {
    succeeded: u64,
    retrying: u64,
    dead: u64,
    other: u64,
    handed_back: u64,
    clean: bool,
    /// After a drain only.
    left: Option<Left>,
}

impl Shape {
    fn of(report: WorkerReport, left: Option<Left>) -> Self {
        let WorkerReport { succeeded, retrying, dead, other, handed_back, clean, .. } = report;
        Self { succeeded, retrying, dead, other, handed_back, clean, left }
    }
}

fn words(report: WorkerReport) -> String {
    let WorkerReport { succeeded, retrying, dead, other, handed_back, clean, .. } = report;
    let mut words = format!(
        "{succeeded} succeeded, {retrying} tried again later, {dead} dead, {other} ended otherwise, {handed_back} handed back"
    );
    if !clean {
        words.push_str("; some still ran at the end of the grace period and are left to be rescued by another worker");
    }
    words
}
