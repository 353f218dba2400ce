"""Forty real files, through the jailed decoder, against what the reference libraries find in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alloy_transforms.record import Quality, Reason

from .decoding import Decoded, array_of
from .science_facts import differences, table

pytestmark = pytest.mark.slow

NOT_YET = {
    "times-nested-be.h5",
    "bitshuffle_datasets.hdf5",
    "compound_datasets_latest.hdf5",
    "ref_szip.h5",
    "go1520120601.fits.gz",
    "comp.fits",
    "random_groups.fits",
    "bt12.fits.fz",
}
"""Files of which one object or all are answered with `format.not_yet`."""


def test_every_fact_in_scope_holds_when_real_files_are_decoded(
    facts: dict[str, Any], decoded: dict[str, Decoded]
) -> None:
    wrong = {
        name: differences(entry, decoded[name])
        for name, entry in facts.items()
        if "facts" in entry and decoded[name].manifest is not None
    }

    assert {name: found for name, found in wrong.items() if found} == {}


def test_files_are_refused_with_a_code_when_the_manifest_says_so(
    facts: dict[str, Any], decoded: dict[str, Decoded]
) -> None:
    refused = {name: done.error.code for name, done in decoded.items() if done.error is not None}

    assert refused == {
        "bad_cdf5_begin.nc": "format.header_lie",
        "not_actually_fits.fits": "format.not_recognised",
        "cve-2024-32609.h5": "format.crash",
        "go1520120601.fits.gz": "format.not_yet",
    }


def test_only_named_files_lack_objects_when_everything_is_decoded(
    facts: dict[str, Any], decoded: dict[str, Decoded]
) -> None:
    rows = table(facts, decoded)
    lacking = {name for name, answer in rows if "not_yet" in answer}

    assert lacking == NOT_YET
    assert sum(answer == "all facts" for _, answer in rows) >= 29


def test_documentation_shows_what_was_found_when_the_table_is_made(
    facts: dict[str, Any], decoded: dict[str, Decoded]
) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")

    missing = [row for row in table(facts, decoded) if f"| `{row[0]}` | {row[1]} |" not in page]

    assert missing == []


def test_limits_apply_to_physical_values_when_they_are_of_the_type_of_the_scale(
    facts: dict[str, Any], decoded: dict[str, Decoded]
) -> None:
    done = decoded["twpvisstgridirtemp.c1.20050705.002500.nc"]

    got = array_of(done, "/ir_temperature")

    outside = got.quality == Quality.FAIL
    assert int(outside.sum()) == 503
    assert set(got.reasons[outside].tolist()) == {int(Reason.OUT_OF_RANGE)}
    inside = got.physical[~outside]
    assert (round(float(inside.min()), 2), round(float(inside.max()), 2)) == (268.80, 297.94)


def test_values_keep_a_mark_when_a_sound_file_has_stale_checksums(decoded: dict[str, Decoded]) -> None:
    done = decoded["gbm.fits"]

    marked = array_of(done, "/2/COUNTS")
    clean = array_of(done, "/1/E_MIN")

    assert set(marked.quality.tolist()) == {int(Quality.SUSPECT)}
    assert set(marked.reasons.tolist()) == {int(Reason.CHECKSUM)}
    assert set(clean.quality.tolist()) == {int(Quality.PASS)}


def test_null_integers_are_missing_when_an_ascii_table_has_null_text(decoded: dict[str, Decoded]) -> None:
    got = array_of(decoded["cfitsio_testprog.fits"], "/3/Ivalue")

    valid = got.stored[got.quality <= 3]

    assert int((got.quality == Quality.MISSING).sum()) == 4
    assert 0 not in np.asarray(valid)


def test_same_bytes_come_out_when_a_file_is_decoded_again(science: Path, decoded: dict[str, Decoded]) -> None:
    from .decoding import decode_files

    name = "pco2_netcdf_example.nc"

    again = decode_files([science / "netcdf" / name])[name]

    assert again.manifest == decoded[name].manifest
    assert again.chunks == decoded[name].chunks
