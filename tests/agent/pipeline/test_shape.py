"""From contracts to a descriptor: which variables leave a pipeline, and in which order."""

from __future__ import annotations

from tests.agent.pipeline.making import contract

from alloy_agent.pipeline.shape import ROWS, Origin, chain_shape, variable
from alloy_transforms.record import Flags, Packing
from alloy_transforms.sandbox.contract import OUTPUT_TYPES, Contract, Field

PAYLOAD = [("payload", "bytes")]


def names(*contracts: Contract) -> list[str]:
    shape = chain_shape(contracts, "here", "test", ["sandbox"] * len(contracts))
    return [variable.name for variable in shape.descriptor.variables]


def test_the_last_stages_fields_come_first_when_earlier_ones_are_carried_through() -> None:
    first = contract("first", PAYLOAD, Field("kept", "i64"), Field("used", "i64"), Field("also", "f64"))
    last = contract("last", [("used", "int")], Field("made", "i64"), Field("more", "i64"))

    assert names(first, last) == ["made", "more", "kept", "also"]


def test_the_later_stage_wins_when_two_set_the_same_field() -> None:
    first = contract("first", PAYLOAD, Field("a", "i16"), Field("b", "i64"))
    last = contract("last", [("a", "int")], Field("a", "f64"))

    shape = chain_shape([first, last], "here", "test", ["sandbox", "native"])

    assert [v.name for v in shape.descriptor.variables] == ["a", "b"]
    assert shape.descriptor.variables[0].dtype == "f8"
    assert shape.origins == (Origin(1, 0), Origin(0, 1))
    assert [field.type for field in shape.fields] == ["f64", "i64"]


def test_a_field_taken_by_the_third_stage_is_left_out_of_the_first() -> None:
    first = contract("first", PAYLOAD, Field("deep", "i64"))
    middle = contract("middle", [("payload", "bytes")], Field("b", "i64"))
    last = contract("last", [("deep", "int"), ("b", "int")], Field("c", "i64"))

    assert names(first, middle, last) == ["c"]


def test_one_time_stays_when_several_stages_have_one() -> None:
    first = contract("first", PAYLOAD, Field("t", "time_ns"), Field("a", "i64"))
    last = contract("last", [("a", "int")], Field("when", "time_ns"), Field("b", "i64"))

    shape = chain_shape([first, last], "here", "test", ["sandbox"] * 2)

    assert shape.time == Origin(1, 0)
    assert [v.name for v in shape.descriptor.variables] == ["b"]  # a time is no variable


def test_the_time_stays_the_rows_time_when_a_later_stage_takes_it() -> None:
    first = contract("first", PAYLOAD, Field("t", "time_ns"), Field("a", "i64"))
    last = contract("last", [("t", "int")], Field("b", "i64"))

    shape = chain_shape([first, last], "here", "test", ["sandbox"] * 2)

    assert shape.time == Origin(0, 0)
    assert [v.name for v in shape.descriptor.variables] == ["b", "a"]


def test_meanings_and_packing_are_said_when_a_field_has_them() -> None:
    valve = variable(Field("valve", "enum", names=("off", "on")))
    temperature = variable(Field("t", "i16", unit="Cel", exp10=-1, range=(-40.0, 85.0)))

    assert valve.flags == Flags(values=(0, 1), meanings=("off", "on"))
    assert (temperature.pack, temperature.unit, temperature.range) == (
        Packing(exp10=-1),
        "Cel",
        (-40.0, 85.0),
    )
    assert temperature.dims == (ROWS,)


def test_every_type_has_its_dtype_when_it_becomes_a_variable() -> None:
    for kind, dtype in OUTPUT_TYPES.items():
        if kind != "time_ns":
            field = Field(
                "f", kind, names=("a",) if kind == "enum" else (), max=8 if kind in ("text", "bytes") else 0
            )
            assert variable(field).dtype == dtype


def test_provenance_names_every_stage_with_its_tier() -> None:
    shape = chain_shape(
        [contract("first", PAYLOAD, Field("a", "i64")), contract("last", [("a", "int")], Field("b", "i64"))],
        "mqtt:in/#",
        "alloy-edge",
        ["native", "sandbox"],
    )

    assert shape.descriptor.prov is not None
    assert [(s.name, s.tier) for s in shape.descriptor.prov.stages] == [
        ("first", "native"),
        ("last", "sandbox"),
    ]
    assert shape.descriptor.prov.source == "mqtt:in/#"
