//! Bindings of `formats`.
use pyo3::prelude::*;

/// Adds the functions of this family to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
