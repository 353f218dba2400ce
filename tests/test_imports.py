"""The packages import, and their doors agree on the interface of the native module."""

import importlib

import pytest


@pytest.mark.parametrize("package", ["alloy_agent", "alloy_devices", "alloy_transforms", "alloy_ota"])
def test_package_and_its_native_door_import(package: str) -> None:
    assert importlib.import_module(f"{package}.native").CodedError is not None
