//! Panics of job functions: caught, with their message and place.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// The panic that this thread's job is in, while one runs; the hook fills it.
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Seen {
    place: Option<String>,
}

/// Has panics of jobs noted with their place; those of everything else go to the hook that was there before.
///
/// A caught panic carries no place, so a hook has to look. It stays for the
/// life of the process and does nothing outside of jobs.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let ours = SEEN.with_borrow_mut(|seen| match seen {
                Some(seen) => {
                    seen.place = info.location().map(ToString::to_string);
                    true
                }
                None => false,
            });
            if !ours {
                before(info);
            }
        }));
    });
}

/// Calls `work` and gives its panic as text: the message and the place.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    watch();
    let outer = SEEN.replace(Some(Seen::default()));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let seen = SEEN.replace(outer);
    outcome.map_err(|panic| {
        let message = message(&*panic);
        match seen.and_then(|seen| seen.place) {
            Some(place) => format!("panicked at {place}: {message}"),
            None => format!("panicked: {message}"),
        }
    })
}

/// The same for each poll of a future, and for its drop.
pub(super) async fn caught_future<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match caught(|| future.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "with a value that is no text".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place() {
        let text = caught(|| -> () { panic!("at number {}", 7) }).unwrap_err();
        assert!(
            text.starts_with("panicked at ") && text.contains("panics.rs:") && text.ends_with(": at number 7"),
            "{text}"
        );
        assert_eq!(caught(|| 1), Ok(1));
    }
}
