//! The layer of tracing that hands the events of a run to it.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::current;
use crate::worker::context::Context as Run;

/// Keeps the events of jobs with their runs, as far as [`JobLogs`](crate::JobLogs) lets them.
///
/// It wants no event that nobody else wants: what your subscriber's filter does not let through is not kept.
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    JobLayer
}

struct JobLayer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JobLayer {
    /// A span that a run opens belongs to it, wherever it goes.
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(Some(run)) = current::with(|run| run.keeps_logs().then(|| run.clone())) else { return };
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(run);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let tell = |run: &Run| {
            if run.keeps(*metadata.level()) {
                let mut text = Text::default();
                event.record(&mut text);
                run.tell(*metadata.level(), Some(metadata.target()), text.whole());
            }
        };
        if current::with(tell).is_some() {
            return;
        }
        let run = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(|span| span.extensions().get::<Run>().cloned()));
        if let Some(run) = run {
            tell(&run);
        }
    }
}

/// The message of an event, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn whole(mut self) -> String {
        self.message.push_str(if self.message.is_empty() { self.fields.trim_start() } else { &self.fields });
        self.message
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
