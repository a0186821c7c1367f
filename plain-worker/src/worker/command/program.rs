//! Which program is started as a guard, and how it knows that it is one.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::guard;
use crate::error::{Error, Result};

/// The environment variable that makes a program of ours a guard.
pub(super) const MARK: &str = "PLAIN_WORKER_GUARD";

/// Whether this program's `main` begins with [`guard_commands`], so that it can be started as a guard.
static BEGINS_RIGHT: AtomicBool = AtomicBool::new(false);

/// Makes this process the guard of a command if it was started as one; else returns at once.
///
/// A worker that runs commands starts its own program again to watch over each of them, with the
/// same arguments. `plain_worker::main()` and the `cli` faces do this themselves. A program with
/// a `main` of its own calls it there, before anything else, at the latest before it starts a
/// worker; as a guard it never returns from it.
///
/// ```no_run
/// // The first line of `main`.
/// plain_worker::guard_commands();
/// ```
#[allow(clippy::disallowed_methods, reason = "as a guard the process has nothing else to do or to drop")]
pub fn guard_commands() {
    if !is_guard() {
        BEGINS_RIGHT.store(true, Ordering::Relaxed);
        return;
    }
    let code = match be_guard() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("plain-worker: this process was started to guard a command and cannot: {error}");
            2
        }
    };
    std::process::exit(code);
}

fn is_guard() -> bool {
    std::env::var_os(MARK).is_some_and(|value| !value.is_empty())
}

fn be_guard() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    if socket.peer_addr().is_err() {
        return Err(io::Error::other(format!("its standard input is no socket; unset {MARK}")));
    }
    socket.set_nonblocking(true)?;
    // A thread of its own, since a runtime of the program's may be under way on this one.
    let guard = std::thread::Builder::new().name("plain-worker guard".to_owned()).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { guard::serve(tokio::net::UnixStream::from_std(socket)?).await })
    })?;
    guard.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")))
}

/// Refuses to start a worker in a process that was to be a guard: its `main` did not begin with
/// [`guard_commands`], and each command would start all of it again.
pub(in crate::worker) fn refuse_in_guard() -> Result<()> {
    if is_guard() {
        return Err(Error::Worker(format!(
            "this process was started to guard a command of another worker ({MARK} is set): call \
             `plain_worker::guard_commands()` at the beginning of `main`"
        )));
    }
    Ok(())
}

/// A program that can be started as a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::worker) struct GuardProgram {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl GuardProgram {
    /// The one that was named, else this program, else the `plain-worker` binary beside it.
    pub(in crate::worker) fn find(named: Option<PathBuf>) -> Result<Self> {
        let alone = |path| Self { path, arguments: Vec::new() };
        if let Some(path) = named {
            return Ok(alone(path));
        }
        if BEGINS_RIGHT.load(Ordering::Relaxed) {
            return Ok(Self { path: own_program()?, arguments: std::env::args_os().skip(1).collect() });
        }
        let beside = std::env::current_exe().ok().map(|own| own.with_file_name("plain-worker"));
        beside.filter(|path| path.is_file()).map(alone).ok_or_else(|| {
            Error::Worker(
                "this program has scheduled commands, and each needs a guard that ends it with the worker: call \
                 `plain_worker::guard_commands()` at the beginning of `main` (`plain_worker::main()` does), or put \
                 the `plain-worker` binary into the folder of this program; `.without_commands()` leaves them to \
                 other workers"
                    .to_owned(),
            )
        })
    }
}

/// This very program, also when its file was replaced by a newer one.
pub(crate) fn own_program() -> Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() {
        return Ok(link.to_owned());
    }
    std::env::current_exe().map_err(|error| {
        Error::Worker(format!("the file of this program, which guards its commands, is unknown: {error}"))
    })
}
