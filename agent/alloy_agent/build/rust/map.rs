//! `f(...)` for Python: one element through the element-wise entry.

use core::ptr::{null, null_mut};

use crate::python::{self, Outcome, Owned, Raised, Raw};
use crate::tables::{self, ARITY, PARAMETERS};

#[repr(C)]
struct Argument {
    values: *const f64,
    stride: u64,
}

#[repr(C)]
struct Map {
    n: u64,
    arguments: *const Argument,
    out: *mut f64,
    codes: *mut u8,
}

extern "C" {
    fn alloy_map_v1(map: *mut Map) -> u64;
}

pub unsafe extern "C" fn call(_module: Raw, args: Raw, _keywords: Raw) -> Raw {
    match f(args) {
        Ok(result) => result.give(),
        Err(Raised) => null_mut(),
    }
}

fn f(args: Raw) -> Outcome<Owned> {
    if python::arguments(args) != PARAMETERS {
        return Err(python::raise(c"TypeError", ARITY));
    }
    let mut values = [0.0; PARAMETERS];
    let mut arguments = [const {
        Argument {
            values: null(),
            stride: 1,
        }
    }; PARAMETERS];
    for (at, value) in values.iter_mut().enumerate() {
        *value = python::float(python::argument(args, at)?)?;
    }
    for (argument, value) in arguments.iter_mut().zip(&values) {
        argument.values = value;
    }
    let (mut out, mut code) = (0.0, 0u8);
    let mut map = Map {
        n: 1,
        arguments: arguments.as_ptr(),
        out: &mut out,
        codes: &mut code,
    };
    // SAFETY: every pointer leads to room for one element and outlives the call
    unsafe { alloy_map_v1(&mut map) };
    if code != 0 {
        return Err(python::raise(c"ValueError", tables::reason(code)));
    }
    python::from_float(out)
}
