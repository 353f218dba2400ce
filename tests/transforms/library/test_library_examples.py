"""EXAMPLES of every shipped transform hold, and every declaration is complete."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from types import ModuleType
from typing import Any

import pytest

from alloy_transforms.sandbox.contract import OUTPUT_TYPES
from alloy_transforms.units.ucum import is_ucum

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
NAMES = sorted(
    entry.name.removesuffix(".py")
    for entry in resources.files("alloy_transforms.library").iterdir()
    if entry.name.endswith(".py") and not entry.name.startswith("_")
)
SIZES = {"i8": (-128, 127), "u8": (0, 255), "enum": (0, 255), "i16": (-(1 << 15), (1 << 15) - 1),
         "u16": (0, (1 << 16) - 1), "i32": (-(1 << 31), (1 << 31) - 1), "u32": (0, (1 << 32) - 1),
         "i64": (-(1 << 63), (1 << 63) - 1), "time_ns": (-(1 << 63), (1 << 63) - 1)}  # fmt: skip


PORTABLE_AT_LEAST = 24


def in_form(row: dict[str, Any], outputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A row with bytes as hexadecimal text, as EXAMPLES write them; its values fit their types."""
    shown: dict[str, Any] = {}
    for key, value in row.items():
        spec = outputs[key]
        if spec["type"] in SIZES:
            low, high = SIZES[spec["type"]]
            assert low <= value <= high
        if spec["type"] in ("text", "bytes"):
            assert len(value) <= spec["max"]
        shown[key] = value.hex() if isinstance(value, bytes) else value
    missing = outputs.keys() - row.keys()
    assert all(outputs[key].get("optional") for key in missing)
    return shown


@pytest.mark.parametrize("name", NAMES)
def test_every_example_holds_when_the_transform_runs(name: str, load: Load, rows_of: Rows) -> None:
    module = load(name)
    assert module.EXAMPLES

    for example in module.EXAMPLES:
        given = [bytes.fromhex(example["in"][key]) if kind == "bytes" else example["in"][key]
                 for key, kind in module.INPUT.items()]  # fmt: skip
        if "error" in example:
            with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
                rows_of(module, *given)
            continue
        rows = [in_form(row, module.OUTPUT) for row in rows_of(module, *given)]
        assert rows == list(example["out"])


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_says_what_it_is_when_it_is_read(name: str, load: Load) -> None:
    module = load(name)

    assert module.__doc__
    assert "Source:" in module.__doc__
    assert {spec["type"] for spec in module.OUTPUT.values()} <= OUTPUT_TYPES.keys()
    for spec in module.OUTPUT.values():
        assert spec.keys() <= {"type", "unit", "exp10", "range", "optional", "names", "max", "quantity"}


@pytest.mark.parametrize("name", NAMES)
def test_every_unit_is_known_when_the_fields_are_read(name: str, load: Load) -> None:
    for field, spec in load(name).OUTPUT.items():
        if "unit" in spec:
            assert is_ucum(spec["unit"]), field


@pytest.mark.parametrize("name", NAMES)
def test_a_range_is_in_order_when_a_field_has_one(name: str, load: Load) -> None:
    for field, spec in load(name).OUTPUT.items():
        if "range" in spec:
            low, high = spec["range"]
            assert low < high, field


def test_two_dozen_portable_transforms_ship_when_they_are_counted() -> None:
    assert len([name for name in NAMES if not name.startswith("lns_")]) >= PORTABLE_AT_LEAST
