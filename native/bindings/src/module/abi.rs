//! The C interface of a native module, ABI 1 (`docs/native-abi.md`).
use std::ffi::c_void;

/// `struct alloy_input`.
#[repr(C)]
pub struct Input {
    pub values: *const c_void,
    pub arena: *const u8,
    pub arena_len: u64,
}

/// `struct alloy_output`.
#[repr(C)]
pub struct Output {
    pub values: *mut c_void,
    pub validity: *mut u8,
}

/// `struct alloy_batch`.
#[repr(C)]
pub struct Batch {
    pub n: u64,
    pub first: u64,
    pub inputs: *const Input,
    pub outputs: *mut Output,
    pub rows_max: u64,
    pub src: *mut u32,
    pub codes: *mut u8,
    pub state: *mut u64,
    pub rows: u64,
    pub answered: u64,
}

/// `struct alloy_argument`.
#[repr(C)]
pub struct Argument {
    pub values: *const f64,
    pub stride: u64,
}

/// `struct alloy_map`.
#[repr(C)]
pub struct Map {
    pub n: u64,
    pub arguments: *const Argument,
    pub out: *mut f64,
    pub codes: *mut u8,
}

/// `alloy_run_v1`.
pub type Run = unsafe extern "C" fn(*mut Batch) -> u64;
/// `alloy_map_v1`.
pub type MapEntry = unsafe extern "C" fn(*mut Map) -> u64;

/// Codes an entry may set: `data.*`, `script.output`, declined, out of fuel.
#[must_use]
pub const fn is_code(code: u8) -> bool {
    matches!(code, 1..=7 | 37 | 200 | 201)
}
