//! The instruction lint of x86-64: lengths of the instructions that compilers emit for the baseline (SSE2), and no others.
//!
//! A tripwire, not a wall: code may jump to where no instruction begins here (an indirect jump is not followed),
//! and seccomp is what holds then. Direct branches are followed: each must lead to the begin of an instruction.
//! x87, MMX, VEX, EVEX, segment overrides, `lock`, privileged and system instructions, clocks, random numbers and
//! whatever changes flags of the whole thread (direction, rounding) are refused.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A.
use super::lie;
use crate::KernelError;

const LENGTH_MAX: usize = 15;

/// Mandatory prefix of an opcode of the 0F map, one bit each.
const NP: u8 = 1;
const P66: u8 = 2;
const PF3: u8 = 4;
const PF2: u8 = 8;

/// What follows an opcode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Plain,
    /// An immediate of one byte.
    Byte,
    /// An immediate of four bytes (two with 66).
    Wide,
    /// A move of a whole register: four bytes, eight with REX.W, two with 66.
    Full,
    /// ModRM.
    Modrm,
    /// ModRM and an immediate of one byte.
    ModrmByte,
    /// ModRM and an immediate of four bytes (two with 66).
    ModrmWide,
    /// A branch over one byte.
    Short,
    /// A branch over four bytes.
    Near,
}

/// One decoded instruction.
struct Instruction {
    length: usize,
    /// Offset a direct branch leads to, relative to the next instruction.
    branch: Option<i64>,
}

struct Reader<'a> {
    code: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<u8, &'static str> {
        let byte = *self
            .code
            .get(self.at)
            .ok_or("the code ends inside an instruction")?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, count: usize) -> Result<(), &'static str> {
        self.at += count;
        if self.at > self.code.len() {
            return Err("the code ends inside an instruction");
        }
        Ok(())
    }
}

/// Prefixes before an opcode.
#[derive(Default)]
struct Prefixes {
    operand: bool,
    repeat: bool,
    repeat_not: bool,
    address: bool,
    wide: bool, // REX.W
}

impl Prefixes {
    /// The mandatory prefix as the 0F map reads it: F2 and F3 win over 66.
    const fn mandatory(&self) -> u8 {
        match (self.repeat, self.repeat_not, self.operand) {
            (true, _, _) => PF3,
            (_, true, _) => PF2,
            (_, _, true) => P66,
            _ => NP,
        }
    }
}

const UNKNOWN: &str = "an instruction that is not known";

/// Decodes the instruction at the head of `code`.
fn decode(code: &[u8]) -> Result<Instruction, &'static str> {
    let mut r = Reader {
        code: &code[..code.len().min(LENGTH_MAX)],
        at: 0,
    };
    if r.code.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]) {
        return Ok(Instruction {
            length: 4,
            branch: None,
        }); // endbr64
    }
    let mut p = Prefixes::default();
    let mut opcode = r.next()?;
    loop {
        match opcode {
            0x66 => p.operand = true,
            0x67 if !p.address => p.address = true,
            0xf2 if !p.repeat_not && !p.repeat => p.repeat_not = true,
            0xf3 if !p.repeat && !p.repeat_not => p.repeat = true,
            0x2e | 0x3e => {} // cs: in long no-ops; ds: as `notrack`
            _ => break,
        }
        opcode = r.next()?;
    }
    if opcode & 0xf0 == 0x40 {
        p.wide = opcode & 8 != 0;
        opcode = r.next()?;
    }
    let form = if opcode == 0x0f {
        let second = r.next()?;
        let peek = r.code.get(r.at).copied().unwrap_or(0);
        map_0f(second, peek, &p)?
    } else {
        let peek = r.code.get(r.at).copied().unwrap_or(0);
        map_one(opcode, peek, &p)?
    };
    let immediate = match form {
        Form::Plain | Form::Modrm => 0,
        Form::Byte | Form::ModrmByte | Form::Short => 1,
        Form::Near => 4,
        Form::Full if p.wide => 8,
        Form::Wide | Form::ModrmWide | Form::Full => {
            if p.operand && !p.wide {
                2
            } else {
                4
            }
        }
    };
    if matches!(form, Form::Modrm | Form::ModrmByte | Form::ModrmWide) {
        operands(&mut r)?;
    }
    let from = r.at;
    r.skip(immediate)?;
    let value = &r.code[from..r.at];
    let branch = match form {
        Form::Short => Some(i64::from(value[0] as i8)),
        Form::Near => Some(i64::from(i32::from_le_bytes([
            value[0], value[1], value[2], value[3],
        ]))),
        _ => None,
    };
    Ok(Instruction {
        length: r.at,
        branch,
    })
}

/// ModRM, SIB and displacement.
fn operands(r: &mut Reader<'_>) -> Result<(), &'static str> {
    let modrm = r.next()?;
    let (mode, register) = (modrm >> 6, modrm & 7);
    let mut base = register;
    if mode != 3 && register == 4 {
        base = r.next()? & 7;
    }
    r.skip(match (mode, base) {
        (0, 5) | (2, _) => 4,
        (1, _) => 1,
        _ => 0,
    })
}

/// The one-byte map.
fn map_one(opcode: u8, modrm: u8, p: &Prefixes) -> Result<Form, &'static str> {
    let register = modrm >> 3 & 7;
    let memory = modrm < 0xc0;
    let form = match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => Form::Modrm,
            4 => Form::Byte,
            5 => Form::Wide,
            _ => return Err(UNKNOWN),
        },
        0x50..=0x5f | 0x90..=0x99 | 0xc9 => Form::Plain, // push, pop, xchg, cdqe, cqo, leave
        0x63 | 0x84..=0x8b => Form::Modrm,               // movsxd, test, xchg, mov
        0x8d if memory => Form::Modrm,                   // lea
        0x68 => Form::Wide,
        0x69 => Form::ModrmWide,
        0x6a => Form::Byte,
        0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 => Form::ModrmByte,
        0x70..=0x7f | 0xeb => Form::Short,
        0x81 => Form::ModrmWide,
        0xa4..=0xa7 | 0xaa..=0xaf => Form::Plain, // movs, cmps, stos, lods, scas
        0xa8 | 0xb0..=0xb7 => Form::Byte,
        0xa9 => Form::Wide,
        0xb8..=0xbf => Form::Full,
        0xc3 | 0xcc => Form::Plain, // ret, int3
        0xc6 if register == 0 => Form::ModrmByte,
        0xc7 if register == 0 => Form::ModrmWide,
        0xd0..=0xd3 => Form::Modrm,
        0xe8 | 0xe9 => Form::Near,
        0xf5 | 0xf8 | 0xf9 | 0xfc => Form::Plain, // cmc, clc, stc, cld
        0xf6 if register < 2 => Form::ModrmByte,
        0xf7 if register < 2 => Form::ModrmWide,
        0xf6 | 0xf7 => Form::Modrm,
        0xfe if register < 2 => Form::Modrm,
        0xff if matches!(register, 0 | 1 | 2 | 4 | 6) => Form::Modrm, // inc, dec, call, jmp, push
        0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef => return Err("an access to a port (in, out)"),
        0xcd | 0xf1 => return Err("a software interrupt (int)"),
        0x64 | 0x65 => return Err("an access through a segment register (fs, gs)"),
        0xd8..=0xdf | 0x9b => return Err("an instruction of the x87 unit"),
        0xc4 | 0xc5 | 0x62 => return Err("an instruction beyond the baseline (VEX, EVEX)"),
        0xf4 | 0xfa | 0xfb => return Err("a privileged instruction"),
        _ => return Err(UNKNOWN),
    };
    let string = matches!(opcode, 0xa4..=0xa7 | 0xaa..=0xaf);
    if (p.repeat && !(string || matches!(opcode, 0xc3 | 0x90))) || (p.repeat_not && !string) {
        return Err(UNKNOWN);
    }
    if p.operand && matches!(form, Form::Near | Form::Short) {
        return Err(UNKNOWN); // processors disagree about the length
    }
    Ok(form)
}

/// The two-byte map: what SSE2 and the integer baseline have.
fn map_0f(opcode: u8, modrm: u8, p: &Prefixes) -> Result<Form, &'static str> {
    let register = modrm >> 3 & 7;
    let (form, allowed) = match opcode {
        0x05 => return Err("a system call (syscall)"),
        0x34 => return Err("a system call (sysenter)"),
        0x07 | 0x35 => return Err("a privileged instruction"),
        0x31 | 0x33 => return Err("a reading of a clock or counter (rdtsc, rdpmc)"),
        0xa2 => return Err("a question to the processor (cpuid)"),
        0xc7 => return Err("a random number, or an exchange (rdrand, cmpxchg16b)"),
        0x0b => (Form::Plain, NP), // ud2
        0x1f if register == 0 => (Form::Modrm, NP | P66),
        0x10 | 0x11 | 0x51 | 0x58 | 0x59 | 0x5a | 0x5c..=0x5f => {
            (Form::Modrm, NP | P66 | PF3 | PF2)
        }
        0x12..=0x17 | 0x28 | 0x29 | 0x2e | 0x2f | 0x50 | 0x54..=0x57 => (Form::Modrm, NP | P66),
        0x2a | 0x2c | 0x2d => (Form::Modrm, PF3 | PF2),
        0x40..=0x4f => (Form::Modrm, NP | P66), // cmov
        0x5b => (Form::Modrm, NP | P66 | PF3),
        0x60..=0x6e
        | 0x74..=0x76
        | 0xd1..=0xd7
        | 0xd8..=0xdf
        | 0xe0..=0xe5
        | 0xe8..=0xef
        | 0xf1..=0xf6
        | 0xf8..=0xfe => (Form::Modrm, P66),
        0x6f | 0x7e | 0x7f => (Form::Modrm, P66 | PF3),
        0x70 => (Form::ModrmByte, P66 | PF3 | PF2),
        0x71..=0x73 if modrm >= 0xc0 => (Form::ModrmByte, P66),
        0x80..=0x8f => (Form::Near, NP),
        0x90..=0x9f => (Form::Modrm, NP), // setcc
        0xa3 | 0xa5 | 0xab | 0xad | 0xaf | 0xb3 | 0xbb => (Form::Modrm, NP | P66), // bt, shld, imul
        0xa4 | 0xac => (Form::ModrmByte, NP | P66),
        0xb6 | 0xb7 | 0xbe | 0xbf => (Form::Modrm, NP | P66), // movzx, movsx
        0xba if register >= 4 => (Form::ModrmByte, NP | P66),
        0xbc => (Form::Modrm, NP | P66 | PF3), // bsf; `rep bsf` where both readings give the same
        0xbd => (Form::Modrm, NP | P66),       // bsr
        0xc2 => (Form::ModrmByte, NP | P66 | PF3 | PF2),
        0xc4 | 0xc5 => (Form::ModrmByte, P66),
        0xc6 => (Form::ModrmByte, NP | P66),
        0xc8..=0xcf => (Form::Plain, NP), // bswap
        0xe6 => (Form::Modrm, P66 | PF3 | PF2),
        _ => return Err(UNKNOWN),
    };
    if p.mandatory() & allowed == 0 {
        return Err(UNKNOWN);
    }
    Ok(form)
}

/// What one pass over the code finds.
struct Walk {
    begins: Vec<usize>,
    /// (offset, target) of the direct branches.
    branches: Vec<(usize, i64)>,
}

fn walk(code: &[u8]) -> Result<Walk, KernelError> {
    let (mut begins, mut branches) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < code.len() {
        let found = decode(&code[at..])
            .map_err(|why| lie(at as u64, why).with("byte", u64::from(code[at])))?;
        begins.push(at);
        let next = at + found.length;
        if let Some(distance) = found.branch {
            branches.push((at, next as i64 + distance));
        }
        at = next;
    }
    Ok(Walk { begins, branches })
}

/// Where each instruction begins.
pub(super) fn instructions(code: &[u8]) -> Result<Vec<usize>, KernelError> {
    Ok(walk(code)?.begins)
}

/// Checks the whole executable segment: instructions, direct branches, entries.
pub(super) fn check(code: &[u8], entries: &[u64]) -> Result<(), KernelError> {
    let Walk { begins, branches } = walk(code)?;
    let begin = |at: i64| usize::try_from(at).is_ok_and(|at| begins.binary_search(&at).is_ok());
    if let Some((at, _)) = branches.iter().find(|(_, target)| !begin(*target)) {
        return Err(lie(
            *at as u64,
            "a branch leads to where no instruction begins",
        ));
    }
    match entries.iter().find(|at| !begin(**at as i64)) {
        Some(at) => Err(lie(*at, "an entry lies inside an instruction")),
        None => Ok(()),
    }
}
