//! A crate that knows plain-worker by another name, and needs no other dependency.

use jobs::{job, scheduled};

/// Counts.
///
/// # Errors
/// Never.
#[job(crate = jobs, retries = 1, unique(number), timeout = "1s")]
pub async fn by_path(number: u8, #[cfg(test)] other: Option<String>) -> Result<u8, String> {
    #[cfg(test)]
    drop(other);
    Ok(number)
}

/// Counts.
#[job(crate = "::jobs")]
pub fn by_text(number: u8) -> u8 {
    number
}

/// Counts by itself.
#[scheduled("@daily", crate = ::jobs, args(number = 1))]
pub fn by_schedule(number: u8) -> u8 {
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use jobs::{Job, Registry};

    #[test]
    fn all_are_registered() {
        let registry = Registry::of_program().expect("no clash");
        for name in ["by_path", "by_text", "by_schedule"] {
            assert!(registry.get(name).is_some(), "{name}");
        }
        let json = jobs::serde_json::to_string(&by_path { number: 1, other: None });
        assert_eq!(json.expect("JSON"), r#"{"number":1,"other":null}"#);
        assert!(by_path::DEFINITION.arguments.iter().any(|argument| argument.optional));
    }
}
