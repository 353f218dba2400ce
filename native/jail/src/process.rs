//! Layers that are a property of the process: parent's death, descriptors, namespaces, dumps, privileges.

use crate::JailError;

fn prctl(layer: &'static str, option: libc::c_int, value: libc::c_ulong) -> Result<(), JailError> {
    // SAFETY: the options used take integers only.
    if unsafe {
        libc::prctl(
            option,
            value,
            0 as libc::c_ulong,
            0 as libc::c_ulong,
            0 as libc::c_ulong,
        )
    } == 0
    {
        Ok(())
    } else {
        Err(JailError::last(layer))
    }
}

/// Asks for SIGKILL when the parent ends.
pub fn pdeathsig() -> Result<(), JailError> {
    prctl(
        "pdeathsig",
        libc::PR_SET_PDEATHSIG,
        libc::SIGKILL as libc::c_ulong,
    )
}

/// [`pdeathsig`], and false when the parent had ended before it took effect.
///
/// # Errors
/// The kernel refused.
pub fn die_with_parent(parent: i32) -> Result<bool, JailError> {
    pdeathsig()?;
    // SAFETY: getppid has no preconditions.
    Ok(unsafe { libc::getppid() } == parent)
}

/// Gives free memory of the heap back to the kernel; does nothing where the C library is not glibc.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Closes every descriptor that is not in `keep`.
pub fn close_others(keep: &[i32]) -> Result<(), JailError> {
    const LAYER: &str = "close_fds";
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    keep.dedup();
    for fd in &keep {
        // SAFETY: F_GETFD reads a flag.
        if unsafe { libc::fcntl(*fd, libc::F_GETFD) } < 0 {
            return Err(JailError::last(LAYER)); // includes negative numbers
        }
    }
    let mut first = 0;
    for fd in keep.iter().chain(std::iter::once(&i32::MAX)) {
        if first < *fd && !close_range(first, *fd - 1) {
            return close_listed(&keep);
        }
        first = fd.saturating_add(1);
    }
    Ok(())
}

fn close_range(first: i32, last: i32) -> bool {
    // SAFETY: closes descriptors that the caller has given up.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
}

/// Where an outer filter hides close_range: one close for each entry of /proc/self/fd.
fn close_listed(keep: &[i32]) -> Result<(), JailError> {
    let fail =
        |e: std::io::Error| JailError::new("close_fds", e.raw_os_error().unwrap_or(libc::EIO));
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .map_err(fail)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|fd| !keep.contains(fd)) {
        // SAFETY: as above; the descriptor of the listing itself is closed already and gives EBADF.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// New user, network, IPC and host name namespaces; false where the host does not allow it.
pub fn namespaces() -> bool {
    let empty = libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    // SAFETY: unshare takes flags; the process is single-threaded (checked by `seal`).
    // The second form is for a privileged daemon on a host without user namespaces.
    unsafe { libc::unshare(libc::CLONE_NEWUSER | empty) == 0 || libc::unshare(empty) == 0 }
}

/// No core dumps, no ptrace, `/proc/<pid>` owned by root.
pub fn not_dumpable() -> Result<(), JailError> {
    prctl("dumpable", libc::PR_SET_DUMPABLE, 0)
}

/// Gives up every capability, those of a fresh user namespace included.
pub fn no_capabilities() -> Result<(), JailError> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0]; // version, pid 0 = this thread
    let none = [0_u32; 6]; // two words each of effective, permitted, inheritable
                           // SAFETY: both arrays have the layout of linux/capability.h and outlive the call.
    if unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) } == 0 {
        Ok(())
    } else {
        Err(JailError::last("capabilities"))
    }
}

/// No gain of privileges by exec; needed by Landlock and seccomp.
pub fn no_new_privs() -> Result<(), JailError> {
    prctl("no_new_privs", libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Number of threads of this process.
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// True if PROT_READ implies PROT_EXEC for this process, which would defeat the filter on PROT_EXEC.
pub fn read_implies_exec() -> bool {
    const READ_IMPLIES_EXEC: libc::c_int = 0x0040_0000;
    // SAFETY: 0xffffffff only asks.
    unsafe { libc::personality(0xffff_ffff) & READ_IMPLIES_EXEC != 0 }
}
