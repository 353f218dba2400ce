//! The few functions of Python's stable ABI (3.11) that a module uses, declared by hand, and an owned reference.
//!
//! Functions only: a module has no undefined data, so errors are looked up by name in `builtins`.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_long, c_longlong, c_void, CStr};
use core::ptr::{null, null_mut};

use crate::tables::{FLAGS, FUNCTION, FUNCTION_DOC, MODULE_DOC, NAME};

pub type Raw = *mut c_void;
type Call = unsafe extern "C" fn(Raw, Raw, Raw) -> Raw;

const PY_MOD_EXEC: c_int = 2;

extern "C" {
    fn PyModuleDef_Init(definition: *mut ModuleDef) -> Raw;
    fn PyModule_AddIntConstant(module: Raw, name: *const c_char, value: c_long) -> c_int;
    fn PyModule_AddObjectRef(module: Raw, name: *const c_char, value: Raw) -> c_int;
    fn PyImport_ImportModule(name: *const c_char) -> Raw;
    fn PyObject_GetAttrString(object: Raw, name: *const c_char) -> Raw;
    fn PyObject_IsTrue(object: Raw) -> c_int;
    fn PyErr_SetString(kind: Raw, text: *const c_char);
    fn PyErr_Occurred() -> Raw;
    fn PyTuple_Size(tuple: Raw) -> isize;
    fn PyTuple_GetItem(tuple: Raw, at: isize) -> Raw;
    fn PyTuple_New(size: isize) -> Raw;
    fn PyTuple_SetItem(tuple: Raw, at: isize, item: Raw) -> c_int;
    fn PyMapping_GetItemString(map: Raw, key: *const c_char) -> Raw;
    fn PyMapping_Size(map: Raw) -> isize;
    fn PyDict_New() -> Raw;
    fn PyDict_SetItemString(dict: Raw, key: *const c_char, value: Raw) -> c_int;
    fn PyList_New(size: isize) -> Raw;
    fn PyList_Append(list: Raw, item: Raw) -> c_int;
    fn PyBytes_FromStringAndSize(at: *const c_char, size: isize) -> Raw;
    fn PyBytes_AsStringAndSize(object: Raw, at: *mut *mut c_char, size: *mut isize) -> c_int;
    fn PyUnicode_FromStringAndSize(at: *const c_char, size: isize) -> Raw;
    fn PyLong_FromLongLong(value: c_longlong) -> Raw;
    fn PyLong_AsLongLong(object: Raw) -> c_longlong;
    fn PyFloat_FromDouble(value: f64) -> Raw;
    fn PyFloat_AsDouble(object: Raw) -> f64;
    fn PyBool_FromLong(value: c_long) -> Raw;
    fn Py_DecRef(object: Raw);
}

/// A Python error is set in this thread.
pub struct Raised;
pub type Outcome<T> = Result<T, Raised>;

/// A reference that is given back when it is dropped.
pub struct Owned(Raw);

impl Owned {
    fn of(raw: Raw) -> Outcome<Owned> {
        if raw.is_null() {
            Err(Raised)
        } else {
            Ok(Owned(raw))
        }
    }

    pub fn raw(&self) -> Raw {
        self.0
    }

    pub fn give(self) -> Raw {
        let raw = self.0;
        core::mem::forget(self);
        raw
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and is given back once
        unsafe { Py_DecRef(self.0) }
    }
}

fn done(status: c_int) -> Outcome<()> {
    if status < 0 {
        Err(Raised)
    } else {
        Ok(())
    }
}

/// Sets the error `builtins.<kind>(text)`.
pub fn raise(kind: &CStr, text: &CStr) -> Raised {
    // SAFETY: both texts end with zero; a failed look-up leaves its own error set
    unsafe {
        let Ok(builtins) = Owned::of(PyImport_ImportModule(c"builtins".as_ptr())) else {
            return Raised;
        };
        let Ok(class) = Owned::of(PyObject_GetAttrString(builtins.raw(), kind.as_ptr())) else {
            return Raised;
        };
        PyErr_SetString(class.raw(), text.as_ptr());
    }
    Raised
}

// SAFETY of all that follows: the interpreter calls us with its lock held; every object handed in is a live one,
// every text ends with zero, and a result of null or -1 means that an error is set.

pub fn integer(object: Raw) -> Outcome<i64> {
    let value = unsafe { PyLong_AsLongLong(object) };
    if value == -1 && unsafe { !PyErr_Occurred().is_null() } {
        Err(Raised)
    } else {
        Ok(value)
    }
}

pub fn float(object: Raw) -> Outcome<f64> {
    let value = unsafe { PyFloat_AsDouble(object) };
    if value == -1.0 && unsafe { !PyErr_Occurred().is_null() } {
        Err(Raised)
    } else {
        Ok(value)
    }
}

pub fn truth(object: Raw) -> Outcome<bool> {
    let value = unsafe { PyObject_IsTrue(object) };
    done(value).map(|()| value != 0)
}

/// Where the content of a bytes object lies; valid while the object lives.
pub fn content(object: Raw) -> Outcome<(*const u8, usize)> {
    let (mut at, mut size) = (null_mut(), 0);
    done(unsafe { PyBytes_AsStringAndSize(object, &mut at, &mut size) })?;
    Ok((at as *const u8, size as usize))
}

pub fn from_integer(value: i64) -> Outcome<Owned> {
    Owned::of(unsafe { PyLong_FromLongLong(value) })
}

pub fn from_float(value: f64) -> Outcome<Owned> {
    Owned::of(unsafe { PyFloat_FromDouble(value) })
}

pub fn from_truth(value: bool) -> Outcome<Owned> {
    Owned::of(unsafe { PyBool_FromLong(c_long::from(value)) })
}

/// # Safety
/// `at` must point to `size` bytes.
pub unsafe fn from_bytes(at: *const u8, size: usize) -> Outcome<Owned> {
    Owned::of(unsafe { PyBytes_FromStringAndSize(at.cast(), size as isize) })
}

/// # Safety
/// `at` must point to `size` bytes; bytes that are no UTF-8 are an error of Python's.
pub unsafe fn from_utf8(at: *const u8, size: usize) -> Outcome<Owned> {
    Owned::of(unsafe { PyUnicode_FromStringAndSize(at.cast(), size as isize) })
}

pub fn arguments(tuple: Raw) -> usize {
    unsafe { PyTuple_Size(tuple) as usize }
}

/// A borrowed reference.
pub fn argument(tuple: Raw, at: usize) -> Outcome<Raw> {
    let item = unsafe { PyTuple_GetItem(tuple, at as isize) };
    if item.is_null() {
        Err(Raised)
    } else {
        Ok(item)
    }
}

pub fn pair(first: Owned, second: Owned) -> Outcome<Owned> {
    let tuple = Owned::of(unsafe { PyTuple_New(2) })?;
    done(unsafe { PyTuple_SetItem(tuple.raw(), 0, first.give()) })?; // takes the reference, even when it fails
    done(unsafe { PyTuple_SetItem(tuple.raw(), 1, second.give()) })?;
    Ok(tuple)
}

pub fn size(map: Raw) -> Outcome<usize> {
    let size = unsafe { PyMapping_Size(map) };
    usize::try_from(size).map_err(|_| Raised)
}

pub fn entry(map: Raw, key: &CStr) -> Outcome<Owned> {
    Owned::of(unsafe { PyMapping_GetItemString(map, key.as_ptr()) })
}

pub fn dict() -> Outcome<Owned> {
    Owned::of(unsafe { PyDict_New() })
}

pub fn set(dict: &Owned, key: &CStr, value: Owned) -> Outcome<()> {
    done(unsafe { PyDict_SetItemString(dict.raw(), key.as_ptr(), value.raw()) })
}

pub fn list() -> Outcome<Owned> {
    Owned::of(unsafe { PyList_New(0) })
}

pub fn append(list: &Owned, item: Owned) -> Outcome<()> {
    done(unsafe { PyList_Append(list.raw(), item.raw()) })
}

#[repr(C)]
struct Method {
    name: *const c_char,
    call: Option<Call>,
    flags: c_int,
    doc: *const c_char,
}

#[repr(C)]
struct Slot {
    id: c_int,
    value: Option<unsafe extern "C" fn(Raw) -> c_int>,
}

/// PyModuleDef with its head: a reference count and a type that Python fills in.
#[repr(C)]
struct ModuleDef {
    references: isize,
    kind: Raw,
    init: Raw,
    index: isize,
    copy: Raw,
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    methods: *const Method,
    slots: *const Slot,
    traverse: Raw,
    clear: Raw,
    free: Raw,
}

// SAFETY: read-only tables that Python is given a pointer to
unsafe impl Sync for Method {}
unsafe impl Sync for Slot {}

/// The definition; only Python changes it, with its lock held.
struct Definition(UnsafeCell<ModuleDef>);
// SAFETY: as the line above says
unsafe impl Sync for Definition {}

static METHODS: [Method; 2] = [
    Method {
        name: FUNCTION.as_ptr(),
        call: Some(crate::face::call),
        flags: FLAGS,
        doc: FUNCTION_DOC.as_ptr(),
    },
    Method {
        name: null(),
        call: None,
        flags: 0,
        doc: null(),
    },
];
static SLOTS: [Slot; 2] = [
    Slot {
        id: PY_MOD_EXEC,
        value: Some(exec),
    },
    Slot { id: 0, value: None },
];
static DEFINITION: Definition = Definition(UnsafeCell::new(ModuleDef {
    references: 1,
    kind: null_mut(),
    init: null_mut(),
    index: 0,
    copy: null_mut(),
    name: NAME.as_ptr(),
    doc: MODULE_DOC.as_ptr(),
    size: 0,
    methods: METHODS.as_ptr(),
    slots: SLOTS.as_ptr(),
    traverse: null_mut(),
    clear: null_mut(),
    free: null_mut(),
}));

/// The first phase of the initialisation (PEP 489): hands out the definition.
pub fn init() -> Raw {
    unsafe { PyModuleDef_Init(DEFINITION.0.get()) }
}

/// The second phase: fills one module object.
unsafe extern "C" fn exec(module: Raw) -> c_int {
    let schema: &[u8] = &crate::ALLOY_SCHEMA;
    let fill = || -> Outcome<()> {
        done(unsafe { PyModule_AddIntConstant(module, c"ABI".as_ptr(), 1) })?;
        let schema = unsafe { from_bytes(schema.as_ptr(), schema.len()) }?;
        done(unsafe { PyModule_AddObjectRef(module, c"SCHEMA".as_ptr(), schema.raw()) })
    };
    if fill().is_err() {
        -1
    } else {
        0
    }
}
