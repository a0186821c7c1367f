//! Runs with arguments that somebody wrote.

use std::borrow::Cow;

use super::{Prepared, Queue, request};
use crate::error::{Error, Refused, Result};
use crate::job::{JobDef, PayloadError};
use crate::record::{Inserted, JobId, RetryAnswer};
use crate::registry::{Registry, nearest};

impl Queue {
    /// As [`retry`](Self::retry), with other arguments: a JSON object that the job can read.
    ///
    /// They are checked against the job's type where this program knows it, and otherwise by the worker, which parks
    /// the job when it cannot read them. Attempts that have ended keep the arguments that they had.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when there is none of that id, [`Error::Refused`] when the arguments do not fit, and
    /// [`Error::UnknownJob`] when neither this program nor a live worker knows the job.
    pub async fn retry_with(&self, id: JobId, arguments: &str) -> Result<RetryAnswer> {
        let missing = || Error::NoSuchJob { id, database: self.describe() };
        let job = self.job(id).await?.ok_or_else(missing)?.job;
        let (arguments, shape) = self.fitting(&job, arguments).await?;
        let changed = Some((arguments, shape));
        let answer = self.ask(move |store| async move { store.retry(id, changed).await }).await?;
        let answer = answer.ok_or_else(missing)?;
        if answer == RetryAnswer::Ready {
            self.wake(Vec::new());
        }
        Ok(answer)
    }

    /// Enqueues a job of this program with arguments that somebody wrote, and with the options of its attribute.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when this program does not know the job, [`Error::Refused`] when the arguments do not fit.
    pub async fn enqueue_by_name(&self, job: &str, arguments: &str, source: &str) -> Result<Inserted> {
        let definition = Registry::of_program()?.find(job)?;
        let arguments = fits(definition, arguments)?;
        let mut new = request(definition, arguments, None);
        new.source = Some(source.to_owned());
        let inserted = self.enqueue_batch([Prepared(new)]).await?;
        let nothing = || Error::Row { table: "job_requests", reason: "the insert answered nothing".to_owned() };
        inserted.first().copied().ok_or_else(nothing)
    }

    /// Arguments as they are stored for a job, and their shape.
    async fn fitting(&self, job: &str, arguments: &str) -> Result<(String, Cow<'static, str>)> {
        let (size, limit) = (arguments.len(), self.payload_limit());
        if size > limit {
            return Err(Refused::TooLarge { job: job.to_owned(), size, limit }.into());
        }
        let registry = Registry::of_program()?;
        if let Some(definition) = registry.get(job) {
            return Ok((fits(definition, arguments)?, definition.shape().into()));
        }
        object(job, arguments)?;
        let workers = self.ask(|store| async move { store.live_workers().await }).await?;
        if workers.iter().any(|worker| worker.knows.contains_key(job)) {
            // Of no shape that anybody has written: a worker that cannot read it parks it.
            return Ok((arguments.trim().to_owned(), Cow::Borrowed("")));
        }
        let known = workers.iter().flat_map(|worker| worker.knows.keys().map(String::as_str));
        let known = known.chain(registry.jobs().iter().map(|job| job.name));
        Err(Error::UnknownJob { nearest: nearest(job, known), name: job.to_owned() })
    }
}

/// Arguments that the job can read, without the space around them.
fn fits(definition: &JobDef, arguments: &str) -> Result<String> {
    object(definition.name, arguments)?;
    match (definition.check)(arguments) {
        Ok(()) | Err(PayloadError::Missing(_)) => Ok(arguments.trim().to_owned()),
        Err(error) => Err(Refused::Arguments { job: definition.name.to_owned(), reason: error.to_string() }.into()),
    }
}

/// Refuses what is no JSON object; a list would be taken for the arguments in their order.
fn object(job: &str, arguments: &str) -> Result<()> {
    type Raw<'a> = std::collections::BTreeMap<Cow<'a, str>, &'a serde_json::value::RawValue>;
    let wrong = |error: serde_json::Error| {
        let reason = format!("its arguments are no JSON object: {error}");
        Error::from(Refused::Arguments { job: job.to_owned(), reason })
    };
    serde_json::from_str::<Raw<'_>>(arguments).map(drop).map_err(wrong)
}
