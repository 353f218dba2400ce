"""The contract of a transform: what its file declares, as data both sides of the jail understand.

The worker makes it from the user's module (`loader.py`); the core receives it as bounded MessagePack, checks
it again here, and trusts nothing else. This module must not import or run user code.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_ROWS = 64  # rows one input may yield
MAX_FIELDS = 64
MAX_NAME = 64  # characters


class Profile(enum.StrEnum):
    """`portable`: typed subset, may become native; `gateway`: any Python, jail only."""

    PORTABLE = "portable"
    GATEWAY = "gateway"


INPUT_TYPES = ("bytes", "int", "float", "bool", "text")
OUTPUT_TYPES: Mapping[str, str] = {
    "bool": "bool",
    "i8": "i1",
    "i16": "i2",
    "i32": "i4",
    "i64": "i8",
    "u8": "u1",
    "u16": "u2",
    "u32": "u4",
    "f64": "f8",
    "enum": "u1",
    "text": "utf8",
    "bytes": "bytes",
    "time_ns": "i8",
}
"""OUTPUT type -> dtype of its column in the record model."""


@dataclass(frozen=True, slots=True)
class Field:
    """One OUTPUT field. Rows hold mantissas: physical = mantissa / 10**-exp10; `range` is physical."""

    name: str
    type: str
    unit: str | None = None  # UCUM
    exp10: int = 0
    range: tuple[float | None, float | None] | None = None
    optional: bool = False
    names: tuple[str, ...] = ()  # enum
    max: int = 0  # bytes, text and bytes
    quantity: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything the core needs to know of a transform, and nothing it could run.

    Attributes:
        digest: SHA-256 hex over the source bytes and the effective PARAMS (deterministic CBOR).
        inputs: (name, type) in the order of the function's parameters.
        line: line of `def transform`, for messages.
    """

    name: str
    doc: str
    profile: Profile
    digest: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[Field, ...]
    stateful: bool
    max_rows: int = 1
    needs: tuple[str, ...] = ()
    examples: int = 0
    line: int = 0
    params: Mapping[str, int | float | bool | str | bytes] = field(default_factory=dict)
