//! The words of a job: its definition, the trait the macro implements, and what is injected.

mod definition;
mod inject;
mod steer;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use definition::{
    Argument, Injected, JobDef, JobFailure, JobOptions, PayloadError, RunEnd, ScheduleDef, Started, Unique,
};
pub use inject::{ByInject, ByState, Inject, Injection, Injector, MissingState, Scope, States};
pub(crate) use steer::Wanted;
pub use steer::{Steer, cancel, discard, snooze};

/// An error of any kind, as a job's function returns it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A function that can be enqueued; `#[job]` implements it for the struct of the function's name.
///
/// The struct's fields are the job's arguments. Implementing it by hand is not
/// supported: the macro and this crate change together.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// What the function returns when it ends well.
    type Output: Send + 'static;

    /// Everything known about the job at compile time.
    const DEFINITION: &'static JobDef;
}
