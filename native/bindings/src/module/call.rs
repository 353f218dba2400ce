//! One call of a module's entry: room for its output, the call, and a check of everything it says.
//!
//! A module runs inside the jail of its worker and may have written anywhere in it; what is checked here keeps an
//! honest mistake from becoming a wrong row, and the core checks the reply again.
#![allow(unsafe_code)] // the module loader; every block states why it is sound

use super::abi::{is_code, Argument, Batch, Input, Map, MapEntry, Output, Run};
use super::frame::{Frame, Kind};
use super::open::Opened;
use alloy_kernels::elf;
use std::ptr::{null, null_mut};

/// Code of an input that lacks a value; the host's own, set before the call.
pub const ABSENT: u8 = 6; // data.schema

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
    const fn size(&self) -> usize {
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

/// The shape of a module's batches.
pub struct Plan {
    pub inputs: Vec<Kind>,
    pub outputs: Vec<Field>,
    /// Per value of STATE whether it is a bool.
    pub state: Vec<bool>,
    pub max_rows: usize,
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

/// What a module made of inputs `first` to `answered`.
pub struct Part {
    pub answered: usize,
    pub codes: Vec<u8>,
    pub src: Vec<u32>,
    pub columns: Vec<Column>,
    pub state: Vec<u64>,
}

/// Words as bytes, without a copy.
pub fn bytes_of<T: Word>(words: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, and any of their bytes is a byte.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

/// Numbers that may be looked at as bytes.
pub trait Word {}
impl Word for u64 {}
impl Word for u32 {}
impl Word for f64 {}

/// Room for `rows` values of `size` bytes, zero, aligned for any of them.
fn room(rows: usize, size: usize) -> Vec<u64> {
    vec![0; (rows * size).div_ceil(8)]
}

/// Runs inputs `first` to `stop` of a frame.
///
/// # Errors
/// What the module says that cannot be.
pub fn run(
    module: &Opened,
    plan: &Plan,
    body: &[u8],
    frame: &Frame,
    (first, stop): (usize, usize),
    state: Vec<u64>,
) -> Result<Part, String> {
    let rows_max = (stop - first) * plan.max_rows;
    let mut codes = vec![0_u8; stop];
    if !frame.complete() {
        for (i, code) in codes.iter_mut().enumerate().skip(first) {
            *code = if frame.is_present(body, i) { 0 } else { ABSENT };
        }
    }
    let before = codes.clone();
    let inputs: Vec<Input> = frame
        .columns
        .iter()
        .map(|c| Input {
            values: body[c.values.clone()].as_ptr().cast(),
            arena: if c.kind == Kind::Bytes {
                body[c.arena.clone()].as_ptr()
            } else {
                null()
            },
            arena_len: c.arena.len() as u64,
        })
        .collect();
    let mut values: Vec<Vec<u64>> = plan
        .outputs
        .iter()
        .map(|f| room(rows_max, f.size()))
        .collect();
    let mut bits: Vec<Vec<u8>> = plan
        .outputs
        .iter()
        .map(|f| vec![0; if f.optional { rows_max.div_ceil(8) } else { 0 }])
        .collect();
    let mut outputs: Vec<Output> = values
        .iter_mut()
        .zip(&mut bits)
        .map(|(v, b)| Output {
            values: v.as_mut_ptr().cast(),
            validity: if b.is_empty() {
                null_mut()
            } else {
                b.as_mut_ptr()
            },
        })
        .collect();
    let mut src = vec![0_u32; rows_max];
    let mut state = state;
    let mut batch = Batch {
        n: stop as u64,
        first: first as u64,
        inputs: inputs.as_ptr(),
        outputs: outputs.as_mut_ptr(),
        rows_max: rows_max as u64,
        src: src.as_mut_ptr(),
        codes: codes.as_mut_ptr(),
        state: if state.is_empty() {
            null_mut()
        } else {
            state.as_mut_ptr()
        },
        rows: 0,
        answered: 0,
    };
    // SAFETY: `entry` is the address of the symbol `alloy_run_v1` of a mapped module; the frame's alignment and the
    // offsets in it were checked, every pointer has the room that the interface promises, and all of it outlives
    // the call. Code that does not keep to the interface can reach this process only, which is jailed for it.
    let set = unsafe {
        let entry: Run = std::mem::transmute::<usize, Run>(module.entry);
        entry(&mut batch)
    };
    let said = Said {
        set,
        rows: batch.rows,
        answered: batch.answered,
        before: &before,
        first,
        stop,
    };
    let answered = said.check(plan, &codes, &src, &state)?;
    let rows = batch.rows as usize; // checked: at most rows_max
    src.truncate(rows);
    let mut places = frame
        .columns
        .iter()
        .filter(|c| c.kind == Kind::Bytes)
        .map(|c| range(&body[c.arena.clone()]))
        .collect::<Vec<_>>();
    places.extend_from_slice(&module.constants);
    let columns = plan
        .outputs
        .iter()
        .zip(values)
        .zip(bits)
        .enumerate()
        .map(|(k, ((f, v), b))| {
            column(f, v, b, rows, &places).map_err(|what| format!("column {k}: {what}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    codes.truncate(answered);
    Ok(Part {
        answered,
        codes: codes.split_off(first),
        src,
        columns,
        state,
    })
}

fn range(bytes: &[u8]) -> (usize, usize) {
    let at = bytes.as_ptr() as usize;
    (at, at + bytes.len())
}

/// The numbers a call came back with.
struct Said<'a> {
    set: u64,
    rows: u64,
    answered: u64,
    before: &'a [u8],
    first: usize,
    stop: usize,
}

impl Said<'_> {
    /// The inputs that were answered, if all of it can be.
    fn check(
        &self,
        plan: &Plan,
        codes: &[u8],
        src: &[u32],
        state: &[u64],
    ) -> Result<usize, String> {
        let room = src.len();
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let answered = usize::try_from(self.answered).unwrap_or(usize::MAX);
        if answered <= self.first || answered > self.stop {
            return Err(format!(
                "it answered up to {answered} of inputs {} to {}",
                self.first, self.stop
            ));
        }
        if rows > room {
            return Err(format!("{rows} rows where there is room for {room}"));
        }
        let mut set = 0;
        for (i, (code, before)) in codes.iter().zip(self.before).enumerate() {
            if code == before {
                continue;
            }
            if *before != 0 || !is_code(*code) || i < self.first || i >= answered {
                return Err(format!("code {code} of input {i}"));
            }
            if !plan.state.is_empty() && i + 1 != answered {
                return Err(format!("it went on behind input {i}, which has a code"));
            }
            set += 1;
        }
        if set != self.set {
            return Err(format!("it set {set} codes and counts {}", self.set));
        }
        // There is room for all rows, so only a code ends a call early, and only where there is STATE.
        if answered < self.stop && (plan.state.is_empty() || codes[answered - 1] == 0) {
            return Err(format!(
                "it stopped behind input {} for no reason",
                answered - 1
            ));
        }
        check_src(&src[..rows], codes, self.first, answered, plan.max_rows)?;
        for (k, (value, is_bool)) in state.iter().zip(&plan.state).enumerate() {
            if *is_bool && *value > 1 {
                return Err(format!("state value {k} is a bool and holds {value}"));
            }
        }
        Ok(answered)
    }
}

fn check_src(
    src: &[u32],
    codes: &[u8],
    first: usize,
    answered: usize,
    max_rows: usize,
) -> Result<(), String> {
    let (mut last, mut run) = (first as u32, 0);
    for (row, from) in src.iter().enumerate() {
        run = if *from == last { run + 1 } else { 1 };
        if *from < last
            || *from as usize >= answered
            || run > max_rows
            || codes[*from as usize] != 0
        {
            return Err(format!("row {row} comes from input {from}"));
        }
        last = *from;
    }
    Ok(())
}

/// One column in the form of a reply: validity dropped where every value is there, spans copied.
fn column(
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

/// One argument of an element-wise call.
pub enum Elements<'a> {
    One(f64),
    Each(&'a [f64]),
}

/// What an element-wise call came to.
pub struct Mapped {
    pub values: Vec<f64>,
    pub codes: Vec<u8>,
}

/// Maps `n` elements.
///
/// # Errors
/// What the module says that cannot be.
pub fn map(
    module: &Opened,
    n: usize,
    arguments: &[Elements<'_>],
    total: bool,
) -> Result<Mapped, String> {
    debug_assert!(module.is(elf::Kind::Map));
    let list: Vec<Argument> = arguments
        .iter()
        .map(|a| match a {
            Elements::One(value) => Argument {
                values: value,
                stride: 0,
            },
            Elements::Each(values) => Argument {
                values: values.as_ptr(),
                stride: 1,
            },
        })
        .collect();
    let mut out = vec![0.0_f64; n];
    let mut codes = vec![0_u8; if total { 0 } else { n }];
    let mut order = Map {
        n: n as u64,
        arguments: list.as_ptr(),
        out: out.as_mut_ptr(),
        codes: if total {
            null_mut()
        } else {
            codes.as_mut_ptr()
        },
    };
    // SAFETY: as in `run`; each argument has one value or `n`, which the caller checked.
    let set = unsafe {
        let entry: MapEntry = std::mem::transmute::<usize, MapEntry>(module.entry);
        entry(&mut order)
    };
    let coded = codes.iter().filter(|c| **c != 0).count() as u64;
    if coded != set {
        return Err(format!("it set {coded} codes and counts {set}"));
    }
    for (i, code) in codes.iter().enumerate().filter(|(_, code)| **code != 0) {
        if !is_code(*code) || !out[i].is_nan() {
            return Err(format!("code {code} of element {i}"));
        }
    }
    Ok(Mapped { values: out, codes })
}
