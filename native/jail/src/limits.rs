//! Resource limits: memory relative to the size after the fork, processor time, and zero of the rest.

use crate::table::Profile;
use crate::JailError;

const LAYER: &str = "rlimits";

fn set(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> Result<(), JailError> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: `limit` outlives the call.
    if unsafe { libc::setrlimit(resource, &limit) } == 0 {
        Ok(())
    } else {
        Err(JailError::last(LAYER))
    }
}

/// Present address space [bytes], from /proc/self/statm.
fn address_space() -> Result<u64, JailError> {
    let text = std::fs::read_to_string("/proc/self/statm")
        .map_err(|e| JailError::new(LAYER, e.raw_os_error().unwrap_or(libc::EIO)))?;
    let pages: u64 = text
        .split(' ')
        .next()
        .and_then(|field| field.parse().ok())
        .ok_or(JailError::new(LAYER, libc::EINVAL))?;
    // SAFETY: sysconf has no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages * u64::try_from(page).unwrap_or(4096))
}

/// Memory and processor time; returns the limit on address space [bytes].
///
/// RLIMIT_AS and not RLIMIT_DATA: the latter does not count shared anonymous maps (measured, ADR 3). A second
/// lies between SIGXCPU, which names the reason, and SIGKILL, which cannot be blocked.
pub fn consumption(memory_bytes: u64, cpu_s: u64) -> Result<u64, JailError> {
    let space = address_space()?.saturating_add(memory_bytes);
    set(libc::RLIMIT_AS, space, space)?;
    set(libc::RLIMIT_CPU, cpu_s, cpu_s.saturating_add(1))?;
    Ok(space)
}

/// Nothing new: no process, no descriptor, no file growth, no core, no locked memory, no queue.
///
/// Applied after Landlock, which needs a descriptor for a moment.
pub fn nothing_new(profile: Profile) -> Result<(), JailError> {
    set(libc::RLIMIT_NPROC, 0, 0)?;
    set(
        libc::RLIMIT_NOFILE,
        profile.open_files(),
        profile.open_files(),
    )?;
    set(libc::RLIMIT_FSIZE, 0, 0)?;
    set(libc::RLIMIT_CORE, 0, 0)?;
    set(libc::RLIMIT_MEMLOCK, 0, 0)?;
    set(libc::RLIMIT_MSGQUEUE, 0, 0)
}
