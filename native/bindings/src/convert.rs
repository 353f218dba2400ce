//! What the families share: buffers in, coded errors out, panics caught.
use alloy_kernels::KernelError;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Which exception class an error becomes.
#[derive(Clone, Copy)]
pub enum Family {
    Kernel,
    Format,
    Module,
}

/// Bytes of an argument: borrowed from `bytes`, copied from any other contiguous buffer (it may change).
pub enum Data<'py> {
    Borrowed(Bound<'py, PyBytes>),
    Copied(Vec<u8>),
}

impl<'py> Data<'py> {
    pub fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Borrowed(bytes.clone())),
            Err(_) => Ok(Self::Copied(
                PyBuffer::<u8>::get(object)?.to_vec(object.py())?,
            )),
        }
    }

    pub fn slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes.as_bytes(),
            Self::Copied(bytes) => bytes,
        }
    }
}

/// The Python exception of an error, as a value.
pub fn exception<'py>(
    py: Python<'py>,
    family: Family,
    error: &KernelError,
) -> PyResult<Bound<'py, PyAny>> {
    let class = match family {
        Family::Kernel => "KernelError",
        Family::Format => "FormatError",
        Family::Module => "ModuleError",
    };
    let keywords = PyDict::new(py);
    let context = PyDict::new(py);
    let (place, where_) = match family {
        Family::Kernel => ("index", format!("element {}", error.index)),
        Family::Format | Family::Module => ("offset", format!("offset {}", error.index)),
    };
    context.set_item(place, error.index)?;
    for (name, value) in &error.facts {
        context.set_item(name, value)?;
        match *name {
            "expected" => keywords.set_item("expected", format!("{value}"))?,
            "actual" => keywords.set_item("got", format!("{value}"))?,
            _ => {}
        }
    }
    keywords.set_item("where", where_)?;
    keywords.set_item("context", context)?;
    py.import("alloy_native.errors")?
        .getattr(class)?
        .call((error.code, &error.what), Some(&keywords))
}

/// The same, to be raised.
pub fn raise(py: Python<'_>, family: Family, error: &KernelError) -> PyErr {
    exception(py, family, error).map_or_else(|failed| failed, PyErr::from_value)
}

/// Runs `work` without the interpreter lock; a panic becomes `native.panic`.
pub fn run<T, F>(py: Python<'_>, family: Family, work: F) -> PyResult<T>
where
    F: FnOnce() -> Result<T, KernelError> + Send,
    T: Send,
{
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(raise(py, family, &error)),
        Err(_) => Err(raise(
            py,
            family,
            &KernelError::new("native.panic", 0, "the compiled module has a bug"),
        )),
    }
}

/// A bytes object with a copy of `data`.
///
/// # Errors
/// `MemoryError` where there is no room; `PyBytes::new` would panic instead.
pub fn copied<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, data.len(), |out| {
        out.copy_from_slice(data);
        Ok(())
    })
}

/// A new `bytes` of `length` that `work` fills without the interpreter lock, and what `work` returns.
pub fn fill<'py, T, F>(
    py: Python<'py>,
    family: Family,
    length: usize,
    work: F,
) -> PyResult<(Bound<'py, PyBytes>, T)>
where
    F: FnOnce(&mut [u8]) -> Result<T, KernelError> + Send,
    T: Send,
{
    let mut result = None;
    let bytes = PyBytes::new_with(py, length, |out| {
        result = Some(run(py, family, || work(out))?);
        Ok(())
    })?;
    let value = result.ok_or_else(|| {
        raise(
            py,
            family,
            &KernelError::new("native.panic", 0, "nothing was made"),
        )
    })?;
    Ok((bytes, value))
}
