"""CBOR messages: deterministic documents, and blocks written header first, payload last.

One CBOR item is one message (`docs/alloy.cddl`). `encode_*` returns buffers that make the message when
joined; large payloads among them are the caller's own bytes, so they can be written with `writev`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ..errors import RecordError
from ..record import Batch, Chunk, Descriptor, Manifest
from .batches import batch_tree, read_batch
from .cborio import Reader, write
from .chunks import chunk_tree, read_chunk
from .documents import descriptor_tree, manifest_tree, read_descriptor, read_manifest
from .limits import DEFAULT_LIMITS, Limits
from .typed import Buffer

NAME = "cbor"
CONTENT_TYPE = "application/cbor"


def sid(descriptor: Descriptor) -> str:
    """Identity of a descriptor: the first 8 bytes of SHA-256 over its message, as 16 hex characters.

    A receiver gets the same by hashing the payload of `schema/<sid>` as it came.
    """
    return hashlib.sha256(b"".join(encode_descriptor(descriptor))).hexdigest()[:16]


def encode_descriptor(descriptor: Descriptor) -> list[Buffer]:
    """The message of `schema/<sid>`: deterministic CBOR (RFC 8949 section 4.2.1)."""
    return write(descriptor_tree(descriptor))


def encode_batch(batch: Batch, descriptor: Descriptor) -> list[Buffer]:
    """A batch: a map whose last key `p` is an array of typed arrays in the descriptor's order.

    Raises:
        RecordError: `record.shape`, a column does not fit its variable.
    """
    return write(batch_tree(batch, descriptor), ordered=False)


def encode_chunk(chunk: Chunk, descriptor: Descriptor) -> list[Buffer]:
    """A chunk: a map whose last key `p` is one typed array, or plain bytes where it is still encoded.

    Raises:
        RecordError: `record.shape`, the chunk does not fit its variable.
    """
    return write(chunk_tree(chunk, descriptor), ordered=False)


def encode_manifest(manifest: Manifest, descriptor: Descriptor | None = None) -> list[Buffer]:  # noqa: ARG001 - shape of Encoding
    """The message that closes a run: deterministic CBOR."""
    return write(manifest_tree(manifest))


def decode_descriptor(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> Descriptor:
    """A descriptor from its message.

    Raises:
        RecordError: `record.field`, and the errors of `read_tree`.
    """
    return read_descriptor(read_tree(data, limits), limits)


def decode_batch(data: Buffer, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Batch:
    """A batch from its message; errors as `decode_descriptor`, and `record.shape`."""
    return read_batch(read_tree(data, limits), descriptor, limits)


def decode_chunk(data: Buffer, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Chunk:
    """A chunk from its message; errors as `decode_batch`."""
    return read_chunk(read_tree(data, limits), descriptor, limits)


def decode_manifest(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """A manifest from its message; errors as `decode_descriptor`."""
    return read_manifest(read_tree(data, limits), limits)


def decode(
    data: Buffer, schemas: Mapping[str, Descriptor], limits: Limits = DEFAULT_LIMITS
) -> Descriptor | Batch | Chunk | Manifest:
    """Any message; blocks find their descriptor in `schemas` by sid.

    Raises:
        RecordError: as `decode_batch`, and `record.sid` where the descriptor is not there.
    """
    return from_tree(read_tree(data, limits), schemas, limits)


def read_tree(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> object:
    """The one item of a message, as plain values.

    Raises:
        RecordError: `record.truncated`, `record.malformed`, `record.limit`, `record.trailing`.
    """
    reader = Reader(data, limits)
    tree = reader.item()
    if not reader.at_end:
        raise RecordError(
            "record.trailing",
            "bytes follow the end of the message",
            where=f"byte {reader.offset}",
            got=f"{len(memoryview(data)) - reader.offset} bytes",
        )
    return tree


def read_sequence(data: Buffer, limits: Limits = DEFAULT_LIMITS) -> Iterator[object]:
    """The items of a CBOR sequence (RFC 8742), as plain values."""
    reader = Reader(data, limits)
    while not reader.at_end:
        yield reader.item()


def from_tree(
    tree: object, schemas: Mapping[str, Descriptor], limits: Limits = DEFAULT_LIMITS
) -> Descriptor | Batch | Chunk | Manifest:
    """What a decoded tree says; shared with MessagePack, whose trees are the same."""
    kind = tree.get("k") if isinstance(tree, dict) else None
    if kind == "d":
        return read_descriptor(tree, limits)
    if kind == "m":
        return read_manifest(tree, limits)
    if kind != "b" or not isinstance(tree, dict):
        raise RecordError(
            "record.field", "not one of our messages", got=repr(kind)[:80], expected="k: b, d or m"
        )
    wanted = tree.get("sid")
    descriptor = schemas.get(wanted) if isinstance(wanted, str) else None
    if descriptor is None:
        raise RecordError(
            "record.sid",
            "the descriptor of a block is not known",
            got=repr(wanted)[:80],
            hint="hand over the message of `schema/<sid>` as well",
        )
    return read_chunk(tree, descriptor, limits) if "var" in tree else read_batch(tree, descriptor, limits)
