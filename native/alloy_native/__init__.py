"""Python face of the Rust extension: kernels, format structure, sandbox.

Only `native.py` of each package imports this; everything else goes through that door.
"""

from alloy_native._native import ABI
from alloy_native.errors import CodedError

__all__ = ["ABI", "CodedError"]
