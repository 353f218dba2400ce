//! Native modules: the lint, the loader, and the host of a batch, as Python sees them.
mod abi;
mod call;
mod columns;
mod frame;
mod open;
mod said;

use crate::convert::{copied, raise, run as unlocked, Family};
use alloy_kernels::elf::{self, Machine};
use alloy_kernels::KernelError;
use call::Elements;
use columns::{bytes_of, Field, Values};
use frame::{Frame, Kind};
use open::Opened;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFloat, PyList, PyTuple};
use pyo3::IntoPyObjectExt;

const FAMILY: Family = Family::Module;

fn machine(py: Python<'_>, name: &str) -> PyResult<Machine> {
    let unknown = || KernelError::new("load.arch", 0, format!("there are no modules for `{name}`"));
    Machine::named(name).ok_or_else(|| raise(py, FAMILY, &unknown()))
}

/// What a module says that cannot be.
fn lie(py: Python<'_>, what: String) -> PyErr {
    raise(py, FAMILY, &KernelError::new("violation.protocol", 0, what))
}

#[pyfunction]
fn module_lint<'py>(py: Python<'py>, data: &[u8], machine: &str) -> PyResult<Bound<'py, PyDict>> {
    let machine = self::machine(py, machine)?;
    let facts = unlocked(py, FAMILY, || elf::lint(data, machine))?;
    let out = PyDict::new(py);
    out.set_item("kind", facts.kind.name())?;
    out.set_item("schema", PyBytes::new(py, &facts.schema))?;
    out.set_item("exports", facts.exports)?;
    out.set_item("undefined", facts.undefined)?;
    out.set_item("text_bytes", facts.text)?;
    Ok(out)
}

#[pyfunction]
fn module_instructions(py: Python<'_>, code: &[u8], machine: &str) -> PyResult<Vec<usize>> {
    let machine = self::machine(py, machine)?;
    unlocked(py, FAMILY, || elf::instructions(code, machine))
}

/// A module that is mapped in this process.
#[pyclass(frozen, module = "alloy_native._native")]
struct Module(Opened);

#[pymethods]
impl Module {
    #[new]
    fn new(py: Python<'_>, fd: i32) -> PyResult<Self> {
        Ok(Self(unlocked(py, FAMILY, || open::open(fd))?))
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.facts.kind.name()
    }

    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.facts.schema)
    }

    /// Element-wise, into `out`: arguments of as many elements, or one number for all; those that are `present`.
    #[pyo3(signature = (arguments, out, total, present=None))]
    fn map<'py>(
        &self,
        py: Python<'py>,
        arguments: Vec<Bound<'py, PyAny>>,
        out: &Bound<'py, PyByteArray>,
        total: bool,
        present: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        if !self.0.is(elf::Kind::Map) {
            return Err(PyValueError::new_err("the module is not element-wise"));
        }
        let n = out.len() / 8;
        if n == 0 || out.len() != 8 * n {
            return Err(PyValueError::new_err(
                "`out` has elements of 8 bytes, at least one",
            ));
        }
        let list = arguments
            .iter()
            .map(|a| argument(a, n))
            .collect::<PyResult<Vec<_>>>()?;
        if present.is_some_and(|bits| bits.len() != n.div_ceil(8)) {
            return Err(PyValueError::new_err(
                "`present` has a bit for each element",
            ));
        }
        // The interpreter lock is held: nothing else writes to `out` or resizes it meanwhile.
        let codes = columns::with_floats(out, |out| match present {
            None => call::map(&self.0, &list, out, total),
            Some(bits) => call::map_present(&self.0, &list, out, total, bits),
        });
        copied(py, &codes.map_err(|what| lie(py, what))?)
    }
}

/// One argument of `map`. The bytes of Python's are aligned; those that are not are copied.
fn argument<'a>(object: &'a Bound<'_, PyAny>, n: usize) -> PyResult<Elements<'a>> {
    if let Ok(number) = object.cast::<PyFloat>() {
        return Ok(Elements::One(number.value()));
    }
    let values = columns::floats_of(object.cast::<PyBytes>()?.as_bytes());
    match values {
        Some(values) if values.len() == n => Ok(Elements::Each(values)),
        _ => Err(PyValueError::new_err(
            "an argument has as many elements of 8 bytes as `out`",
        )),
    }
}

/// A module bound to the fields of one contract.
#[pyclass(frozen, module = "alloy_native._native")]
struct ModulePlan {
    module: Py<Module>,
    plan: call::Plan,
}

fn field(kind: &str, optional: bool, most: u64) -> Option<Field> {
    let values = match kind {
        "bool" => Values::Below(2),
        "enum" => Values::Below(u16::try_from(most).ok()?),
        "i8" | "u8" => Values::Plain(1),
        "i16" | "u16" => Values::Plain(2),
        "i32" | "u32" => Values::Plain(4),
        "i64" | "f64" | "time_ns" => Values::Plain(8),
        "text" => Values::Text,
        "bytes" => Values::Bytes,
        _ => return None,
    };
    Some(Field {
        values,
        optional,
        most,
    })
}

#[pymethods]
impl ModulePlan {
    #[new]
    fn new(
        module: Py<Module>,
        inputs: Vec<String>,
        outputs: Vec<(String, bool, u64)>,
        state: Vec<String>,
        max_rows: usize,
    ) -> PyResult<Self> {
        let unfit = || PyValueError::new_err("no native module has such fields");
        if !module.get().0.is(elf::Kind::Record) || !(1..=64).contains(&max_rows) {
            return Err(unfit());
        }
        let inputs = inputs.iter().map(|kind| Kind::named(kind));
        let outputs = outputs
            .iter()
            .map(|(kind, optional, most)| field(kind, *optional, *most));
        let state = state.iter().map(|kind| match kind.as_str() {
            "bool" => Some(true),
            "int" | "float" => Some(false),
            _ => None,
        });
        Ok(Self {
            module,
            plan: call::Plan {
                inputs: inputs.collect::<Option<_>>().ok_or_else(unfit)?,
                outputs: outputs.collect::<Option<_>>().ok_or_else(unfit)?,
                state: state.collect::<Option<_>>().ok_or_else(unfit)?,
                max_rows,
            },
        })
    }

    /// The frame of one batch, checked.
    fn batch(slf: Bound<'_, Self>, body: Bound<'_, PyBytes>) -> PyResult<ModuleBatch> {
        let py = slf.py();
        let bytes = body.as_bytes();
        if !(bytes.as_ptr() as usize).is_multiple_of(8) {
            // CPython's bytes begin at a multiple of 16.
            return Err(lie(py, "the frame is not aligned".to_owned()));
        }
        let frame =
            Frame::parse(bytes, &slf.get().plan.inputs).map_err(|what| lie(py, what.to_owned()))?;
        Ok(ModuleBatch {
            plan: slf.unbind(),
            body: body.unbind(),
            frame,
        })
    }
}

/// One batch on its way through a module.
#[pyclass(frozen, module = "alloy_native._native")]
struct ModuleBatch {
    plan: Py<ModulePlan>,
    body: Py<PyBytes>,
    frame: Frame,
}

#[pymethods]
impl ModuleBatch {
    #[getter]
    const fn n(&self) -> usize {
        self.frame.n
    }

    #[getter]
    const fn batch(&self) -> u32 {
        self.frame.batch
    }

    #[getter]
    const fn both(&self) -> bool {
        self.frame.both
    }

    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let body = self.body.bind(py).as_bytes();
        self.frame
            .state
            .clone()
            .map(|range| PyBytes::new(py, &body[range]))
    }

    /// The values of one input, in the order of INPUT; None where one is absent.
    fn input<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyTuple>> {
        if index >= self.frame.n {
            return Err(PyValueError::new_err("there is no such input"));
        }
        let body = self.body.bind(py).as_bytes();
        let values = self.frame.columns.iter().map(|c| match c.kind {
            _ if !c.has(body, index) => Ok(py.None()),
            Kind::Bytes => Ok(copied(py, c.slice(body, index))?.into_any().unbind()),
            Kind::Int => i64::from_le_bytes(c.eight(body, index)).into_py_any(py),
            Kind::Float => f64::from_le_bytes(c.eight(body, index)).into_py_any(py),
            Kind::Bool => c.truth(body, index).into_py_any(py),
        });
        PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)
    }

    /// Inputs `first` to `stop` through the module.
    fn run<'py>(
        &self,
        py: Python<'py>,
        first: usize,
        stop: usize,
        state: &[u8],
    ) -> PyResult<Bound<'py, PyTuple>> {
        let owner = self.plan.get();
        let (plan, module) = (&owner.plan, &owner.module.get().0);
        if first >= stop || stop > self.frame.n || state.len() != 8 * plan.state.len() {
            return Err(PyValueError::new_err("no such inputs, or another state"));
        }
        let slots = state
            .chunks_exact(8)
            .map(|b| u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            .collect();
        let body = self.body.bind(py).as_bytes();
        let part = py
            .detach(|| call::run(module, plan, body, &self.frame, (first, stop), slots))
            .map_err(|what| lie(py, what))?;
        let columns = PyList::empty(py);
        for column in &part.columns {
            columns.append((
                copied(py, column.values())?,
                copied(py, &column.arena)?,
                copied(py, &column.validity)?,
            ))?;
        }
        (
            part.answered,
            copied(py, &part.codes)?,
            copied(py, bytes_of(&part.src))?,
            columns,
            copied(py, bytes_of(&part.state))?,
        )
            .into_pyobject(py)
    }
}

/// Adds the functions of this family to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(module_lint, m)?)?;
    m.add_function(wrap_pyfunction!(module_instructions, m)?)?;
    m.add_class::<Module>()?;
    m.add_class::<ModulePlan>()?;
    m.add_class::<ModuleBatch>()
}
