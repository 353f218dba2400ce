"""A transform worker without its process: the same requests and answers, for tests of what it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alloy_native.module import Module
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.answers import (
    Example,
    Problem,
    pack,
    unpack_checked,
    unpack_contract,
    unpack_examples,
    unpack_failure,
)
from alloy_transforms.sandbox.columns import input_column, rows_of
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.reply import Reply, ReplyDecoder
from alloy_transforms.sandbox.worker import Worker


class RefusedError(Exception):
    """The worker answered with problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(p.render("t.py") for p in problems))
        self.problems = problems
        self.codes = [p.code for p in problems]


class InProcess:
    """One loaded transform; `rows` runs a batch given as one list per input."""

    contract: Contract

    def __init__(
        self,
        source: str,
        params: Mapping[str, Any] | None = None,
        modules: Sequence[str] = (),
        opened: Module | None = None,
    ) -> None:
        self.worker = Worker(opened)
        body = source.encode()
        checked = unpack_checked(
            self._ask(
                pack(
                    protocol.CHECK,
                    {"source": body, "file": "t.py", "modules": list(modules), "params": dict(params or {})},
                )
            )
        )
        self.checked = checked
        load = {
            "source": body,
            "file": "t.py",
            "name": "t",
            "profile": str(checked.profile),
            "imports": list(checked.imports),
            "params": dict(params or {}),
            "needs": list(checked.needs),
        }
        self.contract, self.first_state, self.native = unpack_contract(self._ask(pack(protocol.LOAD, load)))
        self.decoder = ReplyDecoder(self.contract, native=self.native)

    def _ask(self, frame: bytes) -> bytes:
        answer = b"".join(self.worker.answer(frame))
        if answer[0] == protocol.FAILED:
            raise RefusedError(unpack_failure(answer))
        return answer

    def examples(self) -> tuple[Example, ...]:
        return unpack_examples(self._ask(pack(protocol.EXAMPLES, {})))

    def reply_bytes(self, *inputs: Sequence[Any], state: bytes | None = None, both: bool = False) -> bytes:
        columns = [input_column(kind, v) for (_, kind), v in zip(self.contract.inputs, inputs, strict=True)]
        frame = protocol.encode_run(7, len(inputs[0]), self.contract.inputs, columns, state, both=both)
        return b"".join(self.worker.answer(b"".join(frame)))

    def run(self, *inputs: Sequence[Any], state: bytes | None = None, both: bool = False) -> Reply:
        body = self.reply_bytes(*inputs, state=state, both=both)
        return self.decoder.decode(body, batch=7, asked=len(inputs[0]))

    def rows(self, *inputs: Sequence[Any]) -> list[dict[str, Any]]:
        return rows_of(self.contract, self.run(*inputs))

    def codes(self, *inputs: Sequence[Any]) -> list[tuple[int, str]]:
        return [(e.index, e.code) for e in self.run(*inputs).errors]
