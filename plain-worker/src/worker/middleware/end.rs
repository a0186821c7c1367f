use std::error::Error;
use std::time::Duration;

use super::Seen;
use crate::job::{BoxError, JobDef, JobFailure};
use crate::record::{Finish, Next, Run};
use crate::status::{AttemptStatus, ErrorKind, JobState};
use crate::worker::executor::Attempt;
use crate::worker::outcome::{Ended, decide};

/// How an attempt ended, and what follows from it; not recorded yet.
pub struct End {
    run: Run,
    definition: &'static JobDef,
    finish: Finish,
    error: Option<Seen>,
    took: Duration,
}

/// The failure of an attempt whose function returned no error: a panic, a timeout, arguments that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct AttemptFailed {
    kind: ErrorKind,
    text: String,
}

impl AttemptFailed {
    /// In which way it failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl End {
    pub(super) fn of(attempt: &Attempt<'_>, ended: Ended, took: Duration) -> Self {
        Self::decided(attempt.run.clone(), attempt.definition, ended, took)
    }

    fn decided(run: Run, definition: &'static JobDef, ended: Ended, took: Duration) -> Self {
        let returned = match &ended {
            Ended::Returned(Err(failure), _) => Some(Seen::clone(&failure.error)),
            _ => None,
        };
        let finish = decide(&run, Some(definition), ended);
        let error = returned.or_else(|| {
            let record = finish.record.as_ref()?;
            let failed = AttemptFailed { kind: record.kind?, text: record.error.clone().unwrap_or_default() };
            Some(std::sync::Arc::new(failed) as Seen)
        });
        Self { run, definition, finish, error, took }
    }

    pub(super) fn into_finish(self) -> Finish {
        self.finish
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    pub(super) fn finish(&self) -> &Finish {
        &self.finish
    }

    /// How the attempt ended.
    #[must_use]
    pub fn status(&self) -> AttemptStatus {
        // Only what goes back untouched is not recorded.
        self.finish.record.as_ref().map_or(AttemptStatus::HandedBack, |record| record.status)
    }

    /// Where the job stands now: ended for good, or waiting again.
    #[must_use]
    pub fn state(&self) -> JobState {
        self.finish.state()
    }

    /// In which way it failed, if it failed.
    #[must_use]
    pub fn error_kind(&self) -> Option<ErrorKind> {
        self.finish.record.as_ref().and_then(|record| record.kind)
    }

    /// The error: as the function returned it, to be downcast, else an [`AttemptFailed`]; none when it did not fail.
    ///
    /// Also what [`snooze`](crate::snooze) and [`cancel`](crate::cancel) made is an error here.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + 'static)> {
        self.error.as_deref().map(|error| error as &(dyn Error + 'static))
    }

    /// The text that is recorded as its error, with the whole source chain.
    #[must_use]
    pub fn error_text(&self) -> Option<&str> {
        self.finish.record.as_ref()?.error.as_deref()
    }

    /// What the function returned, as JSON text; none for `()`.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.finish.record.as_ref()?.output.as_deref()
    }

    /// Whether it failed and runs again.
    #[must_use]
    pub fn will_retry(&self) -> bool {
        self.state() == JobState::Retrying
    }

    /// How long the job waits before it runs again; none when it has ended for good.
    #[must_use]
    pub fn again_in(&self) -> Option<Duration> {
        match &self.finish.next {
            Next::End(_) => None,
            Next::Again(again) => Some(again.delay),
        }
    }

    /// How long the job's function took, without the middleware.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The end as if the function had returned that error instead.
    ///
    /// [`discard`](crate::discard), [`snooze`](crate::snooze) and [`cancel`](crate::cancel) steer it as
    /// they do in a job. A job that completed itself in its own transaction stays completed.
    #[must_use]
    pub fn failing_with(self, error: impl Into<BoxError>) -> Self {
        let failure = JobFailure { error: error.into().into(), retry: true, output: None };
        Self::decided(self.run, self.definition, Ended::Returned(Err(failure), None), self.took)
    }
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("End")
            .field("job", &self.run.job)
            .field("status", &self.status())
            .field("state", &self.state())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}
