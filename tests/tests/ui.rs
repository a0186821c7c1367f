//! The errors of the attributes, word by word: one rule a file in `ui`, named after the rule.
//!
//! What the compiler words itself is tested by `ui_rustc.rs`.

#[test]
fn mistakes_are_told_as_agreed() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
