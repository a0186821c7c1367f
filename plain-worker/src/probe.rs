//! Answers about types, at compile time, for generated code.
//!
//! `Probe::<T>::IS_OPTION` finds the constant of the `Option` impl where `T` is
//! one, under whatever name, and otherwise, with [`NotOption`] in scope, the
//! trait's: an inherent constant goes before one of a trait.

use std::marker::PhantomData;

#[doc(hidden)]
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<Option<T>> {
    pub const IS_OPTION: bool = true;
}

#[doc(hidden)]
pub trait NotOption {
    const IS_OPTION: bool = false;
}

impl<T> NotOption for Probe<T> {}

impl<T, E> Probe<Result<T, E>> {
    pub const IS_RESULT: bool = true;
}

#[doc(hidden)]
pub trait NotResult {
    const IS_RESULT: bool = false;
}

impl<T> NotResult for Probe<T> {}
