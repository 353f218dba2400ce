"""The shape every Alloy error has: a stable code, who may retry, and a message in one form."""

from __future__ import annotations

from collections.abc import Mapping


class CodedError(Exception):
    """Root of the error roots (`DeviceError`, `TransformError`, `OtaError`, `AgentError`).

    Args:
        code: stable dotted name, listed in `docs/errors.md` ("format.truncated").
        what: what failed, one clause without a full stop.
        where: file and offset, line, topic or field; empty when there is no place.
        got: what was found.
        expected: what was wanted.
        hint: what the reader can do next.
        retryable: true when the same call may succeed later (the world, not the data).
        context: further facts for logs and topics; plain values only.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str = "",
        got: str = "",
        expected: str = "",
        hint: str = "",
        retryable: bool = False,
        context: Mapping[str, str | int | float | bool] | None = None,
    ) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.hint = hint
        self.retryable = retryable
        self.context = dict(context or {})

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.got and self.expected:
            text += f" (got {self.got}, expected {self.expected})"
        elif self.got or self.expected:
            text += f" ({'got ' + self.got if self.got else 'expected ' + self.expected})"
        text += f" [{self.code}]"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class NativeError(CodedError):
    """Root of what the compiled module raises on purpose."""


class KernelError(NativeError):
    """A kernel cannot do what it was asked; `context["index"]` is the offending element, if any."""


class FormatError(NativeError):
    """A file is not what its format says; `context` carries offsets and sizes [B]."""


class ModuleError(NativeError):
    """A native module is refused (`load.*`), or broke its interface while it ran (`violation.protocol`)."""


CODES: dict[str, str] = {
    "format.not_recognised": "the file is not of this format",
    "format.truncated": "the file ends before what its header promises",
    "format.header_lie": "a header contradicts itself or the size of the file",
    "format.too_large": "a size or count exceeds a limit of this program",
    "format.bad_text": "a text is not in its declared character set",
    "format.bad_scaling": "scale or offset is unusable",
    "format.checksum_mismatch": "a checksum in the file is wrong",
    "format.decode": "compressed data are damaged",
    "format.decompression_bomb": "compressed data grow beyond what their codec can honestly do",
    "format.filter": "a filter is unknown or stands twice in the chain",
    "format.dtype": "an element type is not supported here",
    "format.length": "a buffer is shorter or longer than its description says",
    "format.exp10": "a decimal exponent lies outside -18 to 18",
    "format.io": "the operating system could not read the file",
    "load.elf": "a native module is not the plain shared object that is expected",
    "load.arch": "a native module is for another processor",
    "load.abi": "a native module has another interface or none",
    "violation.protocol": "a native module says what cannot be",
    "native.panic": "a bug in the compiled module; please report it",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
