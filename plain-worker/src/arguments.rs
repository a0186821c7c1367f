//! The stored arguments of a job: what they must be, and how they are read and written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{BoxError, PayloadError};
use crate::payload;

/// What the type of a stored argument has to be; the name is what errors show.
#[doc(hidden)]
pub trait StoredArgument: Serialize + DeserializeOwned + Send + 'static {
    /// The same type again, if the argument can be stored.
    ///
    /// Generated code asks for the bound through this: where it does not hold,
    /// the type is unknown, and the compiler says nothing more about it. So the
    /// error at the argument's type is the only one.
    type Then<J>;
}

impl<T: Serialize + DeserializeOwned + Send + 'static> StoredArgument for T {
    type Then<J> = J;
}

/// Reads stored arguments.
#[doc(hidden)]
pub fn read_arguments<J: DeserializeOwned>(text: &str) -> Result<J, PayloadError> {
    serde_json::from_str(text).map_err(|error| PayloadError::Unreadable(error.to_string()))
}

/// Tells whether stored arguments can be read.
#[doc(hidden)]
pub fn check_arguments<J: DeserializeOwned>(text: &str) -> Result<(), PayloadError> {
    read_arguments::<J>(text).map(drop)
}

/// The arguments that a schedule gives to a run, as they are stored.
#[doc(hidden)]
pub fn slot_arguments<T: Serialize>(given: &T) -> Result<String, BoxError> {
    payload::to_json(given).map_err(BoxError::from)
}
