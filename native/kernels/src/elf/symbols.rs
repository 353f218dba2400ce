//! Dynamic symbols: as many as the hash tables say, found through them as the loader finds them.
//!
//! Source: System V ABI, chapter 4, "Symbol Table".
use super::dynamic::Dynamic;
use super::hash::{Gnu, SysV};
use super::image::{half, long, word, Image, PF_W, PF_X};
use super::{lie, Kind, SCHEMA_MAX};
use crate::KernelError;

const ENTRY: u64 = 24;
const NAME_MAX: usize = 128;
const SCHEMA: &str = "ALLOY_SCHEMA";
const INIT: &str = "PyInit_";

const STB_LOCAL: u8 = 0;
const STB_GLOBAL: u8 = 1;
const STT_NOTYPE: u8 = 0;
const STT_OBJECT: u8 = 1;
const STT_FUNC: u8 = 2;
const STT_SECTION: u8 = 3;
const STT_TLS: u8 = 6;
const STT_GNU_IFUNC: u8 = 10;
const STV_DEFAULT: u8 = 0;
const STV_PROTECTED: u8 = 3;
const SHN_LORESERVE: u16 = 0xff00;

/// Functions and objects of Python's stable ABI, sorted: the headers of CPython 3.11 under Py_LIMITED_API 3.11.
static STABLE_ABI: &str = include_str!("stable_abi.txt");

/// Whether an interpreter of any version from 3.11 on has this name in its stable ABI.
fn is_stable(name: &str) -> bool {
    STABLE_ABI.lines().any(|known| known == name)
}

struct Symbol<'a> {
    at: u64,
    name: &'a str,
    kind: u8,
    bind: u8,
    defined: bool,
    value: u64,
    size: u64,
}

/// The symbol table.
pub(super) struct Table<'a> {
    symbols: Vec<Symbol<'a>>,
}

/// The symbols that make a module.
pub(super) struct Interface {
    pub kind: Kind,
    pub schema_at: u64,
    pub schema_size: u64,
    pub entry_at: u64,
    pub init_at: u64,
    pub exports: Vec<String>,
    pub undefined: Vec<String>,
}

impl<'a> Table<'a> {
    pub fn read(image: &Image<'a>, dynamic: &Dynamic) -> Result<Self, KernelError> {
        let sysv = dynamic.hash.map(|at| SysV::read(image, at)).transpose()?;
        let gnu = dynamic
            .gnu_hash
            .map(|at| Gnu::read(image, at))
            .transpose()?;
        let count = match (&sysv, &gnu) {
            (None, None) => {
                return Err(lie(
                    image.dynamic.0,
                    "there is neither DT_HASH nor DT_GNU_HASH",
                ))
            }
            (Some(s), Some(g)) if s.count != g.count => {
                return Err(lie(
                    image.dynamic.0,
                    "DT_HASH and DT_GNU_HASH count different symbols",
                ))
            }
            (Some(s), _) => s.count,
            (None, Some(g)) => g.count,
        };
        let entries = image.table(dynamic.symtab, u64::from(count) * ENTRY)?;
        let names = image.table(dynamic.strings.0, dynamic.strings.1)?;
        let symbols = (0..u64::from(count))
            .map(|k| symbol(entries, names, k, dynamic.symtab + k * ENTRY))
            .collect::<Result<Vec<_>, _>>()?;
        let table = Self { symbols };
        table.check()?;
        for (k, s) in table.symbols.iter().enumerate().skip(1) {
            if !s.defined || s.bind == STB_LOCAL {
                continue;
            }
            let is = |other: u32| {
                table
                    .symbols
                    .get(other as usize)
                    .is_some_and(|o| o.name == s.name)
            };
            let lost = |found: Option<u32>| found != Some(k as u32);
            if sysv.as_ref().is_some_and(|t| lost(t.find(s.name, is)))
                || gnu.as_ref().is_some_and(|t| lost(t.find(s.name, is)))
            {
                return Err(lie(s.at, "a hash table does not find a symbol"));
            }
        }
        Ok(table)
    }

    /// Whether the symbol of this index is defined here; None: there is no such symbol.
    pub fn defined(&self, index: u32) -> Option<bool> {
        if index == 0 {
            return None;
        }
        self.symbols.get(index as usize).map(|s| s.defined)
    }

    fn check(&self) -> Result<(), KernelError> {
        match self.symbols.first() {
            Some(s)
                if (s.value, s.size, s.kind, s.bind, s.defined)
                    == (0, 0, STT_NOTYPE, STB_LOCAL, false)
                    && s.name.is_empty() => {}
            _ => return Err(lie(0, "the first symbol is not the empty one")),
        }
        for (k, s) in self.symbols.iter().enumerate().skip(1) {
            let fault = match (s.bind, s.kind) {
                (_, STT_GNU_IFUNC) => "a symbol is resolved by running code (IFUNC)",
                (_, STT_TLS) => "the module has thread-local storage",
                (STB_LOCAL, STT_SECTION) if s.name.is_empty() => continue,
                (STB_GLOBAL, STT_NOTYPE | STT_OBJECT | STT_FUNC) => "",
                _ => "a symbol is weak, local, or of an unknown kind",
            };
            if !fault.is_empty() {
                return Err(lie(s.at, fault));
            }
            if self.symbols[1..k].iter().any(|other| other.name == s.name) {
                return Err(lie(s.at, "a symbol is there twice"));
            }
            if !s.defined && s.value != 0 {
                return Err(lie(s.at, "an undefined symbol has an address"));
            }
            if !s.defined && !is_stable(s.name) {
                return Err(lie(
                    s.at,
                    format!(
                        "the module asks for `{}`, which is not of Python's stable ABI",
                        s.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The exports: exactly those of the interface.
    pub fn interface(&self, image: &Image<'_>) -> Result<Interface, KernelError> {
        let global = |s: &&Symbol<'_>| s.defined && s.bind == STB_GLOBAL;
        let missing =
            |what: &str| KernelError::new("load.abi", 0, format!("the module has no `{what}`"));
        let (mut schema, mut entry, mut init) = (None, None, None);
        for s in self.symbols.iter().filter(global) {
            let place = match s.name {
                SCHEMA => &mut schema,
                "alloy_run_v1" | "alloy_map_v1" => &mut entry,
                name if is_init(name) => &mut init,
                name => return Err(lie(s.at, format!("the module exports `{name}`"))),
            };
            if place.replace(s).is_some() {
                return Err(lie(s.at, "the module exports two entries"));
            }
        }
        let schema = schema.ok_or_else(|| missing(SCHEMA))?;
        let entry = entry.ok_or_else(|| missing("alloy_run_v1` or `alloy_map_v1"))?;
        let init = init.ok_or_else(|| missing("PyInit_<name>"))?;
        if schema.kind != STT_OBJECT || schema.size < 2 || schema.size > SCHEMA_MAX {
            return Err(lie(
                schema.at,
                "the schema is no object, or of an impossible size",
            )
            .with("actual", schema.size));
        }
        if image.filled(schema.value, schema.size)?.flags & (PF_W | PF_X) != 0 {
            return Err(lie(
                schema.at,
                "the schema does not lie in read-only memory",
            ));
        }
        for s in [entry, init] {
            if s.kind != STT_FUNC || image.filled(s.value, 1)?.flags & PF_X == 0 {
                return Err(lie(s.at, format!("`{}` is no function", s.name)));
            }
        }
        let names = |defined: bool| {
            let of = |s: &&Symbol<'_>| s.bind == STB_GLOBAL && s.defined == defined;
            self.symbols
                .iter()
                .filter(of)
                .map(|s| s.name.to_owned())
                .collect()
        };
        Ok(Interface {
            kind: if entry.name == Kind::Record.entry() {
                Kind::Record
            } else {
                Kind::Map
            },
            schema_at: schema.value,
            schema_size: schema.size,
            entry_at: entry.value,
            init_at: init.value,
            exports: names(true),
            undefined: names(false),
        })
    }
}

fn is_init(name: &str) -> bool {
    name.strip_prefix(INIT).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn symbol<'a>(
    entries: &[u8],
    names: &'a [u8],
    index: u64,
    at: u64,
) -> Result<Symbol<'a>, KernelError> {
    let from = index * ENTRY;
    let name = word(entries, from)? as usize;
    let [info, other] = half(entries, from + 4)?.to_le_bytes();
    let section = half(entries, from + 6)?;
    if section >= SHN_LORESERVE {
        return Err(lie(at, "a symbol belongs to no section"));
    }
    if other != STV_DEFAULT && other != STV_PROTECTED {
        return Err(lie(at, "a symbol has an unknown visibility"));
    }
    let name = names
        .get(name..)
        .and_then(|rest| {
            rest.iter()
                .take(NAME_MAX)
                .position(|b| *b == 0)
                .map(|end| &rest[..end])
        })
        .filter(|bytes| bytes.is_ascii())
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .ok_or_else(|| lie(at, "a symbol has no name, or an impossible one"))?;
    Ok(Symbol {
        at,
        name,
        kind: info & 15,
        bind: info >> 4,
        defined: section != 0,
        value: long(entries, from + 8)?,
        size: long(entries, from + 16)?,
    })
}
