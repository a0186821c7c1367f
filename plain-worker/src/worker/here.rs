//! A run without a row: here and now.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::context::Context;
use super::{outcome, panics};
use crate::error::{Error, Result};
use crate::job::{JobDef, Scope, Started, States};
use crate::queue::Queue;

/// Runs a job once, with these states: its output, or its error with the whole source chain.
///
/// # Errors
/// When a state that it needs is missing, or its arguments cannot be read: it was not started.
pub(crate) async fn run_here(
    queue: &Queue,
    states: States,
    definition: &'static JobDef,
    arguments: &str,
) -> Result<std::result::Result<Option<String>, String>> {
    let mut own = States::default();
    own.insert(Context::here(queue.clone(), definition));
    let scope = Scope::new(Arc::new(states), own);
    let cannot = |reason: String| Error::Setting(format!("job `{}` cannot run: {reason}", definition.name));
    for parameter in definition.injected {
        (parameter.check)(scope.states()).map_err(|error| cannot(error.to_string()))?;
    }
    let started = panics::caught(|| (definition.start)(arguments, &scope)).map_err(cannot)?;
    let ended = match started.map_err(|error| cannot(error.to_string()))? {
        Started::Async(future) => panics::caught_future(future).await,
        Started::Blocking(call) => {
            let (answer, answered) = oneshot::channel();
            std::thread::spawn(move || {
                // The receiver waits below for as long as this runs.
                let _ = answer.send(panics::caught(call));
            });
            answered.await.unwrap_or_else(|_| Err("its thread ended without an answer".to_owned()))
        }
    };
    Ok(match ended {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(failure)) => Err(outcome::chain_text(&*failure.error)),
        Err(panic) => Err(panic),
    })
}
