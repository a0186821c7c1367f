//! The statements of a store: one file each, rendered once for a namespace and a clock.

/// Declares the struct of a store's statements, read from the files of the same names in `sql/`.
///
/// `{now}` and `{filter}` stand for shared fragments, and the store's own
/// placeholder for its namespace; see `render` of each store.
macro_rules! statements {
    ($($name:ident),+ $(,)?) => {
        #[derive(Debug)]
        pub(super) struct Statements { $(pub(super) $name: std::sync::Arc<str>,)+ }

        impl Statements {
            pub(super) fn render(render: impl Fn(&str) -> String) -> Self {
                Self { $($name: render(include_str!(concat!("sql/", stringify!($name), ".sql"))).into(),)+ }
            }
        }
    };
}
