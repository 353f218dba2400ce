"""Compare what was delivered with the facts of the science manifest, by the written rule of each variable.

The rule decides which side of the manifest is compared (docs/formats.md), never what happens to fit:
one-byte types have no default fill, so xarray's side stands where the references differ over one; limits that
are of the type of scale_factor apply to unpacked values, which neither library does; elsewhere netCDF4's.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from alloy_transforms.record import Reason, TimeRef
from alloy_transforms.units import to_utc_ns

from .decoding import Array, Decoded, array_of

Fact = dict[str, Any]
NS = 1_000_000_000


def differences(entry: Fact, done: Decoded) -> list[str]:
    """Every fact in scope that does not hold; objects answered with a code are out of scope."""
    facts = entry["facts"]
    if "variables" in facts:
        return list(_netcdf(facts, done))
    if "datasets" in facts:
        return list(_hdf5(facts, done))
    return list(_fits(facts, done))


def _netcdf(facts: Fact, done: Decoded) -> Iterator[str]:
    for fact in facts["variables"]:
        path = fact["path"]
        if "fields" in fact:
            for name, stats in fact["fields"].items():
                yield from _numbers(done, f"{path}.{name}", stats)
            continue
        if done.variable(path) is None:
            yield f"{path}: not described"
            continue
        if done.code_of(path):
            continue
        if "strings" in fact:
            yield from _strings(done, path, fact["strings"])
        elif "stats" in fact:
            yield from _numbers(done, path, _by_rule(fact))
            if "first" in fact.get("time", {}):
                yield from _times(done, path, fact["time"])


def _by_rule(fact: Fact) -> Fact:
    """The side of the manifest that the written rule of this variable follows."""
    stats: Fact = fact["stats"]
    other = fact.get("xarray")
    limits = {"valid_min", "valid_max", "valid_range"} & set(fact.get("missing", {}))
    one_byte = fact["type"] in ("|i1", "|u1")
    if other is not None and one_byte and "_FillValue" not in fact.get("missing", {}):
        return {
            "n": stats["n"],
            "n_valid": stats["n"] - other["n_missing"],
            **{k: other[k] for k in ("min", "max", "mean")},
        }
    if limits and fact.get("packing") and fact["scaled_type"][1] == "f":
        return _physical_limits(fact)
    return stats


def _physical_limits(fact: Fact) -> Fact:
    """NetCDF User Guide: limits of the type of scale_factor apply to unpacked values.

    The manifest has no such side; what xarray keeps bounds it, and the exact counts are in its notes.
    """
    other = fact.get("xarray") or {}
    return {
        "n": fact["stats"]["n"],
        "limits": fact["missing"],
        "raw": fact.get("raw_stats"),
        "unmasked": other,
    }


def _hdf5(facts: Fact, done: Decoded) -> Iterator[str]:
    names = {link["hard_link_to"]: link["path"] for link in facts["links"] if "hard_link_to" in link}
    for fact in facts["datasets"]:
        path = fact["path"]
        if "error" in fact:
            continue
        if done.variable(path) is None:
            path = names.get(path, path)  # one object, two names: it is delivered under one of them
        for name, field in _columns(fact):
            full = f"{path}.{name}" if name else path
            if done.variable(full) is None:
                if any(v.path.startswith(full + ".") for v in done.descriptor.variables):  # type: ignore[union-attr]
                    continue
                yield f"{full}: not described"
            elif done.code_of(full):
                continue
            elif "strings" in field:
                yield from _strings(done, full, field["strings"])
            elif "stats" in field:
                yield from _numbers(done, full, field["stats"])
    for where, fact in facts.get("time_by_hint", {}).items():
        if "@" not in where and done.variable(where) is not None:
            tick = TimeRef({"unix": 0, "gps": 315_964_800 * NS}[fact["epoch"]], float(NS))
            yield from _instants(array_of(done, where).physical, fact, tick, where)


def _columns(fact: Fact) -> Iterator[tuple[str, Fact]]:
    if "fields" in fact:
        yield from fact["fields"].items()
    else:
        yield "", fact


def _fits(facts: Fact, done: Decoded) -> Iterator[str]:
    for hdu in facts["hdus"]:
        path = f"/{hdu['index']}"
        if "columns" in hdu:
            for column in hdu["columns"]:
                yield from _column(done, f"{path}/{column['name']}", column, hdu)
        elif "stats" in hdu and not done.code_of(path):
            yield from _numbers(done, path, hdu["stats"])
        if "time" in hdu:
            yield from _fits_times(done, hdu, path)
        said = any(
            code == "format.checksum_mismatch" and text.startswith(path + ":")
            for code, text in done.manifest.errors
        )  # type: ignore[union-attr]
        if ("wrong" in (hdu.get("checksum"), hdu.get("datasum"))) != said:
            yield f"{path}: checksum {hdu.get('checksum')}, reported: {said}"


def _column(done: Decoded, path: str, column: Fact, hdu: Fact) -> Iterator[str]:
    if done.variable(path) is None:
        yield f"{path}: not described"
        return
    if done.code_of(path):
        return
    if "strings" in column:
        yield from _strings(done, path, column["strings"])
    elif "vlen" in column:
        counted = array_of(done, path)
        n = sum(map(len, counted.texts)) if counted.texts else counted.stored.size
        if n > column["vlen"]["elements"] or (not counted.texts and n != column["vlen"]["elements"]):
            yield f"{path}: {n} elements of {column['vlen']['elements']}"
        if "stats" in column:
            yield from _numbers(done, path, column["stats"])
    elif "stats" in column and not (hdu["type"] == "TableHDU" and column["format"].startswith("I")):
        # astropy turns null and blank integers of ASCII tables into 0; ours are missing (data README, point 6).
        yield from _numbers(done, path, column["stats"])


def _numbers(done: Decoded, path: str, stats: Fact) -> Iterator[str]:
    if done.variable(path) is None:
        yield f"{path}: not described"
        return
    if done.code_of(path):
        return
    got = array_of(done, path)
    if got.physical.size != stats["n"]:
        yield f"{path}: {got.physical.size} values, {stats['n']} in the file"
        return
    usable = got.quality <= 3
    values = got.physical[usable]
    if "limits" in stats:
        yield from _within(got, stats, path)
        return
    if values.dtype.kind == "c":
        values = values[np.isfinite(values.real) & np.isfinite(values.imag)]
        yield from _close(path, "real_min", values.real.min() if values.size else None, stats.get("real_min"))
        yield from _close(path, "imag_max", values.imag.max() if values.size else None, stats.get("imag_max"))
    elif "n_true" in stats:
        yield from _close(path, "n_true", int(values.sum()), stats["n_true"])
        return
    else:
        # The reference scales f4 in f4: near zero its rounding is that of the largest value, not of the smallest.
        noise = (
            2.0**-22 * float(np.abs(values).max()) if values.size and got.physical is not got.stored else 0.0
        )
        for name, make in (("min", np.min), ("max", np.max), ("mean", np.mean)):
            mine = make(values.astype("f8") if name == "mean" else values) if values.size else None
            yield from _close(path, name, mine, stats.get(name), 1e-5 if name == "mean" else 2e-6, noise)
    if int(usable.sum()) != stats["n_valid"]:
        yield f"{path}: {int(usable.sum())} valid, expected {stats['n_valid']}"
    yield from _said_statistics(done, path, values)


def _said_statistics(done: Decoded, path: str, values: Any) -> Iterator[str]:
    """What the chunks say of themselves against the delivered values."""
    said = [chunk.stats for chunk in done.of(path) if chunk.stats is not None]
    if sum(stats.n_valid for stats in said) != values.size:
        yield f"{path}: chunks say {sum(stats.n_valid for stats in said)} valid values, {values.size} were sent"
    lows = [stats.minimum for stats in said if stats.minimum is not None]
    if values.size and values.dtype.kind in "iuf":
        yield from _close(path, "chunk minimum", min(lows) if lows else None, values.min())


def _within(got: Array, stats: Fact, path: str) -> Iterator[str]:
    limits = stats["limits"]
    low, high = limits.get("valid_min", -math.inf), limits.get("valid_max", math.inf)
    inside = (got.physical >= low) & (got.physical <= high)
    if not np.array_equal(inside, got.quality <= 3):
        yield f"{path}: {int((got.quality <= 3).sum())} valid, {int(inside.sum())} within the limits"
    if not np.all((got.reasons[~inside] & int(Reason.OUT_OF_RANGE)) != 0):
        yield f"{path}: a value outside its limits has no reason"
    yield from _close(path, "raw max", got.stored.max(), stats["raw"]["max"])
    yield from _close(path, "raw min", got.stored.min(), stats["raw"]["min"])


def _close(
    path: str, name: str, mine: Any, wanted: Any, relative: float = 2e-6, absolute: float = 0.0
) -> Iterator[str]:
    if mine is None and wanted is None:
        return
    if (
        mine is None
        or wanted is None
        or not math.isclose(float(mine), float(wanted), rel_tol=relative, abs_tol=max(absolute, 1e-30))
    ):
        yield f"{path}: {name} {mine}, expected {wanted}"


def _strings(done: Decoded, path: str, fact: Fact) -> Iterator[str]:
    texts = array_of(done, path).texts
    if len(texts) != fact["n"]:
        yield f"{path}: {len(texts)} texts, expected {fact['n']}"
        return
    empty = sum(not text.decode("utf-8", "replace").strip() for text in texts)
    # A NUL ends a FITS text (4.0, section 7.3.3.1); astropy keeps one that blanks follow: a text of one NUL.
    if empty < fact["n_empty"] or (empty > fact["n_empty"] and done.descriptor.prov.format != "fits"):  # type: ignore[union-attr]
        yield f"{path}: {empty} empty texts, expected {fact['n_empty']}"
    for at, name in ((0, "first"), (-1, "last")):
        wanted = fact[name].removesuffix("…").rstrip() if texts else ""
        if (
            texts
            and not fact[name].startswith("bytes:")
            and not texts[at].decode("utf-8").rstrip().startswith(wanted)
        ):
            yield f"{path}: {name} {texts[at]!r}, expected {fact[name]!r}"


def _times(done: Decoded, path: str, fact: Fact) -> Iterator[str]:
    variable = done.variable(path)
    assert variable is not None
    if not fact["first"].endswith("Z"):
        if (
            variable.time is None
            or variable.time.epoch_ns is not None
            or variable.time.calendar != fact["calendar"]
        ):
            yield f"{path}: calendar {fact['calendar']} must stay fields"
        return
    if variable.time is None or variable.time.epoch_ns is None:
        yield f"{path}: no instant"
        return
    got = array_of(done, path)
    values = got.physical[(got.quality <= 3)]
    yield from _instants(values, fact, variable.time, path)
    yield from _instants(
        np.array([values.min(), values.max()]),
        {"first": fact["earliest"], "last": fact["latest"]},
        variable.time,
        path,
    )


def _instants(values: Any, fact: Fact, time: TimeRef, path: str) -> Iterator[str]:
    assert time.epoch_ns is not None
    for at, name in ((0, "first"), (-1, "last")):
        mine = to_utc_ns(values[at].item(), time)
        if mine is None or abs(mine - iso_ns(fact[name])) > NS // 1000:
            yield f"{path}: {name} {mine}, expected {fact[name]}"


def _fits_times(done: Decoded, hdu: Fact, path: str) -> Iterator[str]:
    assert done.descriptor is not None
    prefix = "" if hdu["index"] == 0 else f"{path}@"
    time = hdu["time"]
    for key in ("date-obs", "date-beg", "date-end", "date-avg", "mjd-obs", "mjd-beg", "mjd-end"):
        mine = done.descriptor.attrs.get(f"{prefix}{key.upper()}@utc_ns")
        if key in time and (not isinstance(mine, int) or abs(mine - iso_ns(time[key])) > NS // 1000):
            yield f"{path}: {key} {mine}, expected {time[key]}"
    variable = done.variable(f"{path}/TIME")
    if "first_row" in time and variable is not None:
        if variable.time is None or variable.time.epoch_ns is None:
            yield f"{path}/TIME: no instant"
            return
        values = array_of(done, f"{path}/TIME").physical
        for at, name in ((0, "first_row"), (-1, "last_row")):
            mine = to_utc_ns(float(values[at]), variable.time)
            if mine is None or abs(mine - iso_ns(time[name])) > NS // 1000:
                yield f"{path}/TIME: {name} {mine}, expected {time[name]}"


def iso_ns(text: str) -> int:
    """UTC ns of an instant as the manifest writes it."""
    body, _, fraction = text.rstrip("Z").partition(".")
    day, _, clock = body.partition("T")
    year, month, dom = (int(part) for part in day.split("-"))
    hour, minute, second = (int(part) for part in clock.split(":"))
    seconds = calendar.timegm((year, month, dom, hour, minute, second))
    return seconds * NS + int(fraction.ljust(9, "0")[:9] or 0)


def table(entries: dict[str, Fact], decoded: dict[str, Decoded]) -> list[tuple[str, str]]:
    """(file, what it was answered with), as docs/formats.md shows it."""
    rows: list[tuple[str, str]] = []
    for name, entry in entries.items():
        done = decoded[name]
        if done.manifest is None:
            assert done.error is not None
            rows.append((name, f"refused: `{done.error.code}`"))
            continue
        codes = [summary.error for summary in done.manifest.variables]
        missing = {code: codes.count(code) for code in sorted(set(codes)) if code}
        if "facts" in entry and differences(entry, done):
            rows.append((name, "differs"))
        elif missing:
            said = ", ".join(f"{count} of {len(codes)} `{code}`" for code, count in missing.items())
            rows.append((name, said))
        else:
            rows.append((name, "all facts"))
    return rows
