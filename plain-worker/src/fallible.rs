//! What the return type of a job's function means.

use serde::Serialize;

use crate::job::{BoxError, JobFailure, RunEnd};
use crate::payload;

/// A return type that can fail: `core::result::Result`, under whatever alias it is written.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a job's return type that is called `Result` must be `core::result::Result`",
    note = "rename your own type, or return `Result<T, E>` of the standard library (or an alias of it, such as `anyhow::Result<T>`)"
)]
pub trait Fallible {
    /// What it is when it went well.
    type Ok;
    /// What it is when it did not.
    type Error;
    /// The same as a `core::result::Result`.
    fn into_result(self) -> Result<Self::Ok, Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Error = E;
    fn into_result(self) -> Self {
        self
    }
}

/// The end of a job whose function cannot fail.
#[doc(hidden)]
pub fn end_of_output<T: Serialize>(output: &T) -> RunEnd {
    match payload::to_json(output) {
        Ok(text) if text == "null" => Ok(None),
        Ok(text) => Ok(Some(text)),
        // It ran, but what it says cannot be kept: running it again would not change that.
        Err(reason) => {
            let error: BoxError = format!("the output cannot be recorded: {reason}").into();
            Err(JobFailure { error: error.into(), retry: false, output: None })
        }
    }
}

/// The end of a job whose function can fail.
#[doc(hidden)]
pub fn end_of_result<T, E>(result: Result<T, E>, retry_if: fn(&E) -> bool) -> RunEnd
where
    T: Serialize,
    E: Into<BoxError>,
{
    match result {
        Ok(output) => end_of_output(&output),
        Err(error) => {
            // A panic in `retry_if` is a panic of the job, and is caught with it.
            let retry = retry_if(&error);
            Err(JobFailure { error: error.into().into(), retry, output: None })
        }
    }
}

/// The `retry_if` of a job that names none.
#[doc(hidden)]
pub fn always<E>(_: &E) -> bool {
    true
}
