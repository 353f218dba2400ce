//! Reads of a descriptor that someone else opened: pread and fstat, which every decoder profile allows.
//!
//! The standard library would need an owned descriptor for the same (dup is refused where NOFILE is 0) and asks
//! for sizes with statx, which no profile allows.
use std::io::{Error, ErrorKind};
use std::mem::MaybeUninit;

/// Reads at `offset` without moving the position; 0 at the end. Interrupted calls are made again.
///
/// # Errors
/// What the kernel says; `InvalidInput` for an offset beyond 2**63.
pub fn pread(fd: i32, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
    let at = i64::try_from(offset).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    loop {
        // SAFETY: the pointer and the length are those of a live slice that the kernel fills.
        let n = unsafe { libc::pread64(fd, buffer.as_mut_ptr().cast(), buffer.len(), at) };
        match usize::try_from(n) {
            Ok(n) => return Ok(n),
            Err(_) => {
                let error = Error::last_os_error();
                if error.kind() != ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// `fstat` itself: the C library may ask `newfstatat` instead (glibc 2.33 to 2.38), which no profile allows.
///
/// # Safety
/// `facts` points to a whole structure.
unsafe fn fstat(fd: i32, facts: *mut libc::stat64) -> libc::c_long {
    // SAFETY: on these architectures the kernel's structure is the C library's; the caller vouches for it.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return unsafe { libc::syscall(libc::SYS_fstat, fd, facts) };
    // SAFETY: as above, through the C library.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return libc::c_long::from(unsafe { libc::fstat64(fd, facts) });
}

/// Size of a regular file [B].
///
/// # Errors
/// What the kernel says; `InvalidInput` for a pipe, socket, device or folder.
pub fn size(fd: i32) -> Result<u64, Error> {
    let mut facts = MaybeUninit::<libc::stat64>::uninit();
    // SAFETY: fstat fills the whole structure when it returns 0, and only then is it read.
    let facts = unsafe {
        if fstat(fd, facts.as_mut_ptr()) != 0 {
            return Err(Error::last_os_error());
        }
        facts.assume_init()
    };
    if facts.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Error::from(ErrorKind::InvalidInput));
    }
    u64::try_from(facts.st_size).map_err(|_| Error::from(ErrorKind::InvalidInput))
}
