"""Descriptors and blocks the wire tests share, and hypothesis strategies for any of them."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from alloy_transforms.record import (
    DTYPES,
    Attr,
    Batch,
    Chunk,
    ClockState,
    Column,
    Descriptor,
    Dimension,
    Flags,
    Level,
    Manifest,
    MissingRule,
    Packing,
    Provenance,
    Quality,
    Reason,
    Stage,
    Statistics,
    TimeRef,
    Variable,
    VariableSummary,
)
from alloy_transforms.wire import cbor

ROW = Dimension("row", None, "sample")

CLIMATE = Descriptor(
    dims=(ROW,),
    variables=(
        Variable("temperature", ("row",), "i2", unit="Cel", pack=Packing(exp10=-1), range=(-40.0, 85.0)),
        Variable("humidity", ("row",), "u1", unit="%"),
        Variable("valve", ("row",), "u1", unit="1", flags=Flags(values=(0, 1), meanings=("off", "on"))),
        Variable("label", ("row",), "utf8"),
    ),
    prov=Provenance("mqtt:application/+/up", "mqtt/1", (Stage("elsys_ers", "ab" * 32, "sandbox"),)),
)

FIELD = Descriptor(
    dims=(Dimension("time", None, "T"), Dimension("lat", 180, "Y"), Dimension("lon", 360, "X")),
    variables=(
        Variable("time", ("time",), "f8", path="/time", unit="d", unit_src="days since 1950-01-01"),
        Variable(
            name="t2m",
            dims=("time", "lat", "lon"),
            dtype="i2",
            path="/t2m",
            unit="K",
            unit_src="kelvin",
            quantity="air_temperature",
            pack=Packing(scale=0.01, offset=273.15, unsigned=True, out="f4"),
            missing=MissingRule(fills=(-32767,), missing_values=(1, 2.5), implicit=-1, valid=(None, 300.5)),
            time=TimeRef(-631152000000000000, 86400e9, "gregorian", "UTC"),
            coords=("time",),
            chunk=(1, 90, 90),
            codec=("shuffle", "deflate"),
            attrs={"long_name": "2 m temperature", "levels": (1, 2.0, (True, b"\x00"))},
        ),
        Variable("name", ("lat",), "utf8", path="/name"),
        Variable("spectrum", ("lat",), "c8", path="/spectrum"),
    ),
    prov=Provenance("t2m.nc", "netcdf3/1", (), 304, 1_700_000_000_000_000_000, "netcdf3-classic"),
    attrs={"title": "a field"},
)


def climate_batch(n: int = 3) -> Batch:
    """`n` rows of CLIMATE with every kind of side column."""
    texts = [f"n{row}".encode() for row in range(n)]
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text))
    bits = bytearray((n + 7) // 8)
    for row in range(0, n, 2):
        bits[row >> 3] |= 1 << (row & 7)
    return Batch(
        sid=cbor.sid(CLIMATE),
        run="01J00000000000000000000000",
        seq=7,
        first_row=700,
        n=n,
        time=struct.pack(f"<{n}q", *(1_700_000_000_000_000_000 + row for row in range(n))),
        received=struct.pack(f"<{n}q", *(1_700_000_000_000_500_000 + row for row in range(n))),
        clock=ClockState.NTP,
        columns=(
            Column(struct.pack(f"<{n}h", *(226 + row for row in range(n)))),
            Column(
                bytes(41 for _ in range(n)),
                validity=bytes(bits),
                quality=bytes(1 if row % 2 == 0 else 9 for row in range(n)),
                reasons=struct.pack(f"<{n}H", *(0 if row % 2 == 0 else Reason.ABSENT for row in range(n))),
            ),
            Column(bytes(row & 1 for row in range(n)), quality=Quality.SUSPECT, reasons=Reason.EXPECT),
            Column(struct.pack(f"<{n + 1}I", *offsets), b"".join(texts)),
        ),
    )


def field_chunk(level: Level = Level.PACKED) -> Chunk:
    """A 1 x 2 x 3 piece of FIELD's `t2m`."""
    form = "<6f" if level is Level.PHYSICAL else "<6h"
    payload = struct.pack(form, *range(6))
    stored = level is Level.STORED
    return Chunk(
        sid=cbor.sid(FIELD),
        run="run-1",
        var=1,
        seq=4,
        origin=(2, 90, 180),
        shape=(1, 2, 3),
        level=level,
        payload=b"\x78\x9c\x01" if stored else payload,
        crc=0xDEADBEEF,
        raw_bytes=len(payload),
        codec=("shuffle", "deflate") if stored else (),
        validity=None if stored else b"\x3e",
        quality=Quality.NOT_EVALUATED if stored else bytes((9, 1, 1, 1, 1, 1)),
        reasons=0 if stored else struct.pack("<6H", 1, 0, 0, 0, 0, 0),
        stats=Statistics(5, 273.16, 273.2, 273.18),
        received_ns=1_700_000_000_000_000_000,
        clock=ClockState.GPS,
    )


def field_manifest() -> Manifest:
    """A manifest with everything in it."""
    return Manifest(
        cbor.sid(FIELD),
        "run-1",
        (
            VariableSummary(0, 1, {1: 4}, "00" * 32),
            VariableSummary(1, 0, {}, "", "format.not_yet", "szip is not supported yet"),
        ),
        "partial",
        (("format.truncated", "the file ends early"),),
    )


finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(min_size=1, max_size=12)
attrs = st.recursive(
    st.one_of(
        st.text(max_size=8),
        st.integers(-(1 << 63), (1 << 64) - 1),
        finite,
        st.booleans(),
        st.binary(max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
attributes: st.SearchStrategy[dict[str, Attr]] = st.dictionaries(st.text(max_size=8), attrs, max_size=3)


@st.composite
def descriptors(draw: st.DrawFn) -> Descriptor:
    """Any stream descriptor of up to five columns."""
    columns = draw(
        st.lists(st.tuples(names, st.sampled_from(sorted(DTYPES))), max_size=5, unique_by=lambda c: c[0])
    )
    return Descriptor(
        (ROW,),
        tuple(
            Variable(
                name,
                ("row",),
                dtype,
                unit=draw(st.sampled_from((None, "1", "Cel"))),
                pack=draw(st.sampled_from((None, Packing(exp10=-2), Packing(scale=0.5, offset=1.0)))),
                attrs=draw(attributes),
            )
            for name, dtype in columns
        ),
        Provenance("lines:/x", "lines/1"),
        draw(attributes),
    )


@st.composite
def batches(draw: st.DrawFn) -> tuple[Descriptor, Batch]:
    """A descriptor and a batch of it."""
    descriptor = draw(descriptors())
    n = draw(st.integers(0, 9))
    times = st.binary(min_size=8 * n, max_size=8 * n)
    time = draw(times)
    return descriptor, Batch(
        sid=cbor.sid(descriptor),
        run="r",
        seq=draw(st.integers(0, 1 << 40)),
        first_row=draw(st.integers(0, 1 << 40)),
        n=n,
        time=time,
        received=draw(st.one_of(st.just(time), times)),
        clock=draw(st.sampled_from(ClockState)),
        columns=tuple(draw(columns(variable.dtype, n)) for variable in descriptor.variables),
    )


@st.composite
def columns(draw: st.DrawFn, dtype: str, n: int) -> Column:
    """Any column of `n` rows of `dtype`; texts may be no UTF-8."""
    mask = draw(st.one_of(st.none(), st.binary(min_size=(n + 7) // 8, max_size=(n + 7) // 8)))
    quality = draw(
        st.one_of(
            st.sampled_from((1, 2, 3, 4, 9)),
            st.lists(st.sampled_from((1, 2, 3, 4, 9)), min_size=n, max_size=n).map(bytes),
        )
    )
    reasons = draw(st.one_of(st.integers(0, 65535), st.binary(min_size=2 * n, max_size=2 * n)))
    if DTYPES[dtype]:
        size = n * DTYPES[dtype]
        return Column(draw(st.binary(min_size=size, max_size=size)), b"", mask, quality, reasons)
    arena, offsets = bytearray(), [0]
    for row in range(n):
        if mask is None or mask[row >> 3] >> (row & 7) & 1:
            arena += draw(st.one_of(st.binary(max_size=5), st.text(max_size=5).map(str.encode)))
        offsets.append(len(arena))
    return Column(struct.pack(f"<{n + 1}I", *offsets), bytes(arena), mask, quality, reasons)
