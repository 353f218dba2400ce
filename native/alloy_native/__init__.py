"""Python face of the Rust extension: kernels, format structure, sandbox.

Only `native.py` of each package imports this; everything else goes through that door. Kernels are in
`alloy_native.kernels`, readers of file structure in `alloy_native.formats`.
"""

from alloy_native._native import ABI
from alloy_native.errors import CodedError, FormatError, KernelError, NativeError

__all__ = ["ABI", "CodedError", "FormatError", "KernelError", "NativeError"]
