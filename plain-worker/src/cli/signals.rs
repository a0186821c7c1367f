//! The signals that stop a worker, heard by a thread of their own, which no job can keep busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use super::exit::Failure;
use super::settings::note;

/// The wish to stop. While it lives the first signal is the wish, and a second ends the process at once; after
/// it was dropped every signal does.
pub(super) struct Stop {
    told: CancellationToken,
    over: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let told = CancellationToken::new();
        let over = Arc::<AtomicBool>::default();
        hear({
            let (told, over) = (told.clone(), Arc::clone(&over));
            move |number, name| {
                if told.is_cancelled() || over.load(Ordering::Relaxed) {
                    end(number);
                }
                note(&format!("{name}: stopping when what runs has ended; once more stops at once"));
                told.cancel();
            }
        })
        .map_err(|error| Failure::failed(format!("signals cannot be listened for: {error}")))?;
        Ok(Self { told, over })
    }

    /// Waits for the first signal.
    pub(super) async fn told(&self) {
        self.told.cancelled().await;
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods, reason = "at once is what was asked for")]
fn end(number: i32) -> ! {
    std::process::exit(128 + number)
}

/// Calls `heard` with the number and the name of each signal.
#[cfg(unix)]
fn hear(mut heard: impl FnMut(i32, &str) + Send + 'static) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::Builder::new().name("plain-worker signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            loop {
                let (kind, name) = tokio::select! {
                    _ = interrupt.recv() => (SignalKind::interrupt(), "SIGINT"),
                    _ = terminate.recv() => (SignalKind::terminate(), "SIGTERM"),
                };
                heard(kind.as_raw_value(), name);
            }
        });
    })?;
    Ok(())
}

/// The same where there is only Ctrl-C.
#[cfg(not(unix))]
fn hear(mut heard: impl FnMut(i32, &str) + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("plain-worker signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                heard(2, "Ctrl-C");
            }
        });
    })?;
    Ok(())
}
