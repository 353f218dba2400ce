//! Bindings of `kernels`: conversion only.
use crate::convert::{copied, fill, raise, run, Data, Family};
use crate::normaliser;
use alloy_kernels::codec::{self, Container};
use alloy_kernels::element::Dtype;
use alloy_kernels::normalise::PerValue;
use alloy_kernels::physical::{self, Scaling};
use alloy_kernels::range::{self, ColumnView, Verdict};
use alloy_kernels::{bits, checksum, KernelError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub(crate) const FAMILY: Family = Family::Kernel;

pub(crate) fn fail<T>(py: Python<'_>, result: Result<T, KernelError>) -> PyResult<T> {
    result.map_err(|e| raise(py, FAMILY, &e))
}

#[pyfunction]
#[pyo3(signature = (data, initial = 0))]
fn crc32c(py: Python<'_>, data: &Bound<'_, PyAny>, initial: u32) -> PyResult<u32> {
    let data = Data::of(data)?;
    let bytes = data.slice();
    run(py, FAMILY, || Ok(checksum::crc32c(bytes, initial)))
}

#[pyfunction]
fn fletcher32(py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<u32> {
    let data = Data::of(data)?;
    let bytes = data.slice();
    run(py, FAMILY, || Ok(checksum::fletcher32(bytes)))
}

#[pyfunction]
fn unshuffle<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    itemsize: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::of(data)?;
    let bytes = data.slice();
    Ok(fill(py, FAMILY, bytes.len(), |out| {
        codec::unshuffle(bytes, itemsize, out)
    })?
    .0)
}

#[pyfunction]
#[pyo3(signature = (data, size, kind = "zlib"))]
fn inflate<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    size: usize,
    kind: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::of(data)?;
    let bytes = data.slice();
    let container = match kind {
        "zlib" => Container::Zlib,
        "gzip" => Container::Gzip,
        "raw" => Container::Raw,
        _ => {
            return Err(raise(
                py,
                FAMILY,
                &KernelError::new("format.filter", 0, "`kind` is zlib, gzip or raw"),
            ))
        }
    };
    fail(py, codec::check_growth(bytes.len(), size))?; // before anything is allocated
    Ok(fill(py, FAMILY, size, |out| {
        codec::inflate(bytes, out, container)
    })?
    .0)
}

#[pyfunction]
fn pack_bits<'py>(py: Python<'py>, flags: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &bits::pack(Data::of(flags)?.slice())))
}

#[pyfunction]
#[pyo3(name = "unpack_bits")]
fn unpack_bits<'py>(
    py: Python<'py>,
    bits: &Bound<'py, PyAny>,
    n: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::of(bits)?;
    Ok(PyBytes::new(py, &fail(py, bits::unpack(data.slice(), n))?))
}

#[pyfunction]
fn slice_bits<'py>(
    py: Python<'py>,
    bits: &Bound<'py, PyAny>,
    start: usize,
    n: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::of(bits)?;
    Ok(PyBytes::new(
        py,
        &fail(py, bits::slice(data.slice(), start, n))?,
    ))
}

#[pyfunction]
fn count_bits(py: Python<'_>, bits: &Bound<'_, PyAny>, n: usize) -> PyResult<u64> {
    let data = Data::of(bits)?;
    fail(py, bits::count(data.slice(), n))
}

pub(crate) fn bytes_or<'py, C>(py: Python<'py>, value: &PerValue<C>) -> PyResult<Py<PyAny>>
where
    C: Copy + Into<u16>,
{
    Ok(match value {
        PerValue::Constant(c) => {
            let number: u16 = (*c).into();
            number.into_pyobject(py)?.into_any().unbind()
        }
        PerValue::Each(bytes) => copied(py, bytes)?.into_any().unbind(),
    })
}

pub(crate) fn is_f4(py: Python<'_>, out: &str) -> PyResult<bool> {
    match out {
        "f4" => Ok(true),
        "f8" => Ok(false),
        _ => Err(raise(
            py,
            FAMILY,
            &KernelError::new("format.dtype", 0, "`out` is f4 or f8"),
        )),
    }
}

#[pyfunction]
#[pyo3(name = "physical", signature = (values, dtype, *, scale = 1.0, offset = 0.0, exp10 = None, out = "f8",
    validity = None))]
#[allow(clippy::too_many_arguments)]
fn to_physical<'py>(
    py: Python<'py>,
    values: &Bound<'py, PyAny>,
    dtype: &str,
    scale: f64,
    offset: f64,
    exp10: Option<i32>,
    out: &str,
    validity: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::of(values)?;
    let stored = data.slice();
    let map = validity.as_ref().map(Data::of).transpose()?;
    let map = map.as_ref().map(Data::slice);
    let dtype = fail(py, Dtype::parse(dtype))?;
    let scaling = exp10.map_or(Scaling::Linear { scale, offset }, |exp10| {
        Scaling::Decimal { exp10 }
    });
    let f4 = is_f4(py, out)?;
    let length = stored.len() / dtype.size() * if f4 { 4 } else { 8 };
    Ok(fill(py, FAMILY, length, |out| {
        physical::physical(stored, dtype, scaling, map, f4, out)
    })?
    .0)
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn range_quality(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    dtype: &str,
    n: usize,
    exp10: i32,
    validity: Option<Bound<'_, PyAny>>,
    low: Option<f64>,
    high: Option<f64>,
    reason_bit: u16,
    fail_quality: u8,
    quality: &Bound<'_, PyAny>,
    reasons: &Bound<'_, PyAny>,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let data = Data::of(values)?;
    let map = validity.as_ref().map(Data::of).transpose()?;
    let column = ColumnView {
        values: data.slice(),
        dtype: fail(py, Dtype::parse(dtype))?,
        n,
        exp10,
        validity: map.as_ref().map(Data::slice),
    };
    let quality: PerValue<u8> = match quality.extract::<u8>() {
        Ok(c) => PerValue::Constant(c),
        Err(_) => PerValue::Each(Data::of(quality)?.slice().to_vec()),
    };
    let reasons: PerValue<u16> = match reasons.extract::<u16>() {
        Ok(c) => PerValue::Constant(c),
        Err(_) => PerValue::Each(Data::of(reasons)?.slice().to_vec()),
    };
    let verdict = Verdict {
        low,
        high,
        reason: reason_bit,
        quality: fail_quality,
    };
    let (quality, reasons) = run(py, FAMILY, || {
        range::range_quality(column, verdict, quality, reasons)
    })?;
    Ok((bytes_or(py, &quality)?, bytes_or(py, &reasons)?))
}

/// Adds the functions of this family to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    normaliser::register(m)?;
    m.add_function(wrap_pyfunction!(crc32c, m)?)?;
    m.add_function(wrap_pyfunction!(fletcher32, m)?)?;
    m.add_function(wrap_pyfunction!(unshuffle, m)?)?;
    m.add_function(wrap_pyfunction!(inflate, m)?)?;
    m.add_function(wrap_pyfunction!(pack_bits, m)?)?;
    m.add_function(wrap_pyfunction!(unpack_bits, m)?)?;
    m.add_function(wrap_pyfunction!(slice_bits, m)?)?;
    m.add_function(wrap_pyfunction!(count_bits, m)?)?;
    m.add_function(wrap_pyfunction!(to_physical, m)?)?;
    m.add_function(wrap_pyfunction!(range_quality, m)?)
}
