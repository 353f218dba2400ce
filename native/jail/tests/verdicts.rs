//! The generated filters, run by an interpreter of their own kind, against tables written down a second time.
//!
//! Numbers here are those of `asm/unistd_64.h` and `asm-generic/unistd.h`, not those of `table.rs`.
use alloy_jail::program::{compile, Instruction, ALLOW, ERRNO, KILL_PROCESS};
use alloy_jail::table::{Arch, Profile, AARCH64, X86_64};

const EPERM: u32 = 1;
const ENOENT: u32 = 2;
const EACCES: u32 = 13;
const ENOTTY: u32 = 25;
const ENOSYS: u32 = 38;

/// `struct seccomp_data` as the kernel lays it out, little-endian.
#[derive(Clone, Copy)]
struct Call {
    number: u32,
    arch: u32,
    arguments: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        let mut bytes = [0_u8; 64];
        bytes[0..4].copy_from_slice(&self.number.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.arch.to_le_bytes());
        for (slot, value) in bytes[16..].chunks_exact_mut(8).zip(self.arguments) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        let at = offset as usize;
        assert!(
            at.is_multiple_of(4) && at < 64,
            "the kernel refuses this load"
        );
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default())
    }
}

/// Classic BPF as far as seccomp admits it: loads of words, jumps on constants, returns.
fn run(program: &[Instruction], call: &Call) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let step = program[at];
        at += 1;
        let taken = match step.code {
            0x20 => {
                accumulator = call.word(step.k);
                continue;
            }
            0x06 => return step.k,
            0x05 => {
                at += step.k as usize;
                continue;
            }
            0x15 => accumulator == step.k,
            0x25 => accumulator > step.k,
            0x35 => accumulator >= step.k,
            0x45 => accumulator & step.k != 0,
            code => panic!("seccomp does not know opcode {code:#x}"),
        };
        at += usize::from(if taken { step.jt } else { step.jf });
    }
}

struct Table {
    arch: &'static Arch,
    audit: u32,
    allowed: &'static [u32], // of `transform`
    decoder: &'static [u32],
    reference: &'static [u32],
    errors: &'static [(u32, &'static [u32])],
    no_exec: &'static [u32],        // third argument
    opens: &'static [(u32, usize)], // argument with the flags
    fcntl: u32,
}

const TABLES: [Table; 2] = [
    Table {
        arch: &X86_64,
        audit: 0xC000_003E,
        allowed: &[
            0, 1, 9, 10, 11, 12, 14, 15, 25, 28, 60, 96, 131, 202, 219, 228, 231, 318,
        ],
        decoder: &[5, 8, 17, 79],
        reference: &[
            2, 3, 4, 6, 19, 21, 39, 72, 89, 102, 107, 257, 262, 267, 269, 332, 439,
        ],
        errors: &[
            (EACCES, &[2, 4, 6, 21, 41, 89, 257, 262, 267, 269, 332, 439]),
            (EPERM, &[13, 20, 32, 35, 39, 56, 57, 58, 72, 186, 230, 234]),
            (ENOTTY, &[16]),
            (ENOENT, &[79]),
            (ENOSYS, &[435]),
        ],
        no_exec: &[9, 10],
        opens: &[(2, 1), (257, 2)],
        fcntl: 72,
    },
    Table {
        arch: &AARCH64,
        audit: 0xC000_00B7,
        allowed: &[
            63, 64, 93, 94, 98, 113, 128, 132, 135, 139, 169, 214, 215, 216, 222, 226, 233, 278,
        ],
        decoder: &[17, 62, 67, 80],
        reference: &[25, 48, 56, 57, 65, 78, 79, 172, 174, 175, 291, 439],
        errors: &[
            (EACCES, &[48, 56, 78, 79, 198, 291, 439]),
            (EPERM, &[23, 25, 66, 101, 115, 131, 134, 172, 178, 220]),
            (ENOTTY, &[29]),
            (ENOENT, &[17]),
            (ENOSYS, &[435]),
        ],
        no_exec: &[222, 226],
        opens: &[(56, 2)],
        fcntl: 25,
    },
];

impl Table {
    fn call(&self, number: u32) -> Call {
        Call {
            number,
            arch: self.audit,
            arguments: [0; 6],
        }
    }

    /// What the written tables say of a number whose arguments are all 0.
    fn says(&self, profile: Profile, number: u32) -> u32 {
        let decoder = profile != Profile::Transform && self.decoder.contains(&number);
        let reference = profile == Profile::Reference && self.reference.contains(&number);
        if self.allowed.contains(&number) || decoder || reference {
            return ALLOW;
        }
        self.errors
            .iter()
            .find(|(_, numbers)| numbers.contains(&number))
            .map_or(KILL_PROCESS, |(errno, _)| ERRNO | errno)
    }
}

const PROFILES: [Profile; 3] = [Profile::Transform, Profile::Decoder, Profile::Reference];

#[test]
fn verdicts_are_those_written_down_when_every_number_is_run() {
    for table in TABLES {
        for profile in PROFILES {
            let program = compile(table.arch, profile);
            for number in 0..1024 {
                let wanted = table.says(profile, number);
                let name = table.arch.name;
                assert_eq!(
                    run(&program, &table.call(number)),
                    wanted,
                    "{name} {profile:?} {number}"
                );
            }
        }
    }
}

#[test]
fn numbers_of_other_conventions_and_architectures_kill_when_run() {
    for table in TABLES {
        for profile in PROFILES {
            let program = compile(table.arch, profile);
            for number in (0..1024).chain([0x3fff_ffff]) {
                let x32 = table.call(0x4000_0000 | number);
                assert_eq!(run(&program, &x32), KILL_PROCESS);
                // i386, arm, x86_64 or aarch64 (the other one), riscv64, and aarch64 with the big-endian bit
                for arch in [
                    0x4000_0003,
                    0x4000_0028,
                    0xC000_00F3,
                    0x8000_00B7,
                    table.audit ^ 0x89,
                ] {
                    let foreign = Call {
                        arch,
                        ..table.call(number)
                    };
                    assert_eq!(run(&program, &foreign), KILL_PROCESS, "{arch:#x} {number}");
                }
            }
            for number in [u32::MAX, 0x8000_0000, 0x7fff_ffff, 0xffff_0000] {
                assert_eq!(run(&program, &table.call(number)), KILL_PROCESS);
            }
        }
    }
}

#[test]
fn argument_filters_see_every_bit_and_no_other_argument() {
    for table in TABLES {
        for profile in PROFILES {
            let program = compile(table.arch, profile);
            for number in table.no_exec {
                for bit in 0..64 {
                    for position in 0..6 {
                        let mut call = table.call(*number);
                        call.arguments[position] = 1 << bit;
                        let kills = position == 2 && bit == 2; // PROT_EXEC
                        let wanted = if kills { KILL_PROCESS } else { ALLOW };
                        assert_eq!(run(&program, &call), wanted, "{number} {position} {bit}");
                    }
                }
                let mut call = table.call(*number);
                call.arguments[2] = u64::MAX;
                assert_eq!(run(&program, &call), KILL_PROCESS);
            }
        }
        let program = compile(table.arch, Profile::Reference);
        for (number, position) in table.opens {
            for bit in 0..32 {
                let mut call = table.call(*number);
                call.arguments[*position] = 1 << bit;
                let writes = [0, 1, 6, 9].contains(&bit); // O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
                let wanted = if writes { ERRNO | EACCES } else { ALLOW };
                assert_eq!(run(&program, &call), wanted, "{number} {bit}");
            }
        }
        for command in 0..2048 {
            let mut call = table.call(table.fcntl);
            call.arguments[1] = command;
            let plain = [0, 1, 2, 3, 1030].contains(&command);
            let wanted = if plain { ALLOW } else { ERRNO | EPERM };
            assert_eq!(run(&program, &call), wanted, "fcntl {command}");
        }
    }
}

#[test]
fn programs_are_what_the_kernel_accepts() {
    for table in TABLES {
        for profile in PROFILES {
            let program = compile(table.arch, profile);
            assert!(program.len() <= 4096); // BPF_MAXINSNS
            assert_eq!(program.last().map(|step| step.code), Some(0x06));
            for (at, step) in program.iter().enumerate() {
                let furthest = at + 1 + usize::from(step.jt.max(step.jf));
                assert!(furthest < program.len() || step.code == 0x06);
                if step.code == 0x20 {
                    assert!(step.k.is_multiple_of(4) && step.k < 64);
                }
            }
        }
    }
}
