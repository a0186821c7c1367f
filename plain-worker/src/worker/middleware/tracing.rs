use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::{End, Middleware, Next};
use crate::status::AttemptStatus;
use crate::worker::Context;

/// Opens a span around each attempt, in which the job's own events and spans lie.
///
/// The span is named `job` and has `job`, `id`, `attempt` and `queue`, and at its end `status`,
/// `state` and `error`; the fields that begin with `otel.` and `messaging.` are what
/// `tracing-opentelemetry` and the conventions for messaging expect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing(());

impl Tracing {
    /// A span for each attempt.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Middleware for Tracing {
    async fn call(&self, ctx: &Context, next: Next<'_>) -> End {
        let span = info_span!(
            "job",
            job = ctx.job(),
            id = %ctx.id(),
            attempt = ctx.attempt(),
            queue = ctx.queue_name(),
            otel.name = format_args!("process {}", ctx.job()),
            otel.kind = "consumer",
            otel.status_code = Empty,
            messaging.system = "plain_worker",
            messaging.operation.type = "process",
            messaging.destination.name = ctx.queue_name(),
            messaging.message.id = %ctx.id(),
            status = Empty,
            state = Empty,
            error = Empty,
        );
        let end = next.run().instrument(span.clone()).await;
        span.record("status", end.status().as_str());
        span.record("state", end.state().as_str());
        match end.status() {
            AttemptStatus::Successful => {
                span.record("otel.status_code", "OK");
            }
            AttemptStatus::Errored => {
                span.record("otel.status_code", "ERROR");
                span.record("error", end.error_text().unwrap_or_default());
            }
            _ => {}
        }
        end
    }
}
