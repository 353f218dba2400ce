//! What lies behind the rows: array descriptors checked against the heap, and checksums over the file.
use super::MAX_DESCRIPTORS;
use crate::checksum::ones_complement;
use crate::source::{check_strided, read_strided, ReadAt};
use crate::KernelError;

/// Bytes summed at once; a multiple of 4 [B].
const SUM_BLOCK: usize = 1 << 20;

/// Where the descriptors of one column are, and the heap they may point into.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Descriptors {
    pub data_offset: u64,
    pub first_row: u64,
    pub end_row: u64,
    pub row_size: u64,
    pub column_offset: u64,
    /// Q: 64-bit descriptors, else P.
    pub wide: bool,
    pub element_bits: u64,
    pub heap_offset: u64,
    pub heap_size: u64,
}

/// (elements, file offset) of each row; one that points outside the heap is an error in its place.
///
/// # Errors
/// `format.too_large`, `format.truncated`, `format.length`, `format.io`.
#[allow(clippy::type_complexity)]
pub fn descriptors<R: ReadAt + ?Sized>(
    file: &R,
    d: &Descriptors,
) -> Result<Vec<Result<(u64, u64), KernelError>>, KernelError> {
    let n = d.end_row.saturating_sub(d.first_row);
    if n > MAX_DESCRIPTORS {
        return Err(KernelError::new(
            "format.too_large",
            d.first_row,
            "too many descriptors in one call",
        )
        .with("expected", MAX_DESCRIPTORS)
        .with("actual", n));
    }
    let width = if d.wide { 16 } else { 8 };
    let overflow = || KernelError::new("format.length", d.first_row, "a row lies beyond any file");
    let at = d.first_row.checked_mul(d.row_size).ok_or_else(overflow)?;
    let at = at
        .checked_add(d.column_offset)
        .and_then(|a| a.checked_add(d.data_offset))
        .ok_or_else(overflow)?;
    let mut raw = vec![0u8; check_strided(file, at, n, d.row_size, width)?];
    read_strided(file, at, d.row_size, width, &mut raw)?;
    let heap = d
        .data_offset
        .checked_add(d.heap_offset)
        .ok_or_else(overflow)?;
    Ok(raw
        .chunks_exact(width as usize)
        .enumerate()
        .map(|(i, b)| one(d, b, heap, d.first_row + i as u64))
        .collect())
}

fn one(d: &Descriptors, raw: &[u8], heap: u64, row: u64) -> Result<(u64, u64), KernelError> {
    let half = raw.len() / 2;
    let signed = |b: &[u8]| {
        b.iter()
            .skip(1)
            .fold(i64::from(b[0] as i8), |v, x| v << 8 | i64::from(*x))
    };
    let (count, offset) = (signed(&raw[..half]), signed(&raw[half..]));
    let pair = u64::try_from(count).ok().zip(u64::try_from(offset).ok());
    pair.and_then(|(n, o)| {
        let bytes = n.checked_mul(d.element_bits)?.div_ceil(8);
        let end = if n == 0 { 0 } else { o.checked_add(bytes)? };
        (end <= d.heap_size).then(|| (n, heap.saturating_add(if n == 0 { 0 } else { o })))
    })
    .ok_or_else(|| {
        let what = format!(
            "{count} elements at {offset} lie outside the heap of {} bytes",
            d.heap_size
        );
        KernelError::new("format.header_lie", row, what)
    })
}

/// Ones' complement sum of a part of the file.
///
/// # Errors
/// `format.truncated`, `format.io`.
pub fn checksum<R: ReadAt + ?Sized>(
    file: &R,
    offset: u64,
    length: u64,
) -> Result<u32, KernelError> {
    let size = file.size()?;
    if offset.checked_add(length).is_none_or(|end| end > size) {
        return Err(KernelError::new(
            "format.truncated",
            offset,
            "the file ends before the summed part does",
        )
        .with("expected", offset.saturating_add(length))
        .with("actual", size));
    }
    let mut buffer = vec![0u8; SUM_BLOCK.min(length as usize)];
    let (mut sum, mut done) = (0u32, 0u64);
    while done < length {
        let n = (length - done).min(SUM_BLOCK as u64) as usize;
        file.read_exact_at(offset + done, &mut buffer[..n])?;
        sum = ones_complement(&buffer[..n], sum);
        done += n as u64;
    }
    Ok(sum)
}
