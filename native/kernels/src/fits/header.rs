//! Reads the blocks of one header up to END, and finds keywords in it.
use super::card::{self, Card, Value};
use super::{BLOCK, CARD, MAX_HEADER_BLOCKS};
use crate::source::ReadAt;
use crate::KernelError;

/// A header and where it ends.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) cards: Vec<Card>,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Reads block by block; never more than the limit, never past the file.
pub(super) fn read<R: ReadAt + ?Sized>(file: &R, offset: u64) -> Result<Header, KernelError> {
    let end = file.size()?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut block = [0u8; BLOCK as usize];
    for n in 0..MAX_HEADER_BLOCKS {
        let at = offset + n * BLOCK;
        if at + BLOCK > end {
            return Err(
                KernelError::new("format.truncated", at, "the file ends inside a header")
                    .with("expected", at + BLOCK)
                    .with("actual", end),
            );
        }
        file.read_exact_at(at, &mut block)?;
        let last = block.chunks_exact(CARD).position(is_end);
        bytes.extend_from_slice(&block[..last.map_or(block.len(), |i| i * CARD)]);
        if last.is_some() {
            return Ok(Header {
                cards: card::parse(&bytes),
                offset,
                size: (n + 1) * BLOCK,
            });
        }
    }
    Err(KernelError::new(
        "format.too_large",
        offset,
        "the header has no END within its limit",
    )
    .with("expected", MAX_HEADER_BLOCKS * BLOCK))
}

fn is_end(card: &[u8]) -> bool {
    card.starts_with(b"END") && card[3..].iter().all(|b| *b == b' ')
}

impl Header {
    /// The first value of a keyword.
    pub(super) fn value(&self, keyword: &str) -> Option<&Value> {
        self.cards
            .iter()
            .find(|c| c.keyword == keyword)
            .map(|c| &c.value)
    }

    pub(super) fn text(&self, keyword: &str) -> Option<String> {
        self.value(keyword)
            .and_then(Value::text)
            .map(ToOwned::to_owned)
    }

    pub(super) fn float(&self, keyword: &str) -> Option<f64> {
        self.value(keyword).and_then(Value::float)
    }

    pub(super) fn is_true(&self, keyword: &str) -> bool {
        self.value(keyword) == Some(&Value::Logical(true))
    }

    /// A mandatory integer within limits.
    pub(super) fn int(&self, keyword: &str, low: i128, high: i128) -> Result<i128, KernelError> {
        match self.value(keyword).and_then(Value::int) {
            Some(i) if (low..=high).contains(&i) => Ok(i),
            Some(i) => Err(self.lie(format!("{keyword} is {i}"))),
            None => Err(self.lie(format!("{keyword} is absent or no integer"))),
        }
    }

    /// An integer that may be absent.
    pub(super) fn int_or(
        &self,
        keyword: &str,
        default: i128,
        high: i128,
    ) -> Result<i128, KernelError> {
        match self.value(keyword) {
            None | Some(Value::Undefined) => Ok(default),
            Some(_) => self.int(keyword, 0, high),
        }
    }

    pub(super) fn lie(&self, what: impl Into<String>) -> KernelError {
        KernelError::new("format.header_lie", self.offset, what)
    }
}
