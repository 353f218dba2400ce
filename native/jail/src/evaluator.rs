//! Runs a classic BPF program as the kernel would, for the opcodes that `program` emits; tests only.

use crate::program::{
    Instruction, JEQ_K, JGE_K, JSET_K, LD_W_ABS, OFFSET_ARCH, OFFSET_ARGS, OFFSET_NR, RET_K,
};
use crate::table::Arch;

/// `struct seccomp_data`, low words of the arguments.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// System call number.
    pub number: u32,
    /// `AUDIT_ARCH_*`.
    pub arch: u32,
    /// Arguments.
    pub arguments: [u32; 6],
}

impl Call {
    /// A call with arguments 0.
    pub fn new(arch: &Arch, number: u32) -> Self {
        Self {
            number,
            arch: arch.audit,
            arguments: [0; 6],
        }
    }

    /// The same with one argument.
    pub fn argument(mut self, index: usize, value: u32) -> Self {
        self.arguments[index] = value;
        self
    }

    fn word(&self, offset: u32) -> u32 {
        match offset {
            OFFSET_NR => self.number,
            OFFSET_ARCH => self.arch,
            _ => {
                let index = (offset - OFFSET_ARGS) as usize;
                assert_eq!(index % 8, 0, "only low words are loaded");
                self.arguments[index / 8]
            }
        }
    }
}

/// What the program returns for a call.
///
/// # Panics
/// When the program falls off its end or uses another opcode: it would be refused by the kernel too.
pub fn verdict(program: &[Instruction], call: &Call) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let i = program[at];
        at += 1;
        let jump = |taken: bool| usize::from(if taken { i.jt } else { i.jf });
        match i.code {
            LD_W_ABS => accumulator = call.word(i.k),
            JEQ_K => at += jump(accumulator == i.k),
            JGE_K => at += jump(accumulator >= i.k),
            JSET_K => at += jump(accumulator & i.k != 0),
            RET_K => return i.k,
            other => panic!("opcode {other:#x}"),
        }
    }
}
