//! Relocations: four kinds, into writable memory that the loader itself does not read.
//!
//! Source: AMD64 psABI table 4.9; ELF for the Arm 64-bit Architecture, section "Dynamic relocations".
use super::dynamic::Dynamic;
use super::image::{long, Image};
use super::symbols::Table;
use super::{lie, Machine};
use crate::KernelError;

const ENTRY: u64 = 24;

/// Numbers of a processor: absolute, GLOB_DAT, JUMP_SLOT, RELATIVE.
const fn kinds(machine: Machine) -> [u32; 4] {
    match machine {
        Machine::X86_64 => [1, 6, 7, 8],
        Machine::Aarch64 => [257, 1025, 1026, 1027],
    }
}

/// Checks every relocation.
pub(super) fn check(
    image: &Image<'_>,
    dynamic: &Dynamic,
    symbols: &Table<'_>,
) -> Result<(), KernelError> {
    for (table, relative) in [(dynamic.rela, dynamic.relative), (dynamic.jmprel, 0)] {
        let (vaddr, count) = table;
        if count == 0 {
            continue;
        }
        let data = image.table(vaddr, count * ENTRY)?;
        for k in 0..count {
            let at = vaddr + k * ENTRY;
            let entry = Entry {
                target: long(data, k * ENTRY)?,
                info: long(data, k * ENTRY + 8)?,
                addend: long(data, k * ENTRY + 16)?,
            };
            one(image, symbols, &entry, k < relative)
                .map_err(|what| lie(at, what).with("relocation", entry.info & 0xffff_ffff))?;
        }
    }
    Ok(())
}

struct Entry {
    target: u64,
    info: u64,
    addend: u64,
}

fn one(
    image: &Image<'_>,
    symbols: &Table<'_>,
    entry: &Entry,
    relative: bool,
) -> Result<(), &'static str> {
    let kind = (entry.info & 0xffff_ffff) as u32;
    let symbol = (entry.info >> 32) as u32;
    let [absolute, glob_dat, jump_slot, plain] = kinds(image.machine);
    if ![absolute, glob_dat, jump_slot, plain].contains(&kind) {
        return Err("a relocation of a kind that a module may not have");
    }
    if relative && kind != plain {
        return Err("DT_RELACOUNT counts what is no RELATIVE relocation");
    }
    if !image.writable(entry.target, 8) {
        return Err("a relocation changes what is not writable");
    }
    let (dynamic, size) = image.dynamic;
    if entry.target < dynamic + size && entry.target + 8 > dynamic {
        return Err("a relocation changes the dynamic section");
    }
    if kind == plain {
        return if symbol == 0 && entry.addend <= image.end() {
            Ok(())
        } else {
            Err("a RELATIVE relocation has a symbol or leads out of the module")
        };
    }
    match symbols.defined(symbol) {
        None => Err("a relocation names a symbol that does not exist"),
        Some(false) if entry.addend != 0 => Err("a relocation leads into the interpreter"),
        Some(_) if entry.addend > image.end() => Err("a relocation leads out of the module"),
        Some(_) => Ok(()),
    }
}
