//! Stored chunks of an HDF5 dataset to raw bytes: read, Fletcher-32, inflate, unshuffle.
//!
//! Each filter stands at most once in a chain and the output size is known, so that a chunk of 4 KB cannot
//! become 256 MiB. Source: HDF5 File Format Specification 3.0, section IV.A.2.l (filter pipeline).
use crate::checksum::fletcher32;
use crate::codec::{check_growth, inflate, unshuffle, Container, MAX_OUTPUT};
use crate::source::{check_span, ReadAt};
use crate::KernelError;

/// Largest number of chunks in one call.
pub const MAX_BATCH: usize = 65_536;
const FLETCHER_BYTES: usize = 4;

/// One filter of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Filter {
    Shuffle,
    Deflate,
    Fletcher32,
}

/// Where a chunk is stored.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    /// In the file [B].
    pub offset: u64,
    /// Stored [B].
    pub size: u64,
    /// Bit i: filter i was not applied to this chunk.
    pub mask: u32,
}

/// Parses the names of a chain.
///
/// # Errors
/// `format.filter`, unknown or repeated.
pub fn parse_chain(names: &[String]) -> Result<Vec<Filter>, KernelError> {
    let mut chain = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let filter = match name.as_str() {
            "shuffle" => Filter::Shuffle,
            "deflate" => Filter::Deflate,
            "fletcher32" => Filter::Fletcher32,
            _ => {
                return Err(KernelError::new(
                    "format.filter",
                    i as u64,
                    format!("filter `{name}` is not known"),
                ))
            }
        };
        if chain.contains(&filter) {
            return Err(KernelError::new(
                "format.filter",
                i as u64,
                format!("filter `{name}` stands twice"),
            ));
        }
        chain.push(filter);
    }
    Ok(chain)
}

/// The batch as a whole is within the limits.
///
/// # Errors
/// `format.too_large`, `format.length` (an item size of 0).
pub fn check_batch(count: usize, itemsize: usize, out_size: usize) -> Result<(), KernelError> {
    if itemsize == 0 {
        return Err(KernelError::new("format.length", 0, "the item size is 0"));
    }
    if count > MAX_BATCH || count.checked_mul(out_size).is_none_or(|t| t > MAX_OUTPUT) {
        return Err(
            KernelError::new("format.too_large", 0, "the batch is over the limit")
                .with("expected", MAX_OUTPUT as u64)
                .with("chunks", count as u64)
                .with("size", out_size as u64),
        );
    }
    Ok(())
}

/// Buffers that a batch uses again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    stored: Vec<u8>,
    spare: Vec<u8>,
}

/// Reads one chunk and undoes its filters, last applied first.
///
/// # Errors
/// `format.truncated`, `format.too_large`, `format.checksum_mismatch`, `format.decode`,
/// `format.decompression_bomb`, `format.io`.
pub fn read_chunk<R: ReadAt + ?Sized>(
    file: &R,
    chunk: Stored,
    chain: &[Filter],
    itemsize: usize,
    out_size: usize,
    scratch: &mut Scratch,
) -> Result<Vec<u8>, KernelError> {
    let at = |e: KernelError| KernelError {
        index: chunk.offset,
        ..e
    };
    check_span(file, chunk.offset, chunk.size)?;
    let active: Vec<Filter> = chain
        .iter()
        .enumerate()
        .filter(|(i, _)| *i >= 32 || chunk.mask >> i & 1 == 0)
        .map(|(_, f)| *f)
        .collect();
    let deflated = active.contains(&Filter::Deflate);
    let sums = if active.contains(&Filter::Fletcher32) {
        FLETCHER_BYTES
    } else {
        0
    };
    if !deflated && chunk.size != (out_size + sums) as u64 {
        return Err(KernelError::new(
            "format.header_lie",
            chunk.offset,
            "the chunk has another size than its shape",
        )
        .with("expected", (out_size + sums) as u64)
        .with("actual", chunk.size));
    }
    check_growth(
        if deflated {
            chunk.size as usize
        } else {
            out_size
        },
        out_size,
    )
    .map_err(at)?;
    let data = &mut scratch.stored;
    data.resize(chunk.size as usize, 0);
    file.read_exact_at(chunk.offset, data)?;
    // when the sum was taken before deflate its 4 bytes are inside the stream
    let position = |f: Filter| active.iter().position(|a| *a == f);
    let inner_sum = position(Filter::Fletcher32) < position(Filter::Deflate) && sums > 0;
    for filter in active.iter().rev() {
        match filter {
            Filter::Fletcher32 => verify(data).map_err(at)?,
            Filter::Deflate => {
                let size = out_size + if inner_sum { sums } else { 0 };
                scratch.spare.resize(size, 0);
                inflate(data, &mut scratch.spare, Container::Zlib).map_err(at)?;
                std::mem::swap(data, &mut scratch.spare);
            }
            Filter::Shuffle => {
                scratch.spare.resize(data.len(), 0);
                unshuffle(data, itemsize, &mut scratch.spare).map_err(at)?;
                std::mem::swap(data, &mut scratch.spare);
            }
        }
    }
    if data.len() != out_size {
        return Err(KernelError::new(
            "format.decode",
            chunk.offset,
            "the chunk decodes to another size",
        )
        .with("expected", out_size as u64)
        .with("actual", data.len() as u64));
    }
    Ok(std::mem::take(data))
}

/// Takes the sum off the end and compares it.
fn verify(data: &mut Vec<u8>) -> Result<(), KernelError> {
    let Some(body) = data.len().checked_sub(FLETCHER_BYTES) else {
        return Err(KernelError::new(
            "format.truncated",
            0,
            "the chunk is shorter than its checksum",
        ));
    };
    let stored = u32::from_le_bytes([data[body], data[body + 1], data[body + 2], data[body + 3]]);
    let sum = fletcher32(&data[..body]);
    // HDF5 before 1.6.3 wrote the bytes of each half the other way round on little-endian machines
    let old = (sum & 0x00ff_00ff) << 8 | (sum & 0xff00_ff00) >> 8;
    if stored != sum && stored != old {
        return Err(KernelError::new(
            "format.checksum_mismatch",
            0,
            "the Fletcher-32 sum is wrong",
        )
        .with("expected", u64::from(stored))
        .with("actual", u64::from(sum)));
    }
    data.truncate(body);
    Ok(())
}
