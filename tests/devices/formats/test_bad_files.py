"""Sixteen malformed files: what a safe reader must and must not do (bad/expected.json)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alloy_transforms.record import Quality, Reason

from .decoding import Decoded, array_of, decode_files

pytestmark = pytest.mark.slow

ALSO = {"naxis_lies.fits": {"format.header_lie"}, "bomb.h5": {"format.decompression_bomb"}}
"""Where one reason of several is found first and is enough."""


def _expected(science: Path) -> list[dict[str, Any]]:
    return list(json.loads((science / "bad" / "expected.json").read_text())["files"])


def test_verdict_and_codes_match_when_malformed_files_are_decoded(
    science: Path, bad: dict[str, Decoded]
) -> None:
    for entry in _expected(science):
        name, answer = entry["file"], entry["safe_answer"]
        done = bad[name]
        wanted = ALSO.get(name) or {
            "format." + code.replace("-", "_").replace("units", "unit") for code in answer["codes"]
        }
        assert wanted <= done.codes, (name, done.codes)
        if answer["verdict"] == "reject-file":
            assert done.error is not None, name
            assert done.chunks == [], name
        else:
            assert done.manifest is not None, (name, done.error)
            partial = answer["verdict"] == "partial"
            assert done.manifest.status == ("partial" if partial else "complete"), name


def test_lengths_are_named_when_an_hdf5_file_is_cut(bad: dict[str, Decoded]) -> None:
    error = bad["truncated.h5"].error

    assert error is not None
    assert (error.got, error.expected) == ("137303 bytes", "228839 bytes")


def test_good_objects_arrive_when_others_are_broken(bad: dict[str, Decoded]) -> None:
    for name in (
        "fletcher32_wrong.h5",
        "declared_10tb.h5",
        "outside_references.h5",
        "bomb.h5",
        "absurd_chunk.nc",
    ):
        assert array_of(bad[name], "/good").stored.size > 0, name
    hostile = bad["hostile_structure.h5"]
    assert [v.path for v in hostile.descriptor.variables] == ["/good"]  # type: ignore[union-attr]


def test_only_the_damaged_chunk_is_absent_when_its_sum_is_wrong(bad: dict[str, Decoded]) -> None:
    done = bad["fletcher32_wrong.h5"]

    covered = [(chunk.origin[0], chunk.origin[0] + chunk.shape[0]) for chunk in done.of("/damaged")]

    assert all(end <= 500 or start >= 750 for start, end in covered)
    assert sum(end - start for start, end in covered) == 750


def test_shape_and_stored_bytes_are_said_when_nothing_is_stored(bad: dict[str, Decoded]) -> None:
    done = bad["declared_10tb.h5"]

    assert done.descriptor is not None
    sizes = {dim.name: dim.size for dim in done.descriptor.dims}
    for path in ("/chunked_10tb", "/contiguous_10tb"):
        variable = done.variable(path)
        assert variable is not None
        assert done.of(path) == []
        assert np.prod([float(sizes[name] or 0) for name in variable.dims]) >= 1e12


def test_nothing_of_a_neighbour_file_comes_out_when_references_lead_outside(
    science: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    shutil.copy(science / "bad" / "outside_references.h5", folder)
    (tmp_path / "outside_secret.txt").write_bytes(b"SECRET-TEXT-0123456789-abcdefghi")
    shutil.copy(science / "hdf5" / "test_file.hdf5", tmp_path / "outside_secret.h5")

    done = decode_files([folder / "outside_references.h5"])["outside_references.h5"]

    assert {chunk.var for chunk in done.chunks} == {
        [v.path for v in done.descriptor.variables].index("/good")  # type: ignore[union-attr]
    }
    assert all(b"SECRET" not in chunk.payload for chunk in done.chunks)


def test_every_value_is_suspect_when_datasum_is_wrong(bad: dict[str, Decoded]) -> None:
    got = array_of(bad["checksum_wrong.fits"], "/0")

    assert set(got.quality.tolist()) == {int(Quality.SUSPECT)}
    assert set(got.reasons.tolist()) == {int(Reason.CHECKSUM)}


def test_sound_rows_arrive_when_heap_descriptors_lie(bad: dict[str, Decoded]) -> None:
    done = bad["heap_lies.fits"]

    rows = array_of(done, "/1/SPECTRUM.row_size").stored

    assert rows[0] > 0
    assert rows[1:].tolist() == [0, 0]
    assert array_of(done, "/1/SPECTRUM").stored.size == rows[0]
    assert array_of(done, "/1/GOOD").stored.size == 3
    said = [text for code, text in done.manifest.errors if code == "format.header_lie"]  # type: ignore[union-attr]
    assert any("row 1" in text for text in said)
    assert any("row 2" in text for text in said)


def test_no_statistics_are_invented_when_a_variable_is_empty(bad: dict[str, Decoded]) -> None:
    done = bad["zero_unlimited.nc"]

    assert array_of(done, "/lat").stored.tolist() == [60.0, 61.0]
    assert done.of("/time") == []
    assert done.of("/t2m") == []


def test_bytes_are_kept_when_text_is_not_utf8(bad: dict[str, Decoded]) -> None:
    done = bad["bad_text.nc"]

    station = done.variable("/station")
    texts = array_of(done, "/station")
    temperature = done.variable("/temperature")

    assert station is not None
    assert temperature is not None
    assert station.dtype == "bytes"
    assert texts.texts[0] == b"Sm\xf8rum"
    assert texts.quality[0] == Quality.SUSPECT
    assert texts.texts[1].decode("utf-8")
    assert texts.quality[1] == Quality.PASS
    assert temperature.unit is None
    assert isinstance(temperature.attrs["units"], bytes)
    assert "température" in str(temperature.attrs.values())
    assert array_of(done, "/temperature").stored.tolist() == [1.0, 2.0, 3.0]


def test_one_bad_scale_costs_one_variable_when_six_are_bad(bad: dict[str, Decoded]) -> None:
    done = bad["bad_scaling.nc"]

    good = array_of(done, "/good")

    assert np.allclose(good.physical[:2], [274.15, 275.15], rtol=1e-6)
    assert good.quality.tolist() == [1, 1, 9]
    for path in ("/scale_nan", "/offset_inf", "/scale_zero", "/scale_two"):
        assert done.code_of(path) == "format.bad_scaling"
        assert done.of(path) == []
    for path in ("/scale_text", "/fill_text"):
        assert set(array_of(done, path).quality.tolist()) <= {3, 9}


def test_no_instant_is_invented_when_time_units_mean_nothing(bad: dict[str, Decoded]) -> None:
    done = bad["bad_units.nc"]

    good = done.variable("/good")
    assert good is not None
    assert good.time is not None
    assert good.time.epoch_ns is not None
    hours = array_of(done, "/good").stored
    first = good.time.epoch_ns + int(hours[0]) * int(good.time.tick_ns)
    assert first == 951_732_000 * 10**9  # 2000-02-28T10:00:00Z
    for path in ("/fortnights", "/month_13", "/year_zero", "/martian", "/months"):
        variable = done.variable(path)
        assert variable is not None
        assert variable.time is None or variable.time.epoch_ns is None
        assert variable.unit_src
        assert array_of(done, path).stored.size == 3
    temperature = done.variable("/temperature")
    assert temperature is not None
    assert (temperature.unit, temperature.unit_src) == (None, "degrees Bananas")
