//! Bindings of `kernels`: conversion only.
use crate::convert::{fill, raise, run, Data, Family};
use alloy_kernels::codec::{self, Container};
use alloy_kernels::element::{Dtype, Scalar};
use alloy_kernels::normalise::{self, Extreme, Facts, PerValue};
use alloy_kernels::physical::{self, Scaling};
use alloy_kernels::range::{self, ColumnView, Verdict};
use alloy_kernels::rules::{reason, Spec, Unsigned};
use alloy_kernels::{bits, checksum, KernelError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt};

const FAMILY: Family = Family::Kernel;

fn fail<T>(py: Python<'_>, result: Result<T, KernelError>) -> PyResult<T> {
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

/// An int or a float; integers beyond 128 bits become floats.
fn scalar(value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    if value.is_instance_of::<PyFloat>() {
        return Ok(Scalar::Float(value.extract()?));
    }
    if value.is_instance_of::<PyInt>() {
        return value
            .extract()
            .map(Scalar::Int)
            .or_else(|_| value.extract().map(Scalar::Float));
    }
    Err(PyTypeError::new_err("a rule needs int or float"))
}

fn extreme(py: Python<'_>, value: Option<Extreme>) -> PyResult<Py<PyAny>> {
    Ok(match value {
        None => py.None(),
        Some(Extreme::Int(i)) => i.into_pyobject(py)?.into_any().unbind(),
        Some(Extreme::Float(f)) => f.into_pyobject(py)?.into_any().unbind(),
    })
}

fn bytes_or<'py, C>(py: Python<'py>, value: &PerValue<C>) -> PyResult<Py<PyAny>>
where
    C: Copy + Into<u16>,
{
    Ok(match value {
        PerValue::Constant(c) => {
            let number: u16 = (*c).into();
            number.into_pyobject(py)?.into_any().unbind()
        }
        PerValue::Each(bytes) => PyBytes::new(py, bytes).into_any().unbind(),
    })
}

/// What one pass gives.
#[pyclass(frozen, module = "alloy_native._native")]
struct Normalised {
    dtype: &'static str,
    n: usize,
    values: Py<PyBytes>,
    validity: Option<Py<PyBytes>>,
    quality: Py<PyAny>,
    reasons: Py<PyAny>,
    n_valid: u64,
    minimum: Py<PyAny>,
    maximum: Py<PyAny>,
    mean: Option<f64>,
    counts: Vec<(u8, u64)>,
}

impl Normalised {
    fn of(
        py: Python<'_>,
        dtype: Dtype,
        values: Bound<'_, PyBytes>,
        facts: &Facts,
    ) -> PyResult<Self> {
        Ok(Self {
            dtype: dtype.name(),
            n: values.as_bytes().len() / dtype.size(),
            values: values.unbind(),
            validity: facts
                .validity
                .as_ref()
                .map(|b| PyBytes::new(py, b).unbind()),
            quality: bytes_or(py, &facts.quality)?,
            reasons: bytes_or(py, &facts.reasons)?,
            n_valid: facts.n_valid,
            minimum: extreme(py, facts.minimum)?,
            maximum: extreme(py, facts.maximum)?,
            mean: facts.mean,
            counts: facts.counts.clone(),
        })
    }
}

#[pymethods]
impl Normalised {
    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype
    }
    #[getter]
    fn n(&self) -> usize {
        self.n
    }
    #[getter]
    fn values(&self, py: Python<'_>) -> Py<PyBytes> {
        self.values.clone_ref(py)
    }
    #[getter]
    fn validity(&self, py: Python<'_>) -> Option<Py<PyBytes>> {
        self.validity.as_ref().map(|v| v.clone_ref(py))
    }
    #[getter]
    fn quality(&self, py: Python<'_>) -> Py<PyAny> {
        self.quality.clone_ref(py)
    }
    #[getter]
    fn reasons(&self, py: Python<'_>) -> Py<PyAny> {
        self.reasons.clone_ref(py)
    }
    #[getter]
    fn n_valid(&self) -> u64 {
        self.n_valid
    }
    #[getter]
    fn minimum(&self, py: Python<'_>) -> Py<PyAny> {
        self.minimum.clone_ref(py)
    }
    #[getter]
    fn maximum(&self, py: Python<'_>) -> Py<PyAny> {
        self.maximum.clone_ref(py)
    }
    #[getter]
    fn mean(&self) -> Option<f64> {
        self.mean
    }
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (quality, n) in &self.counts {
            counts.set_item(quality, n)?;
        }
        Ok(counts)
    }
}

/// (low, high), None = open.
type Limits<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

/// The rules of one variable.
#[pyclass(frozen, module = "alloy_native._native")]
struct Normaliser {
    spec: Spec,
    dtype: Dtype,
}

#[pymethods]
impl Normaliser {
    #[new]
    #[pyo3(signature = (dtype, *, big_endian = false, unsigned = "", fills = Vec::new(),
        missing_values = Vec::new(), implicit = None, valid = None, valid_physical = false, scale = 1.0,
        offset = 0.0, out = "f8"))]
    #[allow(clippy::too_many_arguments)] // keyword arguments in Python
    fn new(
        py: Python<'_>,
        dtype: &str,
        big_endian: bool,
        unsigned: &str,
        fills: Vec<Bound<'_, PyAny>>,
        missing_values: Vec<Bound<'_, PyAny>>,
        implicit: Option<Bound<'_, PyAny>>,
        valid: Option<Limits<'_>>,
        valid_physical: bool,
        scale: f64,
        offset: f64,
        out: &str,
    ) -> PyResult<Self> {
        let mut sentinels = Vec::new();
        for (values, bit) in [
            (fills, reason::FILL),
            (missing_values, reason::MISSING_VALUE),
        ] {
            for value in values {
                sentinels.push((scalar(&value)?, bit));
            }
        }
        if let Some(value) = implicit {
            sentinels.push((scalar(&value)?, reason::DEFAULT_FILL));
        }
        let (low, high) = valid.unwrap_or((None, None));
        let spec = Spec {
            stored: fail(py, Dtype::parse(dtype))?,
            big_endian,
            unsigned: match unsigned {
                "" => Unsigned::No,
                "reinterpret" => Unsigned::Reinterpret,
                "offset" => Unsigned::Offset,
                _ => {
                    return Err(raise(
                        py,
                        FAMILY,
                        &KernelError::new("format.dtype", 0, "`unsigned` is unknown"),
                    ))
                }
            },
            sentinels,
            low: low.as_ref().map(scalar).transpose()?,
            high: high.as_ref().map(scalar).transpose()?,
            physical_limits: valid_physical,
            scale,
            offset,
            out_f4: is_f4(py, out)?,
        };
        fail(py, spec.check())?;
        let dtype = fail(py, spec.dtype())?;
        Ok(Self { spec, dtype })
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }

    #[pyo3(signature = (data, *, quality = 1, reasons = 0))]
    fn normalise(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        quality: u8,
        reasons: u16,
    ) -> PyResult<Normalised> {
        let data = Data::of(data)?;
        let stored = data.slice();
        let (values, facts) = fill(py, FAMILY, stored.len(), |out| {
            normalise::normalise(&self.spec, stored, out, quality, reasons)
        })?;
        Normalised::of(py, self.dtype, values, &facts)
    }

    fn physical<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let data = Data::of(data)?;
        let stored = data.slice();
        let width = if self.spec.out_f4 { 4 } else { 8 };
        let length = stored.len() / self.spec.stored.size() * width;
        Ok(fill(py, FAMILY, length, |out| {
            normalise::to_physical(&self.spec, stored, out)
        })?
        .0)
    }
}

fn is_f4(py: Python<'_>, out: &str) -> PyResult<bool> {
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
    m.add_class::<Normalised>()?;
    m.add_class::<Normaliser>()?;
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
