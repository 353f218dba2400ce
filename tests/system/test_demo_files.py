"""The demo's files, put together by an independent consumer and compared with the science manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.system.demo_taken import Taken
from tests.system.independent import Item
from tests.system.independent_arrays import Array, assemble, order_digest, unpack

pytestmark = pytest.mark.slow

EXTREMES, MEANS = 2e-6, 1e-5  # relative; README.md of the data, "Using the facts"


@dataclass(frozen=True)
class File:
    """One run of a file: its descriptor, its chunks by variable, its manifest."""

    descriptor: Item
    chunks: dict[int, list[Item]]
    manifest: Item

    def array(self, number: int) -> Array:
        return assemble(self.chunks[number], self.descriptor["vars"][number])

    def number(self, path: str) -> int:
        paths = [each.get("path", each["name"]) for each in self.descriptor["vars"]]
        return paths.index(path)


@pytest.fixture(scope="module")
def files(taken: Taken) -> dict[str, File]:
    """Every file of the demo by name."""
    found: dict[str, File] = {}
    by_run: dict[str, dict[int, list[Item]]] = {}
    for message in taken.of("science"):
        item = message.item
        if item["k"] == "b":
            by_run.setdefault(item["run"], {}).setdefault(item["var"], []).append(item)
        else:
            descriptor = taken.schemas[item["sid"]]
            found[descriptor["prov"]["src"]] = File(descriptor, by_run.pop(item["run"]), item)
    assert by_run == {}, "chunks of a run that no manifest closed"
    return found


def test_manifests_close_every_file_when_the_folder_is_read(taken: Taken, files: dict[str, File]) -> None:
    assert sorted(files) == taken.files
    for file in files.values():
        assert file.manifest["status"] == "complete"
        assert [each["var"] for each in file.manifest["vars"]] == list(range(len(file.descriptor["vars"])))


def test_counts_and_digests_hold_when_chunks_are_put_together(files: dict[str, File]) -> None:
    for file in files.values():
        for summary in file.manifest["vars"]:
            chunks = file.chunks[summary["var"]]
            assert [chunk["seq"] for chunk in chunks] == list(range(summary["blocks"]))
            array = file.array(summary["var"])
            assert summary["digest"] == order_digest(array.crcs)
            assert summary["counts"] == Counter(int(each) for each in array.quality.flat)


def test_shapes_are_the_declared_ones_when_chunks_are_put_together(files: dict[str, File]) -> None:
    for file in files.values():
        lengths = {each["name"]: each["len"] for each in file.descriptor["dims"]}
        for number, variable in enumerate(file.descriptor["vars"]):
            shape = file.array(number).quality.shape
            declared = [lengths[name] for name in variable["dims"]]
            assert len(shape) == len(declared)
            assert all(want in (None, got) for want, got in zip(declared, shape, strict=True))


def test_statistics_of_chunks_equal_recomputed_ones_when_values_are_unpacked(files: dict[str, File]) -> None:
    compared = 0
    for file in files.values():
        for number in range(len(file.descriptor["vars"])):
            for said, own in file.array(number).statistics:
                compared += 1
                assert said[:3] == own[:3]
                assert said[3] == pytest.approx(own[3], rel=1e-12)
    assert compared > 30


def facts(shared_data: Path, name: str) -> Item:
    """What the reference libraries find in the file, from the science manifest."""
    stem = name.removesuffix(".nc")
    entries = json.loads((shared_data / "science" / "manifest.json").read_text("utf-8"))["files"]
    (entry,) = [each for each in entries if Path(each["file"]).name in (name, f"{stem}.cdf")]
    found: Item = entry["facts"]
    return found


def expected(found: Item) -> Iterator[tuple[str, Item]]:
    """(path, facts) of each variable.

    Which side of the manifest holds follows from docs/formats.md: values outside valid_min and valid_max are
    quality 4, default fills are missing. That is netCDF4's side, `stats`: no variable here is of one byte or packed.
    """
    for each in found.get("variables", ()):
        assert each["type"] not in ("|i1", "|u1")
        assert "packing" not in each
        yield each["path"], each
    for each in found.get("datasets", ()):
        for name, column in each.get("fields", {"": each}).items():
            yield f"{each['path']}.{name}" if name else each["path"], {"shape": each["shape"], **column}
    for each in found.get("hdus", ()):
        yield f"/{each['index']}", each


SAMPLES = {
    "sgpswatsE8.b1.20071229.000700.nc": 28,
    "febus_dts_single_reading.h5": 11,
    "aia_171_level1.fits": 1,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_values_have_the_manifests_statistics_when_a_file_was_decoded(
    name: str, files: dict[str, File], shared_data: Path
) -> None:
    file = files[name]
    checked = 0
    for path, fact in expected(facts(shared_data, name)):
        number = file.number(path)
        array = file.array(number)
        physical = unpack(array.stored, file.descriptor["vars"][number])
        stats = fact["stats"]
        assert list(array.stored.shape) == fact["shape"], path
        assert array.stored.size == stats["n"], path
        good = physical[array.quality <= 3]
        assert good.size == stats["n_valid"], path
        compare(good, stats, path)
        if "raw_stats" in fact:  # what is out of range is marked, not lost
            compare(physical, fact["raw_stats"], path)
        checked += 1

    assert checked == len(file.descriptor["vars"]) == SAMPLES[name]


def compare(values: Any, stats: Item, path: str) -> None:
    """Extremes and mean by the tolerances of the data's README."""
    assert float(values.min()) == pytest.approx(stats["min"], rel=EXTREMES), path
    assert float(values.max()) == pytest.approx(stats["max"], rel=EXTREMES), path
    assert float(values.astype("f8").mean()) == pytest.approx(stats["mean"], rel=MEANS), path


def test_instants_are_the_manifests_when_time_variables_are_counted(
    files: dict[str, File], shared_data: Path
) -> None:
    name = "sgpswatsE8.b1.20071229.000700.nc"
    file = files[name]
    checked = 0
    for fact in facts(shared_data, name)["variables"]:
        if "time" not in fact:
            continue
        number = file.number(fact["path"])
        reference = file.descriptor["vars"][number]["time"]
        values = np.atleast_1d(file.array(number).stored)
        for at, which in ((0, "first"), (-1, "last")):
            ns = reference["epoch_ns"] + round(float(values[at]) * reference["tick_ns"])
            since = datetime.fromisoformat(fact["time"][which]) - datetime(1970, 1, 1, tzinfo=UTC)
            assert ns == since // timedelta(microseconds=1) * 1000
        checked += 1

    assert checked == 3


def test_units_are_ucum_beside_the_verbatim_ones_when_a_file_names_them(
    files: dict[str, File], shared_data: Path
) -> None:
    name = "sgpswatsE8.b1.20071229.000700.nc"
    ucum = {"kPa": "kPa", "cm": "cm", "m^3/m^3": "m3/m3", "unitless": "1"}
    variables = {each["path"]: each for each in files[name].descriptor["vars"]}

    for fact in facts(shared_data, name)["variables"]:
        ours = variables[fact["path"]]
        assert ours.get("unit_src") == fact.get("units")
        if "time" not in fact and fact.get("units") in (*ucum, "C"):
            # UDUNITS reads `C` as coulomb, the file means Celsius: not guessed, kept as written
            assert ours.get("unit") == ucum.get(fact["units"]), fact["path"]
