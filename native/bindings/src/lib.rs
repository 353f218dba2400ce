//! PyO3 bindings: conversion only.
mod convert;
mod formats;
mod jail;
mod kernels;
mod module;
mod normaliser;

use pyo3::prelude::*;

/// Interface version; each Python package compares it in its one importing module.
const ABI: u32 = 1;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("ABI", ABI)?;
    kernels::register(m)?;
    formats::register(m)?;
    jail::register(m)?;
    module::register(m)
}
