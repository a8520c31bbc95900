//! Places at which a test may let the process die. Only in builds for development; in others there is nothing here.

/// All of them, in the order in which a payment comes by.
pub const POINTS: [&str; 7] = [
    "payment.before_attempt",
    "payment.before_call",
    "payment.after_call",
    "payment.before_books",
    "payment.before_receipt",
    "payment.after_apply",
    "payment.before_announcement",
];

/// Names the place at which the process is to die.
pub const VARIABLE: &str = "FAIL_AT";

#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::sync::LazyLock;
    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(VARIABLE).ok());
    debug_assert!(POINTS.contains(&name), "a place of this name is not in the list");
    if CHOSEN.as_deref() == Some(name) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn point(_: &str) {}
