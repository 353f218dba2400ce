"""What we send is what `docs/alloy.cddl` says, and the CDDL refuses what we would not send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import pytest
from hypothesis import assume, given, settings
from pycddl import Schema, ValidationError
from tests.transforms.wire_records import (
    CLIMATE,
    FIELD,
    batches,
    climate_batch,
    descriptors,
    field_chunk,
    field_manifest,
)

from alloy_transforms.errors import RecordError
from alloy_transforms.record import Batch, Descriptor, Level
from alloy_transforms.wire import cbor

CDDL = (Path(__file__).resolve().parents[2] / "docs" / "alloy.cddl").read_text(encoding="utf-8")
SCHEMA = Schema(CDDL)
COLUMN = Schema("item = column\n" + CDDL)
"""One element of a batch's payload: this validator does not look at tags inside an array of choices."""

MESSAGES = {
    "climate": b"".join(cbor.encode_descriptor(CLIMATE)),
    "field": b"".join(cbor.encode_descriptor(FIELD)),
    "batch": b"".join(cbor.encode_batch(climate_batch(20), CLIMATE)),
    "stored chunk": b"".join(cbor.encode_chunk(field_chunk(Level.STORED), FIELD)),
    "packed chunk": b"".join(cbor.encode_chunk(field_chunk(Level.PACKED), FIELD)),
    "physical chunk": b"".join(cbor.encode_chunk(field_chunk(Level.PHYSICAL), FIELD)),
    "manifest": b"".join(cbor.encode_manifest(field_manifest())),
}
SCHEMAS = {cbor.sid(CLIMATE): CLIMATE, cbor.sid(FIELD): FIELD}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_valid_when_we_encoded_it(name: str) -> None:
    SCHEMA.validate_cbor(MESSAGES[name])


@settings(max_examples=25)
@given(descriptors(), batches())
def test_any_encoding_is_valid(descriptor: Descriptor, pair: tuple[Descriptor, Batch]) -> None:
    SCHEMA.validate_cbor(b"".join(cbor.encode_descriptor(descriptor)))
    assume(pair[1].n)  # this validator refuses the empty array among choices (texts of no row)
    SCHEMA.validate_cbor(b"".join(cbor.encode_batch(pair[1], pair[0])))


def mutations(message: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Each message once without each required key, with a foreign key, and with wrong types."""
    for key in message:
        if key not in ("rt", "m", "st", "c", "attrs", "errors"):
            yield f"without {key}", {k: v for k, v in message.items() if k != key}
    yield "foreign key", {**message, "zz": 1}
    for key in message:
        yield f"{key} is a date", {**message, key: cbor2.CBORTag(1, 0)}


CASES = [
    (name, what, changed) for name, raw in MESSAGES.items() for what, changed in mutations(cbor2.loads(raw))
]


@pytest.mark.parametrize(("name", "what", "changed"), CASES, ids=[f"{n}: {w}" for n, w, _ in CASES])
def test_a_message_is_invalid_when_changed(name: str, what: str, changed: dict[str, object]) -> None:
    raw = cbor2.dumps(changed)

    with pytest.raises(ValidationError):
        SCHEMA.validate_cbor(raw)
    with pytest.raises(RecordError):
        cbor.decode(raw, SCHEMAS)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("batch", lambda m: m.update(v=2)),
        ("batch", lambda m: m.update(clk="sundial")),
        ("batch", lambda m: m.update(sid="XYZ")),
        ("batch", lambda m: m.update(q=5)),
        ("batch", lambda m: m.update(r=65536)),
        ("batch", lambda m: m.update(seq=-1)),
        ("packed chunk", lambda m: m.update(lvl=3)),
        ("packed chunk", lambda m: m.update(crc=1 << 32)),
        ("packed chunk", lambda m: m.update(st=[1, 2])),
        ("field", lambda m: m["vars"][0].update(dtype="f16")),
        ("field", lambda m: m["vars"][0].update(unit="")),
        ("field", lambda m: m["vars"][1]["pack"].update(scale="0.1")),
        ("manifest", lambda m: m.update(status="fine")),
        ("manifest", lambda m: m["vars"][0].update(digest="00")),
    ],
)
def test_both_refuse_a_wrong_value(name: str, change: Callable[[dict[str, object]], None]) -> None:
    message = cbor2.loads(MESSAGES[name])
    change(message)
    raw = cbor2.dumps(message)

    with pytest.raises(ValidationError):
        SCHEMA.validate_cbor(raw)
    with pytest.raises(RecordError):
        cbor.decode(raw, SCHEMAS)


def test_every_column_of_a_batch_is_valid() -> None:
    for item in cbor2.loads(MESSAGES["batch"])["p"]:
        COLUMN.validate_cbor(cbor2.dumps(item))


@pytest.mark.parametrize(
    "item", [cbor2.CBORTag(77, "text"), cbor2.CBORTag(73, b"\x00\x00"), cbor2.CBORTag(40, []), b"\x00", None]
)
def test_both_refuse_a_wrong_column(item: object) -> None:
    message = cbor2.loads(MESSAGES["batch"])
    message["p"][0] = item

    with pytest.raises(ValidationError):
        COLUMN.validate_cbor(cbor2.dumps(item))
    with pytest.raises(RecordError):
        cbor.decode(cbor2.dumps(message), SCHEMAS)
