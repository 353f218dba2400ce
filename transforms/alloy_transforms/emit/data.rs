//! Bytes as Python's, and the columns that rows leave in.

use crate::integers::{Code, INDEX, LENGTH};

/// Where an index counted from either end lies; too far away for any sequence where it is outside.
#[inline(always)]
fn place(len: usize, i: i64) -> usize {
    (if i < 0 { i.wrapping_add(len as i64) } else { i }) as usize
}

/// `s[i]`, or `data.index`.
#[inline(always)]
pub fn item<T: Copy>(s: &[T], i: i64) -> Result<T, Code> {
    s.get(place(s.len(), i)).copied().ok_or(INDEX)
}

/// `s[i]` for an index that is known to be inside.
#[inline(always)]
pub fn known<T: Copy + Default>(s: &[T], i: i64) -> T {
    s.get(place(s.len(), i)).copied().unwrap_or_default()
}

/// `s[i]` for i >= 0, or `data.index`.
#[inline(always)]
pub fn nth<T: Copy>(s: &[T], i: i64) -> Result<T, Code> {
    s.get(i as usize).copied().ok_or(INDEX)
}

/// `s[i]` for i >= 0 that is known to be inside.
#[inline(always)]
pub fn known_nth<T: Copy + Default>(s: &[T], i: i64) -> T {
    s.get(i as usize).copied().unwrap_or_default()
}

/// `b[i:j]`.
#[inline(always)]
pub fn slice(b: &[u8], i: i64, j: i64) -> &[u8] {
    let len = b.len() as i64;
    let bound = |k: i64| (if k < 0 { k.wrapping_add(len) } else { k }).clamp(0, len) as usize;
    let (start, stop) = (bound(i), bound(j));
    b.get(start..stop).unwrap_or(&[])
}

/// The first N bytes, or `data.length`.
#[inline(always)]
pub fn first<const N: usize>(b: &[u8]) -> Result<[u8; N], Code> {
    b.first_chunk::<N>().copied().ok_or(LENGTH)
}

/// The first N bytes of what is known to be long enough.
#[inline(always)]
pub fn sure<const N: usize>(b: &[u8]) -> [u8; N] {
    b.first_chunk::<N>().copied().unwrap_or([0; N])
}

/// `a == b`.
#[inline(always)]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    for (x, y) in a.iter().zip(b) {
        if x != y {
            return false;
        }
    }
    true
}

/// Whether bytes are a text: UTF-8 as RFC 3629 has it.
#[inline]
pub fn is_text(b: &[u8]) -> bool {
    core::str::from_utf8(b).is_ok()
}

static CRC: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 {
                0xedb8_8320 ^ (c >> 1)
            } else {
                c >> 1
            };
            bit += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
}

/// `binascii.crc32`.
#[inline]
pub fn crc32(b: &[u8]) -> i64 {
    let mut c = u32::MAX;
    for byte in b {
        c = CRC[((c ^ u32::from(*byte)) & 0xff) as usize] ^ (c >> 8);
    }
    i64::from(!c)
}

/// Bytes of an input or of a constant, as the host takes them.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Span {
    at: *const u8,
    len: u64,
}

impl Span {
    /// Empty bytes have no address.
    #[inline(always)]
    pub fn of(b: &[u8]) -> Span {
        if b.is_empty() {
            Span {
                at: core::ptr::null(),
                len: 0,
            }
        } else {
            Span {
                at: b.as_ptr(),
                len: b.len() as u64,
            }
        }
    }
}

/// A column with a value in every row.
pub struct Full<'a, T>(pub &'a mut [T]);

impl<T> Full<'_, T> {
    /// Rows outside the column are not written.
    #[inline(always)]
    pub fn put(&mut self, row: usize, v: T) {
        if let Some(place) = self.0.get_mut(row) {
            *place = v;
        }
    }
}

/// A column of an optional field: values, and a bit for each that is there.
pub struct Sparse<'a, T>(pub &'a mut [T], pub &'a mut [u8]);

impl<T> Sparse<'_, T> {
    /// As `Full::put`; `v` is zero where there is no value.
    #[inline(always)]
    pub fn put(&mut self, row: usize, there: bool, v: T) {
        if let Some(place) = self.0.get_mut(row) {
            *place = v;
        }
        if let Some(bits) = self.1.get_mut(row >> 3) {
            let k = (row & 7) as u32;
            *bits = (*bits & !(1u8 << k)) | (u8::from(there) << k);
        }
    }
}
