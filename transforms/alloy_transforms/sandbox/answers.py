"""The control answers of a worker as MessagePack: what was checked, the contract, the examples, the faults.

Encoders run in the worker; decoders run in the core and rebuild everything through the checking constructors.
A map that is not exactly as written here is `violation.protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgpack

from ..errors import CODES, ScriptError
from .contract import Contract, Field, Profile, is_digest, is_name, is_need, is_scalar
from .protocol import FAILED, VERSION, Buffer, clip, decode_state, malformed

MAX_ANSWER_BYTES = 1 << 20
MAX_CONTAINERS = 24_000  # maps and lists of one answer: 256 examples of 64 rows are 17,000
MAX_PROBLEMS = 64
MAX_EXAMPLES = 256
MAX_EXAMPLE_BYTES = 64 << 10  # one text or bytes value of an example
MAX_IMPORTS = 64
_TEXT = 300  # bytes of one text of a problem
_CHECKED = {"imports", "needs", "profile", "nodes", "reason", "ir"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a transform's file; `line` and `column` count from 1, 0: no place."""

    code: str
    what: str
    line: int = 0
    column: int = 0
    source: str = ""  # the line itself
    got: str = ""
    expected: str = ""
    hint: str = ""

    def render(self, file: str) -> str:
        """The problem as people read it, with its source line."""
        place = f"{file}:{self.line}" if self.line else file
        return str(
            ScriptError(
                self.code,
                f"{self.what}\n    {self.source.strip()}" if self.source.strip() else self.what,
                where=place,
                got=self.got,
                expected=self.expected,
                hint=self.hint,
            )
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checker read in a source, without running it."""

    imports: tuple[str, ...]  # dotted module names
    needs: tuple[str, ...]
    profile: Profile
    nodes: int
    reason: str = ""  # why a file whose imports fit is not portable
    ir: str = ""  # SHA-256 of the IR of a portable file, hexadecimal


@dataclass(frozen=True, slots=True)
class Example:
    """One entry of EXAMPLES: `rows` or the code of the error that the input gives."""

    inputs: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    error: str = ""
    line: int = 0


def pack(kind: int, answer: object) -> bytes:
    """One answer frame."""
    body: bytes = msgpack.packb(answer, use_bin_type=True)
    return bytes((kind, VERSION)) + body


def unpack(body: Buffer) -> Any:
    """The map of a frame without its two first bytes; bounded in size, length and depth.

    Raises:
        ViolationError: `violation.protocol`.
    """
    if not 2 < len(body) <= MAX_ANSWER_BYTES or body[1] != VERSION:
        raise malformed("an answer of impossible size or version")
    count = _Containers()
    try:
        return msgpack.unpackb(
            bytes(body[2:]),
            raw=False,
            use_list=False,
            strict_map_key=True,
            max_ext_len=0,
            object_hook=count.one,
            list_hook=count.one,
        )
    except (ValueError, UnicodeError, RecursionError, msgpack.UnpackException) as error:
        raise malformed("an answer is not MessagePack") from error


class _Containers:
    """Counts maps and lists: an empty map takes one byte of a frame and 64 of memory."""

    def __init__(self) -> None:
        self._left = MAX_CONTAINERS

    def one(self, container: Any) -> Any:
        """Called as each is closed, the innermost first."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many maps and lists")
        return container


def pack_failure(problems: Sequence[Problem]) -> bytes:
    """The frame that lists every fault found."""
    out = []
    for p in problems[:MAX_PROBLEMS]:
        fields = {k: clip(v, _TEXT).decode() if isinstance(v, str) else v for k, v in asdict(p).items()}
        out.append(fields)
    return pack(FAILED, out)


def unpack_failure(body: Buffer) -> tuple[Problem, ...]:
    """The faults of a FAILED frame; only codes of `build.*`, `data.*` and `script.*` that exist."""
    answer = unpack(body)
    if not isinstance(answer, tuple) or not 0 < len(answer) <= MAX_PROBLEMS:
        raise malformed("a failure without a list of problems")
    return tuple(_problem(item) for item in answer)


def _problem(item: object) -> Problem:
    texts = ("code", "what", "source", "got", "expected", "hint")
    if not isinstance(item, dict) or set(item) != {*texts, "line", "column"}:
        raise malformed("a problem with other keys")
    if not all(isinstance(item[k], str) and len(item[k]) <= _TEXT for k in texts):
        raise malformed("a problem with a text that is none")
    if not all(type(item[k]) is int and 0 <= item[k] < 1 << 20 for k in ("line", "column")):
        raise malformed("a problem without a place")
    if item["code"] not in CODES or item["code"].startswith("violation."):
        raise malformed("a problem with a code that a worker may not give")
    return Problem(**item)


def pack_checked(kind: int, checked: Checked) -> bytes:
    """The checker's answer."""
    reason = clip(checked.reason, _TEXT).decode()
    return pack(kind, {**asdict(checked), "profile": str(checked.profile), "reason": reason})


def unpack_checked(body: Buffer) -> Checked:
    """The checker's answer, checked."""
    answer = unpack(body)
    if not isinstance(answer, dict) or set(answer) != _CHECKED:
        raise malformed("a check with other keys")
    imports, needs = answer["imports"], answer["needs"]
    if not isinstance(imports, tuple) or len(imports) > MAX_IMPORTS:
        raise malformed("a check without imports")
    if not all(isinstance(m, str) and all(map(is_name, m.split("."))) for m in imports):
        raise malformed("a check with an import that is no module name")
    if not isinstance(needs, tuple) or len(needs) > MAX_IMPORTS + 8 or not all(map(is_need, needs)):
        raise malformed("a check with a capability that does not exist")
    if answer["profile"] not in tuple(Profile) or type(answer["nodes"]) is not int:
        raise malformed("a check without a profile")
    reason, ir = answer["reason"], answer["ir"]
    if not isinstance(reason, str) or len(reason) > _TEXT:
        raise malformed("a check whose reason is no text")
    if not isinstance(ir, str) or (ir and not (is_digest(ir) and answer["profile"] == Profile.PORTABLE)):
        raise malformed("a check whose IR has no digest")
    return Checked(imports, needs, Profile(answer["profile"]), answer["nodes"], reason, ir)


def pack_contract(kind: int, contract: Contract, state: bytes, *, native: bool = False) -> bytes:
    """The contract, the first state, and whether a native module answers."""
    return pack(
        kind, {**asdict(contract), "profile": str(contract.profile), "state": state, "native": native}
    )


def unpack_contract(body: Buffer) -> tuple[Contract, bytes, bool]:
    """The contract, rebuilt through its checks, the first state (empty without STATE), and whether a module answers.

    Its digest is empty: the core makes it of what it sent and of `params`.
    """
    answer = unpack(body)
    keys = {*Contract.__dataclass_fields__, "state", "native"}
    if not isinstance(answer, dict) or set(answer) != keys or not isinstance(answer["state"], bytes):
        raise malformed("a contract with other keys")
    state, native = answer.pop("state"), answer.pop("native")
    if type(native) is not bool:
        raise malformed("a contract that does not say whether a module answers")
    fields = answer["outputs"]
    if not isinstance(fields, tuple) or answer["profile"] not in tuple(Profile):
        raise malformed("a contract without outputs or profile")
    try:
        outputs = tuple(_field(f) for f in fields)
        values = {**answer, "outputs": outputs, "profile": Profile(answer["profile"]), "digest": ""}
        contract = Contract(**values)
    except ScriptError as error:
        raise malformed(f"a contract that breaks its rules: {error.what}") from error
    if contract.stateful:
        decode_state(state)
    elif state:
        raise malformed("a state that the contract does not have")
    return contract, state, native


def _field(item: object) -> Field:
    if not isinstance(item, dict) or set(item) != set(Field.__dataclass_fields__):
        raise malformed("a field with other keys")
    return Field(**item)


def unpack_examples(body: Buffer) -> tuple[Example, ...]:
    """EXAMPLES, checked for form; whether they fit the contract is found by running them."""
    answer = unpack(body)
    if not isinstance(answer, tuple) or len(answer) > MAX_EXAMPLES:
        raise malformed("no list of examples")
    out = []
    for item in answer:
        if not isinstance(item, dict) or set(item) != {"inputs", "rows", "error", "line"}:
            raise malformed("an example with other keys")
        rows = item["rows"]
        maps = (item["inputs"], *rows) if isinstance(rows, tuple) else ()
        if not maps or not all(isinstance(m, dict) and all(_plain(k, v) for k, v in m.items()) for m in maps):
            raise malformed("an example that is not made of plain values")
        error = item["error"]
        if type(error) is not str or (error and error not in CODES) or type(item["line"]) is not int:
            raise malformed("an example with an unknown error code")
        out.append(Example(item["inputs"], rows, item["error"], item["line"]))
    return tuple(out)


def _plain(key: object, value: object) -> bool:
    if isinstance(value, str | bytes):
        return is_name(key) and len(value) <= MAX_EXAMPLE_BYTES
    return is_name(key) and (value is None or isinstance(value, float) or is_scalar(value))
