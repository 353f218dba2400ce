//! One call of a module's entry: room for its output, the call, and a check of everything it says (`said`, `columns`).
//!
//! A module runs inside the jail of its worker and may have written anywhere in it; what is checked here keeps an
//! honest mistake from becoming a wrong row, and the core checks the reply again.
#![allow(unsafe_code)] // the module loader; every block states why it is sound

use super::abi::{is_code, Argument, Batch, Input, Map, MapEntry, Output, Run};
use super::columns::{column, Column, Field};
use super::frame::{Frame, Kind};
use super::open::Opened;
use super::said::Said;
use alloy_kernels::elf;
use std::borrow::Cow;
use std::ptr::{null, null_mut};

/// Code of an input that lacks a value; the host's own, set before the call.
pub const ABSENT: u8 = 6; // data.schema

/// The shape of a module's batches.
pub struct Plan {
    pub inputs: Vec<Kind>,
    pub outputs: Vec<Field>,
    /// Per value of STATE whether it is a bool.
    pub state: Vec<bool>,
    pub max_rows: usize,
}

/// What a module made of inputs `first` to `answered`.
pub struct Part {
    pub answered: usize,
    pub codes: Vec<u8>,
    pub src: Vec<u32>,
    pub columns: Vec<Column>,
    pub state: Vec<u64>,
}

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

/// One argument of an element-wise call.
pub enum Elements<'a> {
    One(f64),
    Each(Cow<'a, [f64]>),
}

/// Maps the elements of `arguments`, each one value or `out.len()`, into `out`; their codes, none where `total`.
///
/// # Errors
/// What the module says that cannot be.
pub fn map(
    module: &Opened,
    arguments: &[Elements<'_>],
    out: &mut [f64],
    total: bool,
) -> Result<Vec<u8>, String> {
    debug_assert!(module.is(elf::Kind::Map));
    let n = out.len();
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
    Ok(codes)
}

/// As `map` for the elements whose bit is set; the others are zero, without a code, and not shown to the module.
///
/// # Errors
/// What the module says that cannot be.
pub fn map_present(
    module: &Opened,
    arguments: &[Elements<'_>],
    out: &mut [f64],
    total: bool,
    bits: &[u8],
) -> Result<Vec<u8>, String> {
    let places: Vec<usize> = (0..out.len())
        .filter(|i| bits[i / 8] >> (i % 8) & 1 != 0)
        .collect();
    out.fill(0.0);
    let mut codes = vec![0_u8; if total { 0 } else { out.len() }];
    if places.is_empty() {
        return Ok(codes);
    }
    let shown: Vec<Elements<'_>> = arguments
        .iter()
        .map(|a| match a {
            Elements::One(value) => Elements::One(*value),
            Elements::Each(values) => Elements::Each(places.iter().map(|i| values[*i]).collect()),
        })
        .collect();
    let mut found = vec![0.0; places.len()];
    let said = map(module, &shown, &mut found, total)?;
    for (place, value) in places.iter().zip(&found) {
        out[*place] = *value;
    }
    for (place, code) in places.iter().zip(said) {
        codes[*place] = code;
    }
    Ok(codes)
}
