//! Bindings of `formats`: conversion only.
use crate::convert::{copied, exception, fill, run, Family};
use alloy_kernels::chunks::{self, Scratch, Stored};
use alloy_kernels::element::{Element, Scalar};
use alloy_kernels::fits::{self, Card, Column, Descriptors, Hdu, Value};
use alloy_kernels::nc3::{self, Attribute, NcType, Structure};
use alloy_kernels::source::{self, ReadAt};
use alloy_kernels::KernelError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict, PyList, PyTuple};
use pyo3::IntoPyObjectExt;

const FAMILY: Family = Family::Format;

/// A descriptor that the caller keeps open; read with pread only.
struct Descriptor(i32);

impl ReadAt for Descriptor {
    fn size(&self) -> Result<u64, KernelError> {
        alloy_jail::file::size(self.0).map_err(|e| KernelError::new("format.io", 0, e.to_string()))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, KernelError> {
        alloy_jail::file::pread(self.0, offset, buffer)
            .map_err(|e| KernelError::new("format.io", offset, e.to_string()))
    }
}

fn nc_value(py: Python<'_>, attribute: &Attribute) -> PyResult<Py<PyAny>> {
    fn numbers<T: Element>(bytes: &[u8]) -> Vec<Scalar> {
        let mut items = vec![T::default(); bytes.len() / T::SIZE];
        T::load(bytes, true, false, &mut items);
        items
            .iter()
            .map(|v| {
                v.to_int()
                    .map_or_else(|| Scalar::Float(v.to_f64()), Scalar::Int)
            })
            .collect()
    }
    let bytes = attribute.values.as_slice();
    let items = match attribute.nc_type {
        NcType::Char => {
            return match std::str::from_utf8(bytes) {
                Ok(text) => text.into_py_any(py),
                Err(_) => PyBytes::new(py, bytes).into_py_any(py),
            }
        }
        NcType::Byte => numbers::<i8>(bytes),
        NcType::Short => numbers::<i16>(bytes),
        NcType::Int => numbers::<i32>(bytes),
        NcType::Float => numbers::<f32>(bytes),
        NcType::Double => numbers::<f64>(bytes),
        NcType::UByte => numbers::<u8>(bytes),
        NcType::UShort => numbers::<u16>(bytes),
        NcType::UInt => numbers::<u32>(bytes),
        NcType::Int64 => numbers::<i64>(bytes),
        NcType::UInt64 => numbers::<u64>(bytes),
    };
    let objects = items
        .into_iter()
        .map(|s| match s {
            Scalar::Int(i) => i.into_py_any(py),
            Scalar::Float(f) => f.into_py_any(py),
        })
        .collect::<PyResult<Vec<_>>>()?;
    match objects.as_slice() {
        [only] => Ok(only.clone_ref(py)),
        _ => PyTuple::new(py, objects)?.into_py_any(py),
    }
}

fn nc_attributes<'py>(
    py: Python<'py>,
    attributes: &[Attribute],
    place: &str,
    warnings: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for a in attributes {
        if a.nc_type == NcType::Char && std::str::from_utf8(&a.values).is_err() {
            warnings.append(("format.bad_text", format!("{place}@{}", a.name)))?;
        }
        list.append((&a.name, a.nc_type.name(), nc_value(py, a)?))?;
    }
    Ok(list)
}

fn nc3_dict<'py>(py: Python<'py>, s: &Structure) -> PyResult<Bound<'py, PyDict>> {
    let warnings = PyList::empty(py);
    for name in &s.bad_names {
        warnings.append(("format.bad_text", name))?;
    }
    let variables = PyList::empty(py);
    for v in &s.variables {
        let shape = v.dims.iter().map(|id| s.dims[*id].size.unwrap_or(s.rows));
        let d = PyDict::new(py);
        d.set_item("name", &v.name)?;
        d.set_item("dims", PyTuple::new(py, &v.dims)?)?;
        d.set_item("shape", PyTuple::new(py, shape.collect::<Vec<_>>())?)?;
        d.set_item("dtype", v.nc_type.name())?;
        d.set_item("big_endian", true)?;
        d.set_item("attrs", nc_attributes(py, &v.attrs, &v.name, &warnings)?)?;
        d.set_item("is_record", v.is_record)?;
        d.set_item("begin", v.begin)?;
        d.set_item("size", v.size)?;
        d.set_item("stride", v.stride)?;
        d.set_item("vsize", v.vsize)?;
        variables.append(d)?;
    }
    let result = PyDict::new(py);
    result.set_item("version", s.version)?;
    let dims: Vec<(&String, Option<u64>)> = s.dims.iter().map(|d| (&d.name, d.size)).collect();
    result.set_item("dims", dims)?;
    result.set_item("attrs", nc_attributes(py, &s.attrs, "", &warnings)?)?;
    result.set_item("variables", variables)?;
    result.set_item("numrecs", s.numrecs)?;
    result.set_item("rows", s.rows)?;
    result.set_item("record_size", s.record_size)?;
    result.set_item("header_size", s.header_size)?;
    result.set_item("file_size", s.file_size)?;
    result.set_item("expected_size", s.expected_size)?;
    result.set_item("truncated", s.truncated)?;
    result.set_item("warnings", warnings)?;
    Ok(result)
}

#[pyfunction]
#[pyo3(signature = (fd, *, partial = false))]
fn nc3_describe(py: Python<'_>, fd: i32, partial: bool) -> PyResult<Bound<'_, PyDict>> {
    let structure = run(py, FAMILY, || nc3::describe(&Descriptor(fd), partial))?;
    nc3_dict(py, &structure)
}

fn fits_value(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Undefined => Ok(py.None()),
        Value::Logical(b) => b.into_py_any(py),
        Value::Int(i) => i.into_py_any(py),
        Value::Float(f) => f.into_py_any(py),
        Value::Complex(re, im) => PyComplex::from_doubles(py, *re, *im).into_py_any(py),
        Value::Text(t) => t.into_py_any(py),
    }
}

fn fits_column<'py>(py: Python<'py>, c: &Column) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("name", &c.name)?;
    d.set_item("tform", &c.tform)?;
    d.set_item("repeat", c.repeat)?;
    d.set_item("code", c.code)?;
    d.set_item("element", c.element.map(String::from).unwrap_or_default())?;
    d.set_item("max_elements", c.max_elements)?;
    d.set_item("offset", c.offset)?;
    d.set_item("width", c.width)?;
    d.set_item("decimals", c.decimals)?;
    d.set_item("unit", &c.unit)?;
    d.set_item("scale", c.scale)?;
    d.set_item(
        "zero",
        c.zero.as_ref().map(|v| fits_value(py, v)).transpose()?,
    )?;
    d.set_item(
        "null",
        c.null.as_ref().map(|v| fits_value(py, v)).transpose()?,
    )?;
    d.set_item("dim", &c.dim)?;
    d.set_item("disp", &c.disp)?;
    Ok(d)
}

fn fits_hdu<'py>(py: Python<'py>, index: usize, h: &Hdu) -> PyResult<Bound<'py, PyDict>> {
    let cards = PyList::empty(py);
    for Card {
        keyword,
        value,
        comment,
    } in &h.cards
    {
        cards.append((keyword, fits_value(py, value)?, comment))?;
    }
    let columns = PyList::empty(py);
    for column in &h.columns {
        columns.append(fits_column(py, column)?)?;
    }
    let dtype = match h.bitpix {
        8 => "u1",
        16 => "i2",
        32 => "i4",
        64 => "i8",
        -32 => "f4",
        -64 => "f8",
        _ => "",
    };
    let d = PyDict::new(py);
    d.set_item("index", index)?;
    d.set_item("kind", h.kind)?;
    d.set_item("cards", cards)?;
    d.set_item("header_offset", h.header_offset)?;
    d.set_item("header_size", h.header_size)?;
    d.set_item("data_offset", h.data_offset)?;
    d.set_item("data_size", h.data_size)?;
    d.set_item("available", h.available)?;
    d.set_item("bitpix", h.bitpix)?;
    d.set_item("dtype", dtype)?;
    d.set_item("shape", PyTuple::new(py, &h.shape)?)?;
    d.set_item("pcount", h.pcount)?;
    d.set_item("gcount", h.gcount)?;
    d.set_item("rows", h.rows)?;
    d.set_item("row_size", h.row_size)?;
    d.set_item("heap_offset", h.heap_offset)?;
    d.set_item("heap_size", h.heap_size)?;
    d.set_item("columns", columns)?;
    d.set_item("error", h.error.as_ref().map(|e| (e.code, &e.what)))?;
    Ok(d)
}

#[pyfunction]
fn fits_describe(py: Python<'_>, fd: i32) -> PyResult<Bound<'_, PyList>> {
    let hdus = run(py, FAMILY, || fits::describe(&Descriptor(fd)))?;
    let list = PyList::empty(py);
    for (index, hdu) in hdus.iter().enumerate() {
        list.append(fits_hdu(py, index, hdu)?)?;
    }
    Ok(list)
}

#[pyfunction]
fn fits_checksum(py: Python<'_>, fd: i32, offset: u64, length: u64) -> PyResult<u32> {
    run(py, FAMILY, || {
        fits::checksum(&Descriptor(fd), offset, length)
    })
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn fits_descriptors<'py>(
    py: Python<'py>,
    fd: i32,
    hdu_data_offset: u64,
    rows: (u64, u64),
    row_size: u64,
    offset: u64,
    code: &str,
    element_bits: u64,
    heap_offset: u64,
    heap_size: u64,
) -> PyResult<Bound<'py, PyList>> {
    let wanted = Descriptors {
        data_offset: hdu_data_offset,
        first_row: rows.0,
        end_row: rows.1,
        row_size,
        column_offset: offset,
        wide: code == "Q",
        element_bits,
        heap_offset,
        heap_size,
    };
    let found = run(py, FAMILY, || fits::descriptors(&Descriptor(fd), &wanted))?;
    let list = PyList::empty(py);
    for item in found {
        match item {
            Ok(pair) => list.append(pair)?,
            Err(e) => list.append(exception(py, FAMILY, &e)?)?,
        }
    }
    Ok(list)
}

#[pyfunction]
fn read_span(py: Python<'_>, fd: i32, offset: u64, length: u64) -> PyResult<Bound<'_, PyBytes>> {
    let file = Descriptor(fd);
    run(py, FAMILY, || source::check_span(&file, offset, length))?;
    Ok(fill(py, FAMILY, length as usize, |out| {
        file.read_exact_at(offset, out)
    })?
    .0)
}

#[pyfunction]
fn read_strided(
    py: Python<'_>,
    fd: i32,
    offset: u64,
    count: u64,
    stride: u64,
    width: u64,
) -> PyResult<Bound<'_, PyBytes>> {
    let file = Descriptor(fd);
    let length = run(py, FAMILY, || {
        source::check_strided(&file, offset, count, stride, width)
    })?;
    Ok(fill(py, FAMILY, length, |out| {
        source::read_strided(&file, offset, stride, width, out)
    })?
    .0)
}

#[pyfunction]
fn read_chunks<'py>(
    py: Python<'py>,
    fd: i32,
    chunks: Vec<(u64, u64, u32)>,
    filters: Vec<String>,
    itemsize: usize,
    out_size: usize,
) -> PyResult<Bound<'py, PyList>> {
    let decoded = run(py, FAMILY, || {
        let file = Descriptor(fd);
        let chain = chunks::parse_chain(&filters)?;
        chunks::check_batch(chunks.len(), itemsize, out_size)?;
        let mut scratch = Scratch::default();
        Ok(chunks
            .iter()
            .map(|(offset, size, mask)| {
                let stored = Stored {
                    offset: *offset,
                    size: *size,
                    mask: *mask,
                };
                chunks::read_chunk(&file, stored, &chain, itemsize, out_size, &mut scratch)
            })
            .collect::<Vec<_>>())
    })?;
    let list = PyList::empty(py);
    for item in decoded {
        match item {
            Ok(bytes) => list.append(copied(py, &bytes)?)?,
            Err(e) => list.append(exception(py, FAMILY, &e)?)?,
        }
    }
    Ok(list)
}

/// Adds the functions of this family to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    // imported now: a sealed process can no longer open the file of a module
    m.py().import("alloy_native.errors")?;
    m.add_function(wrap_pyfunction!(nc3_describe, m)?)?;
    m.add_function(wrap_pyfunction!(fits_describe, m)?)?;
    m.add_function(wrap_pyfunction!(fits_checksum, m)?)?;
    m.add_function(wrap_pyfunction!(fits_descriptors, m)?)?;
    m.add_function(wrap_pyfunction!(read_span, m)?)?;
    m.add_function(wrap_pyfunction!(read_strided, m)?)?;
    m.add_function(wrap_pyfunction!(read_chunks, m)?)
}
