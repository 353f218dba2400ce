//! Opens a native module: reads, lints and maps it; nothing of it runs here.
//!
//! Called once in a forked child, before its jail closes. What was looked at is what gets mapped: the file is a
//! memfd sealed against every change, or a sealed copy of it.
#![allow(unsafe_code)] // one of the three places that may: every block states why it is sound

use alloy_jail::file;
use alloy_kernels::elf::{self, Facts, Kind, Machine};
use alloy_kernels::KernelError;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::fs::File;
use std::io::{Error, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Seals without which a file could change after it was looked at.
const SEALS: c_int = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
/// linux/memfd.h, since Linux 6.3: the file can be mapped, never exec'ed.
const MFD_NOEXEC_SEAL: u32 = 8;
/// Modules one process may open; each takes one more byte of path, see `path`.
const OPEN_MAX: usize = 4096 - 64;
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// A module that is mapped for the rest of the process's life.
pub struct Opened {
    /// What the lint found.
    pub facts: Facts,
    /// Address of `alloy_run_v1` or `alloy_map_v1`.
    pub entry: usize,
    /// [begin, end) of its read-only memory.
    pub constants: Vec<(usize, usize)>,
}

/// Where the C library keeps what it knows of a mapped file (`link.h`).
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
    dynamic: *const c_void,
}

fn refused(what: impl Into<String>) -> KernelError {
    KernelError::new("load.elf", 0, what)
}

fn failed(what: &str, error: &Error) -> KernelError {
    refused(format!("{what}: {error}"))
}

/// Reads, lints and maps the module behind a descriptor, which stays the caller's.
///
/// # Errors
/// As `elf::lint`; `load.abi` where the interpreter lacks a symbol.
pub fn open(fd: c_int) -> Result<Opened, KernelError> {
    let sealed = is_sealed(fd);
    let data = read(fd)?;
    let machine = Machine::named(std::env::consts::ARCH).ok_or_else(|| {
        KernelError::new("load.arch", 0, "there are no modules for this processor")
    })?;
    let facts = elf::lint(&data, machine)?;
    if sealed {
        map(facts, fd)
    } else {
        map(
            facts,
            seal(&data)
                .map_err(|e| failed("the module cannot be sealed", &e))?
                .as_raw_fd(),
        )
    }
}

/// Whether nobody can change the file any more; asked before it is read.
fn is_sealed(fd: c_int) -> bool {
    // SAFETY: fcntl with F_GET_SEALS reads nothing but its arguments; a file without seals is an error (-1).
    let seals = unsafe { libc::fcntl(fd, libc::F_GET_SEALS) };
    seals >= 0 && seals & SEALS == SEALS
}

fn read(fd: c_int) -> Result<Vec<u8>, KernelError> {
    let size = file::size(fd).map_err(|e| failed("the module cannot be read", &e))?;
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    if length > elf::FILE_MAX {
        return Err(refused("the file is longer than a module may be")
            .with("expected", elf::FILE_MAX as u64)
            .with("actual", size));
    }
    let mut data = vec![0; length];
    let mut at = 0;
    while at < length {
        match file::pread(fd, at as u64, &mut data[at..]) {
            Ok(0) => return Err(refused("the module is shorter than its size")),
            Ok(n) => at += n,
            Err(e) => return Err(failed("the module cannot be read", &e)),
        }
    }
    Ok(data)
}

/// A sealed copy of the bytes that were read.
fn seal(data: &[u8]) -> Result<File, Error> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a constant with its zero.
    let made = |flags| unsafe { libc::memfd_create(c"alloy-module".as_ptr(), flags) };
    let mut fd = made(flags | MFD_NOEXEC_SEAL);
    if fd < 0 {
        fd = made(flags); // before Linux 6.3
    }
    if fd < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(data)?;
    // SAFETY: F_ADD_SEALS takes an integer.
    if unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, SEALS | libc::F_SEAL_SEAL) } != 0 {
        return Err(Error::last_os_error());
    }
    Ok(file)
}

/// A path to the descriptor that was not used before: the C library takes the same path for the same module.
fn path(fd: c_int) -> Result<CString, KernelError> {
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    if number >= OPEN_MAX {
        return Err(refused("this process has opened too many modules"));
    }
    CString::new(format!("/proc/self/fd/{}{fd}", "/".repeat(number)))
        .map_err(|_| refused("no path"))
}

fn map(facts: Facts, fd: c_int) -> Result<Opened, KernelError> {
    let path = path(fd)?;
    // SAFETY: the lint has refused everything that would run while the file is mapped and relocated (constructors,
    // IFUNC) and whatever could turn into it (tables in writable memory); the bytes are sealed.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        let why = dlerror();
        let code = if why.contains("undefined symbol") {
            "load.abi"
        } else {
            "load.elf"
        };
        return Err(KernelError::new(
            code,
            0,
            format!("the module cannot be mapped: {why}"),
        ));
    }
    // From here on the module stays: dlclose would run what the C library has to say about ends.
    let base = base(handle)?;
    let entry = address(handle, facts.kind.entry())?;
    let schema = address(handle, "ALLOY_SCHEMA")?;
    if entry != base.wrapping_add(facts.entry_at as usize)
        || schema != base.wrapping_add(facts.schema_at as usize)
    {
        return Err(refused("the C library finds other symbols than the lint"));
    }
    // SAFETY: the lint found these bytes in a mapped, read-only segment of this size.
    let mapped = unsafe { std::slice::from_raw_parts(schema as *const u8, facts.schema.len()) };
    if mapped != facts.schema {
        return Err(refused("another file is mapped than was looked at"));
    }
    let constants = facts
        .segments
        .iter()
        .filter(|s| s.flags & elf::PF_W == 0)
        .map(|s| (base + s.vaddr as usize, base + (s.vaddr + s.memsz) as usize))
        .collect();
    Ok(Opened {
        facts,
        entry,
        constants,
    })
}

/// Where the module begins.
fn base(handle: *mut c_void) -> Result<usize, KernelError> {
    let mut found: *const LinkMap = std::ptr::null();
    // SAFETY: RTLD_DI_LINKMAP stores one pointer, to a structure that begins as `LinkMap` and lives with the handle.
    unsafe {
        if libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut found).cast()) != 0
            || found.is_null()
        {
            return Err(refused("the C library does not say where the module is"));
        }
        Ok((*found).base)
    }
}

fn address(handle: *mut c_void, name: &str) -> Result<usize, KernelError> {
    let text = CString::new(name).map_err(|_| refused("no name"))?;
    // SAFETY: a look-up by name; no symbol of the module is an IFUNC, so none is run to find its address.
    let found = unsafe { libc::dlsym(handle, text.as_ptr()) };
    if found.is_null() {
        return Err(refused(format!("the C library does not find `{name}`")));
    }
    Ok(found as usize)
}

fn dlerror() -> String {
    // SAFETY: the text is the C library's until the next call of this thread; it is copied at once.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            return String::from("no reason given");
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

impl Opened {
    /// Whether this is the kind a caller wants to call.
    pub fn is(&self, kind: Kind) -> bool {
        self.facts.kind == kind
    }
}
