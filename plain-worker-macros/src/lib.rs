#[allow(
    dead_code,
    unused_imports,
    reason = "the runtime crate uses all of this module; the macros only its checker"
)]
mod schedule;
