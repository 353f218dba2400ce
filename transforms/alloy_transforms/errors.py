"""Errors of this package and the registry of the codes a transform can end with."""

from __future__ import annotations

from .native import CodedError


class TransformError(CodedError):
    """Root of every error this package raises on purpose."""


class RecordError(TransformError):
    """Data that does not fit the record model (`record.*`, `data.*`, `unit.*`)."""


class ScriptError(TransformError):
    """A transform's own failure (`script.*`, `build.*`)."""


class ViolationError(TransformError):
    """A worker did what no honest transform does (`violation.*`)."""


WIRE_CODES: dict[int, str] = {
    1: "data.div",
    2: "data.index",
    3: "data.value",
    4: "data.overflow",
    5: "data.range",
    6: "data.schema",
    7: "data.length",
    32: "script.exception",
    33: "script.wall",
    34: "script.cpu",
    35: "script.memory",
    36: "script.recursion",
    37: "script.output",
    38: "script.crash",
    48: "violation.syscall",
    49: "violation.exec_map",
    50: "violation.protocol",
    64: "build.syntax",
    65: "build.lang",
    66: "build.type",
    67: "build.limit",
    68: "build.diff",
    69: "build.rustc",
    80: "load.signature",
    81: "load.hash",
    82: "load.arch",
    83: "load.abi",
    84: "load.elf",
    85: "load.selftest",
    200: "control.decline",
    201: "control.fuel",
}
"""Byte on the worker wire -> dotted name; never reused."""

CODES: dict[str, str] = {
    "data.div": "division by zero",
    "data.index": "an index lies outside its sequence",
    "data.value": "a value is not what the transform accepts",
    "data.overflow": "a number does not fit",
    "data.range": "a field or state value does not fit its declared type",
    "data.schema": "a field is missing or of the wrong type",
    "data.length": "the input is too short or too long",
    "script.exception": "the transform raised an exception that is not about data",
    "script.wall": "the batch took longer than its wall-clock limit; the worker was killed",
    "script.cpu": "the worker used up its CPU limit",
    "script.memory": "the transform asked for more memory than it may have",
    "script.recursion": "the transform recursed too deeply",
    "script.output": "the transform produced more output than it may",
    "script.crash": "the worker died from a signal",
    "violation.syscall": "the worker made a system call outside its allow-list; the kernel killed it",
    "violation.protocol": "the worker sent a malformed reply",
    "build.syntax": "the file is not valid Python",
    "build.lang": "the file uses what its profile does not allow",
    "build.type": "the declared contract is inconsistent",
    "build.diff": "a native module answered otherwise than Python",
    "build.limit": "the file exceeds a size limit",
    "build.ir": "a document of the intermediate representation is not well formed",
    "load.signature": "this device does not trust a native module: no signed update brought it, and no build here",
    "load.hash": "a native module is another file than named, or was made of another file or other PARAMS",
    "load.arch": "a native module is for another processor",
    "load.abi": "a native module has another interface or schema than the transform that runs",
    "load.elf": "a native module is not the plain shared object that docs/native-abi.md describes",
    "record.malformed": "the bytes are not a well-formed message",
    "record.truncated": "a message ends before its last item",
    "record.trailing": "bytes follow the end of a message",
    "record.limit": "a message exceeds a limit on size, depth or count",
    "record.field": "a field of a message is absent, unknown, or of the wrong type or value",
    "record.value": "a value cannot be represented",
    "record.shape": "the lengths of a block do not agree with each other or with its descriptor",
    "record.sid": "a block belongs to a descriptor that is not at hand",
    "record.crc": "the checksum of a payload is wrong",
    "unit.syntax": "a unit is not valid UCUM",
    "unit.unknown": "a unit is not known",
    "unit.dimension": "two units do not measure the same kind of quantity",
    "unit.nonlinear": "a unit cannot be converted by a scale and an offset",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
