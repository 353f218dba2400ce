//! Loading the filter; the last layer, after which nothing can be undone.

use crate::program::{compile, Instruction, KILL_PROCESS};
use crate::table::{Arch, Profile};
use crate::JailError;

const LAYER: &str = "seccomp";
const SET_MODE_FILTER: libc::c_uint = 1;
const GET_ACTION_AVAIL: libc::c_uint = 2;

#[repr(C)]
struct Program {
    length: u16,
    filter: *const Instruction,
}

/// True if this kernel filters system calls and knows KILL_PROCESS.
#[must_use]
pub fn available() -> bool {
    let action = KILL_PROCESS;
    // SAFETY: reads one u32.
    unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &action) == 0 }
}

/// The compiled filter, so that what can fail fails before the last layer.
///
/// # Errors
/// ENOSYS: no table for this architecture.
pub fn prepare(profile: Profile) -> Result<Vec<Instruction>, JailError> {
    let arch = Arch::native().ok_or(JailError::new(LAYER, libc::ENOSYS))?;
    Ok(compile(arch, profile))
}

/// Loads it for this (the only) thread.
///
/// # Errors
/// The kernel refused.
pub fn load(filter: &[Instruction]) -> Result<(), JailError> {
    let program = Program {
        length: u16::try_from(filter.len()).map_err(|_| JailError::new(LAYER, libc::E2BIG))?,
        filter: filter.as_ptr(),
    };
    // SAFETY: `program` has the layout of struct sock_fprog and outlives the call, as does `filter`.
    if unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &program) } == 0 {
        Ok(())
    } else {
        Err(JailError::last(LAYER))
    }
}
