//! The order of the layers.

use crate::table::Profile;
use crate::{landlock, limits, process, seccomp, JailError};

/// Which layers to apply; all of them but in tests of a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // a set of named switches
pub struct Layers {
    /// SIGKILL when the parent ends.
    pub pdeathsig: bool,
    /// Close all descriptors but those kept.
    pub close_fds: bool,
    /// Memory, processor time, and zero of everything new.
    pub rlimits: bool,
    /// User, network, IPC, host name.
    pub namespaces: bool,
    /// No dumps, no ptrace.
    pub dumpable: bool,
    /// Empty capability sets.
    pub capabilities: bool,
    /// No privileges by exec.
    pub no_new_privs: bool,
    /// File system, TCP, scopes.
    pub landlock: bool,
    /// System call filter.
    pub seccomp: bool,
}

impl Layers {
    /// No layer.
    pub const NONE: Self = Self {
        pdeathsig: false,
        close_fds: false,
        rlimits: false,
        namespaces: false,
        dumpable: false,
        capabilities: false,
        no_new_privs: false,
        landlock: false,
        seccomp: false,
    };

    /// The switch of this name.
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "pdeathsig" => Some(&mut self.pdeathsig),
            "close_fds" => Some(&mut self.close_fds),
            "rlimits" => Some(&mut self.rlimits),
            "namespaces" => Some(&mut self.namespaces),
            "dumpable" => Some(&mut self.dumpable),
            "capabilities" => Some(&mut self.capabilities),
            "no_new_privs" => Some(&mut self.no_new_privs),
            "landlock" => Some(&mut self.landlock),
            "seccomp" => Some(&mut self.seccomp),
            _ => None,
        }
    }
}

/// What to seal with.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Rules and limits.
    pub profile: Profile,
    /// Budget beyond the present size [bytes].
    pub memory_bytes: u64,
    /// Processor time until SIGXCPU [s].
    pub cpu_s: u64,
    /// Descriptors that stay.
    pub keep_fds: &'a [i32],
    /// Stays until just before seccomp.
    pub report_fd: Option<i32>,
    /// The one file that may be opened (`reference`).
    pub readable: Option<&'a str>,
    /// Which layers.
    pub layers: Layers,
    /// Go on where the host has no seccomp.
    pub allow_degraded: bool,
}

/// What is in force afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Active {
    /// Layers in force; where the host lacks one it is false.
    pub layers: Layers,
    /// Landlock ABI in force, 0 for none.
    pub landlock_abi: i32,
    /// RLIMIT_AS [bytes], 0 for none.
    pub address_space_bytes: u64,
}

/// Locks this process in. It must have one thread.
///
/// # Errors
/// The first layer that must hold and could not be applied. The process is then half sealed: it must end.
pub fn seal(order: &Order<'_>) -> Result<Active, JailError> {
    let wanted = order.layers;
    let mut active = Active {
        layers: wanted,
        landlock_abi: 0,
        address_space_bytes: 0,
    };
    if process::threads() != 1 {
        return Err(JailError::new("threads", libc::EBUSY)); // a filter holds for one thread only
    }
    if process::read_implies_exec() {
        return Err(JailError::new("personality", libc::EPERM));
    }
    let mut filter = None;
    if wanted.seccomp {
        if seccomp::available() {
            filter = Some(seccomp::prepare(order.profile)?);
        } else if !order.allow_degraded {
            return Err(JailError::new("seccomp", libc::ENOSYS));
        }
    }
    active.layers.seccomp = filter.is_some();
    if order.profile == Profile::Reference && !(wanted.landlock && active.layers.seccomp) {
        // It may open paths: only Landlock knows which, and only the filter keeps it from sockets of a path.
        return Err(JailError::new("landlock+seccomp", libc::EINVAL));
    }

    if wanted.pdeathsig {
        process::pdeathsig()?;
    }
    if wanted.close_fds {
        let mut keep = order.keep_fds.to_vec();
        keep.extend(order.report_fd);
        process::close_others(&keep)?;
    }
    if wanted.rlimits {
        active.address_space_bytes = limits::consumption(order.memory_bytes, order.cpu_s)?;
    }
    if wanted.namespaces {
        active.layers.namespaces = process::namespaces();
    }
    if wanted.dumpable {
        process::not_dumpable()?;
    }
    if wanted.capabilities {
        process::no_capabilities()?;
    }
    if wanted.pdeathsig {
        process::pdeathsig()?; // a change of credentials clears it (prctl(2))
    }
    if wanted.no_new_privs {
        process::no_new_privs()?;
    }
    if wanted.landlock {
        active.landlock_abi = landlock::restrict(order.readable)?;
        active.layers.landlock = active.landlock_abi > 0;
    }
    if wanted.rlimits {
        limits::nothing_new(order.profile)?;
    }
    if let Some(report) = order.report_fd {
        // SAFETY: the caller gave it to us to close.
        unsafe { libc::close(report) };
    }
    if let Some(filter) = filter {
        seccomp::load(&filter)?;
    }
    Ok(active)
}
