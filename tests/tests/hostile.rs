//! Jobs in a crate that forbids and denies what it can, and in a module that shadows the prelude.
//!
//! That this file compiles, and passes clippy, is the test.
//!
//! `forbid(unsafe_code)` holds although the registration goes through
//! `inventory`, whose macro writes an `unsafe` attribute: code from the macro of
//! another crate is exempt from that lint.
#![deny(
    warnings,
    unused,
    missing_docs,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    missing_debug_implementations,
    redundant_imports,
    redundant_lifetimes,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]
#![allow(clippy::redundant_pub_crate, reason = "it contradicts `unreachable_pub`")]

use plain_worker::Registry;

pub mod jobs {
    //! Jobs of every kind.

    use plain_worker::{job, scheduled};

    /// A state.
    #[derive(Clone, Copy, Debug)]
    pub struct State(pub u8);

    /// Documented.
    ///
    /// # Errors
    /// Never.
    #[job(retries = 3, unique(user_id), until = "start", backoff = list("1s"), timeout = "3s")]
    #[scheduled("0 9 * * *", args(user_id = 7, name = "x"))]
    pub async fn welcome(
        user_id: i64,
        name: String,
        #[serde(default)] list: Vec<u8>,
        #[inject] state: State,
    ) -> Result<String, std::io::Error> {
        drop(list);
        std::future::ready(()).await;
        Ok(format!("{user_id} {name} {}", state.0))
    }

    #[job]
    async fn private_and_never_called(user_id: i64, other: f64) {
        std::future::ready(()).await;
        assert!(user_id > 0 || other > 0.0);
    }

    /// Of an expression alone.
    #[scheduled("@daily")]
    pub fn plain() {
        println!("plain");
    }

    /// Not to be used.
    #[job]
    #[deprecated = "for the test"]
    pub fn old(#[redact] number: Option<u8>) {
        println!("{number:?}");
    }

    /// Fails.
    #[job(retry_if = is_urgent)]
    pub(crate) async fn fails(reason: String) -> Result<(), std::io::Error> {
        std::future::ready(()).await;
        Err(std::io::Error::other(reason))
    }

    fn is_urgent(error: &std::io::Error) -> bool {
        error.kind() == std::io::ErrorKind::TimedOut
    }
}

mod shadowing {
    #![allow(dead_code, reason = "these only stand in the way")]

    pub(crate) struct Box;
    pub(crate) struct Err;
    pub(crate) struct None;
    pub(crate) struct Ok;
    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Some;
    pub(crate) struct String;
    pub(crate) struct Vec;
    pub(crate) trait Clone {}
    pub(crate) trait Fn {}
    pub(crate) trait From {}
    pub(crate) trait Into {}
    pub(crate) trait Iterator {}
    pub(crate) trait Send {}
    mod core {}
    mod plain_worker {}
    mod serde {}
    mod std {}
    mod bool {}
    mod str {}

    #[::plain_worker::job(unique, timeout = "1s", backoff = fixed("1s"), retries = 2)]
    #[::plain_worker::scheduled("0 9 * * *", tz = "UTC", args(name = "x", maybe = ::core::option::Option::None))]
    pub(crate) async fn shadowed(
        name: ::std::string::String,
        maybe: ::core::option::Option<u8>,
        #[inject] state: super::jobs::State,
    ) -> ::core::result::Result<usize, ::std::string::String> {
        ::std::future::ready(()).await;
        ::core::result::Result::Ok(name.len() + usize::from(maybe.is_some()) + usize::from(state.0))
    }

    #[::plain_worker::job]
    pub(crate) fn shadowed_blocking(name: ::std::string::String) -> usize {
        name.len()
    }
}

#[test]
fn all_are_registered() {
    let registry = Registry::of_program().expect("no clash");
    for name in ["welcome", "private_and_never_called", "plain", "old", "fails", "shadowed", "shadowed_blocking"] {
        assert!(registry.get(name).is_some(), "{name}");
    }
}
