//! The instruction lint of aarch64: 32-bit words, every encoding group known, none that leaves user code.
//!
//! Source: Arm Architecture Reference Manual for A-profile, section C4.1 "A64 instruction set encoding".
use super::lie;
use crate::KernelError;

/// Why this word is refused; None: it may be executed.
fn fault(word: u32) -> Option<&'static str> {
    match word >> 25 & 15 {
        0b0000 if word >> 16 == 0 => None, // UDF: a trap, and what padding decodes as
        0b1000 | 0b1001 => None,           // data processing, immediate
        0b0100 | 0b0110 | 0b1100 | 0b1110 => None, // loads and stores
        0b0101 | 0b1101 => None,           // data processing, register
        0b0111 | 0b1111 => None,           // floating point and SIMD
        0b1010 | 0b1011 => branch_fault(word),
        _ => Some("an instruction of no known group"),
    }
}

/// Branches, exceptions, system.
fn branch_fault(word: u32) -> Option<&'static str> {
    match word >> 24 {
        0xd4 => match (word >> 21 & 7, word & 31) {
            (0b001, 0) => None, // BRK: the trap of an abort
            (0b000, 1) => Some("a system call (svc)"),
            (0b000, 2 | 3) => Some("a call of the hypervisor or monitor (hvc, smc)"),
            _ => Some("an exception that a module may not raise"),
        },
        // HINT: nop, bti, pac…; everything else of this group reads or writes the state of the system.
        0xd5 if word & 0xffff_f01f == 0xd503_201f => None,
        0xd5 => Some("an access to a system register (msr, mrs, sys)"),
        // Unconditional branch (register): BR, BLR, RET, and their forms with pointer authentication; no ERET, DRPS.
        0xd6 | 0xd7 if word >> 21 & 7 <= 2 => None,
        0xd6 | 0xd7 => Some("a return from an exception (eret, drps)"),
        _ => None,
    }
}

/// Where each instruction begins.
pub(super) fn instructions(code: &[u8]) -> Result<Vec<usize>, KernelError> {
    if !code.len().is_multiple_of(4) {
        return Err(lie(
            code.len() as u64,
            "the code ends inside an instruction",
        ));
    }
    for (k, bytes) in code.chunks_exact(4).enumerate() {
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        if let Some(why) = fault(word) {
            return Err(lie(4 * k as u64, why).with("instruction", u64::from(word)));
        }
    }
    Ok((0..code.len()).step_by(4).collect())
}

/// Checks the whole executable segment.
pub(super) fn check(code: &[u8], entries: &[u64]) -> Result<(), KernelError> {
    instructions(code)?;
    match entries.iter().find(|at| **at % 4 != 0) {
        Some(at) => Err(lie(*at, "an entry lies inside an instruction")),
        None => Ok(()),
    }
}
