//! Bitmaps: bit i of a map is bit i % 8, least significant first, of byte i / 8 (the record model's validity).
use crate::KernelError;

/// Bytes of a map of n bits.
#[must_use]
pub const fn bytes_for(n: usize) -> usize {
    n.div_ceil(8)
}

/// One bit per byte: set where the byte is not 0.
#[must_use]
pub fn pack(flags: &[u8]) -> Vec<u8> {
    let mut out = vec![0; bytes_for(flags.len())];
    for (o, eight) in out.iter_mut().zip(flags.chunks(8)) {
        for (i, flag) in eight.iter().enumerate() {
            *o |= u8::from(*flag != 0) << i;
        }
    }
    out
}

/// Eight flags of 0 or 1 to one byte.
#[inline(always)]
#[must_use]
pub const fn pack8(flags: [u8; 8]) -> u8 {
    // each product term lands in the top byte at the place of its flag; no two meet
    (u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// n bytes of 0 or 1.
///
/// # Errors
/// `format.length`, the map is shorter than n bits.
pub fn unpack(bits: &[u8], n: usize) -> Result<Vec<u8>, KernelError> {
    check(bits, n)?;
    Ok((0..n).map(|i| bits[i / 8] >> (i % 8) & 1).collect())
}

/// Bits start to start + n as a map of its own.
///
/// # Errors
/// `format.length`.
pub fn slice(bits: &[u8], start: usize, n: usize) -> Result<Vec<u8>, KernelError> {
    check(bits, start.saturating_add(n))?;
    let (first, shift) = (start / 8, start % 8);
    let mut out: Vec<u8> = (0..bytes_for(n))
        .map(|i| {
            let low = bits[first + i] >> shift;
            let high = bits
                .get(first + i + 1)
                .map_or(0, |b| u16::from(*b) << (8 - shift)) as u8;
            if shift == 0 {
                low
            } else {
                low | high
            }
        })
        .collect();
    clear_tail(&mut out, n);
    Ok(out)
}

/// How many of the first n bits are set.
///
/// # Errors
/// `format.length`.
pub fn count(bits: &[u8], n: usize) -> Result<u64, KernelError> {
    check(bits, n)?;
    let whole: u64 = bits[..n / 8]
        .iter()
        .map(|b| u64::from(b.count_ones()))
        .sum();
    let rest = if n.is_multiple_of(8) {
        0
    } else {
        u64::from((bits[n / 8] & ((1 << (n % 8)) - 1)).count_ones())
    };
    Ok(whole + rest)
}

/// Sets the bits past n in the last byte to 0.
pub fn clear_tail(bits: &mut [u8], n: usize) {
    if !n.is_multiple_of(8) {
        if let Some(last) = bits.last_mut() {
            *last &= (1 << (n % 8)) - 1;
        }
    }
}

/// The map holds at least n bits.
///
/// # Errors
/// `format.length`.
pub fn check(bits: &[u8], n: usize) -> Result<(), KernelError> {
    if bits.len() < bytes_for(n) {
        return Err(KernelError::new(
            "format.length",
            bits.len() as u64,
            "the bitmap is too short",
        )
        .with("expected", bytes_for(n) as u64)
        .with("actual", bits.len() as u64));
    }
    Ok(())
}
