"""How a sink asks for an encoding: by name; the modules of this package are the implementations."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from ..errors import RecordError
from ..record import Batch, Chunk, Descriptor, Manifest
from .typed import Buffer

ENCODINGS = ("cbor", "msgpack", "jsonl")
"""Names a configuration may use."""

_MODULES = {"cbor": "cbor", "msgpack": "messagepack", "jsonl": "jsonl"}


class Encoding(Protocol):
    """Turns the record model into messages; every answer is a list of buffers that are one message joined."""

    NAME: str
    CONTENT_TYPE: str

    def encode_descriptor(self, descriptor: Descriptor) -> list[Buffer]:
        """What `schema/<sid>` carries."""
        ...

    def encode_batch(self, batch: Batch, descriptor: Descriptor) -> list[Buffer]:
        """One batch."""
        ...

    def encode_chunk(self, chunk: Chunk, descriptor: Descriptor) -> list[Buffer]:
        """One chunk."""
        ...

    def encode_manifest(self, manifest: Manifest, descriptor: Descriptor | None = None) -> list[Buffer]:
        """The end of a run."""
        ...


def encoding(name: str) -> Encoding:
    """The encoding of that name, imported when first asked for.

    Raises:
        RecordError: `record.value`, there is none.
    """
    module = _MODULES.get(name)
    if module is None:
        raise RecordError("record.value", "unknown encoding", got=name, expected=", ".join(ENCODINGS))
    return cast(Encoding, importlib.import_module(f".{module}", __package__))
