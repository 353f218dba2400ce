"""Shipped LoRaWAN transforms against public decoding examples, by the mapping files of `tests/vectors/lorawan`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alloy_transforms.units.ucum import convert

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
Family = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "vectors" / "lorawan"
FAMILIES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
RELATIVE = 1e-12
SHARE = 0.95
VENDORS = {"decentlab", "netvox", "elsys", "tektelic", "sensiedge", "browan", "digital-matter", "bosch",
           "vutility", "mclimate"}  # fmt: skip


def cases(shared: Path, family: Family) -> Iterator[dict[str, Any]]:
    for line in (shared / "lorawan-codec-examples.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        ours = case["kind"] == "decode" and case["vendor"] == family["vendor"]
        if ours and any(fnmatch(case["codec"], pattern) for pattern in family["codecs"]):
            yield case


def physical(row: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    """A row with physical numbers and the names of enums."""
    shown: dict[str, Any] = {}
    for key, value in row.items():
        spec = module.OUTPUT[key]
        if spec["type"] == "enum":
            shown[key] = spec["names"][value]
        elif "exp10" in spec:
            shown[key] = value / 10 ** -spec["exp10"]
        else:
            shown[key] = value
    return shown


def near(expected: Any, ours: Any) -> bool:
    if isinstance(expected, str) or isinstance(ours, str):
        return bool(expected == ours)
    return abs(expected - ours) <= RELATIVE * max(abs(expected), abs(ours))


def agrees(rule: dict[str, Any], expected: Any, ours: dict[str, Any]) -> bool:
    """Whether one expected value is what our row says."""
    if "not_from_the_payload" in rule or "left_out" in rule:
        return True
    if "joined" in rule:
        return bool(expected == rule["separator"].join(str(ours[name]) for name in rule["joined"]))
    if "hexadecimal" in rule:
        return bool(expected == ours[rule["hexadecimal"]].hex(rule["separator"]))
    value = ours.get(rule["field"])
    if expected is None or (expected == rule.get("absent", ...) and value is None):
        return value is None
    if isinstance(expected, str):
        expected = rule["names"].get(expected)
    if value is None or expected is None:
        return False
    return near(expected, value if isinstance(value, str) else value * rule["factor"])


def differences(family: Family, module: ModuleType, output: dict[str, Any], row: dict[str, Any]) -> list[str]:
    ours = physical(row, module)
    found = []
    for key, expected in output.items():
        rule = family["keys"].get(key)
        value = expected["value"] if isinstance(expected, dict) else expected
        if rule is None or not agrees(rule, value, ours):
            found.append(f"{key}: expected {value}, ours {ours.get((rule or {}).get('field', ''))}")
        if isinstance(expected, dict) and "unit" in expected:
            unit = family["units"][expected["unit"]]
            if convert(module.OUTPUT[rule["field"]]["unit"], unit) != (1.0, 0.0):
                found.append(f"{key}: not in {unit}")
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_of_a_family_agree_when_its_examples_are_decoded(
    name: str, shared_data: Path, load: Load, rows_of: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    family = FAMILIES[name]
    module = load(family["transform"])
    total, wrong = 0, []
    for case in cases(shared_data, family):
        total += 1
        port = family["port"] if case["fPort"] is None else case["fPort"]
        (row,) = rows_of(module, bytes.fromhex(case["bytes"]), port)
        output = case["output"][0] if isinstance(case["output"], list) else case["output"]
        found = differences(family, module, output, row)
        if found:
            wrong.append(f"{case['device']} {case['bytes']}: {'; '.join(found)}")

    with capsys.disabled():
        print(f"\n  {name:22} {total - len(wrong):3} of {total:3} rows agree", *wrong, sep="\n    ", end="")
    assert total > 0
    assert (total - len(wrong)) / total >= SHARE


def test_ten_families_of_six_vendors_are_there_when_the_mappings_are_counted() -> None:
    vendors = [family["vendor"] for family in FAMILIES.values()]

    assert len(FAMILIES) >= 10
    assert set(vendors) == VENDORS
    assert vendors.count("decentlab") <= 2


@pytest.mark.parametrize("name", FAMILIES)
def test_a_mapping_names_fields_of_its_transform_when_it_is_read(name: str, load: Load) -> None:
    family = FAMILIES[name]
    module = load(family["transform"])

    for key, rule in family["keys"].items():
        kinds = {"field", "joined", "hexadecimal", "not_from_the_payload", "left_out"} & rule.keys()
        assert len(kinds) == 1, key
        if "field" in rule:
            assert rule["field"] in module.OUTPUT, key
        if "unit" in rule:
            assert convert(module.OUTPUT[rule["field"]]["unit"], rule["unit"]) == (1.0, 0.0), key
