//! The pipe by which a worker process hangs on its supervisor: it ends with it, whatever happens.

use std::io::{ErrorKind, Read};

use super::exit::Failure;

/// Ends this process at once when its standard input ends: when its supervisor is gone.
///
/// A thread of its own waits, which no job and no database can keep busy. The
/// end is that of a kill: nothing is lost, another worker rescues what ran.
pub(super) fn hang_on_supervisor() -> Result<(), Failure> {
    std::thread::Builder::new()
        .name("plain-worker supervisor".to_owned())
        .spawn(|| {
            let mut stdin = std::io::stdin();
            let mut nothing = [0; 16];
            loop {
                match stdin.read(&mut nothing) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // The supervisor never writes.
                    Ok(1..) => {}
                    Ok(0) | Err(_) => end(),
                }
            }
        })
        .map(drop)
        .map_err(|error| Failure::failed(format!("no thread could be started to watch the supervisor: {error}")))
}

/// Ends this process, without what a usual exit waits for.
fn end() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // If it does not work, the next line does.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}
