//! From a table to a classic BPF program: pure, and the same on every host.
//!
//! Source: Linux `Documentation/userspace-api/seccomp_filter.rst`; opcodes of `linux/bpf_common.h`.

use crate::table::{Arch, Profile, Rule};

/// Load a 32-bit word of `seccomp_data` at offset k.
pub const LD_W_ABS: u16 = 0x20;
/// Jump if equal to k.
pub const JEQ_K: u16 = 0x15;
/// Jump if greater or equal to k.
pub const JGE_K: u16 = 0x35;
/// Jump if any bit of k is set.
pub const JSET_K: u16 = 0x45;
/// Return k.
pub const RET_K: u16 = 0x06;

/// `SECCOMP_RET_*`.
pub const KILL_PROCESS: u32 = 0x8000_0000;
/// Fail with the errno in the low 16 bits.
pub const ERRNO: u32 = 0x0005_0000;
/// Run the call.
pub const ALLOW: u32 = 0x7fff_0000;

/// Offset of `nr` in `struct seccomp_data`.
pub const OFFSET_NR: u32 = 0;
/// Offset of `arch`.
pub const OFFSET_ARCH: u32 = 4;
/// Offset of the low word of argument 0; both architectures are little-endian.
pub const OFFSET_ARGS: u32 = 16;

const PROT_EXEC: u32 = 4;
/// O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, equal on both architectures; O_TMPFILE needs one of the first two.
const OPEN_TO_WRITE: u32 = 0o1 | 0o2 | 0o100 | 0o1000;

/// One instruction, laid out as `struct sock_filter`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip when true.
    pub jt: u8,
    /// Instructions to skip when false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

const fn op(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// The filter of a profile on an architecture. Every call ends in ALLOW, ERRNO or KILL_PROCESS; unknown: kill.
#[must_use]
pub fn compile(arch: &Arch, profile: Profile) -> Vec<Instruction> {
    let mut program = vec![
        op(LD_W_ABS, OFFSET_ARCH),
        jump(JEQ_K, arch.audit, 1, 0),
        op(RET_K, KILL_PROCESS),
        op(LD_W_ABS, OFFSET_NR),
    ];
    if let Some(from) = arch.foreign_from {
        program.push(jump(JGE_K, from, 0, 1));
        program.push(op(RET_K, KILL_PROCESS));
    }
    let mut named: Vec<u32> = Vec::new();
    for (name, rule) in profile.rules() {
        let Some(number) = arch.number(name) else {
            continue;
        };
        if named.contains(&number) {
            continue; // an earlier rule decides
        }
        named.push(number);
        match rule {
            Rule::Allow => {
                program.push(jump(JEQ_K, number, 0, 1));
                program.push(op(RET_K, ALLOW));
            }
            Rule::Errno(errno) => {
                program.push(jump(JEQ_K, number, 0, 1));
                program.push(op(RET_K, ERRNO | (errno as u32 & 0xffff)));
            }
            Rule::NoExec => refuse_bits(&mut program, number, 2, PROT_EXEC, KILL_PROCESS),
            Rule::Among(argument, values) => {
                one_of(&mut program, number, u32::from(argument), values);
            }
            Rule::ReadOnly(argument) => {
                let refusal = ERRNO | (libc::EACCES as u32 & 0xffff);
                refuse_bits(
                    &mut program,
                    number,
                    u32::from(argument),
                    OPEN_TO_WRITE,
                    refusal,
                );
            }
        }
    }
    program.push(op(RET_K, KILL_PROCESS));
    program
}

/// `number` runs unless its argument has one of `bits`.
fn refuse_bits(
    program: &mut Vec<Instruction>,
    number: u32,
    argument: u32,
    bits: u32,
    refusal: u32,
) {
    program.push(jump(JEQ_K, number, 0, 4));
    program.push(op(LD_W_ABS, OFFSET_ARGS + 8 * argument));
    program.push(jump(JSET_K, bits, 0, 1));
    program.push(op(RET_K, refusal));
    program.push(op(RET_K, ALLOW));
}

/// `number` runs if its argument is one of `values`, few enough for one jump.
fn one_of(program: &mut Vec<Instruction>, number: u32, argument: u32, values: &[u32]) {
    let count = u8::try_from(values.len()).expect("a table names a few values");
    program.push(jump(JEQ_K, number, 0, count + 3));
    program.push(op(LD_W_ABS, OFFSET_ARGS + 8 * argument));
    for (left, value) in (1..=count).rev().zip(values) {
        program.push(jump(JEQ_K, *value, left, 0)); // over the rest and the refusal
    }
    program.push(op(RET_K, ERRNO | (libc::EPERM as u32 & 0xffff)));
    program.push(op(RET_K, ALLOW));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluator::{verdict, Call};
    use crate::table::{AARCH64, ARCHES, MISTAKES, TRANSFORM, X86_64};

    const PROFILES: [Profile; 3] = [Profile::Transform, Profile::Decoder, Profile::Reference];

    fn call(arch: &Arch, name: &str) -> Call {
        Call::new(arch, arch.number(name).expect("in the table"))
    }

    #[test]
    fn allowed_calls_are_exactly_the_table_when_every_number_is_tried() {
        for arch in ARCHES {
            for profile in PROFILES {
                let program = compile(arch, profile);
                let rules = profile.rules();
                for number in 0..1024 {
                    let rule = rules.iter().find(|(n, _)| arch.number(n) == Some(number));
                    let wanted = match rule.map(|r| r.1) {
                        None => KILL_PROCESS,
                        Some(Rule::Errno(errno)) => ERRNO | errno as u32,
                        Some(_) => ALLOW,
                    };
                    let got = verdict(&program, &Call::new(arch, number));
                    assert_eq!(got, wanted, "{} {profile:?} {number}", arch.name);
                }
            }
        }
    }

    #[test]
    fn transform_may_make_eighteen_calls_on_every_architecture() {
        assert_eq!(TRANSFORM.len(), 18);
        for arch in ARCHES {
            let program = compile(arch, Profile::Transform);
            let allowed = (0..1024)
                .filter(|n| verdict(&program, &Call::new(arch, *n)) == ALLOW)
                .count();
            assert_eq!(allowed, 18, "{}", arch.name);
            let program = compile(arch, Profile::Decoder);
            let allowed = (0..1024)
                .filter(|n| verdict(&program, &Call::new(arch, *n)) == ALLOW)
                .count();
            assert_eq!(allowed, 22, "{}", arch.name);
        }
    }

    #[test]
    fn executable_memory_kills_in_every_profile() {
        for arch in ARCHES {
            for profile in PROFILES {
                let program = compile(arch, profile);
                for name in ["mmap", "mprotect"] {
                    for prot in 0..8 {
                        let wanted = if prot & 4 == 0 { ALLOW } else { KILL_PROCESS };
                        let got = verdict(&program, &call(arch, name).argument(2, prot));
                        assert_eq!(got, wanted, "{} {name} {prot}", arch.name);
                    }
                }
            }
        }
    }

    #[test]
    fn opening_to_write_fails_in_the_reference_profile() {
        for (arch, name, argument) in [
            (&X86_64, "open", 1),
            (&X86_64, "openat", 2),
            (&AARCH64, "openat", 2),
        ] {
            let program = compile(arch, Profile::Reference);
            let with = |flags| verdict(&program, &call(arch, name).argument(argument, flags));
            assert_eq!(with(0o2_000_000), ALLOW); // O_CLOEXEC
            for flags in [0o1, 0o2, 0o100, 0o1000, 0o1102] {
                assert_eq!(with(flags), ERRNO | libc::EACCES as u32);
            }
        }
    }

    #[test]
    fn another_architecture_or_convention_kills() {
        for (arch, other) in [(&X86_64, &AARCH64), (&AARCH64, &X86_64)] {
            let program = compile(arch, Profile::Transform);
            let foreign = Call {
                arch: other.audit,
                ..call(arch, "read")
            };
            assert_eq!(verdict(&program, &foreign), KILL_PROCESS);
            let i386 = Call {
                arch: 0x4000_0003,
                ..call(arch, "read")
            };
            assert_eq!(verdict(&program, &i386), KILL_PROCESS);
        }
        let program = compile(&X86_64, Profile::Transform);
        for number in [0x4000_0000, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            assert_eq!(verdict(&program, &Call::new(&X86_64, number)), KILL_PROCESS);
        }
    }

    #[test]
    fn numbers_are_those_of_the_c_library_on_this_host() {
        let Some(arch) = Arch::native() else { return };
        let known: &[(&str, libc::c_long)] = &[
            ("read", libc::SYS_read),
            ("write", libc::SYS_write),
            ("mmap", libc::SYS_mmap),
            ("mprotect", libc::SYS_mprotect),
            ("munmap", libc::SYS_munmap),
            ("mremap", libc::SYS_mremap),
            ("madvise", libc::SYS_madvise),
            ("brk", libc::SYS_brk),
            ("futex", libc::SYS_futex),
            ("clock_gettime", libc::SYS_clock_gettime),
            ("gettimeofday", libc::SYS_gettimeofday),
            ("getrandom", libc::SYS_getrandom),
            ("rt_sigprocmask", libc::SYS_rt_sigprocmask),
            ("rt_sigreturn", libc::SYS_rt_sigreturn),
            ("rt_sigaction", libc::SYS_rt_sigaction),
            ("sigaltstack", libc::SYS_sigaltstack),
            ("restart_syscall", libc::SYS_restart_syscall),
            ("exit", libc::SYS_exit),
            ("exit_group", libc::SYS_exit_group),
            ("lseek", libc::SYS_lseek),
            ("fstat", libc::SYS_fstat),
            ("pread64", libc::SYS_pread64),
            ("getcwd", libc::SYS_getcwd),
            ("openat", libc::SYS_openat),
            ("close", libc::SYS_close),
            ("newfstatat", libc::SYS_newfstatat),
            ("statx", libc::SYS_statx),
            ("faccessat", libc::SYS_faccessat),
            ("faccessat2", libc::SYS_faccessat2),
            ("readlinkat", libc::SYS_readlinkat),
            ("fcntl", libc::SYS_fcntl),
            ("readv", libc::SYS_readv),
            ("writev", libc::SYS_writev),
            ("getpid", libc::SYS_getpid),
            ("gettid", libc::SYS_gettid),
            ("tgkill", libc::SYS_tgkill),
            ("getuid", libc::SYS_getuid),
            ("geteuid", libc::SYS_geteuid),
            ("socket", libc::SYS_socket),
            ("clone", libc::SYS_clone),
            ("clone3", libc::SYS_clone3),
            ("nanosleep", libc::SYS_nanosleep),
            ("clock_nanosleep", libc::SYS_clock_nanosleep),
            ("ioctl", libc::SYS_ioctl),
            ("dup", libc::SYS_dup),
        ];
        for (name, number) in known {
            assert_eq!(arch.number(name).map(i64::from), Some(*number), "{name}");
        }
    }

    #[test]
    fn no_table_names_a_call_twice() {
        for arch in ARCHES {
            for (i, (name, number)) in arch.numbers.iter().enumerate() {
                for (other, n) in &arch.numbers[i + 1..] {
                    assert!(name != other && number != n, "{} {name}", arch.name);
                }
            }
        }
        for (i, (name, _)) in MISTAKES.iter().enumerate() {
            assert!(
                MISTAKES[i + 1..].iter().all(|(other, _)| other != name),
                "{name}"
            );
        }
    }
}
