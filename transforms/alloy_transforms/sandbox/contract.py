"""The contract of a transform: what its file declares, as data both sides of the jail understand.

The worker makes it from the user's module (`loader.py`); the core receives it as bounded MessagePack, checks
it again here, and trusts nothing else. This module must not import or run user code.
"""

from __future__ import annotations

import enum
import keyword
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import ScriptError

MAX_ROWS = 64  # rows one input may yield
MAX_FIELDS = 64
MAX_INPUTS = 16  # parameters of `transform`
MAX_NAME = 64  # characters
MAX_UNIT = 64  # characters
MAX_QUANTITY = 128  # characters
MAX_DOC = 4096  # characters
MAX_ENUM_NAMES = 256
MAX_EXP10 = 18
MAX_ROW_BYTES = 16 << 10  # one row, every text and bytes field at its `max`
MAX_STATE_BYTES = 4 << 10
MAX_PARAMS = 64
MAX_NEEDS = 64


class Profile(enum.StrEnum):
    """`portable`: typed subset, may become native; `gateway`: any Python, jail only."""

    PORTABLE = "portable"
    GATEWAY = "gateway"


INPUT_TYPES = ("bytes", "int", "float", "bool", "text")
INPUT_DTYPES: Mapping[str, str] = {
    "bytes": "bytes",
    "int": "i8",
    "float": "f8",
    "bool": "bool",
    "text": "utf8",
}
"""INPUT type -> dtype of its column in a request."""

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

INTEGER_TYPES = frozenset({"i8", "i16", "i32", "i64", "u8", "u16", "u32"})
VARIABLE_TYPES = frozenset({"text", "bytes"})
_SIZES: Mapping[str, int] = {"i8": 1, "u8": 1, "bool": 1, "enum": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4}

Param = int | float | bool | str | bytes
Fault = tuple[str, str]
"""(code, what is wrong)."""


def is_name(text: object) -> bool:
    """Whether `text` may name a field, an input, a parameter or a state value: a plain ASCII identifier."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= MAX_NAME
        and text.isascii()
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and not text.startswith("__")
    )


def _printable(text: object, limit: int) -> bool:
    return isinstance(text, str) and len(text) <= limit and text.isprintable()


@dataclass(frozen=True, slots=True)
class Field:
    """One OUTPUT field. Rows hold mantissas: physical = mantissa / 10**-exp10; `range` is physical.

    Raises:
        ScriptError: `build.type`, the values do not describe a field.
    """

    name: str
    type: str
    unit: str | None = None  # UCUM
    exp10: int = 0
    range: tuple[float | None, float | None] | None = None
    optional: bool = False
    names: tuple[str, ...] = ()  # enum
    max: int = 0  # bytes, text and bytes
    quantity: str = ""

    def __post_init__(self) -> None:
        for code, what in field_faults(self):
            raise ScriptError(code, what)

    @property
    def dtype(self) -> str:
        """Element type of the field's column in the record model."""
        return OUTPUT_TYPES[self.type]

    @property
    def itemsize(self) -> int:
        """Bytes per row in a reply; 4 (one offset) for text and bytes."""
        if self.type in VARIABLE_TYPES:
            return 4
        return _SIZES.get(self.type, 8)

    def physical(self, mantissa: float) -> int | float:
        """The value in `unit`: one correctly rounded division, never times 0.1."""
        if self.exp10 < 0:
            return float(mantissa / 10**-self.exp10)
        return mantissa * 10**self.exp10 if self.exp10 else mantissa


def field_faults(f: Field) -> Iterator[Fault]:
    """Everything that is wrong with one field; used on both sides of the jail."""
    at = f"OUTPUT[{f.name!r}]" if isinstance(f.name, str) else "OUTPUT"
    if not is_name(f.name):
        yield "build.type", f"{at}: a field's name is a plain identifier of at most {MAX_NAME} characters"
    if not isinstance(f.type, str) or f.type not in OUTPUT_TYPES:
        yield "build.type", f"{at}: `type` is none of {', '.join(OUTPUT_TYPES)}"
        return
    number = f.type in INTEGER_TYPES or f.type == "f64"
    if f.unit is not None and not (_printable(f.unit, MAX_UNIT) and number):
        yield "build.type", f"{at}: `unit` is a text of at most {MAX_UNIT} characters, on a number"
    if type(f.exp10) is not int or abs(f.exp10) > MAX_EXP10 or (f.exp10 and f.type not in INTEGER_TYPES):
        yield "build.type", f"{at}: `exp10` is an integer within ±{MAX_EXP10}, on an integer field"
    if f.range is not None and not (number and _is_range(f.range)):
        yield "build.type", f"{at}: `range` is (low, high), finite numbers or None, low <= high, on a number"
    if type(f.optional) is not bool:
        yield "build.type", f"{at}: `optional` is True or False"
    if (f.type == "enum") != bool(f.names) or not _are_names(f.names):
        yield "build.type", f"{at}: `names` is for enum: 1 to {MAX_ENUM_NAMES} different texts"
    if type(f.max) is not int or not (0 < f.max <= MAX_ROW_BYTES if f.type in VARIABLE_TYPES else f.max == 0):
        yield "build.type", f"{at}: `max` is for text and bytes: 1 to {MAX_ROW_BYTES} bytes"
    if not _printable(f.quantity, MAX_QUANTITY):
        yield "build.type", f"{at}: `quantity` is a text of at most {MAX_QUANTITY} characters"


def _is_range(pair: object) -> bool:
    if not isinstance(pair, tuple) or len(pair) != 2:
        return False
    if any(v is not None and (type(v) not in (int, float) or not math.isfinite(v)) for v in pair):
        return False
    return pair[0] is None or pair[1] is None or pair[0] <= pair[1]


def _are_names(names: object) -> bool:
    return (
        isinstance(names, tuple)
        and len(names) <= MAX_ENUM_NAMES
        and all(_printable(n, MAX_NAME) and n for n in names)
        and len(set(names)) == len(names)
    )


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything the core needs to know of a transform, and nothing it could run.

    Attributes:
        digest: SHA-256 hex over the source bytes and the effective PARAMS (deterministic CBOR).
        inputs: (name, type) in the order of the function's parameters.
        line: line of `def transform` or `def f`, for messages.
        elementwise: `f` of as many floats as there are inputs gives the one f64 field; an element of which an input
            is missing has a row without a value.

    Raises:
        ScriptError: `build.type` or `build.limit`, the values do not describe a transform.
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
    elementwise: bool = False

    def __post_init__(self) -> None:
        for code, what in contract_faults(self):
            raise ScriptError(code, what, where=self.name if isinstance(self.name, str) else "")

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in a reply without the text and bytes themselves."""
        return sum(f.itemsize for f in self.outputs)

    @property
    def variable(self) -> bool:
        """Whether any field is text or bytes."""
        return any(f.type in VARIABLE_TYPES for f in self.outputs)


def contract_faults(c: Contract) -> Iterator[Fault]:
    """Everything that is wrong with a contract whose fields are right each by itself."""
    if not (isinstance(c.name, str) and 0 < len(c.name) <= MAX_NAME and c.name.isprintable()):
        yield "build.type", f"the transform's name is a text of at most {MAX_NAME} characters"
    if not isinstance(c.doc, str) or len(c.doc) > MAX_DOC:
        yield "build.limit", f"the documentation is a text of at most {MAX_DOC} characters"
    if not isinstance(c.profile, Profile):
        yield "build.type", "the profile is `portable` or `gateway`"
    if not isinstance(c.digest, str) or (c.digest and not is_digest(c.digest)):
        yield "build.type", "the digest is 64 hexadecimal digits"
    yield from input_faults(c.inputs)
    yield from output_faults(c.outputs)
    if type(c.stateful) is not bool:
        yield "build.type", "`stateful` is True or False"
    if type(c.max_rows) is not int or not 1 <= c.max_rows <= MAX_ROWS:
        yield "build.limit", f"MAX_ROWS is an integer of 1 to {MAX_ROWS}"
    if not isinstance(c.needs, tuple) or len(c.needs) > MAX_NEEDS or not all(is_need(n) for n in c.needs):
        yield "build.type", "NEEDS is a tuple of capabilities: " + ", ".join(NEED_FORMS)
    for label, value in (("examples", c.examples), ("line", c.line)):
        if type(value) is not int or not 0 <= value < 1 << 20:
            yield "build.type", f"`{label}` is a count"
    if not isinstance(c.params, Mapping) or len(c.params) > MAX_PARAMS:
        yield "build.type", f"PARAMS is a dict of at most {MAX_PARAMS} values"
    elif not all(is_name(k) and is_scalar(v) for k, v in c.params.items()):
        yield "build.type", "PARAMS holds int (64 bit), finite float, bool, str and bytes under plain names"
    if type(c.elementwise) is not bool or c.elementwise != ("array" in c.needs):
        yield "build.type", "a file is element-wise or not, and needs `array` or not"
    elif c.elementwise and not _maps_elements(c):
        yield (
            "build.type",
            "an element-wise file has float inputs and one optional field of type f64, nothing more",
        )


def _maps_elements(c: Contract) -> bool:
    if c.stateful or c.max_rows != 1 or any(kind != "float" for _, kind in c.inputs):
        return False
    return len(c.outputs) == 1 and c.outputs[0].type == "f64" and c.outputs[0].optional


def is_digest(text: str) -> bool:
    """Whether `text` is a SHA-256 in hexadecimal, lower case."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def input_faults(inputs: object) -> Iterator[Fault]:
    """Everything that is wrong with INPUT."""
    if not isinstance(inputs, tuple) or not 1 <= len(inputs) <= MAX_INPUTS:
        yield "build.type", f"INPUT names 1 to {MAX_INPUTS} inputs"
        return
    for item in inputs:
        if not isinstance(item, tuple) or len(item) != 2 or not is_name(item[0]) or item[0] == "s":
            yield "build.type", "INPUT: a name is a plain identifier, not `s`"
        elif item[1] not in INPUT_TYPES:
            yield "build.type", f"INPUT[{item[0]!r}]: a type is one of {', '.join(INPUT_TYPES)}"
    if len({str(item[0]) for item in inputs if isinstance(item, tuple) and item}) != len(inputs):
        yield "build.type", "INPUT: a name is there twice"


def output_faults(outputs: object) -> Iterator[Fault]:
    """What is wrong with the fields of OUTPUT together."""
    if not isinstance(outputs, tuple) or not 1 <= len(outputs) <= MAX_FIELDS:
        yield "build.limit", f"OUTPUT has 1 to {MAX_FIELDS} fields"
        return
    if not all(isinstance(f, Field) for f in outputs):
        yield "build.type", "OUTPUT holds fields"
        return
    if len({f.name for f in outputs}) != len(outputs):
        yield "build.type", "OUTPUT: a name is there twice"
    if sum(f.type == "time_ns" for f in outputs) > 1:
        yield "build.type", "OUTPUT: at most one field has the type time_ns"
    if (size := sum(f.itemsize + f.max for f in outputs)) > MAX_ROW_BYTES:
        yield "build.limit", f"OUTPUT: a row may take {size} bytes, at most {MAX_ROW_BYTES} are allowed"


NEED_FORMS = ("state", "log", "modules:<name>", "array", "rows:<n>", "memory_mb:<n>", "wall_ms:<n>")
"""The closed list of capabilities; there is none for files, network or processes."""


def is_need(text: object) -> bool:
    """Whether `text` is a capability of the closed list."""
    if not isinstance(text, str) or len(text) > MAX_NAME:
        return False
    if text in ("state", "log", "array"):
        return True
    kind, _, value = text.partition(":")
    if kind == "modules":
        return all(is_name(part) for part in value.split("."))
    return (
        kind in ("rows", "memory_mb", "wall_ms") and value.isascii() and value.isdecimal() and len(value) <= 9
    )


def is_scalar(value: object) -> bool:
    """Whether `value` may stand in PARAMS or STATE."""
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 63
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is bool:
        return True
    return isinstance(value, str | bytes) and type(value) in (str, bytes) and len(value) <= MAX_STATE_BYTES
