//! The classes `Normaliser` and `Normalised`: conversion only.
use crate::convert::{copied, fill, raise, Data};
use crate::kernels::{bytes_or, fail, is_f4, FAMILY};
use alloy_kernels::element::{Dtype, Scalar};
use alloy_kernels::normalise::{self, Extreme, Facts};
use alloy_kernels::rules::{reason, Spec, Unsigned};
use alloy_kernels::KernelError;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt};

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
                .map(|b| copied(py, b).map(Bound::unbind))
                .transpose()?,
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

/// Adds the classes to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Normalised>()?;
    m.add_class::<Normaliser>()
}
