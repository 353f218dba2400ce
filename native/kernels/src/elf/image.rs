//! ELF header and program headers: what will be mapped where.
//!
//! Source: System V ABI, chapter 5; what glibc's `_dl_map_object_from_fd` does with it.
use super::{lie, Machine, FILE_MAX, IMAGE_MAX};
use crate::KernelError;

/// Executable.
pub const PF_X: u32 = 1;
/// Writable.
pub const PF_W: u32 = 2;
/// Readable.
pub const PF_R: u32 = 4;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
const PROGRAM_HEADERS_MAX: u16 = 16;
const PAGE_MIN: u64 = 4096;
const PAGE_MAX: u64 = 65_536; // aarch64 kernels have pages up to here

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;
const PT_TLS: u32 = 7;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;

/// One PT_LOAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Address, relative to where the module is mapped.
    pub vaddr: u64,
    /// Bytes in memory; what is beyond the file's is zero.
    pub memsz: u64,
    /// Offset in the file.
    pub offset: u64,
    /// Bytes of the file.
    pub filesz: u64,
    /// `PF_R`, `PF_W`, `PF_X`.
    pub flags: u32,
}

impl Segment {
    /// Whether `[at, at + size)` lies in its memory.
    const fn holds(&self, at: u64, size: u64) -> bool {
        at >= self.vaddr && size <= self.memsz && at - self.vaddr <= self.memsz - size
    }

    /// Whether `[at, at + size)` lies in the part of it that the file fills.
    const fn fills(&self, at: u64, size: u64) -> bool {
        at >= self.vaddr && size <= self.filesz && at - self.vaddr <= self.filesz - size
    }
}

/// A little-endian number of the file; past the end is the file's fault.
pub(super) fn number<const N: usize>(data: &[u8], at: u64) -> Result<u64, KernelError> {
    let cut = || lie(at, "the file ends inside one of its tables");
    let from = usize::try_from(at).map_err(|_| cut())?;
    let bytes: [u8; N] = data
        .get(from..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or_else(cut)?;
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(&bytes);
    Ok(u64::from_le_bytes(wide))
}

pub(super) fn half(data: &[u8], at: u64) -> Result<u16, KernelError> {
    Ok(number::<2>(data, at)? as u16)
}

pub(super) fn word(data: &[u8], at: u64) -> Result<u32, KernelError> {
    Ok(number::<4>(data, at)? as u32)
}

pub(super) fn long(data: &[u8], at: u64) -> Result<u64, KernelError> {
    number::<8>(data, at)
}

/// One program header.
struct Header {
    at: u64,
    kind: u32,
    flags: u32,
    offset: u64,
    vaddr: u64,
    filesz: u64,
    memsz: u64,
    align: u64,
}

impl Header {
    fn read(data: &[u8], at: u64) -> Result<Self, KernelError> {
        Ok(Self {
            at,
            kind: word(data, at)?,
            flags: word(data, at + 4)?,
            offset: long(data, at + 8)?,
            vaddr: long(data, at + 16)?,
            filesz: long(data, at + 32)?,
            memsz: long(data, at + 40)?,
            align: long(data, at + 48)?,
        })
    }
}

/// The mapped module.
pub(super) struct Image<'a> {
    data: &'a [u8],
    pub machine: Machine,
    pub loads: Vec<Segment>,
    /// Address and size of the dynamic section [B].
    pub dynamic: (u64, u64),
}

impl<'a> Image<'a> {
    pub fn read(data: &'a [u8], machine: Machine) -> Result<Self, KernelError> {
        if data.len() > FILE_MAX {
            return Err(lie(0, "the file is longer than a module may be")
                .with("expected", FILE_MAX as u64)
                .with("actual", data.len() as u64));
        }
        let count = file_header(data, machine)?;
        let at = long(data, 32)?;
        if at % 8 != 0 || at > data.len() as u64 {
            return Err(lie(32, "the program headers are not where they can be"));
        }
        let headers = (0..u64::from(count))
            .map(|k| Header::read(data, at + k * PROGRAM_HEADER))
            .collect::<Result<Vec<_>, _>>()?;
        let loads = loads(data, &headers)?;
        let mut image = Self {
            data,
            machine,
            loads,
            dynamic: (0, 0),
        };
        image.others(&headers, at)?;
        Ok(image)
    }

    /// The one executable segment.
    pub fn text(&self) -> Segment {
        self.loads[self
            .loads
            .iter()
            .position(|s| s.flags & PF_X != 0)
            .unwrap_or(0)]
    }

    /// The segment whose file part holds `[vaddr, vaddr + size)`.
    pub fn filled(&self, vaddr: u64, size: u64) -> Result<Segment, KernelError> {
        self.loads
            .iter()
            .find(|s| s.fills(vaddr, size))
            .copied()
            .ok_or_else(|| lie(vaddr, "an address lies outside the mapped file").with("size", size))
    }

    /// Bytes of the file that will be at `vaddr`.
    pub fn bytes(&self, vaddr: u64, size: u64) -> Result<&'a [u8], KernelError> {
        let segment = self.filled(vaddr, size)?;
        let from = (segment.offset + (vaddr - segment.vaddr)) as usize; // in the file: `loads` was checked
        Ok(&self.data[from..from + size as usize])
    }

    /// The same for a table the loader reads: nothing may write there while relocations are applied.
    pub fn table(&self, vaddr: u64, size: u64) -> Result<&'a [u8], KernelError> {
        if self.filled(vaddr, size)?.flags & PF_W != 0 {
            return Err(lie(vaddr, "a table of the loader lies in writable memory"));
        }
        self.bytes(vaddr, size)
    }

    /// Whether `[vaddr, vaddr + size)` lies in writable memory.
    pub fn writable(&self, vaddr: u64, size: u64) -> bool {
        self.loads
            .iter()
            .any(|s| s.flags & PF_W != 0 && s.holds(vaddr, size))
    }

    /// End of the memory of the last segment.
    pub fn end(&self) -> u64 {
        self.loads.last().map_or(0, |s| s.vaddr + s.memsz)
    }

    /// Program headers other than PT_LOAD.
    fn others(&mut self, headers: &[Header], at: u64) -> Result<(), KernelError> {
        let mut stack = false;
        let mut relro = false;
        for h in headers {
            match h.kind {
                PT_LOAD => {}
                PT_DYNAMIC if self.dynamic.1 == 0 => self.dynamic_section(h)?,
                PT_GNU_STACK if !stack => {
                    stack = true;
                    if h.flags & PF_X != 0 {
                        return Err(lie(h.at, "the stack is executable"));
                    }
                }
                PT_GNU_RELRO if !relro => {
                    relro = true;
                    if !self.writable(h.vaddr, h.memsz) {
                        return Err(lie(h.at, "PT_GNU_RELRO lies outside the writable memory"));
                    }
                }
                PT_NOTE | PT_GNU_PROPERTY => {
                    let notes = self.table(h.vaddr, h.memsz)?;
                    if h.filesz != h.memsz || self.place(h.vaddr) != h.offset {
                        return Err(lie(h.at, "a note is not where its header says"));
                    }
                    check_notes(notes, h.align).map_err(|_| lie(h.at, "a note is malformed"))?;
                }
                PT_GNU_EH_FRAME => {
                    self.table(h.vaddr, h.memsz)?;
                }
                PT_PHDR => {
                    self.table(h.vaddr, h.memsz)?;
                    if h.memsz != headers.len() as u64 * PROGRAM_HEADER || self.place(h.vaddr) != at
                    {
                        return Err(lie(h.at, "PT_PHDR is not where the program headers are"));
                    }
                }
                PT_TLS => return Err(lie(h.at, "the module has thread-local storage")),
                PT_INTERP => return Err(lie(h.at, "the module names an interpreter")),
                PT_DYNAMIC | PT_GNU_STACK | PT_GNU_RELRO => {
                    return Err(lie(h.at, "a program header is there twice"));
                }
                other => {
                    return Err(lie(
                        h.at,
                        format!("a program header of the unknown type {other:#x}"),
                    ));
                }
            }
        }
        if self.dynamic.1 == 0 {
            return Err(lie(at, "there is no dynamic section"));
        }
        if !stack {
            // The C library takes that for a module that needs an executable stack.
            return Err(lie(
                at,
                "the file does not say that its stack is not executable",
            ));
        }
        Ok(())
    }

    fn dynamic_section(&mut self, h: &Header) -> Result<(), KernelError> {
        self.filled(h.vaddr, h.memsz)?;
        if h.memsz == 0
            || !h.memsz.is_multiple_of(16)
            || h.memsz != h.filesz
            || !h.vaddr.is_multiple_of(8)
        {
            return Err(lie(h.at, "the dynamic section has an impossible size"));
        }
        if self.place(h.vaddr) != h.offset {
            return Err(lie(
                h.at,
                "the dynamic section is not where its header says",
            ));
        }
        self.dynamic = (h.vaddr, h.memsz);
        Ok(())
    }

    /// Offset in the file of an address in a file part.
    fn place(&self, vaddr: u64) -> u64 {
        self.filled(vaddr, 0)
            .map_or(u64::MAX, |s| s.offset + (vaddr - s.vaddr))
    }
}

/// Checks the ELF header; the number of program headers.
fn file_header(data: &[u8], machine: Machine) -> Result<u16, KernelError> {
    if data.get(..4) != Some(b"\x7fELF") {
        return Err(lie(0, "not an ELF file"));
    }
    let got = half(data, 18)?;
    let wanted = match machine {
        Machine::X86_64 => 62,
        Machine::Aarch64 => 183,
    };
    if data[4..6] != [2, 1] || got != wanted {
        return Err(
            KernelError::new("load.arch", 18, "the module is for another processor")
                .with("expected", u64::from(wanted))
                .with("actual", u64::from(got)),
        );
    }
    // Version 1, System V, ABI 0: what a plain linker writes where nothing of GNU's extensions is used.
    if data[6..16] != [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] || word(data, 20)? != 1 {
        return Err(lie(6, "the ELF version or operating system is another"));
    }
    if half(data, 16)? != 3 {
        return Err(lie(16, "not a shared object"));
    }
    if word(data, 48)? != 0 || u64::from(half(data, 52)?) != HEADER {
        return Err(lie(48, "the ELF header has unknown flags or another size"));
    }
    let count = half(data, 56)?;
    if u64::from(half(data, 54)?) != PROGRAM_HEADER || count == 0 || count > PROGRAM_HEADERS_MAX {
        return Err(lie(54, "an impossible number or size of program headers")
            .with("expected", u64::from(PROGRAM_HEADERS_MAX))
            .with("actual", u64::from(count)));
    }
    Ok(count)
}

/// PT_LOAD: ascending, apart by whole pages, inside the file, never both writable and executable.
fn loads(data: &[u8], headers: &[Header]) -> Result<Vec<Segment>, KernelError> {
    let mut out: Vec<Segment> = Vec::new();
    let (mut page_end, mut file_end) = (0, 0);
    for h in headers.iter().filter(|h| h.kind == PT_LOAD) {
        if h.flags & !(PF_R | PF_W | PF_X) != 0 || h.flags & PF_R == 0 {
            return Err(lie(h.at, "a segment has impossible permissions"));
        }
        if h.flags & (PF_W | PF_X) == PF_W | PF_X {
            return Err(lie(h.at, "a segment is both writable and executable"));
        }
        if !h.align.is_power_of_two() || !(PAGE_MIN..=PAGE_MAX).contains(&h.align) {
            return Err(lie(h.at, "a segment is aligned to no page size"));
        }
        let limit = |start: u64, size: u64, most: u64| size <= most && start <= most - size;
        if !limit(h.offset, h.filesz, data.len() as u64) || h.filesz > h.memsz || h.memsz == 0 {
            return Err(lie(h.at, "a segment reaches past the file, or is empty"));
        }
        if !limit(h.vaddr, h.memsz, IMAGE_MAX) {
            return Err(lie(h.at, "the module takes more address space than it may")
                .with("expected", IMAGE_MAX));
        }
        if h.flags & PF_W == 0 && h.filesz != h.memsz {
            return Err(lie(
                h.at,
                "a read-only segment is longer than its part of the file",
            ));
        }
        if (h.vaddr ^ h.offset) & (h.align - 1) != 0 {
            return Err(lie(h.at, "a segment's address does not fit its offset"));
        }
        if (out.is_empty() && h.vaddr >= h.align)
            || h.vaddr & !(h.align - 1) < page_end
            || h.offset < file_end
        {
            return Err(lie(
                h.at,
                "segments overlap, are not ascending, or do not begin at 0",
            ));
        }
        page_end = (h.vaddr + h.memsz).next_multiple_of(h.align);
        file_end = h.offset + h.filesz;
        out.push(Segment {
            vaddr: h.vaddr,
            memsz: h.memsz,
            offset: h.offset,
            filesz: h.filesz,
            flags: h.flags,
        });
    }
    if out.iter().filter(|s| s.flags & PF_X != 0).count() != 1 {
        return Err(lie(HEADER, "a module has exactly one executable segment"));
    }
    Ok(out)
}

/// Walks notes as the C library does; each ends inside.
fn check_notes(notes: &[u8], align: u64) -> Result<(), KernelError> {
    let align = if align == 8 { 8 } else { 4 };
    let (mut at, end) = (0, notes.len() as u64);
    while at < end {
        let (name, body) = (u64::from(word(notes, at)?), u64::from(word(notes, at + 4)?));
        word(notes, at + 8)?;
        at = (at + 12 + name).next_multiple_of(align) + body;
        if at > end {
            return Err(lie(at, "a note ends past its segment"));
        }
        at = at.next_multiple_of(align);
    }
    Ok(())
}
