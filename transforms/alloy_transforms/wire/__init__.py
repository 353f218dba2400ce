"""Encodings of the record model: CBOR (default), MessagePack, JSON lines."""

from .encoding import ENCODINGS, Encoding, encoding

__all__ = ["ENCODINGS", "Encoding", "encoding"]
