//! The dynamic section: a closed list of tags, each at most once.
//!
//! Source: System V ABI, chapter 5, "Dynamic Section"; tags of GNU in glibc's `elf.h`.
use super::image::{long, Image};
use super::lie;
use crate::KernelError;

const ENTRIES_MAX: u64 = 64;
const RELA: u64 = 24;
const SYMBOL: u64 = 24;

const DT_NULL: u64 = 0;
const DT_PLTRELSZ: u64 = 2;
const DT_PLTGOT: u64 = 3;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_RELAENT: u64 = 9;
const DT_STRSZ: u64 = 10;
const DT_SYMENT: u64 = 11;
const DT_SONAME: u64 = 14;
const DT_SYMBOLIC: u64 = 16;
const DT_PLTREL: u64 = 20;
const DT_JMPREL: u64 = 23;
const DT_BIND_NOW: u64 = 24;
const DT_FLAGS: u64 = 30;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_RELACOUNT: u64 = 0x6fff_fff9;
const DT_FLAGS_1: u64 = 0x6fff_fffb;

/// Tags a module may have.
const KNOWN: &[u64] = &[
    DT_PLTRELSZ,
    DT_PLTGOT,
    DT_HASH,
    DT_STRTAB,
    DT_SYMTAB,
    DT_RELA,
    DT_RELASZ,
    DT_RELAENT,
    DT_STRSZ,
    DT_SYMENT,
    DT_SONAME,
    DT_SYMBOLIC,
    DT_PLTREL,
    DT_JMPREL,
    DT_BIND_NOW,
    DT_FLAGS,
    DT_GNU_HASH,
    DT_RELACOUNT,
    DT_FLAGS_1,
];
/// Tags that deserve their own words.
const REFUSED: &[(u64, &str)] = &[
    (1, "the module needs another library (DT_NEEDED)"),
    (12, "the module has a constructor (DT_INIT)"),
    (13, "the module has a destructor (DT_FINI)"),
    (15, "the module says where libraries are (DT_RPATH)"),
    (22, "the module has text relocations (DT_TEXTREL)"),
    (25, "the module has constructors (DT_INIT_ARRAY)"),
    (26, "the module has destructors (DT_FINI_ARRAY)"),
    (29, "the module says where libraries are (DT_RUNPATH)"),
    (32, "the module has constructors (DT_PREINIT_ARRAY)"),
    (0x6fff_fff0, "the module has symbol versions (DT_VERSYM)"),
];
const DF_SYMBOLIC: u64 = 2;
const DF_BIND_NOW: u64 = 8;
const DF_1_NOW: u64 = 1;

/// What the loader finds through the dynamic section.
#[derive(Debug)]
pub(super) struct Dynamic {
    pub symtab: u64,
    pub strings: (u64, u64),
    pub hash: Option<u64>,
    pub gnu_hash: Option<u64>,
    /// Address and number of entries.
    pub rela: (u64, u64),
    pub jmprel: (u64, u64),
    /// How many at the head of `rela` are RELATIVE; the loader believes it.
    pub relative: u64,
}

impl Dynamic {
    pub fn read(image: &Image<'_>) -> Result<Self, KernelError> {
        let tags = Tags::read(image)?;
        let need = |tag, what: &str| {
            tags.get(tag)
                .ok_or_else(|| lie(image.dynamic.0, format!("there is no {what}")))
        };
        let strings = (need(DT_STRTAB, "DT_STRTAB")?, need(DT_STRSZ, "DT_STRSZ")?);
        let names = image.table(strings.0, strings.1)?;
        if names.last() != Some(&0) {
            return Err(lie(strings.0, "the string table does not end with a zero"));
        }
        if tags.get(DT_SONAME).is_some_and(|name| name >= strings.1) {
            return Err(lie(
                image.dynamic.0,
                "DT_SONAME lies outside the string table",
            ));
        }
        if need(DT_SYMENT, "DT_SYMENT")? != SYMBOL {
            return Err(lie(image.dynamic.0, "entries of a table have another size"));
        }
        if tags
            .get(DT_FLAGS)
            .is_some_and(|f| f & !(DF_SYMBOLIC | DF_BIND_NOW) != 0)
            || tags.get(DT_FLAGS_1).is_some_and(|f| f & !DF_1_NOW != 0)
        {
            return Err(lie(
                image.dynamic.0,
                "the dynamic section has flags that a module may not have",
            ));
        }
        // On x86_64 the loader may write two words behind the first one here.
        if tags
            .get(DT_PLTGOT)
            .is_some_and(|at| !image.writable(at, 24))
        {
            return Err(lie(
                image.dynamic.0,
                "DT_PLTGOT lies outside the writable memory",
            ));
        }
        let rela = tags.relocations(image, [DT_RELA, DT_RELASZ, DT_RELAENT], RELA)?;
        let jmprel = tags.relocations(image, [DT_JMPREL, DT_PLTRELSZ, DT_PLTREL], DT_RELA)?;
        let relative = tags.get(DT_RELACOUNT).unwrap_or(0);
        if relative > rela.1 {
            return Err(lie(image.dynamic.0, "DT_RELACOUNT is more than there are"));
        }
        Ok(Self {
            symtab: need(DT_SYMTAB, "DT_SYMTAB")?,
            strings,
            hash: tags.get(DT_HASH),
            gnu_hash: tags.get(DT_GNU_HASH),
            rela,
            jmprel,
            relative,
        })
    }
}

/// Tag -> value.
struct Tags(Vec<(u64, u64)>);

impl Tags {
    fn read(image: &Image<'_>) -> Result<Self, KernelError> {
        let (vaddr, size) = image.dynamic;
        let data = image.bytes(vaddr, size)?;
        let mut out: Vec<(u64, u64)> = Vec::new();
        for k in 0..(size / 16).min(ENTRIES_MAX) {
            let (tag, value) = (long(data, 16 * k)?, long(data, 16 * k + 8)?);
            if tag == DT_NULL {
                return Ok(Self(out));
            }
            let at = vaddr + 16 * k;
            if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == tag) {
                return Err(lie(at, *why));
            }
            if !KNOWN.contains(&tag) || out.iter().any(|(known, _)| *known == tag) {
                return Err(lie(
                    at,
                    format!("the dynamic tag {tag:#x} is unknown or there twice"),
                ));
            }
            out.push((tag, value));
        }
        Err(
            lie(vaddr, "the dynamic section does not end, or is too long")
                .with("expected", ENTRIES_MAX),
        )
    }

    fn get(&self, tag: u64) -> Option<u64> {
        self.0
            .iter()
            .find(|(known, _)| *known == tag)
            .map(|(_, value)| *value)
    }

    /// A table of relocations: address and number of entries. Its tags come together or not at all, because the
    /// loader takes the others for granted where one is there.
    fn relocations(
        &self,
        image: &Image<'_>,
        tags: [u64; 3],
        third: u64,
    ) -> Result<(u64, u64), KernelError> {
        match tags.map(|tag| self.get(tag)) {
            [None, None, None] => Ok((0, 0)),
            [Some(at), Some(bytes), Some(value)] if bytes % RELA == 0 && value == third => {
                image.table(at, bytes)?;
                Ok((at, bytes / RELA))
            }
            _ => Err(lie(
                image.dynamic.0,
                "a table of relocations is incomplete or of an impossible size",
            )),
        }
    }
}
