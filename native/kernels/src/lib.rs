//! Kernels without Python: plain functions on slices.
//!
//! Each returns `Result<_, KernelError>` with a stable code and the index or offset of the offending element.
//! What reads a file does so through [`source::ReadAt`], so that a slice will do in a test.
pub mod bits;
pub mod checksum;
pub mod chunks;
pub mod codec;
pub mod dispatch;
pub mod element;
pub mod elf;
pub mod error;
pub mod fits;
mod marks;
pub mod nc3;
pub mod normalise;
pub mod physical;
pub mod range;
pub mod rules;
pub mod source;
mod stats;

pub use error::KernelError;
