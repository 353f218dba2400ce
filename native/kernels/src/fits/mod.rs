//! Structure of FITS files: headers, HDUs, table columns, array descriptors, checksums.
//!
//! Source: FITS Standard 4.0 (Definition of the Flexible Image Transport System, 2018).
mod card;
mod hdu;
mod header;
mod heap;
mod table;

pub use card::{Card, Value};
pub use hdu::{describe, Hdu};
pub use heap::{checksum, descriptors, Descriptors};
pub use table::Column;

/// Header and data come in blocks of this size [B].
pub const BLOCK: u64 = 2_880;
/// One header card [B].
pub const CARD: usize = 80;
/// Header limit, in blocks.
pub const MAX_HEADER_BLOCKS: u64 = 4_096;
/// HDUs of one file.
pub const MAX_HDUS: usize = 1_000;
/// The data of one HDU; more is taken for a lie [B].
pub const MAX_DATA: u64 = 1 << 40;
/// NAXIS and TFIELDS (sections 4.4.1.1 and 7.3.1).
pub const MAX_AXES: u64 = 999;
/// Text that CONTINUE cards may add up to [B].
pub const MAX_TEXT: usize = 64 << 10;
/// Array descriptors of one call.
pub const MAX_DESCRIPTORS: u64 = 1 << 20;
