//! What generated code names. Nothing in here is for people, and all of it may change at any time.

pub use core;
pub use std;

pub use inventory;
pub use serde;
pub use serde_json;

pub use plain_worker_macros::{job, scheduled, scheduled_command};

pub use crate::arguments::{StoredArgument, check_arguments, read_arguments, slot_arguments};
pub use crate::command::{Command, CommandSchedule, Registered};
pub use crate::fallible::{Fallible, always, end_of_output, end_of_result};
pub use crate::job::{
    Argument, BoxError, ByInject, ByState, Inject, Injected, Injection, Injector, Job, JobDef, JobFailure, JobOptions,
    MissingState, PayloadError, RunEnd, ScheduleDef, Scope, Started, States, Unique,
};
pub use crate::probe::{NotOption, NotResult, Probe};
pub use crate::queue::{BulkEnqueue, Enqueue, Handle, Lookup};
pub use crate::record::JobId;
pub use crate::registry::Registration;
pub use crate::retry::Backoff;
pub use crate::status::{OnLost, UniqueUntil};
