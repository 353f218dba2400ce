//! Sequential reads over a header, in blocks, never past its limit.
use super::MAX_HEADER;
use crate::source::ReadAt;
use crate::KernelError;

const BLOCK: usize = 16 << 10;

/// Reads forward; every length is checked against the file before anything is allocated.
pub(super) struct Cursor<'a, R: ?Sized> {
    file: &'a R,
    size: u64,
    at: u64,
    block: Vec<u8>,
    block_at: u64,
}

impl<'a, R: ReadAt + ?Sized> Cursor<'a, R> {
    pub(super) fn new(file: &'a R) -> Result<Self, KernelError> {
        Ok(Self {
            size: file.size()?,
            file,
            at: 0,
            block: Vec::new(),
            block_at: 0,
        })
    }

    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn lie(&self, what: impl Into<String>) -> KernelError {
        KernelError::new("format.header_lie", self.at, what)
    }

    /// `n` more bytes are in the file and within the header limit.
    fn claim(&self, n: u64) -> Result<(), KernelError> {
        let end = self.at.saturating_add(n);
        if end > MAX_HEADER {
            return Err(KernelError::new(
                "format.too_large",
                self.at,
                "the header is over its limit",
            )
            .with("expected", MAX_HEADER)
            .with("actual", end));
        }
        if end > self.size {
            return Err(KernelError::new(
                "format.truncated",
                self.at,
                "the file ends inside its header",
            )
            .with("expected", end)
            .with("actual", self.size));
        }
        Ok(())
    }

    pub(super) fn take(&mut self, n: u64) -> Result<Vec<u8>, KernelError> {
        self.claim(n)?;
        let mut out = vec![0; n as usize];
        let mut done = 0;
        while done < out.len() {
            let inside = (self.at - self.block_at) as usize;
            if self.at < self.block_at || inside >= self.block.len() {
                let length = (self.size - self.at).min(BLOCK as u64) as usize;
                self.block.resize(length, 0);
                self.file.read_exact_at(self.at, &mut self.block)?;
                self.block_at = self.at;
                continue;
            }
            let part = (self.block.len() - inside).min(out.len() - done);
            out[done..done + part].copy_from_slice(&self.block[inside..inside + part]);
            done += part;
            self.at += part as u64;
        }
        Ok(out)
    }

    pub(super) fn u32(&mut self) -> Result<u32, KernelError> {
        let b = self.take(4)?;
        Ok(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    pub(super) fn u64(&mut self) -> Result<u64, KernelError> {
        Ok(u64::from(self.u32()?) << 32 | u64::from(self.u32()?))
    }

    /// Skips to the next multiple of 4; what is skipped is not checked (the library does not either).
    pub(super) fn pad(&mut self, length: u64) -> Result<(), KernelError> {
        let rest = (4 - length % 4) % 4;
        self.take(rest).map(|_| ())
    }
}
