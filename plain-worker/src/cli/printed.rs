//! What of the events is printed, where the logs of jobs take more of them.
//!
//! Filters of single layers (`with_filter`) would say this in a line, but they lose events
//! (<https://github.com/tokio-rs/tracing/issues/2519>); so this one is asked by the printing layer itself.

use tracing::metadata::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that prints what the filter lets through; the filter and `kept` say what is worth making at all.
pub(super) struct Printed<L> {
    pub(super) filter: EnvFilter,
    /// What the logs of jobs keep.
    pub(super) kept: LevelFilter,
    pub(super) layer: L,
}

impl<S, L> Layer<S> for Printed<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let printed = Layer::<S>::register_callsite(&self.filter, metadata);
        if *metadata.level() <= self.kept { Interest::always() } else { printed }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        *metadata.level() <= self.kept || self.filter.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.max_level_hint()?.max(self.kept))
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if self.filter.enabled(event.metadata(), context.clone()) {
            self.layer.on_event(event, context);
        }
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        self.filter.on_new_span(attributes, id, context.clone());
        self.layer.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        self.filter.on_record(id, values, context.clone());
        self.layer.on_record(id, values, context);
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        self.filter.on_enter(id, context.clone());
        self.layer.on_enter(id, context);
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        self.filter.on_exit(id, context.clone());
        self.layer.on_exit(id, context);
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        self.filter.on_close(id.clone(), context.clone());
        self.layer.on_close(id, context);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no holder panics").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is printed, and what else is made.
    fn lines(filter: &str, kept: LevelFilter) -> (String, Vec<bool>) {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let printed = Printed { filter: EnvFilter::new(filter), kept, layer };
        let made = tracing::subscriber::with_default(tracing_subscriber::registry().with(printed), || {
            tracing::warn!("a warning");
            tracing::info!("an info");
            let _inside = tracing::info_span!("loud").entered();
            tracing::debug!("a detail");
            vec![tracing::enabled!(tracing::Level::INFO), tracing::enabled!(tracing::Level::TRACE)]
        });
        let bytes = written.0.lock().expect("no holder panics").clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let message = |line: &str| line.rsplit(": ").next().unwrap_or_default().to_owned();
        (text.lines().map(message).collect::<Vec<_>>().join(", "), made)
    }

    #[test]
    fn the_filter_says_what_is_printed_and_no_more_is_made_than_is_kept() {
        assert_eq!(lines("warn", LevelFilter::OFF), ("a warning".to_owned(), vec![false, false]));
        assert_eq!(lines("warn", LevelFilter::INFO), ("a warning".to_owned(), vec![true, false]));
        assert_eq!(lines("off", LevelFilter::INFO), (String::new(), vec![true, false]));
        assert_eq!(lines("info", LevelFilter::OFF).0, "a warning, an info");
        assert_eq!(lines("warn,[loud]=debug", LevelFilter::INFO).0, "a warning, a detail");
    }
}
