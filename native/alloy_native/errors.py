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
