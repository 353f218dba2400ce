//! What the host offers, asked and not guessed.

use std::path::Path;

use crate::table::Arch;
use crate::{landlock, seccomp};

/// Facts about the host that the sandbox depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Release of the running kernel.
    pub kernel: String,
    /// Machine architecture.
    pub arch: &'static str,
    /// There is a table of system calls for it.
    pub arch_supported: bool,
    /// System calls can be filtered.
    pub seccomp: bool,
    /// 0 = none.
    pub landlock_abi: i32,
    /// A process of ours may make the namespaces of the jail.
    pub userns: bool,
    /// `v2`, `v1` or `none`.
    pub cgroup: &'static str,
}

/// Asks the running kernel.
#[must_use]
pub fn probe() -> Host {
    Host {
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_or_else(|_| String::from("unknown"), |text| text.trim().to_owned()),
        arch: std::env::consts::ARCH,
        arch_supported: Arch::native().is_some(),
        seccomp: seccomp::available(),
        landlock_abi: landlock::abi(),
        userns: namespaces_allowed(),
        cgroup: cgroup(),
    }
}

/// Tries in a child, which does nothing else.
fn namespaces_allowed() -> bool {
    // SAFETY: the child makes system calls only, so a lock held by another thread cannot matter.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let done = crate::process::namespaces();
            libc::_exit(i32::from(!done));
        }
        let mut status = 0;
        loop {
            let reaped = libc::waitpid(child, &mut status, 0);
            if reaped == child {
                return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            }
            if *libc::__errno_location() != libc::EINTR {
                return false;
            }
        }
    }
}

fn cgroup() -> &'static str {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        "v2"
    } else if Path::new("/sys/fs/cgroup/memory").exists() {
        "v1"
    } else {
        "none"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_described_in_full() {
        let host = probe();

        assert_ne!(host.kernel, "unknown");
        assert!((0..100).contains(&host.landlock_abi));
    }
}
