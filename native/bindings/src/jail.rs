//! Bindings of `jail`: conversion only.
use alloy_jail::table::Profile;
use alloy_jail::{message, JailError, Layers, Order};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// `OSError(errno, message, layer)`: the layer is found in `filename`.
fn os_error(error: &JailError) -> PyErr {
    let text = error.reason();
    PyOSError::new_err((error.errno, text, error.layer))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)] // one call with named arguments on the Python side
fn jail_seal<'py>(
    py: Python<'py>,
    profile: &str,
    memory_bytes: u64,
    cpu_s: u64,
    keep_fds: Vec<i32>,
    report_fd: i32,
    path: &str,
    layers: Vec<String>,
    allow_degraded: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let wanted = Profile::named(profile)
        .ok_or_else(|| PyValueError::new_err(format!("no jail profile {profile:?}")))?;
    if (wanted == Profile::Reference) == path.is_empty() {
        return Err(PyValueError::new_err(
            "`path` belongs to the profile `reference`, which needs it",
        ));
    }
    let mut switches = Layers::NONE;
    for name in &layers {
        *switches
            .switch(name)
            .ok_or_else(|| PyValueError::new_err(format!("no jail layer {name:?}")))? = true;
    }
    let active = alloy_jail::seal(&Order {
        profile: wanted,
        memory_bytes,
        cpu_s,
        keep_fds: &keep_fds,
        report_fd: (report_fd >= 0).then_some(report_fd),
        readable: (!path.is_empty()).then_some(path),
        layers: switches,
        allow_degraded,
    })
    .map_err(|error| os_error(&error))?;
    let result = PyDict::new(py);
    result.set_item("pdeathsig", active.layers.pdeathsig)?;
    result.set_item("close_fds", active.layers.close_fds)?;
    result.set_item("rlimits", active.address_space_bytes)?;
    result.set_item("namespaces", active.layers.namespaces)?;
    result.set_item("dumpable", active.layers.dumpable)?;
    result.set_item("capabilities", active.layers.capabilities)?;
    result.set_item("no_new_privs", active.layers.no_new_privs)?;
    result.set_item("landlock", active.landlock_abi)?;
    result.set_item("seccomp", active.layers.seccomp)?;
    Ok(result)
}

#[pyfunction]
fn jail_probe(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let host = alloy_jail::probe();
    let result = PyDict::new(py);
    result.set_item("kernel", host.kernel)?;
    result.set_item("arch", host.arch)?;
    result.set_item("arch_supported", host.arch_supported)?;
    result.set_item("seccomp", host.seccomp)?;
    result.set_item("landlock_abi", host.landlock_abi)?;
    result.set_item("userns", host.userns)?;
    result.set_item("cgroup", host.cgroup)?;
    Ok(result)
}

#[pyfunction]
fn jail_trim_heap(py: Python<'_>) {
    py.detach(alloy_jail::trim_heap);
}

#[pyfunction]
fn jail_die_with_parent(parent_pid: i32) -> PyResult<bool> {
    alloy_jail::die_with_parent(parent_pid).map_err(|error| os_error(&error))
}

#[pyfunction]
fn jail_send_message(py: Python<'_>, fd: i32, data: &[u8], fds: Vec<i32>) -> PyResult<()> {
    py.detach(|| message::send(fd, data, &fds))?;
    Ok(())
}

#[pyfunction]
fn jail_receive_message(
    py: Python<'_>,
    fd: i32,
    max_bytes: usize,
    max_fds: usize,
) -> PyResult<(Bound<'_, PyBytes>, Vec<i32>)> {
    let (data, fds) = py.detach(|| message::receive(fd, max_bytes, max_fds))?;
    Ok((PyBytes::new(py, &data), fds))
}

/// Adds the functions of this family to the module.
///
/// # Errors
/// Whatever the interpreter raises while adding.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(jail_seal, m)?)?;
    m.add_function(wrap_pyfunction!(jail_probe, m)?)?;
    m.add_function(wrap_pyfunction!(jail_die_with_parent, m)?)?;
    m.add_function(wrap_pyfunction!(jail_trim_heap, m)?)?;
    m.add_function(wrap_pyfunction!(jail_send_message, m)?)?;
    m.add_function(wrap_pyfunction!(jail_receive_message, m)?)
}
