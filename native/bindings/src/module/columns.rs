//! What a module wrote as columns of a reply: packed values, validity, spans copied into an arena.
#![allow(unsafe_code)] // the module loader; every block states why it is sound

use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use std::borrow::Cow;

/// What a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Numbers of this size [B].
    Plain(usize),
    /// One byte below this number: bool and enum.
    Below(u16),
    /// Spans of UTF-8.
    Text,
    /// Spans.
    Bytes,
}

/// One OUTPUT field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub values: Values,
    pub optional: bool,
    /// Longest span [B].
    pub most: u64,
}

impl Field {
    pub const fn size(&self) -> usize {
        match self.values {
            Values::Plain(size) => size,
            Values::Below(_) => 1,
            Values::Text | Values::Bytes => size_of::<Span>(),
        }
    }
}

/// `struct alloy_span`, as numbers: what a module wrote there is not trusted as a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
struct Span {
    at: u64,
    len: u64,
}

/// Columns of one field as in a reply.
#[derive(Default)]
pub struct Column {
    values: Vec<u64>,
    size: usize,
    pub arena: Vec<u8>,
    pub validity: Vec<u8>,
}

impl Column {
    /// The values; for text and bytes one offset more than rows.
    pub fn values(&self) -> &[u8] {
        &bytes_of(&self.values)[..self.size]
    }
}

/// Words as bytes, without a copy.
pub fn bytes_of<T: Word>(words: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, and any of their bytes is a byte.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

/// Bytes as numbers, without a copy where they are aligned; none where they are no whole number of numbers.
pub fn floats_of(bytes: &[u8]) -> Option<Cow<'_, [f64]>> {
    // SAFETY: any 8 bytes are an `f64`.
    let (head, values, tail) = unsafe { bytes.align_to::<f64>() };
    if head.is_empty() && tail.is_empty() {
        return Some(Cow::Borrowed(values));
    }
    let copied = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]));
    bytes
        .len()
        .is_multiple_of(8)
        .then(|| Cow::Owned(copied.collect()))
}

/// The bytes of Python's as numbers that `work` fills; a whole number of them.
pub fn with_floats<R>(out: &Bound<'_, PyByteArray>, work: impl FnOnce(&mut [f64]) -> R) -> R {
    // SAFETY: the caller holds the interpreter lock and `work` runs no Python: nobody else sees these bytes.
    let bytes = unsafe { out.as_bytes_mut() };
    // SAFETY: any 8 bytes are an `f64`.
    let (head, values, tail) = unsafe { bytes.align_to_mut::<f64>() };
    if head.is_empty() && tail.is_empty() {
        return work(values);
    }
    let mut spare = vec![0.0; bytes.len() / 8];
    let done = work(&mut spare);
    bytes.copy_from_slice(bytes_of(&spare));
    done
}

/// Numbers that may be looked at as bytes.
pub trait Word {}
impl Word for u64 {}
impl Word for u32 {}
impl Word for f64 {}

/// One column in the form of a reply: validity dropped where every value is there, spans copied.
pub fn column(
    field: &Field,
    mut values: Vec<u64>,
    mut bits: Vec<u8>,
    rows: usize,
    places: &[(usize, usize)],
) -> Result<Column, String> {
    bits.truncate(rows.div_ceil(8));
    if let (Some(last), true) = (bits.last_mut(), !rows.is_multiple_of(8)) {
        *last &= (1 << (rows % 8)) - 1;
    }
    let whole = bits.iter().map(|b| b.count_ones() as usize).sum::<usize>() == rows;
    let validity = if whole { Vec::new() } else { bits };
    let has = |row: usize| validity.is_empty() || validity[row / 8] >> (row % 8) & 1 != 0;
    let size = rows * field.size();
    match field.values {
        Values::Plain(_) => {}
        Values::Below(limit) => {
            if let Some(row) = bytes_of(&values)[..size]
                .iter()
                .position(|b| u16::from(*b) >= limit)
            {
                return Err(format!("row {row} holds what is none of {limit} values"));
            }
        }
        Values::Text | Values::Bytes => {
            let (offsets, arena) = copied(field, &values, rows, has, places)?;
            values = offsets;
            return Ok(Column {
                values,
                size: 4 * (rows + 1),
                arena,
                validity,
            });
        }
    }
    values.truncate(size.div_ceil(8));
    Ok(Column {
        values,
        size,
        arena: Vec::new(),
        validity,
    })
}

/// Offsets (two to a word) and the bytes of spans, each looked for in memory that may be read.
fn copied(
    field: &Field,
    words: &[u64],
    rows: usize,
    has: impl Fn(usize) -> bool,
    places: &[(usize, usize)],
) -> Result<(Vec<u64>, Vec<u8>), String> {
    let mut arena = Vec::new();
    let mut offsets = vec![0_u64; (rows + 1).div_ceil(2)];
    for row in 0..rows {
        let span = Span {
            at: words[2 * row],
            len: words[2 * row + 1],
        };
        if has(row) && span.len != 0 {
            let bytes =
                find(span, field.most, places).map_err(|what| format!("row {row}: {what}"))?;
            if field.values == Values::Text && std::str::from_utf8(bytes).is_err() {
                return Err(format!("row {row}: a text is not UTF-8"));
            }
            arena.extend_from_slice(bytes);
        }
        let end = u32::try_from(arena.len())
            .map_err(|_| String::from("more text than an offset can say"))?;
        // Index row + 1, two to a word; little-endian, as everything here: the even one is the lower half.
        offsets[row.div_ceil(2)] |= u64::from(end) << if row % 2 == 0 { 32 } else { 0 };
    }
    Ok((offsets, arena))
}

fn find<'a>(span: Span, most: u64, places: &[(usize, usize)]) -> Result<&'a [u8], String> {
    let (at, len) = (span.at as usize, span.len as usize);
    if span.len > most {
        return Err(format!("a span of {len} bytes, at most {most} are allowed"));
    }
    let inside = |(from, until): &&(usize, usize)| {
        at >= *from && len <= until - from && at - from <= until - from - len
    };
    if places.iter().find(inside).is_none() {
        return Err(String::from(
            "a span lies outside the inputs and the module's constants",
        ));
    }
    // SAFETY: it lies in an arena of the frame or in a read-only segment of the module, both mapped and unchanged
    // for the whole call of `run`, and the slice is copied before that ends.
    Ok(unsafe { std::slice::from_raw_parts(at as *const u8, len) })
}
