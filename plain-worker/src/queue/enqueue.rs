//! The builder of one enqueue.

use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use uuid::Uuid;

use super::destination::{Batch, Destination, Placed, ProcessWide};
use super::{Handle, runtime};
use crate::error::{Error, Refused, Result};
use crate::job::{Job, JobDef};
use crate::payload;
use crate::record::{Due, JobId, NewRequest};
use crate::status::UniqueUntil;

/// Keys made of arguments are stored as they are up to this length, else as a hash.
const READABLE_KEY: usize = 200;

/// One job on its way into a queue; `.await` sends it.
///
/// Made by `welcome_user::enqueue(7)` and by `welcome_user { user_id: 7
/// }.run_in_worker()`. What the methods set overrides what the job's attribute
/// says. It is a future, so it can be awaited, joined and selected;
/// [`send`](Self::send) gives one for `tokio::spawn`, [`blocking`](Self::blocking)
/// waits in a plain function. `Ok` means that the row is committed (or, with a
/// transaction, that it will be when the transaction commits).
///
/// # Errors
/// [`Error::Refused`] when the arguments, a name or an option cannot be stored:
/// nothing is stored then. [`Error::NoQueue`], [`Error::NotMigrated`] and
/// [`Error::Unavailable`] say what to do.
///
/// ```no_run
/// # use plain_worker::job;
/// # use std::time::Duration;
/// #[job]
/// async fn welcome_user(user_id: i64) {}
///
/// # async fn example() -> plain_worker::Result<()> {
/// let handle = welcome_user::enqueue(7).delay(Duration::from_secs(60)).priority(5).await?;
/// println!("{}", handle.id());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is enqueued until the builder is awaited"]
pub struct Enqueue<'w, J> {
    stage: Stage<'w>,
    job: PhantomData<fn() -> J>,
}

enum Stage<'w> {
    Draft(Box<Draft<'w>>),
    Sending(BoxFuture<'w, Result<Placed>>),
    Sent,
}

struct Draft<'w> {
    request: NewRequest,
    /// The first thing that is wrong with it; it surfaces when it is sent.
    refused: Option<Refused>,
    destination: Box<dyn Destination<'w> + 'w>,
    wake: bool,
}

impl<J: Job> Enqueue<'static, J> {
    /// The enqueue of these arguments, to the process-wide queue; called by generated code.
    #[doc(hidden)]
    #[track_caller]
    pub fn new(job: J) -> Self {
        let (request, refused) = draft(&job, Some(Location::caller()));
        Self::from_draft(Draft { request, refused, destination: Box::new(ProcessWide), wake: true })
    }

    /// Enqueues it from a plain function: waits on this thread until the row is committed.
    ///
    /// Meant for threads that run no async code; on a thread of a runtime it
    /// holds that thread up.
    ///
    /// # Errors
    /// As when awaited.
    pub fn blocking(self) -> Result<Handle<J>> {
        runtime::block_on(self)
    }
}

/// The row of a job with the options of its definition, and what is wrong with it.
pub(super) fn draft<J: Job>(job: &J, source: Option<&Location<'_>>) -> (NewRequest, Option<Refused>) {
    let definition = J::DEFINITION;
    match payload::to_json(job) {
        Ok(arguments) => (request(definition, arguments, source), None),
        Err(reason) => (
            request(definition, String::new(), source),
            Some(Refused::Arguments { job: definition.name.to_owned(), reason }),
        ),
    }
}

/// The row of a job of this definition whose arguments are JSON text already.
pub(crate) fn request(definition: &JobDef, arguments: String, source: Option<&Location<'_>>) -> NewRequest {
    let options = &definition.options;
    let unique = options.unique.map(|unique| (unique_key(unique.arguments, &arguments), unique.until));
    NewRequest {
        id: JobId::generate(),
        job: Cow::Borrowed(definition.name),
        queue: Cow::Borrowed(options.queue),
        priority: options.priority,
        due: Due::Now,
        expires_in: options.expires_in,
        arguments,
        shape: Cow::Owned(definition.shape()),
        retries: options.retries,
        timeout: options.timeout,
        on_lost: options.on_lost,
        unique,
        metadata: None,
        source: source.map(|place| format!("{}:{}", place.file(), place.line())),
        trace_context: None,
        slot: None,
    }
}

/// The key that the chosen arguments make (all of them when none is named).
fn unique_key(chosen: &[&str], arguments: &str) -> String {
    let text = if chosen.is_empty() {
        payload::canonical(arguments)
    } else {
        // Arguments that do not parse are refused before the key matters.
        let mut all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(arguments).unwrap_or_default();
        all.retain(|name, _| chosen.contains(&name.as_str()));
        serde_json::Value::Object(all).to_string()
    };
    if text.len() <= READABLE_KEY && !text.contains('\0') {
        text
    } else {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).to_string()
    }
}

impl<'w, J: Job> Enqueue<'w, J> {
    fn from_draft(draft: Draft<'w>) -> Self {
        Self { stage: Stage::Draft(Box::new(draft)), job: PhantomData }
    }

    fn change(mut self, change: impl FnOnce(&mut NewRequest) -> Result<(), Refused>) -> Self {
        if let Stage::Draft(draft) = &mut self.stage {
            let outcome = change(&mut draft.request);
            if draft.refused.is_none() {
                draft.refused = outcome.err();
            }
        }
        self
    }

    fn set(self, set: impl FnOnce(&mut NewRequest)) -> Self {
        self.change(|request| {
            set(request);
            Ok(())
        })
    }

    /// Runs it no sooner than after that time, by the database's clock.
    pub fn delay(self, delay: Duration) -> Self {
        self.change(|request| request.set_delay(delay))
    }

    /// Runs it no sooner than at that instant, by the database's clock; a past one is now.
    pub fn run_at<Tz: TimeZone>(self, at: DateTime<Tz>) -> Self {
        self.set(|request| request.due = Due::At(at.with_timezone(&Utc)))
    }

    /// Puts it into that queue (1 to 200 bytes).
    pub fn queue(self, name: impl Into<String>) -> Self {
        self.set(|request| request.queue = Cow::Owned(name.into()))
    }

    /// Runs it before all that are lower; 0 by default.
    pub fn priority(self, priority: i16) -> Self {
        self.set(|request| request.priority = priority)
    }

    /// How often it may run again after failing.
    pub fn retries(self, retries: u32) -> Self {
        self.set(|request| request.retries = retries)
    }

    /// Enqueues it only if no job of this name holds the key (1 to 1,000 bytes); else the
    /// handle is of the job that does.
    ///
    /// The key is held until the job ends for good, or as the job's attribute says.
    pub fn unique_key(self, key: impl Into<String>) -> Self {
        self.set(|request| {
            let until = request.unique.take().map_or(UniqueUntil::End, |(_, until)| until);
            request.unique = Some((key.into(), until));
        })
    }

    /// Until when the unique key is held; without a key it means nothing.
    pub fn unique_until(self, until: UniqueUntil) -> Self {
        self.set(|request| {
            if let Some((_, held)) = &mut request.unique {
                *held = until;
            }
        })
    }

    /// Ends an attempt that runs longer, as `errored: timeout`; at least 1 ms.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|request| request.set_timeout(timeout))
    }

    /// Is worth nothing if it has not started by then: it ends as `expired` without running.
    pub fn expires_in(self, span: Duration) -> Self {
        self.change(|request| request.set_expires_in(span))
    }

    /// Data of the caller's that travels with the job; it must be a JSON object.
    pub fn metadata<T: Serialize>(self, metadata: T) -> Self {
        self.change(|request| {
            let refuse = |reason: String| Refused::Option { job: request.job.to_string(), reason };
            let text = payload::to_json(&metadata).map_err(|reason| refuse(format!("its metadata: {reason}")))?;
            if !text.starts_with('{') {
                return Err(refuse("its metadata is not a JSON object (a map or a struct)".to_owned()));
            }
            request.metadata = Some(text);
            Ok(())
        })
    }

    /// Whether sleeping workers are woken at once; `true` by default.
    ///
    /// Without, the job starts with the workers' next look, up to 1 s later. On
    /// Postgres waking takes a lock that all committing transactions share:
    /// turn it off in a transaction whose commits are many and urgent.
    pub fn wake(mut self, wake: bool) -> Self {
        if let Stage::Draft(draft) = &mut self.stage {
            draft.wake = wake;
        }
        self
    }

    /// Sends it there: to a queue, or into the caller's own transaction.
    pub fn on<'n>(self, destination: impl Destination<'n>) -> Enqueue<'n, J> {
        match self.stage {
            Stage::Draft(draft) => {
                let Draft { request, refused, wake, .. } = *draft;
                Enqueue::from_draft(Draft { request, refused, destination: Box::new(destination), wake })
            }
            // A builder that is on its way is owned by whoever polls it, and so never comes here.
            Stage::Sending(_) | Stage::Sent => Enqueue { stage: Stage::Sent, job: PhantomData },
        }
    }

    /// The future of this enqueue, for `tokio::spawn` and the like.
    pub fn send(self) -> BoxFuture<'w, Result<Handle<J>>> {
        Box::pin(self)
    }

    /// One entry of a mixed set; see [`Queue::enqueue_batch`](crate::Queue::enqueue_batch).
    ///
    /// # Errors
    /// [`Error::Refused`] when it cannot be stored.
    pub fn prepare(self) -> Result<Prepared> {
        match self.stage {
            Stage::Draft(draft) => match draft.refused {
                Some(refused) => Err(refused.into()),
                None => Ok(Prepared(draft.request)),
            },
            Stage::Sending(_) | Stage::Sent => Err(sent_twice()),
        }
    }
}

/// A job that is ready to be enqueued together with others.
#[derive(Clone, Debug)]
pub struct Prepared(pub(crate) NewRequest);

/// The options that can be out of range; the builders and the command line set them here.
impl NewRequest {
    pub(crate) fn set_delay(&mut self, delay: Duration) -> Result<(), Refused> {
        self.check_span(delay)?;
        self.due = Due::In(delay);
        Ok(())
    }

    pub(crate) fn set_expires_in(&mut self, span: Duration) -> Result<(), Refused> {
        self.check_span(span)?;
        self.expires_in = Some(span);
        Ok(())
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) -> Result<(), Refused> {
        self.check_span(timeout)?;
        if timeout < Duration::from_millis(1) {
            let reason = "a timeout of less than 1 ms lets nothing run".to_owned();
            return Err(Refused::Option { job: self.job.to_string(), reason });
        }
        self.timeout = Some(timeout);
        Ok(())
    }

    /// Refuses a span that leads past the end of the calendar.
    fn check_span(&self, span: Duration) -> Result<(), Refused> {
        /// The year 10000, where the text forms of SQLite and RFC 3339 end.
        const END: i64 = 253_402_300_800;
        let fits = chrono::TimeDelta::from_std(span)
            .ok()
            .and_then(|span| Utc::now().checked_add_signed(span))
            .is_some_and(|end| end.timestamp() < END);
        if fits { Ok(()) } else { Err(Refused::Delay { job: self.job.to_string(), delay: span }) }
    }
}

fn sent_twice() -> Error {
    Error::Setting("this enqueue was sent already".to_owned())
}

impl<J: Job> Future for Enqueue<'_, J> {
    type Output = Result<Handle<J>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.stage {
                Stage::Sending(future) => {
                    let placed = ready!(future.as_mut().poll(cx));
                    self.stage = Stage::Sent;
                    return Poll::Ready(placed.and_then(Handle::of_placed));
                }
                Stage::Draft(_) => {
                    let Stage::Draft(draft) = std::mem::replace(&mut self.stage, Stage::Sent) else {
                        return Poll::Ready(Err(sent_twice()));
                    };
                    if let Some(refused) = draft.refused {
                        return Poll::Ready(Err(refused.into()));
                    }
                    let batch = Batch { requests: [draft.request].into(), wake: draft.wake };
                    self.stage = Stage::Sending(draft.destination.place(batch));
                }
                Stage::Sent => return Poll::Ready(Err(sent_twice())),
            }
        }
    }
}

impl<J: Job> std::fmt::Debug for Enqueue<'_, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Arguments may be secret, so they are not shown.
        f.debug_struct("Enqueue").field("job", &J::DEFINITION.name).finish_non_exhaustive()
    }
}
