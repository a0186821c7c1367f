//! The limits: the same work as bare statements over sqlx, as good as we can make them.

pub mod engine;
pub mod postgres;
pub mod sqlite;
