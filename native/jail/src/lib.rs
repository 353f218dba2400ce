//! The system calls of the sandbox, free of Python.
//!
//! [`seal()`] locks the calling process in, layer by layer; [`probe()`] says what a host offers. What may be
//! called from inside is data ([`table`]), turned into a program by a pure function ([`program`]), so that the
//! verdict on every number of every architecture is tested without running it.
#![allow(unsafe_code)] // one of the three places that may: every block states why it is sound

pub mod file;
mod landlock;
mod limits;
pub mod message;
mod probe;
mod process;
pub mod program;
mod seal;
mod seccomp;
pub mod table;

#[cfg(test)]
mod evaluator;

pub use probe::{probe, Host};
pub use process::{die_with_parent, trim_heap};
pub use seal::{seal, Active, Layers, Order};

use std::fmt;

/// A layer that could not be applied, with the kernel's error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JailError {
    /// Name of the layer, as in `LAYERS` of the Python face.
    pub layer: &'static str,
    /// `errno`.
    pub errno: i32,
}

impl JailError {
    /// The error of the call that has just failed.
    fn last(layer: &'static str) -> Self {
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Self { layer, errno }
    }

    fn new(layer: &'static str, errno: i32) -> Self {
        Self { layer, errno }
    }
}

impl JailError {
    /// The kernel's words for it, without the number.
    #[must_use]
    pub fn reason(&self) -> String {
        let text = std::io::Error::from_raw_os_error(self.errno).to_string();
        text.split(" (os error")
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

impl fmt::Display for JailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jail layer {}: {}", self.layer, self.reason())
    }
}

impl std::error::Error for JailError {}
