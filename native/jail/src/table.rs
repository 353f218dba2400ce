//! What each profile may call, as data: rules by name, numbers by architecture.
//!
//! A name that an architecture does not have (`open` on aarch64) is simply absent from its numbers. Everything
//! that is not named here kills the process.

/// What happens to a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Runs.
    Allow,
    /// Runs unless the third argument asks for executable memory; then it kills.
    NoExec,
    /// Runs if this argument (flags of an open) asks for reading only; else fails with EACCES.
    ReadOnly(u8),
    /// Runs if this argument is one of these; else fails with EPERM.
    Among(u8, &'static [u32]),
    /// Fails with this error number: an honest mistake that deserves a message instead of death.
    Errno(i32),
}

/// One architecture: how the kernel names it in `seccomp_data`, and its numbers.
#[derive(Debug)]
pub struct Arch {
    /// As `std::env::consts::ARCH`.
    pub name: &'static str,
    /// `AUDIT_ARCH_*` (linux/audit.h).
    pub audit: u32,
    /// Numbers from here on belong to another calling convention (x32) and kill.
    pub foreign_from: Option<u32>,
    /// System call name -> number.
    pub numbers: &'static [(&'static str, u32)],
}

impl Arch {
    /// The architecture this was compiled for, if its calls are in a table.
    #[must_use]
    pub fn native() -> Option<&'static Arch> {
        ARCHES
            .iter()
            .copied()
            .find(|a| a.name == std::env::consts::ARCH)
    }

    /// Number of a call, if this architecture has it.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.numbers
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, number)| *number)
    }
}

/// A named set of rules and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// User code: computes, and talks on its channel.
    Transform,
    /// File readers: may also seek and read descriptors they were given.
    Decoder,
    /// Second opinions in tests and `verify`: may open one file for reading.
    Reference,
}

impl Profile {
    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "transform" => Some(Self::Transform),
            "decoder" => Some(Self::Decoder),
            "reference" => Some(Self::Reference),
            _ => None,
        }
    }

    /// Rules in order of precedence: the first that names a call decides.
    #[must_use]
    pub fn rules(self) -> Vec<(&'static str, Rule)> {
        let mut rules = Vec::new();
        match self {
            Self::Transform => {}
            Self::Decoder => rules.extend_from_slice(DECODER),
            Self::Reference => {
                rules.extend_from_slice(REFERENCE);
                rules.extend_from_slice(DECODER);
            }
        }
        rules.extend_from_slice(TRANSFORM);
        rules.extend_from_slice(MISTAKES);
        rules
    }

    /// RLIMIT_NOFILE: above the highest descriptor a process may obtain.
    #[must_use]
    pub fn open_files(self) -> u64 {
        match self {
            Self::Transform | Self::Decoder => 0,
            Self::Reference => 64,
        }
    }
}

/// The 18 calls of CPython at work: memory, its channel, locks, clocks, the end.
pub const TRANSFORM: &[(&str, Rule)] = &[
    ("read", Rule::Allow),
    ("write", Rule::Allow),
    ("mmap", Rule::NoExec),
    ("mprotect", Rule::NoExec),
    ("munmap", Rule::Allow),
    ("mremap", Rule::Allow),
    ("madvise", Rule::Allow),
    ("brk", Rule::Allow),
    ("futex", Rule::Allow),
    ("clock_gettime", Rule::Allow),
    ("gettimeofday", Rule::Allow),
    ("getrandom", Rule::Allow),
    ("rt_sigprocmask", Rule::Allow),
    ("rt_sigreturn", Rule::Allow),
    ("sigaltstack", Rule::Allow),
    ("restart_syscall", Rule::Allow),
    ("exit", Rule::Allow),
    ("exit_group", Rule::Allow),
];

/// What reading a descriptor adds.
pub const DECODER: &[(&str, Rule)] = &[
    ("lseek", Rule::Allow),
    ("fstat", Rule::Allow),
    ("pread64", Rule::Allow),
    ("getcwd", Rule::Allow),
];

/// F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC; equal on both architectures.
///
/// Not F_SETOWN, F_SETSIG and F_SETFL: together they have the kernel send a signal of choice, SIGKILL too, to any
/// process of the same user (only Landlock from ABI 6 on stops that).
const PLAIN_FCNTL: &[u32] = &[0, 1, 2, 3, 1030];

/// What opening one file by its path adds; which file is Landlock's business.
pub const REFERENCE: &[(&str, Rule)] = &[
    ("open", Rule::ReadOnly(1)),
    ("openat", Rule::ReadOnly(2)),
    ("close", Rule::Allow),
    ("stat", Rule::Allow),
    ("lstat", Rule::Allow),
    ("newfstatat", Rule::Allow),
    ("statx", Rule::Allow),
    ("access", Rule::Allow),
    ("faccessat", Rule::Allow),
    ("faccessat2", Rule::Allow),
    ("readlink", Rule::Allow),
    ("readlinkat", Rule::Allow),
    ("fcntl", Rule::Among(1, PLAIN_FCNTL)),
    ("readv", Rule::Allow),
    ("getpid", Rule::Allow),
    ("getuid", Rule::Allow),
    ("geteuid", Rule::Allow),
];

/// Calls that honest code makes by mistake, and the error it can understand.
///
/// The last group is `abort()`: it then ends in SIGSEGV and is reported as a crash, which it is, not as a violation.
pub const MISTAKES: &[(&str, Rule)] = &[
    ("open", Rule::Errno(libc::EACCES)),
    ("openat", Rule::Errno(libc::EACCES)),
    ("stat", Rule::Errno(libc::EACCES)),
    ("lstat", Rule::Errno(libc::EACCES)),
    ("newfstatat", Rule::Errno(libc::EACCES)),
    ("statx", Rule::Errno(libc::EACCES)),
    ("access", Rule::Errno(libc::EACCES)),
    ("faccessat", Rule::Errno(libc::EACCES)),
    ("faccessat2", Rule::Errno(libc::EACCES)),
    ("readlink", Rule::Errno(libc::EACCES)),
    ("readlinkat", Rule::Errno(libc::EACCES)),
    ("socket", Rule::Errno(libc::EACCES)),
    ("clone", Rule::Errno(libc::EPERM)),
    ("clone3", Rule::Errno(libc::ENOSYS)), // the C library then tries clone
    ("fork", Rule::Errno(libc::EPERM)),
    ("vfork", Rule::Errno(libc::EPERM)),
    ("nanosleep", Rule::Errno(libc::EPERM)),
    ("clock_nanosleep", Rule::Errno(libc::EPERM)),
    ("getcwd", Rule::Errno(libc::ENOENT)),
    ("ioctl", Rule::Errno(libc::ENOTTY)),
    ("dup", Rule::Errno(libc::EPERM)),
    ("fcntl", Rule::Errno(libc::EPERM)), // os.dup and mmap.mmap of a descriptor
    ("rt_sigaction", Rule::Errno(libc::EPERM)),
    ("getpid", Rule::Errno(libc::EPERM)),
    ("gettid", Rule::Errno(libc::EPERM)),
    ("tgkill", Rule::Errno(libc::EPERM)),
    ("writev", Rule::Errno(libc::EPERM)),
];

/// Every architecture with a table.
pub const ARCHES: &[&Arch] = &[&X86_64, &AARCH64];

/// arch/x86/entry/syscalls/syscall_64.tbl.
pub static X86_64: Arch = Arch {
    name: "x86_64",
    audit: 0xC000_003E,
    foreign_from: Some(0x4000_0000),
    numbers: &[
        ("read", 0),
        ("write", 1),
        ("open", 2),
        ("close", 3),
        ("stat", 4),
        ("fstat", 5),
        ("lstat", 6),
        ("lseek", 8),
        ("mmap", 9),
        ("mprotect", 10),
        ("munmap", 11),
        ("brk", 12),
        ("rt_sigaction", 13),
        ("rt_sigprocmask", 14),
        ("rt_sigreturn", 15),
        ("ioctl", 16),
        ("pread64", 17),
        ("readv", 19),
        ("writev", 20),
        ("access", 21),
        ("mremap", 25),
        ("madvise", 28),
        ("dup", 32),
        ("nanosleep", 35),
        ("getpid", 39),
        ("socket", 41),
        ("clone", 56),
        ("fork", 57),
        ("vfork", 58),
        ("exit", 60),
        ("fcntl", 72),
        ("getcwd", 79),
        ("readlink", 89),
        ("gettimeofday", 96),
        ("getuid", 102),
        ("geteuid", 107),
        ("sigaltstack", 131),
        ("gettid", 186),
        ("futex", 202),
        ("restart_syscall", 219),
        ("clock_gettime", 228),
        ("clock_nanosleep", 230),
        ("exit_group", 231),
        ("tgkill", 234),
        ("openat", 257),
        ("newfstatat", 262),
        ("readlinkat", 267),
        ("faccessat", 269),
        ("getrandom", 318),
        ("statx", 332),
        ("clone3", 435),
        ("faccessat2", 439),
    ],
};

/// include/uapi/asm-generic/unistd.h.
pub static AARCH64: Arch = Arch {
    name: "aarch64",
    audit: 0xC000_00B7,
    foreign_from: None,
    numbers: &[
        ("getcwd", 17),
        ("dup", 23),
        ("fcntl", 25),
        ("ioctl", 29),
        ("faccessat", 48),
        ("openat", 56),
        ("close", 57),
        ("lseek", 62),
        ("read", 63),
        ("write", 64),
        ("readv", 65),
        ("writev", 66),
        ("pread64", 67),
        ("readlinkat", 78),
        ("newfstatat", 79),
        ("fstat", 80),
        ("exit", 93),
        ("exit_group", 94),
        ("futex", 98),
        ("nanosleep", 101),
        ("clock_gettime", 113),
        ("clock_nanosleep", 115),
        ("restart_syscall", 128),
        ("tgkill", 131),
        ("sigaltstack", 132),
        ("rt_sigaction", 134),
        ("rt_sigprocmask", 135),
        ("rt_sigreturn", 139),
        ("gettimeofday", 169),
        ("getpid", 172),
        ("getuid", 174),
        ("geteuid", 175),
        ("gettid", 178),
        ("socket", 198),
        ("brk", 214),
        ("munmap", 215),
        ("mremap", 216),
        ("clone", 220),
        ("mmap", 222),
        ("mprotect", 226),
        ("madvise", 233),
        ("getrandom", 278),
        ("statx", 291),
        ("clone3", 435),
        ("faccessat2", 439),
    ],
};
