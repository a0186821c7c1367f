use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

/// The values a worker was given by `.state(..)`, one a type.
#[derive(Clone, Default)]
pub struct States {
    values: HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>,
}

impl States {
    /// Adds a value; one of the same type that was there before is replaced.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), (type_name::<T>(), Arc::new(value)));
    }

    /// A clone of the value of that type.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let (_, value) = self.values.get(&TypeId::of::<T>())?;
        value.downcast_ref::<T>().cloned()
    }

    /// Whether there is a value of that type.
    #[must_use]
    pub fn contains<T: 'static>(&self) -> bool {
        self.values.contains_key(&TypeId::of::<T>())
    }
}

impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.values().map(|(name, _)| name)).finish()
    }
}

/// What one run can be given: the worker's states and the run's own values (its `Context`).
#[derive(Clone, Debug)]
pub struct Scope {
    states: Arc<States>,
    run: States,
}

impl Scope {
    pub(crate) fn new(states: Arc<States>, run: States) -> Self {
        Self { states, run }
    }

    /// The scope of no run, with these states: for tests of an [`Inject`] of one's own.
    #[must_use]
    pub fn detached(states: States) -> Self {
        Self { states: Arc::new(states), run: States::default() }
    }

    #[cfg(feature = "cli")]
    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    /// A clone of the value of that type: the run's own first, else the worker's state.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.run.get().or_else(|| self.states.get())
    }
}

/// A parameter could not be provided: the worker has no state of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the worker has no state of type `{type_name}`: give it one with `.state(..)`")]
pub struct MissingState {
    /// The type that is missing.
    pub type_name: &'static str,
}

/// How a parameter that carries `#[inject]` gets its value.
///
/// [`Context`](crate::Context) implements it, and every other type that is
/// `Clone + Send + Sync + 'static` is taken from the worker's states without
/// implementing anything. Implement it for a type that is made anew for each
/// run, out of other states:
///
/// ```
/// use plain_worker::{Inject, MissingState, Scope, States};
///
/// #[derive(Clone)]
/// struct Smtp { host: String }
/// struct Mailer { smtp: Smtp }
///
/// impl Inject for Mailer {
///     fn check(states: &States) -> Result<(), MissingState> {
///         if states.contains::<Smtp>() { Ok(()) } else { Err(MissingState { type_name: "Smtp" }) }
///     }
///     fn inject(scope: &Scope) -> Result<Self, MissingState> {
///         scope.get().map(|smtp| Mailer { smtp }).ok_or(MissingState { type_name: "Smtp" })
///     }
/// }
/// ```
pub trait Inject: Sized {
    /// Tells at start-up whether a worker with these states can provide the value.
    ///
    /// # Errors
    /// [`MissingState`] names the type that the worker lacks.
    fn check(states: &States) -> Result<(), MissingState>;

    /// Makes the value for one run.
    ///
    /// # Errors
    /// [`MissingState`] names the type that the worker lacks.
    fn inject(scope: &Scope) -> Result<Self, MissingState>;
}

/// How the values of one type are made: what the look-up by [`Injector`] finds.
#[doc(hidden)]
pub struct Injection<T> {
    check: fn(&States) -> Result<(), MissingState>,
    inject: fn(&Scope) -> Result<T, MissingState>,
}

impl<T> Injection<T> {
    #[doc(hidden)]
    pub fn check(&self, states: &States) -> Result<(), MissingState> {
        (self.check)(states)
    }

    #[doc(hidden)]
    pub fn inject(&self, scope: &Scope) -> Result<T, MissingState> {
        (self.inject)(scope)
    }
}

/// Chooses, for one type, between its own [`Inject`] and the worker's states.
///
/// Generated code calls `(&Injector::<T>::new()).injection()` with [`ByState`]
/// and [`ByInject`] in scope: method look-up prefers the impl that needs no
/// further reference, which is the one for types with an [`Inject`] of their own.
#[doc(hidden)]
pub struct Injector<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Injector<T> {
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// The preferred look-up: the type says itself how it is made.
#[doc(hidden)]
pub trait ByInject<T> {
    #[doc(hidden)]
    fn injection(&self) -> Injection<T>;
}

impl<T: Inject> ByInject<T> for Injector<T> {
    fn injection(&self) -> Injection<T> {
        Injection { check: T::check, inject: T::inject }
    }
}

/// The look-up for all other types: a clone of the worker's state.
#[doc(hidden)]
pub trait ByState<T> {
    #[doc(hidden)]
    fn injection(&self) -> Injection<T>;
}

impl<T: Clone + Send + Sync + 'static> ByState<T> for &Injector<T> {
    fn injection(&self) -> Injection<T> {
        Injection {
            check: |states| {
                if states.contains::<T>() { Ok(()) } else { Err(MissingState { type_name: type_name::<T>() }) }
            },
            inject: |scope| scope.get().ok_or(MissingState { type_name: type_name::<T>() }),
        }
    }
}
