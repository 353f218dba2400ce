"""Framers: bytes in, frames out, no I/O."""
