//! The C interface of docs/native-abi.md: the only place with `unsafe`. Raw pointers come in, slices go on.
//!
//! The host keeps the contract of that page: every pointer is aligned and valid for the lengths given with it while
//! the call lasts, outputs overlap nothing else.

use crate::data::{Full, Span, Sparse};
use crate::floats::{canonical, NAN};
use crate::integers::{Code, DECLINE};

const MAX_INPUT: usize = 65_536; // bytes
pub const ITERATIONS: i64 = 1_000_000;

#[repr(C)]
pub struct Input {
    values: *const u8,
    arena: *const u8,
    arena_len: u64,
}

#[repr(C)]
pub struct Output {
    values: *mut u8,
    validity: *mut u8,
}

#[repr(C)]
pub struct Batch {
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

#[repr(C)]
pub struct Argument {
    values: *const f64,
    stride: u64,
}

#[repr(C)]
pub struct Map {
    n: u64,
    arguments: *const Argument,
    out: *mut f64,
    codes: *mut u8,
}

/// A slice out of the host's memory; empty where the host gives no address.
///
/// # Safety
/// `at` is null, or aligned and valid for `len` values of any bits for as long as the call of the entry lasts.
unsafe fn seen<'a, T>(at: *const T, len: usize) -> &'a [T] {
    if at.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(at, len) }
}

/// As `seen`, to be written.
///
/// # Safety
/// As `seen`, and nothing else refers to these values.
unsafe fn lent<'a, T>(at: *mut T, len: usize) -> &'a mut [T] {
    if at.is_null() {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(at, len) }
}

/// Types whose every bit pattern is a value, so that the host's memory can be read as them.
pub trait Plain: Copy {}
impl Plain for i8 {}
impl Plain for i16 {}
impl Plain for i32 {}
impl Plain for i64 {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for f64 {}
impl Plain for Span {}

/// Byte strings: offsets into an arena.
pub struct Texts<'a> {
    offsets: &'a [u32],
    arena: &'a [u8],
}

impl<'a> Texts<'a> {
    /// Declined where it is too long, or where the offsets lead outside.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Result<&'a [u8], Code> {
        let (Some(start), Some(stop)) = (self.offsets.get(i), self.offsets.get(i.wrapping_add(1))) else {
            return Err(DECLINE);
        };
        match self.arena.get(*start as usize..*stop as usize) {
            Some(b) if b.len() <= MAX_INPUT => Ok(b),
            _ => Err(DECLINE),
        }
    }
}

/// The columns of one call, each to be taken once.
pub struct Host<'a> {
    n: usize,
    rows: usize,
    inputs: core::slice::Iter<'a, Input>,
    outputs: core::slice::Iter<'a, Output>,
}

impl<'a> Host<'a> {
    /// The next input, of numbers.
    pub fn values<T: Plain>(&mut self) -> &'a [T] {
        match self.inputs.next() {
            // SAFETY: an input holds `n` values (the contract at the top).
            Some(input) => unsafe { seen(input.values.cast(), self.n) },
            None => &[],
        }
    }

    /// The next input, of bytes.
    pub fn texts(&mut self) -> Texts<'a> {
        match self.inputs.next() {
            // SAFETY: an input of bytes holds `n + 1` offsets and an arena of `arena_len` bytes.
            Some(input) => unsafe {
                Texts {
                    offsets: seen(input.values.cast(), self.n.saturating_add(1)),
                    arena: seen(input.arena, input.arena_len as usize),
                }
            },
            None => Texts {
                offsets: &[],
                arena: &[],
            },
        }
    }

    /// The next output, of a field that is always there.
    pub fn full<T: Plain>(&mut self) -> Full<'a, T> {
        match self.outputs.next() {
            // SAFETY: an output has room for `rows_max` values, and each is taken once.
            Some(output) => Full(unsafe { lent(output.values.cast(), self.rows) }),
            None => Full(&mut []),
        }
    }

    /// The next output, of an optional field.
    pub fn sparse<T: Plain>(&mut self) -> Sparse<'a, T> {
        match self.outputs.next() {
            // SAFETY: as in `full`; an optional output has a bit for each of `rows_max` rows.
            Some(output) => unsafe {
                Sparse(
                    lent(output.values.cast(), self.rows),
                    lent(output.validity, self.rows.div_ceil(8)),
                )
            },
            None => Sparse(&mut [], &mut []),
        }
    }
}

/// One record-wise program.
pub trait Program<'a> {
    const MAX_ROWS: usize;
    const INPUTS: usize;
    const OUTPUTS: usize;
    const SLOTS: usize;
    type State: Copy;
    type Inputs;
    type Outputs;

    fn open(host: &mut Host<'a>) -> (Self::Inputs, Self::Outputs);
    fn load(slots: &[u64]) -> Self::State;
    fn store(state: &Self::State, slots: &mut [u64]);

    /// Answers one input: writes its rows from row `at` on and says how many there are.
    fn one(
        inputs: &Self::Inputs,
        i: usize,
        state: &mut Self::State,
        outputs: &mut Self::Outputs,
        at: usize,
    ) -> Result<usize, Code>;
}

/// The record-wise entry.
#[inline(always)]
pub fn run<'a, P: Program<'a>>(batch: *mut Batch) -> u64 {
    // SAFETY: the host gives one batch that is its own (the contract at the top); each slice is made once.
    let (batch, mut host, src, codes, slots) = unsafe {
        let batch: &mut Batch = &mut *batch;
        let (n, rows) = (batch.n as usize, batch.rows_max as usize);
        let host = Host {
            n,
            rows,
            inputs: seen(batch.inputs, P::INPUTS).iter(),
            outputs: seen(batch.outputs, P::OUTPUTS).iter(),
        };
        let (src, codes) = (lent(batch.src, rows), lent(batch.codes, n));
        let slots = lent(batch.state, P::SLOTS);
        (batch, host, src, codes, slots)
    };
    let (inputs, mut outputs) = P::open(&mut host);
    let mut state = P::load(slots);
    let (mut i, mut rows, mut set) = (batch.first as usize, batch.rows as usize, 0);
    while let Some(code) = codes.get_mut(i) {
        if *code == 0 {
            if src.len().saturating_sub(rows) < P::MAX_ROWS {
                break;
            }
            let mut next = state;
            match P::one(&inputs, i, &mut next, &mut outputs, rows) {
                Ok(made) => {
                    for from in src.iter_mut().skip(rows).take(made) {
                        *from = i as u32;
                    }
                    rows = rows.wrapping_add(made);
                    state = next;
                }
                Err(why) => {
                    *code = why as u8;
                    set += 1;
                    if P::SLOTS > 0 {
                        i = i.wrapping_add(1);
                        break;
                    }
                }
            }
        }
        i = i.wrapping_add(1);
    }
    P::store(&state, slots);
    batch.rows = rows as u64;
    batch.answered = i as u64;
    set
}

const BLOCK: usize = 128; // elements

/// Arguments of an element-wise call: values, and whether each element has its own.
struct Arguments<'a, const K: usize> {
    values: [&'a [f64]; K],
    each: [bool; K],
}

impl<'a, const K: usize> Arguments<'a, K> {
    /// # Safety
    /// As the contract at the top.
    unsafe fn open(map: &Map) -> Self {
        // SAFETY: there are K arguments.
        let given = unsafe { seen(map.arguments, K) };
        let mut out = Arguments {
            values: [&[]; K],
            each: [false; K],
        };
        for ((values, each), a) in out.values.iter_mut().zip(&mut out.each).zip(given) {
            *each = a.stride != 0;
            // SAFETY: an argument has one value, or one for each element.
            *values = unsafe { seen(a.values, if *each { map.n as usize } else { 1 }) };
        }
        out
    }

    #[inline(always)]
    fn at(&self, i: usize) -> [f64; K] {
        let mut out = [0.0; K];
        for ((x, values), each) in out.iter_mut().zip(&self.values).zip(&self.each) {
            *x = values.get(if *each { i } else { 0 }).copied().unwrap_or(0.0);
        }
        out
    }
}

/// One block: its own function, so that the compiler knows that `out` overlaps nothing.
#[inline(never)]
fn block<const K: usize>(out: &mut [f64; BLOCK], of: &[&[f64; BLOCK]; K], f: impl Fn([f64; K]) -> f64) {
    for (i, place) in out.iter_mut().enumerate() {
        let mut x = [0.0; K];
        for (x, values) in x.iter_mut().zip(of) {
            *x = values[i];
        }
        *place = canonical(f(x));
    }
}

/// The element-wise entry of a function that cannot fail: whole blocks, then the rest one by one.
#[inline(always)]
pub fn map_total<const K: usize>(map: *mut Map, f: impl Fn([f64; K]) -> f64 + Copy) -> u64 {
    // SAFETY: the host gives one map that is its own.
    let (arguments, out) = unsafe {
        let map: &Map = &*map;
        (Arguments::<K>::open(map), lent(map.out, map.n as usize))
    };
    let mut same = [[0.0; BLOCK]; K];
    for (filled, values) in same.iter_mut().zip(&arguments.values) {
        *filled = [values.first().copied().unwrap_or(0.0); BLOCK];
    }
    let whole = out.len() / BLOCK * BLOCK;
    let (blocks, rest) = out.split_at_mut(whole);
    for (number, place) in blocks.chunks_exact_mut(BLOCK).enumerate() {
        let start = number * BLOCK;
        let mut of = [&[0.0; BLOCK]; K];
        for (k, of) in of.iter_mut().enumerate() {
            let own = arguments.values[k]
                .get(start..)
                .and_then(|v| v.first_chunk::<BLOCK>());
            *of = if arguments.each[k] {
                own.unwrap_or(&same[k])
            } else {
                &same[k]
            };
        }
        if let Some(place) = place.first_chunk_mut::<BLOCK>() {
            block(place, &of, f);
        }
    }
    for (i, place) in rest.iter_mut().enumerate() {
        *place = canonical(f(arguments.at(whole + i)));
    }
    0
}

/// The element-wise entry of a function that can fail.
#[inline(always)]
pub fn map_some<const K: usize>(map: *mut Map, f: impl Fn([f64; K]) -> Result<f64, Code>) -> u64 {
    // SAFETY: the host gives one map that is its own.
    let (arguments, out, codes) = unsafe {
        let map: &Map = &*map;
        let n = map.n as usize;
        (Arguments::<K>::open(map), lent(map.out, n), lent(map.codes, n))
    };
    let mut set = 0;
    for (i, place) in out.iter_mut().enumerate() {
        let (value, code) = match f(arguments.at(i)) {
            Ok(value) => (value, 0),
            Err(code) => (NAN, code as u8),
        };
        *place = canonical(value);
        if let Some(at) = codes.get_mut(i) {
            *at = code;
        }
        set += u64::from(code != 0);
    }
    set
}
