"""`alloy-edge decode`: print messages of any encoding, from files or standard input.

The encoding is read from the first bytes: a CBOR map (one message or a sequence of them), a MessagePack map, or
JSON. Descriptors in any of the inputs serve the blocks of all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloy_transforms.record import Descriptor
    from alloy_transforms.wire.limits import Limits

HELP = "Print messages, descriptors and manifests: CBOR (one or a sequence), MessagePack or JSON lines."
EXAMPLE = "mosquitto_sub -C 1 -N -t 'alloy/1/+/+/data/#' | alloy-edge decode --schema schema.cbor -"

MAX_BYTES = 256 << 20
"""Longest input [B]."""

EXIT_OK, EXIT_FAILED = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="files to read, `-` for standard input")
    parser.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="FILE",
        help="descriptor of the blocks (a message of `schema/<sid>`), when the input does not hold it; repeatable",
    )
    parser.add_argument("--values", action="store_true", help="print the values of array chunks too")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")


def run(args: argparse.Namespace) -> int:
    """Decode every input; 1 when one of them cannot be read or decoded, after the others were printed."""
    from alloy_transforms.errors import RecordError

    failed = False
    inputs: list[tuple[str, list[object]]] = []
    schemas: dict[str, Descriptor] = {}
    for name, only_schema in [
        *((name, True) for name in args.schema),
        *((name, False) for name in args.files),
    ]:
        items: list[object] = []
        try:
            for item in read_items(read_input(name)):
                items.append(item)
                _learn(item, schemas)
        except (OSError, RecordError) as error:
            failed = True
            _complain(name, error)
        if not only_schema:
            inputs.append((name, items))
        elif not failed and not any(_kind(item) == "d" for item in items):
            failed = True
            print(f"error: {name}: holds no descriptor [record.sid]", file=sys.stderr)
    for name, items in inputs:
        for item in items:
            try:
                for line in show(item, schemas, as_json=args.json, values=args.values):
                    print(line)
            except RecordError as error:
                failed = True
                _complain(name, error)
    return EXIT_FAILED if failed else EXIT_OK


def read_input(name: str) -> bytes:
    """The bytes of a file or of standard input, at most MAX_BYTES.

    Raises:
        OSError: the file cannot be read.
        RecordError: `record.limit`, it is too long.
    """
    from alloy_transforms.errors import RecordError

    if name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise RecordError("record.limit", "the input is too long", expected=f"at most {MAX_BYTES} bytes")
    return data


def read_items(data: bytes) -> Iterator[object]:
    """The messages of one input as plain trees; JSON lines come as `JsonLine`.

    Raises:
        RecordError: not one of the encodings, or damaged; what came before it was yielded.
    """
    from alloy_transforms.errors import RecordError
    from alloy_transforms.wire import cbor, messagepack

    first = data[:1]
    if b"\xa0" <= first <= b"\xbb":
        yield from cbor.read_sequence(data, _limits())
    elif b"\x80" <= first <= b"\x8f" or first in (b"\xde", b"\xdf"):
        yield messagepack.read_tree(data, _limits())
    elif data.lstrip()[:1] == b"{":
        yield from _json_lines(data)
    else:
        raise RecordError(
            "record.malformed",
            "no encoding we know starts like this",
            got=data[:8].hex(" ") or "nothing",
            expected="a CBOR or MessagePack map, or JSON lines",
        )


class JsonLine(dict[str, object]):
    """A parsed JSON line: printed as it is, never decoded as a block."""


def show(item: object, schemas: dict[str, Descriptor], *, as_json: bool, values: bool) -> Iterator[str]:
    """One message as lines of text or JSON.

    Raises:
        RecordError: it is no message of ours, its descriptor is missing, or a chunk's checksum is wrong.
    """
    from alloy_transforms.record import Batch, Chunk, Descriptor
    from alloy_transforms.wire import cbor, jsonl
    from alloy_transforms.wire.chunks import check_crc

    from .decoded import row_line, text_lines

    if isinstance(item, JsonLine):
        plain = json.dumps(item, ensure_ascii=False)
        yield plain if as_json or item.get("k") != "row" else row_line(item)
        return
    message = cbor.from_tree(item, schemas, _limits())
    if isinstance(message, Chunk):
        check_crc(message)
    if not as_json:
        yield from text_lines(message, schemas, values=values)
        return
    if isinstance(message, Descriptor):
        buffers = jsonl.encode_descriptor(message)
    elif isinstance(message, Batch):
        buffers = jsonl.encode_batch(message, schemas[message.sid])
    elif isinstance(message, Chunk):
        buffers = jsonl.encode_chunk(message, schemas[message.sid], values=values)
    else:
        buffers = jsonl.encode_manifest(message, schemas.get(message.sid))
    for buffer in buffers:
        yield bytes(buffer).decode().rstrip("\n")


def _json_lines(data: bytes) -> Iterator[object]:
    from alloy_transforms.errors import RecordError

    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            parsed = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RecordError(
                "record.malformed", "not a JSON line", where=f"line {number}", got=str(error)[:80]
            ) from error
        if not isinstance(parsed, dict):
            raise RecordError("record.malformed", "not a JSON object", where=f"line {number}")
        yield JsonLine(parsed)


def _learn(item: object, schemas: dict[str, Descriptor]) -> None:
    """Keep a descriptor under its sid."""
    from alloy_transforms.wire import cbor
    from alloy_transforms.wire.documents import read_descriptor

    if _kind(item) == "d":
        descriptor = read_descriptor(item, _limits())
        schemas[cbor.sid(descriptor)] = descriptor


def _kind(item: object) -> object:
    return item.get("k") if isinstance(item, dict) and not isinstance(item, JsonLine) else None


def _limits() -> Limits:
    from alloy_transforms.wire.limits import Limits

    return Limits(message_bytes=MAX_BYTES)


def _complain(name: str, error: Exception) -> None:
    place = "standard input" if name == "-" else name
    reason = error.strerror if isinstance(error, OSError) else str(error)
    print(f"error: {place}: {reason}", file=sys.stderr)
