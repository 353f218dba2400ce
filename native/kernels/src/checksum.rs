//! Checksums: CRC-32C of blocks, Fletcher-32 of HDF5, the ones' complement sum of FITS.

/// CRC-32C (Castagnoli); `initial` is the result over what came before.
#[must_use]
pub fn crc32c(data: &[u8], initial: u32) -> u32 {
    crc32c::crc32c_append(initial, data)
}

/// Words summed between two reductions: 2 * 360 * 65535 and the running sums fit in 32 bits.
const FLETCHER_RUN: usize = 360;

/// Fletcher-32 over big-endian 16-bit words, an odd last byte in the high half (`H5_checksum_fletcher32`).
#[must_use]
pub fn fletcher32(data: &[u8]) -> u32 {
    let fold = |s: u32| (s & 0xffff).wrapping_add(s >> 16);
    let (mut sum1, mut sum2) = (0u32, 0u32);
    let whole = data.len() & !1;
    for run in data[..whole].chunks(FLETCHER_RUN * 2) {
        for word in run.chunks_exact(2) {
            sum1 = sum1.wrapping_add(u32::from(u16::from_be_bytes([word[0], word[1]])));
            sum2 = sum2.wrapping_add(sum1);
        }
        sum1 = fold(sum1);
        sum2 = fold(sum2);
    }
    if whole < data.len() {
        sum1 = fold(sum1.wrapping_add(u32::from(data[whole]) << 8));
        sum2 = fold(sum2.wrapping_add(sum1));
    }
    fold(sum2) << 16 | fold(sum1)
}

/// Adds big-endian 32-bit words with end-around carry; a last incomplete word counts as padded with zeros.
///
/// Source: FITS 4.0 appendix J.
#[must_use]
pub fn ones_complement(data: &[u8], initial: u32) -> u32 {
    // 2**31 words of 32 bits cannot overflow 64 bits; calls are far shorter
    let words = data.chunks_exact(4);
    let mut last = [0u8; 4];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    let mut sum = u64::from(initial).wrapping_add(u64::from(u32::from_be_bytes(last)));
    for word in words {
        sum = sum.wrapping_add(u64::from(u32::from_be_bytes([
            word[0], word[1], word[2], word[3],
        ])));
    }
    while sum >> 32 != 0 {
        sum = (sum & 0xffff_ffff).wrapping_add(sum >> 32);
    }
    sum as u32
}
