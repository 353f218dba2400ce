//! Where bytes come from, and reads that are bounded before they begin.
use crate::KernelError;

/// Largest result of one read [B].
pub const MAX_READ: usize = 64 << 20;
/// Bytes read at once while gathering [B].
const GATHER: u64 = 1 << 20;
/// Holes wider than this are skipped, not read [B].
const MAX_HOLE: u64 = 16 << 10;

/// Something of known size that can be read at any offset.
pub trait ReadAt {
    /// Its size now [B].
    ///
    /// # Errors
    /// `format.io`.
    fn size(&self) -> Result<u64, KernelError>;

    /// Reads up to `buffer.len()` bytes; 0 at the end.
    ///
    /// # Errors
    /// `format.io`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, KernelError>;

    /// Reads until the buffer is full.
    ///
    /// # Errors
    /// `format.io`, `format.truncated`.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), KernelError> {
        let mut done = 0;
        while done < buffer.len() {
            let n = self.read_at(offset + done as u64, &mut buffer[done..])?;
            if n == 0 {
                return Err(KernelError::new(
                    "format.truncated",
                    offset,
                    "the file ends inside a read",
                )
                .with("expected", offset + buffer.len() as u64)
                .with("actual", offset + done as u64));
            }
            done += n;
        }
        Ok(())
    }
}

impl ReadAt for [u8] {
    fn size(&self) -> Result<u64, KernelError> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, KernelError> {
        let from = usize::try_from(offset).map_or(self.len(), |o| o.min(self.len()));
        let n = buffer.len().min(self.len() - from);
        buffer[..n].copy_from_slice(&self[from..from + n]);
        Ok(n)
    }
}

/// The bytes offset..offset + length are in the file and not too many to hold.
///
/// # Errors
/// `format.too_large`, `format.truncated`, `format.io`.
pub fn check_span<R: ReadAt + ?Sized>(
    file: &R,
    offset: u64,
    length: u64,
) -> Result<(), KernelError> {
    if length > MAX_READ as u64 {
        return Err(
            KernelError::new("format.too_large", offset, "one read is over the limit")
                .with("expected", MAX_READ as u64)
                .with("actual", length),
        );
    }
    check_end(file, offset, Some(length))
}

/// offset + length does not overflow and lies in the file.
fn check_end<R: ReadAt + ?Sized>(
    file: &R,
    offset: u64,
    length: Option<u64>,
) -> Result<(), KernelError> {
    let size = file.size()?;
    match length.and_then(|l| offset.checked_add(l)) {
        Some(end) if end <= size => Ok(()),
        end => Err(KernelError::new(
            "format.truncated",
            offset,
            "the file ends before the data do",
        )
        .with("expected", end.unwrap_or(u64::MAX))
        .with("actual", size)),
    }
}

/// Bytes of a strided read, checked before anything is allocated.
///
/// # Errors
/// `format.length` (stride below width, width 0), `format.too_large`, `format.truncated`, `format.io`.
pub fn check_strided<R: ReadAt + ?Sized>(
    file: &R,
    offset: u64,
    count: u64,
    stride: u64,
    width: u64,
) -> Result<usize, KernelError> {
    if width == 0 || stride < width {
        return Err(KernelError::new(
            "format.length",
            offset,
            "the stride is shorter than the record",
        ));
    }
    let total = count
        .checked_mul(width)
        .filter(|t| *t <= MAX_READ as u64)
        .ok_or_else(|| {
            KernelError::new("format.too_large", offset, "one read is over the limit")
                .with("expected", MAX_READ as u64)
        })?;
    if count > 0 {
        let span = (count - 1)
            .checked_mul(stride)
            .and_then(|s| s.checked_add(width));
        check_end(file, offset, span)?;
    }
    Ok(total as usize)
}

/// `width` bytes of each of the records that lie `stride` apart; `out` is their number times `width` long.
///
/// # Errors
/// `format.io`, `format.truncated` (the file shrank), `format.too_large` (stride over 2**62).
pub fn read_strided<R: ReadAt + ?Sized>(
    file: &R,
    offset: u64,
    stride: u64,
    width: u64,
    out: &mut [u8],
) -> Result<(), KernelError> {
    if stride == width {
        return file.read_exact_at(offset, out);
    }
    let record = width as usize;
    if stride - width > MAX_HOLE {
        let mut at = offset;
        for item in out.chunks_exact_mut(record) {
            file.read_exact_at(at, item)?;
            at = at.saturating_add(stride);
        }
        return Ok(());
    }
    // width <= MAX_READ and the hole is small: whole rows fit in a buffer of one block or one row
    let rows = (GATHER / stride).max(1);
    let step = stride as usize;
    let mut buffer = vec![0u8; rows as usize * step];
    let mut at = offset;
    for part in out.chunks_mut(rows as usize * record) {
        let n = part.len() / record;
        let need = (n - 1) * step + record; // the last record may be the end of the file
        file.read_exact_at(at, &mut buffer[..need])?;
        for (item, row) in part
            .chunks_exact_mut(record)
            .zip(buffer[..need].chunks(step))
        {
            item.copy_from_slice(&row[..record]);
        }
        at += n as u64 * stride;
    }
    Ok(())
}
