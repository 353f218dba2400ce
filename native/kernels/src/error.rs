//! The one error of this crate: a stable code, where, and the facts a caller may act on.

/// What went wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelError {
    /// Dotted name as in `alloy_native.errors.CODES`.
    pub code: &'static str,
    /// Index of the offending element, or offset in the file [B].
    pub index: u64,
    /// One clause without a full stop.
    pub what: String,
    /// Named numbers: expected, actual, rows …
    pub facts: Vec<(&'static str, u64)>,
}

impl KernelError {
    /// An error without facts.
    #[must_use]
    pub fn new(code: &'static str, index: u64, what: impl Into<String>) -> Self {
        Self {
            code,
            index,
            what: what.into(),
            facts: Vec::new(),
        }
    }

    /// The same error with one more fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: u64) -> Self {
        self.facts.push((name, value));
        self
    }
}

impl std::fmt::Display for KernelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}: {}", self.code, self.index, self.what)
    }
}

impl std::error::Error for KernelError {}
