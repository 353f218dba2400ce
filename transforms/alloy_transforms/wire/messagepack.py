"""MessagePack messages: the same maps as CBOR, for local use and for sinks that ask for it.

Typed arrays are extension types whose code is the RFC 8746 tag number (64-87, within the application range of
the MessagePack specification), their data the packed little-endian elements. Maps keep the order of
`docs/alloy.cddl`; integers beyond 64 bits are refused. A descriptor's sid is always that of its CBOR.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgpack

from ..errors import RecordError
from ..record import Batch, Chunk, Descriptor, Manifest
from .batches import batch_tree, read_batch
from .cbor import from_tree
from .chunks import chunk_tree, read_chunk
from .documents import descriptor_tree, manifest_tree, read_descriptor, read_manifest
from .limits import DEFAULT_LIMITS, Limits
from .typed import ITEM_BYTES, Buffer, TypedArray

NAME = "msgpack"
CONTENT_TYPE = "application/vnd.msgpack"


def encode_descriptor(descriptor: Descriptor) -> list[Buffer]:
    """A descriptor."""
    return _write(descriptor_tree(descriptor))


def encode_batch(batch: Batch, descriptor: Descriptor) -> list[Buffer]:
    """A batch; `record.shape` where a column does not fit its variable."""
    return _write(batch_tree(batch, descriptor))


def encode_chunk(chunk: Chunk, descriptor: Descriptor) -> list[Buffer]:
    """A chunk; `record.shape` where it does not fit its variable."""
    return _write(chunk_tree(chunk, descriptor))


def encode_manifest(manifest: Manifest, descriptor: Descriptor | None = None) -> list[Buffer]:  # noqa: ARG001 - shape of Encoding
    """A manifest."""
    return _write(manifest_tree(manifest))


def decode_descriptor(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> Descriptor:
    """A descriptor from its message; errors as in `wire.cbor`."""
    return read_descriptor(read_tree(data, limits), limits)


def decode_batch(data: Buffer, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Batch:
    """A batch from its message; errors as in `wire.cbor`."""
    return read_batch(read_tree(data, limits), descriptor, limits)


def decode_chunk(data: Buffer, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Chunk:
    """A chunk from its message; errors as in `wire.cbor`."""
    return read_chunk(read_tree(data, limits), descriptor, limits)


def decode_manifest(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """A manifest from its message; errors as in `wire.cbor`."""
    return read_manifest(read_tree(data, limits), limits)


def decode(
    data: Buffer, schemas: Mapping[str, Descriptor], limits: Limits = DEFAULT_LIMITS
) -> Descriptor | Batch | Chunk | Manifest:
    """Any message; blocks find their descriptor in `schemas` by sid."""
    return from_tree(read_tree(data, limits), schemas, limits)


def read_tree(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> object:
    """The one object of a message, as plain values.

    Raises:
        RecordError: `record.truncated`, `record.malformed`, `record.limit`, `record.trailing`.
    """
    size = len(memoryview(data))
    if size > limits.message_bytes:
        raise RecordError(
            "record.limit", "the message is too long", got=str(size), expected=f"{limits.message_bytes}"
        )
    nodes = 0

    def count(items: int) -> None:
        nonlocal nodes
        nodes += items
        if nodes > limits.nodes:
            raise RecordError("record.limit", "too many items", got=str(nodes), expected=str(limits.nodes))

    def on_map(pairs: Iterable[tuple[object, object]]) -> dict[object, object]:
        items = list(pairs)
        count(len(items))
        found: dict[object, object] = {}
        for key, value in items:
            if not isinstance(key, str | int) or isinstance(key, bool) or key in found:
                raise RecordError(
                    "record.malformed", "a key is repeated or not text or integer", got=repr(key)[:80]
                )
            found[key] = value
        return found

    def on_list(items: list[object]) -> list[object]:
        count(len(items))
        return items

    try:
        return msgpack.unpackb(
            data,
            ext_hook=_typed,
            object_pairs_hook=on_map,
            list_hook=on_list,
            strict_map_key=False,
            max_array_len=min(size, limits.nodes),
            max_map_len=min(size, limits.nodes),
        )
    except msgpack.ExtraData:
        raise RecordError("record.trailing", "bytes follow the end of the message") from None
    except msgpack.StackError:
        raise RecordError("record.limit", "nested too deeply") from None
    except (msgpack.FormatError, UnicodeDecodeError, TypeError, OverflowError) as error:
        raise RecordError("record.malformed", "not MessagePack", got=str(error)[:80]) from error
    except (
        ValueError
    ) as error:  # unpackb says "incomplete input" and "exceeds max_…_len" with a bare ValueError
        code = "record.truncated" if "incomplete" in str(error) else "record.limit"
        raise RecordError(code, "the message ends early or exceeds a limit", got=str(error)[:80]) from error


def _write(tree: object) -> list[Buffer]:
    try:
        return [msgpack.packb(tree, default=_extension, use_bin_type=True)]
    except OverflowError as error:
        raise RecordError("record.value", "an integer does not fit 64 bits") from error


def _extension(value: object) -> msgpack.ExtType:
    if isinstance(value, TypedArray):
        return msgpack.ExtType(value.tag, bytes(value.data))
    raise RecordError("record.value", "a value has no encoding", got=type(value).__name__)


def _typed(code: int, data: bytes) -> TypedArray:
    item = ITEM_BYTES.get(code)
    if item is None or len(data) % item:
        raise RecordError("record.malformed", "not a typed array", got=f"ext {code}, {len(data)} bytes")
    return TypedArray(code, data)
