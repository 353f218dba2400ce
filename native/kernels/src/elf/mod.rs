//! Native modules: everything `docs/native-abi.md` demands of the file, found by reading it.
//!
//! What counts is what the dynamic loader will use: program headers, the dynamic section and the tables it names,
//! never section headers. All of them must lie in memory that nothing can change while the module is being
//! relocated. Whatever is unknown is refused.
mod arm;
mod dynamic;
mod hash;
mod image;
mod relocations;
mod symbols;
mod x86;

use crate::KernelError;
pub use image::{Segment, PF_R, PF_W, PF_X};

/// A module is no longer than this [B].
pub const FILE_MAX: usize = 1 << 20;
/// Address space of a loaded module [B].
pub const IMAGE_MAX: u64 = 8 << 20;
/// `ALLOY_SCHEMA` [B].
pub const SCHEMA_MAX: u64 = 64 << 10;
/// Dynamic symbols.
pub const SYMBOLS_MAX: u32 = 256;

/// Processors a module may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// EM_X86_64.
    X86_64,
    /// EM_AARCH64.
    Aarch64,
}

impl Machine {
    /// The machine of this name, as `uname -m` and `std::env::consts::ARCH` write it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }
}

/// Which entry a module has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `alloy_run_v1`.
    Record,
    /// `alloy_map_v1`.
    Map,
}

impl Kind {
    /// As the schema writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Map => "map",
        }
    }

    /// The symbol of the entry.
    #[must_use]
    pub const fn entry(self) -> &'static str {
        match self {
            Self::Record => "alloy_run_v1",
            Self::Map => "alloy_map_v1",
        }
    }
}

/// What a module is, as far as its file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which entry.
    pub kind: Kind,
    /// Contents of `ALLOY_SCHEMA`; not parsed here.
    pub schema: Vec<u8>,
    /// Address of `ALLOY_SCHEMA`, relative to where the module is mapped.
    pub schema_at: u64,
    /// Address of the entry, relative likewise.
    pub entry_at: u64,
    /// Defined symbols, in the order of the table.
    pub exports: Vec<String>,
    /// Symbols the interpreter must have, in the order of the table.
    pub undefined: Vec<String>,
    /// Size of the executable segment [B].
    pub text: u64,
    /// What gets mapped, ascending.
    pub segments: Vec<Segment>,
}

/// A breach of the rules for the file.
fn lie(at: u64, what: impl Into<String>) -> KernelError {
    KernelError::new("load.elf", at, what)
}

/// Checks a module against every rule.
///
/// # Errors
/// `load.arch`: for another processor; `load.abi`: a symbol of the interface is missing; `load.elf`: everything
/// else. The index is the offset in the file, or the address where there is none.
pub fn lint(data: &[u8], machine: Machine) -> Result<Facts, KernelError> {
    let image = image::Image::read(data, machine)?;
    let dynamic = dynamic::Dynamic::read(&image)?;
    let table = symbols::Table::read(&image, &dynamic)?;
    relocations::check(&image, &dynamic, &table)?;
    let found = table.interface(&image)?;
    let text = image.text();
    let code = image.bytes(text.vaddr, text.filesz)?;
    let mut entries = vec![found.entry_at - text.vaddr];
    entries.push(found.init_at - text.vaddr);
    code_check(code, machine, &entries).map_err(|mut error| {
        error.index = error.index.saturating_add(text.offset);
        error
    })?;
    Ok(Facts {
        kind: found.kind,
        schema: image.bytes(found.schema_at, found.schema_size)?.to_vec(),
        schema_at: found.schema_at,
        entry_at: found.entry_at,
        exports: found.exports,
        undefined: found.undefined,
        text: text.filesz,
        segments: image.loads.clone(),
    })
}

/// Where each instruction of `code` begins; refuses what a module may not execute and what is not known.
///
/// # Errors
/// `load.elf` with the offset in `code`.
pub fn instructions(code: &[u8], machine: Machine) -> Result<Vec<usize>, KernelError> {
    match machine {
        Machine::X86_64 => x86::instructions(code),
        Machine::Aarch64 => arm::instructions(code),
    }
}

fn code_check(code: &[u8], machine: Machine, entries: &[u64]) -> Result<(), KernelError> {
    match machine {
        Machine::X86_64 => x86::check(code, entries),
        Machine::Aarch64 => arm::check(code, entries),
    }
}
