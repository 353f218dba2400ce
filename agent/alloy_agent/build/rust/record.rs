//! `transform(...)` for Python: one input through the batch entry, its rows as a list of dicts of mantissas.

use core::mem::size_of;
use core::ptr::{null, null_mut};

use crate::python::{self, Outcome, Owned, Raised, Raw};
use crate::tables::{self, ARITY, FIELDS, INPUTS, OUTPUTS, ROWS, STATE, VALUES};

#[repr(C)]
struct Input {
    values: *const u8,
    arena: *const u8,
    arena_len: u64,
}

#[repr(C)]
struct Output {
    values: *mut u8,
    validity: *mut u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Span {
    at: *const u8,
    len: u64,
}

#[repr(C)]
struct Batch {
    n: u64,
    first: u64,
    inputs: *const Input,
    outputs: *mut Output,
    rows_max: u64,
    src: *mut u32,
    codes: *mut u8,
    state: *mut u64,
    rows: u64,
    answered: u64,
}

extern "C" {
    fn alloy_run_v1(batch: *mut Batch) -> u64;
}

/// Room for `ROWS` values of any type.
#[repr(C, align(8))]
struct Column([u8; ROWS * size_of::<Span>()]);

pub unsafe extern "C" fn call(_module: Raw, args: Raw, keywords: Raw) -> Raw {
    match transform(args, keywords) {
        Ok(result) => result.give(),
        Err(Raised) => null_mut(),
    }
}

fn transform(args: Raw, keywords: Raw) -> Outcome<Owned> {
    let given = python::arguments(args);
    let before = state_given(args, given, keywords)?;
    let mut slots = [0u64; VALUES];
    for (slot, &(name, kind, first)) in slots.iter_mut().zip(STATE) {
        *slot = match &before {
            Some(state) => word(kind, python::entry(state.0, name)?.raw())?,
            None => first,
        };
    }
    // Of each input its value, or its offsets and where its bytes lie; `args` keeps the objects alive.
    let mut words = [0u64; INPUTS.len()];
    let mut inputs = [const {
        Input {
            values: null(),
            arena: null(),
            arena_len: 0,
        }
    }; INPUTS.len()];
    for (at, kind) in INPUTS.iter().enumerate() {
        let object = python::argument(args, at)?;
        if *kind == b'y' {
            let (content, size) = python::content(object)?;
            let Ok(end) = u32::try_from(size) else {
                return Err(python::raise(c"ValueError", c"declined"));
            };
            words[at] = u64::from(end) << 32; // the two offsets 0 and `end`, little-endian
            (inputs[at].arena, inputs[at].arena_len) = (content, u64::from(end));
        } else {
            words[at] = word(*kind, object)?;
        }
    }
    for (input, word) in inputs.iter_mut().zip(&words) {
        input.values = core::ptr::from_ref(word).cast();
    }
    let mut columns = [const { Column([0; ROWS * size_of::<Span>()]) }; FIELDS];
    let mut validity = [[0u8; ROWS.div_ceil(8)]; FIELDS];
    let mut outputs = [const {
        Output {
            values: null_mut(),
            validity: null_mut(),
        }
    }; FIELDS];
    for (at, &(_, _, optional)) in OUTPUTS.iter().enumerate() {
        outputs[at].values = columns[at].0.as_mut_ptr();
        if optional {
            outputs[at].validity = validity[at].as_mut_ptr();
        }
    }
    let (mut src, mut code) = ([0u32; ROWS], 0u8);
    let mut batch = Batch {
        n: 1,
        first: 0,
        inputs: inputs.as_ptr(),
        outputs: outputs.as_mut_ptr(),
        rows_max: ROWS as u64,
        src: src.as_mut_ptr(),
        codes: &mut code,
        state: if STATE.is_empty() {
            null_mut()
        } else {
            slots.as_mut_ptr()
        },
        rows: 0,
        answered: 0,
    };
    // SAFETY: every pointer leads to room of the size that the interface asks for, and outlives the call
    unsafe { alloy_run_v1(&mut batch) };
    if code != 0 {
        return Err(python::raise(c"ValueError", tables::reason(code)));
    }
    let rows = python::list()?;
    for row in 0..usize::min(batch.rows as usize, ROWS) {
        let fields = python::dict()?;
        for (at, &(name, kind, optional)) in OUTPUTS.iter().enumerate() {
            if !optional || validity[at][row / 8] >> (row % 8) & 1 == 1 {
                python::set(&fields, name, value(kind, &columns[at], row)?)?;
            }
        }
        python::append(&rows, fields)?;
    }
    if STATE.is_empty() {
        return Ok(rows);
    }
    let after = python::dict()?;
    for (slot, &(name, kind, _)) in slots.iter().zip(STATE) {
        python::set(&after, name, state_value(kind, *slot)?)?;
    }
    python::pair(rows, after)
}

/// A borrowed dict.
struct Given(Raw);

/// The state the caller gives, as the last argument or by name; none: the STATE of the file.
fn state_given(args: Raw, given: usize, keywords: Raw) -> Outcome<Option<Given>> {
    let named = if keywords.is_null() {
        0
    } else {
        python::size(keywords)?
    };
    let most = INPUTS.len() + usize::from(!STATE.is_empty());
    if given < INPUTS.len() || given + named > most {
        return Err(python::raise(c"TypeError", ARITY));
    }
    let state = if given == most && most > INPUTS.len() {
        python::argument(args, INPUTS.len())?
    } else if named == 1 {
        python::entry(keywords, c"state")?.raw() // `keywords` keeps it alive
    } else {
        return Ok(None);
    };
    if python::size(state)? != STATE.len() {
        return Err(python::raise(
            c"ValueError",
            c"`state` has other keys than STATE",
        ));
    }
    Ok(Some(Given(state)))
}

/// A value as the interface takes it; letters as in `value`: q int, d float, ? bool.
fn word(kind: u8, object: Raw) -> Outcome<u64> {
    match kind {
        b'd' => python::float(object).map(f64::to_bits),
        b'?' => python::truth(object).map(u64::from),
        _ => python::integer(object).map(|v| v as u64),
    }
}

fn state_value(kind: u8, slot: u64) -> Outcome<Owned> {
    match kind {
        b'd' => python::from_float(f64::from_bits(slot)),
        b'?' => python::from_truth(slot != 0),
        _ => python::from_integer(slot as i64),
    }
}

/// One value of a column: its letter is that of Python's `struct`, ? bool, t text, y bytes.
fn value(kind: u8, column: &Column, row: usize) -> Outcome<Owned> {
    let base = column.0.as_ptr();
    // SAFETY: the column holds `ROWS` values of 16 bytes, and `row` is less than `ROWS`; a span that the module
    // wrote leads to its input or to its constants
    unsafe {
        match kind {
            b'?' => python::from_truth(*base.add(row) != 0),
            b'b' => python::from_integer(i64::from(*base.cast::<i8>().add(row))),
            b'B' => python::from_integer(i64::from(*base.add(row))),
            b'h' => python::from_integer(i64::from(*base.cast::<i16>().add(row))),
            b'H' => python::from_integer(i64::from(*base.cast::<u16>().add(row))),
            b'i' => python::from_integer(i64::from(*base.cast::<i32>().add(row))),
            b'I' => python::from_integer(i64::from(*base.cast::<u32>().add(row))),
            b'd' => python::from_float(*base.cast::<f64>().add(row)),
            b't' | b'y' => {
                let span = *base.cast::<Span>().add(row);
                if kind == b't' {
                    python::from_utf8(span.at, span.len as usize)
                } else {
                    python::from_bytes(span.at, span.len as usize)
                }
            }
            _ => python::from_integer(*base.cast::<i64>().add(row)),
        }
    }
}
