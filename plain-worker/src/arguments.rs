//! The stored arguments of a job: what they must be, and how they are read and written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{BoxError, PayloadError};
use crate::payload;

/// What the type of a stored argument has to be.
///
/// It has no meaning of its own; the name is what an error shows beside the
/// trait that is missing.
#[doc(hidden)]
pub trait StoredArgument: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> StoredArgument for T {}

/// Asks for one argument whether it can be stored; the error points at its type.
#[doc(hidden)]
pub const fn stored_argument<T: StoredArgument>() {}

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
