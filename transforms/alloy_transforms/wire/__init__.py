"""Encodings of the record model: CBOR, MessagePack, JSON lines."""
