//! Codecs with a known output size: inflate (libdeflate) and HDF5's byte shuffle.
use crate::dispatch::{self, Job};
use crate::KernelError;
use libdeflater::{DecompressionError, Decompressor};

/// Largest output of one call [B].
pub const MAX_OUTPUT: usize = 64 << 20;
/// One deflate stream cannot grow by more: a 258-byte match takes at least 2 bits.
pub const MAX_RATIO: usize = 1032;

/// Which container a deflate stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Container {
    Zlib,
    Gzip,
    Raw,
}

/// Refuses a size that is over the limit or that `stored` bytes cannot honestly become.
///
/// # Errors
/// `format.too_large`, `format.decompression_bomb`.
pub fn check_growth(stored: usize, size: usize) -> Result<(), KernelError> {
    if size > MAX_OUTPUT {
        return Err(
            KernelError::new("format.too_large", 0, "the decoded size is over the limit")
                .with("expected", MAX_OUTPUT as u64)
                .with("actual", size as u64),
        );
    }
    if size > stored.saturating_mul(MAX_RATIO) {
        return Err(KernelError::new(
            "format.decompression_bomb",
            0,
            "the data cannot grow that much",
        )
        .with("stored", stored as u64)
        .with("size", size as u64));
    }
    Ok(())
}

/// Inflates `data` into the whole of `out`.
///
/// # Errors
/// `format.too_large`, `format.decompression_bomb`, `format.decode` (damaged, or not exactly that long).
pub fn inflate(data: &[u8], out: &mut [u8], container: Container) -> Result<(), KernelError> {
    check_growth(data.len(), out.len())?;
    let mut decoder = Decompressor::new();
    let done = match container {
        Container::Zlib => decoder.zlib_decompress(data, out),
        Container::Gzip => decoder.gzip_decompress(data, out),
        Container::Raw => decoder.deflate_decompress(data, out),
    };
    let expected = out.len() as u64;
    match done {
        Ok(n) if n == out.len() => Ok(()),
        Ok(n) => Err(
            KernelError::new("format.decode", n as u64, "the stream ends early")
                .with("expected", expected)
                .with("actual", n as u64),
        ),
        Err(DecompressionError::InsufficientSpace) => Err(KernelError::new(
            "format.decode",
            expected,
            "the stream is longer than its declared size",
        )
        .with("expected", expected)),
        Err(DecompressionError::BadData) => {
            Err(
                KernelError::new("format.decode", 0, "the compressed data are damaged")
                    .with("expected", expected),
            )
        }
    }
}

/// Undoes the byte shuffle; bytes after the last whole item stay at the end.
///
/// # Errors
/// `format.length`, an item size of 0 or another length of `out`.
pub fn unshuffle(data: &[u8], itemsize: usize, out: &mut [u8]) -> Result<(), KernelError> {
    if itemsize == 0 || data.len() != out.len() {
        return Err(KernelError::new(
            "format.length",
            itemsize as u64,
            "item size or output length is wrong",
        ));
    }
    let n = data.len() / itemsize;
    let whole = n * itemsize;
    out[whole..].copy_from_slice(&data[whole..]);
    let (planes, values) = (&data[..whole], &mut out[..whole]);
    match itemsize {
        _ if n == 0 => {}
        1 => values.copy_from_slice(planes),
        2 => dispatch::run(Unshuffle::<2> { planes, values, n }),
        4 => dispatch::run(Unshuffle::<4> { planes, values, n }),
        8 => dispatch::run(Unshuffle::<8> { planes, values, n }),
        _ => {
            for (k, plane) in planes.chunks_exact(n).enumerate() {
                for (item, byte) in values.chunks_exact_mut(itemsize).zip(plane) {
                    item[k] = *byte;
                }
            }
        }
    }
    Ok(())
}

struct Unshuffle<'a, const K: usize> {
    planes: &'a [u8],
    values: &'a mut [u8],
    n: usize,
}

impl<const K: usize> Job for Unshuffle<'_, K> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        // In blocks, so that the K planes are read side by side and the compiler sees fixed trip counts.
        const RUN: usize = 64;
        let (blocks, n) = (self.n / RUN, self.n);
        for b in 0..blocks {
            let values = &mut self.values[b * RUN * K..(b + 1) * RUN * K];
            let mut wide = [0u64; RUN];
            for k in 0..K {
                let plane = &self.planes[k * n + b * RUN..k * n + (b + 1) * RUN];
                for (w, byte) in wide.iter_mut().zip(plane) {
                    *w |= u64::from(*byte) << (8 * k);
                }
            }
            for (item, w) in values.chunks_exact_mut(K).zip(wide) {
                item.copy_from_slice(&w.to_le_bytes()[..K]);
            }
        }
        for i in blocks * RUN..n {
            for k in 0..K {
                self.values[i * K + k] = self.planes[k * n + i];
            }
        }
    }
}
