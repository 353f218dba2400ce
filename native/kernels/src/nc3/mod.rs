//! Structure of NetCDF classic files: CDF-1, CDF-2 (64-bit offsets), CDF-5 (64-bit data).
//!
//! Source: NetCDF File Format Specifications (Unidata, "The NetCDF Classic Format Specification").
mod cursor;
mod header;
mod layout;

use crate::source::ReadAt;
use crate::KernelError;

/// Header limit [B].
pub const MAX_HEADER: u64 = 12 << 20;
/// Dimensions, variables, or attributes of one list.
pub const MAX_LIST: u64 = 10_000;
/// Attributes of a file, all lists together.
pub const MAX_ATTRIBUTES: usize = 100_000;
/// Dimensions of one variable.
pub const MAX_RANK: u64 = 1_024;
/// A name [B]; the NetCDF library allows 256.
pub const MAX_NAME: u64 = 1_024;
/// The values of one attribute [B].
pub const MAX_ATTRIBUTE: u64 = 64 << 10;

/// External types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NcType {
    Byte,
    Char,
    Short,
    Int,
    Float,
    Double,
    UByte,
    UShort,
    UInt,
    Int64,
    UInt64,
}

impl NcType {
    /// From its tag; the last five exist in CDF-5 only.
    #[must_use]
    pub const fn from_tag(tag: u32, version: u8) -> Option<Self> {
        Some(match tag {
            1 => Self::Byte,
            2 => Self::Char,
            3 => Self::Short,
            4 => Self::Int,
            5 => Self::Float,
            6 => Self::Double,
            7 if version == 5 => Self::UByte,
            8 if version == 5 => Self::UShort,
            9 if version == 5 => Self::UInt,
            10 if version == 5 => Self::Int64,
            11 if version == 5 => Self::UInt64,
            _ => return None,
        })
    }

    /// Bytes per value [B].
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::Byte | Self::Char | Self::UByte => 1,
            Self::Short | Self::UShort => 2,
            Self::Int | Self::Float | Self::UInt => 4,
            Self::Double | Self::Int64 | Self::UInt64 => 8,
        }
    }

    /// Name in the record model, or "char".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Byte => "i1",
            Self::Char => "char",
            Self::Short => "i2",
            Self::Int => "i4",
            Self::Float => "f4",
            Self::Double => "f8",
            Self::UByte => "u1",
            Self::UShort => "u2",
            Self::UInt => "u4",
            Self::Int64 => "i8",
            Self::UInt64 => "u8",
        }
    }
}

/// Attribute: its values stay big-endian bytes.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Attribute {
    pub name: String,
    pub nc_type: NcType,
    pub values: Vec<u8>,
}

/// Dimension; size None is the record dimension.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Dimension {
    pub name: String,
    pub size: Option<u64>,
}

/// Variable with its place in the file.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Variable {
    pub name: String,
    pub dims: Vec<usize>,
    pub attrs: Vec<Attribute>,
    pub nc_type: NcType,
    pub vsize: u64,
    pub begin: u64,
    pub is_record: bool,
    /// Bytes of one record, or of the whole variable, without padding.
    pub size: u64,
    /// From one record to the next; `size` for others.
    pub stride: u64,
}

/// What `describe` finds.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Structure {
    pub version: u8,
    pub dims: Vec<Dimension>,
    pub attrs: Vec<Attribute>,
    pub variables: Vec<Variable>,
    /// None: streaming.
    pub numrecs: Option<u64>,
    /// Records that are there in full.
    pub rows: u64,
    pub record_size: u64,
    pub header_size: u64,
    pub file_size: u64,
    pub expected_size: u64,
    pub truncated: bool,
    /// Names that are not UTF-8.
    pub bad_names: Vec<String>,
}

/// Reads the header and compares it with the size of the file.
///
/// # Errors
/// `format.not_recognised`, `format.truncated`, `format.header_lie`, `format.too_large`, `format.io`.
pub fn describe<R: ReadAt + ?Sized>(file: &R, partial: bool) -> Result<Structure, KernelError> {
    let mut structure = header::parse(file)?;
    layout::place(&mut structure, partial)?;
    Ok(structure)
}
