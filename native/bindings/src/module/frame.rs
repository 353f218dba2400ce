//! The RUN frame (`alloy_transforms.sandbox.protocol`) as sections of one buffer, checked, without a copy.
use std::ops::Range;

const RUN: u8 = 3;
const VERSION: u8 = 1;
const HEADER: usize = 24;
const INPUTS_MAX: usize = 65_536;
const FLAG_STATE: u32 = 1;
const FLAG_BOTH: u32 = 2;

/// Type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bytes,
    Int,
    Float,
    Bool,
}

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "bytes" => Some(Self::Bytes),
            "int" => Some(Self::Int),
            "float" => Some(Self::Float),
            "bool" => Some(Self::Bool),
            _ => None,
        }
    }

    const fn size(self) -> usize {
        match self {
            Self::Bytes => 4,
            Self::Int | Self::Float => 8,
            Self::Bool => 1,
        }
    }
}

/// Where one column lies in the frame.
pub struct Column {
    pub kind: Kind,
    pub values: Range<usize>,
    pub arena: Range<usize>,
    pub validity: Range<usize>,
}

/// One frame.
pub struct Frame {
    pub n: usize,
    pub batch: u32,
    pub both: bool,
    pub state: Option<Range<usize>>,
    pub columns: Vec<Column>,
}

/// What is wrong with a frame; the core that made it is trusted, so this is a bug.
pub type Malformed = &'static str;

fn word(body: &[u8], at: usize) -> Result<u32, Malformed> {
    body.get(at..)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or("the frame ends inside its head")
}

/// Gives sections in order, each padded to a multiple of 8.
struct Sections {
    at: usize,
    end: usize,
}

impl Sections {
    fn take(&mut self, size: usize) -> Result<Range<usize>, Malformed> {
        let from = self.at;
        let until = from
            .checked_add(size)
            .ok_or("a section ends past the frame")?;
        self.at = until.next_multiple_of(8);
        if self.at > self.end {
            return Err("a section ends past the frame");
        }
        Ok(from..until)
    }
}

impl Frame {
    pub fn parse(body: &[u8], kinds: &[Kind]) -> Result<Self, Malformed> {
        let (head, n, state_bytes, flags) = (
            word(body, 0)?,
            word(body, 8)?,
            word(body, 12)?,
            word(body, 16)?,
        );
        let n = n as usize;
        let columns = (head >> 16) as usize;
        if head as u8 != RUN || (head >> 8) as u8 != VERSION || columns != kinds.len() {
            return Err("not a RUN frame of this version and contract");
        }
        if n == 0 || n > INPUTS_MAX || flags & !(FLAG_STATE | FLAG_BOTH) != 0 {
            return Err("a RUN frame with impossible counts or flags");
        }
        let mut sections = Sections {
            at: HEADER + 8 * columns,
            end: body.len(),
        };
        let state = sections.take(state_bytes as usize)?;
        let mut found = Vec::with_capacity(columns);
        for (k, kind) in kinds.iter().enumerate() {
            let count = n + usize::from(*kind == Kind::Bytes);
            let (arena, bits) = (word(body, HEADER + 8 * k)?, word(body, HEADER + 8 * k + 4)?);
            let column = Column {
                kind: *kind,
                values: sections.take(count * kind.size())?,
                arena: sections.take(arena as usize)?,
                validity: sections.take(bits as usize)?,
            };
            column.check(body, n)?;
            found.push(column);
        }
        if sections.at != body.len() {
            return Err("the sections do not fill the frame");
        }
        Ok(Self {
            n,
            batch: word(body, 4)?,
            both: flags & FLAG_BOTH != 0,
            state: (flags & FLAG_STATE != 0).then_some(state),
            columns: found,
        })
    }

    /// Whether every input of the batch has all its values.
    pub fn complete(&self) -> bool {
        self.columns.iter().all(|c| c.validity.is_empty())
    }

    /// Whether this input has all its values.
    pub fn is_present(&self, body: &[u8], input: usize) -> bool {
        self.columns.iter().all(|c| c.has(body, input))
    }
}

impl Column {
    /// What the module will follow without looking.
    fn check(&self, body: &[u8], n: usize) -> Result<(), Malformed> {
        let values = &body[self.values.clone()];
        match self.kind {
            Kind::Bytes => {
                let mut last = 0;
                let mut fault = false;
                for bytes in values.chunks_exact(4) {
                    let offset = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                    fault |= offset < last;
                    last = offset;
                }
                if fault || last as usize > self.arena.len() {
                    return Err("offsets of an input are not ascending or lead past its arena");
                }
            }
            Kind::Bool if values.iter().any(|b| *b > 1) => {
                return Err("an input holds what is no bool")
            }
            _ => {}
        }
        if !self.validity.is_empty() && self.validity.len() != n.div_ceil(8) {
            return Err("validity bits of an input do not fit");
        }
        Ok(())
    }

    pub fn has(&self, body: &[u8], input: usize) -> bool {
        self.validity.is_empty() || body[self.validity.start + input / 8] >> (input % 8) & 1 != 0
    }

    /// Bytes of one value of an input of type `bytes`.
    pub fn slice<'a>(&self, body: &'a [u8], input: usize) -> &'a [u8] {
        let offset = |k: usize| {
            let at = self.values.start + 4 * k;
            u32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]) as usize
        };
        &body[self.arena.start + offset(input)..self.arena.start + offset(input + 1)]
    }

    /// Eight bytes of one value of an input of type `int` or `float`.
    pub fn eight(&self, body: &[u8], input: usize) -> [u8; 8] {
        let mut out = [0; 8];
        let at = self.values.start + 8 * input;
        out.copy_from_slice(&body[at..at + 8]);
        out
    }

    /// One value of an input of type `bool`.
    pub fn truth(&self, body: &[u8], input: usize) -> bool {
        body[self.values.start + input] != 0
    }
}
