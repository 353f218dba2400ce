"""The one door of this package to `alloy_native`."""

import alloy_native
from alloy_native import CodedError, jail, module
from alloy_native.kernels import crc32c
from alloy_native.module import Module, ModuleBatch, ModuleError, ModulePlan

_WANTED_ABI = 1

if alloy_native.ABI != _WANTED_ABI:
    raise ImportError(
        f"alloy-native has interface {alloy_native.ABI}, this package needs {_WANTED_ABI}; "
        "install both distributions from the same release"
    )

__all__ = ["CodedError", "Module", "ModuleBatch", "ModuleError", "ModulePlan", "crc32c", "jail", "module"]
