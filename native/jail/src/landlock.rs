//! Landlock: every right that this kernel knows is handled, and none is granted, but reading one file on request.
//!
//! Source: Linux `Documentation/userspace-api/landlock.rst`, `include/uapi/linux/landlock.h`.

use std::ffi::CString;

use crate::JailError;

const LAYER: &str = "landlock";
const CREATE_VERSION: libc::c_uint = 1;
const RULE_PATH_BENEATH: libc::c_int = 1;
const READ_FILE: u64 = 1 << 2;

/// What a ruleset handles; older kernels read only the fields they know, by size.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ruleset {
    files: u64,
    network: u64,
    scopes: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

impl Ruleset {
    /// All rights of an ABI, and the size of the structure it knows.
    fn of(abi: i32) -> (Self, usize) {
        let bits = match abi {
            ..=1 => 13,  // execute .. make_sym
            2 => 14,     // refer
            3 | 4 => 15, // truncate
            _ => 16,     // ioctl_dev
        };
        let ruleset = Self {
            files: (1 << bits) - 1,
            network: if abi >= 4 { 0b11 } else { 0 }, // TCP bind, connect
            scopes: if abi >= 6 { 0b11 } else { 0 },  // abstract sockets, signals
        };
        let size = match abi {
            ..=3 => 8,
            4 | 5 => 16,
            _ => 24,
        };
        (ruleset, size)
    }
}

/// ABI of the running kernel; 0 where there is none. Asked, never inferred from the version.
#[must_use]
pub fn abi() -> i32 {
    // SAFETY: with the version flag the pointer must be null and the size 0.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<Ruleset>(),
            0_usize,
            CREATE_VERSION,
        )
    };
    i32::try_from(abi).unwrap_or(0).max(0)
}

/// Applies it; returns the ABI in force, 0 where the host has none. `readable` may be read, nothing else.
///
/// # Errors
/// The kernel has Landlock but refused, or has none and `readable` depends on it.
pub fn restrict(readable: Option<&str>) -> Result<i32, JailError> {
    let abi = abi();
    if abi == 0 {
        return match readable {
            None => Ok(0),
            Some(_) => Err(JailError::new(LAYER, libc::ENOSYS)),
        };
    }
    let (ruleset, size) = Ruleset::of(abi);
    // SAFETY: `size` bytes of `ruleset` are initialised and it outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &ruleset, size, 0) };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(JailError::last(LAYER));
    }
    let result = readable
        .map_or(Ok(()), |path| allow_reading(fd, path))
        .and_then(|()| {
            // SAFETY: `fd` is the ruleset.
            match unsafe { libc::syscall(libc::SYS_landlock_restrict_self, fd, 0) } {
                0 => Ok(abi),
                _ => Err(JailError::last(LAYER)),
            }
        });
    // SAFETY: opened above, used no more.
    unsafe { libc::close(fd) };
    result
}

fn allow_reading(ruleset: i32, path: &str) -> Result<(), JailError> {
    let path = CString::new(path).map_err(|_| JailError::new(LAYER, libc::EINVAL))?;
    // SAFETY: `path` ends with a zero byte and outlives the call.
    let file = unsafe {
        libc::open(
            path.as_ptr(),
            libc::O_PATH | libc::O_CLOEXEC | libc::O_NOFOLLOW,
        )
    };
    if file < 0 {
        return Err(JailError::last(LAYER));
    }
    let rule = PathBeneath {
        allowed: READ_FILE,
        parent: file,
    };
    // SAFETY: the structure has the packed layout of landlock.h and outlives the call.
    let added = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset,
            RULE_PATH_BENEATH,
            &rule,
            0,
        )
    };
    let result = if added == 0 {
        Ok(())
    } else {
        Err(JailError::last(LAYER))
    };
    // SAFETY: opened above, used no more.
    unsafe { libc::close(file) };
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_grow_with_the_abi() {
        let of = |abi| Ruleset::of(abi);
        assert_eq!(
            of(1),
            (
                Ruleset {
                    files: 0x1fff,
                    network: 0,
                    scopes: 0
                },
                8
            )
        );
        assert_eq!(of(2).0.files, 0x3fff);
        assert_eq!(
            of(3),
            (
                Ruleset {
                    files: 0x7fff,
                    network: 0,
                    scopes: 0
                },
                8
            )
        );
        assert_eq!(
            of(4),
            (
                Ruleset {
                    files: 0x7fff,
                    network: 3,
                    scopes: 0
                },
                16
            )
        );
        assert_eq!(of(5).0.files, 0xffff);
        assert_eq!(
            of(6),
            (
                Ruleset {
                    files: 0xffff,
                    network: 3,
                    scopes: 3
                },
                24
            )
        );
        assert_eq!(of(7), of(6));
    }
}
