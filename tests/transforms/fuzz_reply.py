"""Coverage-guided fuzzing of what the core reads from a worker; run by `test_reply_fuzz.py` in a process of its own.

    python -m tests.transforms.fuzz_reply CORPUS_FOLDER -max_total_time=60 -seed=1

An input is a choice of decoder (first byte) and the body of a frame. It passes if the body is taken and then holds
what the rest of the core relies on, or is refused with `violation.protocol`; anything else ends the run.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        "alloy_transforms.sandbox.reply",
        "alloy_transforms.sandbox.protocol",
        "alloy_transforms.sandbox.answers",
        "alloy_transforms.sandbox.columns",
        "alloy_transforms.sandbox.contract",
    ]
):
    from alloy_transforms.errors import ViolationError
    from alloy_transforms.sandbox.answers import (
        pack,
        unpack_checked,
        unpack_contract,
        unpack_examples,
        unpack_failure,
    )
    from alloy_transforms.sandbox.protocol import CHECK, EXAMPLES, LOAD, REPLY_HEADER, encode_lie
    from alloy_transforms.sandbox.reply import ReplyDecoder

from tests.transforms.test_reply import EVERY, GOOD, PLAIN, SIMPLE, check

SOURCE = b'''"""Doc."""
OUTPUT = {"v": {"type": "u8", "range": (0, 9)}}
EXAMPLES = ({"in": {"payload": "00"}, "out": ({"v": 0},)},)
def transform(payload):
    return {"v": payload[0]}
'''


def _every(body: bytes) -> None:
    check(EVERY.decoder.decode(body, batch=7, asked=8), EVERY)


def _simple(body: bytes) -> None:
    check(SIMPLE.decoder.decode(body, batch=7, asked=3), SIMPLE)


NATIVE = ReplyDecoder(SIMPLE.contract, native=True)


def _native(body: bytes) -> None:
    reply = NATIVE.decode(body, batch=7, asked=3)
    check(reply, SIMPLE)
    assert max(reply.declined, reply.differs) <= reply.answered


DECODERS: tuple[Callable[[bytes], object], ...] = (
    _every,
    _simple,
    unpack_contract,
    unpack_checked,
    unpack_failure,
    unpack_examples,
    _native,
    _native,
)


def seeds() -> list[bytes]:
    """One honest body for each decoder."""
    load = {"source": SOURCE, "file": "t.py", "name": "t", "profile": "portable", "imports": []}
    worker = SIMPLE.worker
    ask = lambda kind, arguments: b"".join(worker.answer(pack(kind, arguments)))  # noqa: E731
    checked = ask(CHECK, {"source": SOURCE, "file": "t.py", "modules": [], "params": {}})
    failed = ask(CHECK, {"source": b"import os\n", "file": "t.py", "modules": [], "params": {}})
    contract = ask(LOAD, {**load, "params": {}, "needs": []})
    examples = ask(EXAMPLES, {})
    counted = PLAIN[: REPLY_HEADER.size - 12] + struct.pack("<IQ", 1, 2) + PLAIN[REPLY_HEADER.size :]
    bodies = (GOOD, PLAIN, contract, checked, failed, examples, counted, b"".join(encode_lie("rows")))
    return [bytes((number,)) + body for number, body in enumerate(bodies)]


def one_input(data: bytes) -> None:
    """Decode one input."""
    if not data:
        return
    try:
        DECODERS[data[0] % len(DECODERS)](data[1:])
    except ViolationError as error:
        if error.code != "violation.protocol":
            raise RuntimeError(f"refused as {error.code}") from error


def main() -> None:
    folder = Path(sys.argv[1])
    for number, seed in enumerate(seeds()):
        one_input(seed)
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
