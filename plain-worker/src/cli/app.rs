use std::ffi::OsString;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use futures_util::future::BoxFuture;

use super::command::{Command, Runs};
use super::exit::{Code, Failure};
use super::settings;
use crate::error::Error;
use crate::job::{BoxError, States};
use crate::queue::Queue;
use crate::store::{QueueOptions, YOUR_PROGRAM};
use crate::worker::{Worker, WorkerBuilder};

type Customise = Box<dyn FnOnce(WorkerBuilder) -> WorkerBuilder + Send>;
type SetUp = Box<dyn FnOnce(Queue, WorkerBuilder) -> BoxFuture<'static, Result<WorkerBuilder, BoxError>> + Send>;

/// The command line of a program, with what its jobs need.
///
/// What is set here is overridden by environment variables, and those by flags.
/// Only the commands that run jobs (`worker`, `run`) use the states, the worker's
/// settings and the set-up; all others work without.
///
/// ```no_run
/// use plain_worker::{cli::App, job};
///
/// #[derive(Clone)]
/// struct Mailer { host: String }
///
/// #[job(retries = 3)]
/// async fn send_mail(#[inject] mailer: Mailer, to: String) {
///     println!("by {}: dear {to}", mailer.host);
/// }
///
/// fn main() {
///     App::new()
///         .worker(|worker| worker.concurrency(200))
///         .setup(|_queue, worker| async move {
///             let host = std::fs::read_to_string("mail-host.txt")?;
///             Ok(worker.state(Mailer { host }))
///         })
///         .main()
/// }
/// ```
#[derive(Default)]
#[must_use = "nothing happens until `main` or `run`"]
pub struct App {
    options: QueueOptions,
    states: States,
    customise: Vec<Customise>,
    set_up: Option<SetUp>,
    /// How the commands are called, for messages; known when the whole command line is ours.
    program: Option<String>,
}

impl App {
    /// A command line without states, with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the database is opened: schema, size of the pool and more.
    pub fn options(mut self, options: QueueOptions) -> Self {
        self.options = options;
        self
    }

    /// What `#[inject]` parameters of this type get, as a clone; one value a type.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Settings of the worker; flags and environment variables go over them.
    pub fn worker(mut self, customise: impl FnOnce(WorkerBuilder) -> WorkerBuilder + Send + 'static) -> Self {
        self.customise.push(Box::new(customise));
        self
    }

    /// What has to be awaited before jobs can run: called once, by the commands that run jobs, with the
    /// open queue and the worker, to which it gives states.
    ///
    /// An error ends the command with exit code 1.
    pub fn setup<F, Fut>(mut self, set_up: F) -> Self
    where
        F: FnOnce(Queue, WorkerBuilder) -> Fut + Send + 'static,
        Fut: Future<Output = Result<WorkerBuilder, BoxError>> + Send + 'static,
    {
        self.set_up = Some(Box::new(move |queue, worker| Box::pin(set_up(queue, worker))));
        self
    }

    /// Does what the arguments of the process say, on a runtime of its own, and ends the process.
    pub fn main(self) -> ! {
        self.main_of::<Command>()
    }

    /// Does what the arguments of the process say, for a program that has a runtime already.
    ///
    /// ```no_run
    /// #[tokio::main]
    /// async fn main() -> std::process::ExitCode {
    ///     plain_worker::cli::App::new().run().await
    /// }
    /// ```
    pub async fn run(self) -> ExitCode {
        crate::guard_commands();
        match parse::<Command>(std::env::args_os().collect()) {
            Ok(command) => command.run(self.called_as_the_process()).await,
            Err(code) => ExitCode::from(code),
        }
    }

    pub(super) fn main_of<C: Runs>(self) -> ! {
        crate::guard_commands();
        let code = match parse::<C>(std::env::args_os().collect()) {
            Ok(command) => on_a_runtime(command.execute(self.called_as_the_process())),
            Err(code) => code,
        };
        #[allow(clippy::disallowed_methods, reason = "`fn main() {}` has no other way to give an exit code")]
        std::process::exit(code.into())
    }

    fn called_as_the_process(mut self) -> Self {
        let called = std::env::args_os().next().unwrap_or_default();
        let name = std::path::Path::new(&called).file_name().unwrap_or_default();
        self.program = Some(name.to_string_lossy().into_owned()).filter(|name| !name.is_empty());
        self
    }

    pub(super) fn queue_options(&self) -> QueueOptions {
        self.options.clone()
    }

    /// The worker of this program, before flags and without the set-up: it knows the jobs, but cannot run them.
    pub(super) fn customised_worker(&mut self, queue: &Queue) -> WorkerBuilder {
        let worker = Worker::builder(queue.clone()).states(std::mem::take(&mut self.states));
        self.customise.drain(..).fold(worker, |worker, customise| customise(worker))
    }

    /// The worker of this program, before flags; the set-up is done here.
    pub(super) async fn prepare_worker(&mut self, queue: &Queue) -> Result<WorkerBuilder, Failure> {
        let worker = self.customised_worker(queue);
        let Some(set_up) = self.set_up.take() else { return Ok(worker) };
        set_up(queue.clone(), worker)
            .await
            .map_err(|error| Failure::failed(format!("the set-up of this program failed: {error:#}")))
    }

    /// Tells why a command failed, on stderr.
    pub(super) fn tell(&self, failure: &Failure) {
        complain(&self.named(&failure.text));
    }

    /// The text with the name of this program in it, as far as that is known.
    pub(super) fn named(&self, text: &str) -> String {
        self.program.as_ref().map_or_else(|| text.to_owned(), |program| text.replace(YOUR_PROGRAM, program))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("options", &self.options).field("states", &self.states).finish_non_exhaustive()
    }
}

/// Writes an error to stderr, which may be closed.
fn complain(text: &str) {
    // There is nobody else to tell.
    let _ = writeln!(std::io::stderr(), "error: {text}");
}

/// The arguments as a command, or the exit code after a message.
fn parse<C: Subcommand>(arguments: Vec<OsString>) -> Result<C, u8> {
    let command = C::augment_subcommands(clap::Command::new("plain-worker")).subcommand_required(true);
    let command = settings::before_the_command(command).arg_required_else_help(true);
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| C::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // A closed stream is no reason for another exit code.
        let _ = error.print();
        u8::try_from(error.exit_code()).unwrap_or(Code::Wrong as u8)
    })
}

fn on_a_runtime(work: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A job that never yields must not hold up the end.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(&Error::Setting(format!("no threads could be started: {error}")).to_string());
            Code::Failed as u8
        }
    }
}
