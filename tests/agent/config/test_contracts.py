"""Keys of a pipeline against the contracts of its transforms."""

from __future__ import annotations

import pytest

from alloy_agent.config.contracts import PipelineContracts, check_contracts
from alloy_agent.config.model import (
    Expect,
    FilesSource,
    Framing,
    LinesSource,
    MqttSource,
    Pipeline,
    Problem,
    Route,
    StdoutSink,
    TransformRef,
)
from alloy_transforms.sandbox.contract import Contract, Field, Profile

LINES = LinesSource(framing=Framing(kind="delimiter"), port="/dev/gps")
MQTT = MqttSource(topic="a/b")
ENVELOPE = (
    Field("payload", "bytes", max=64),
    Field("port", "u8"),
    Field("device_profile", "enum", names=("ERS", "ERS2")),
    Field("rssi", "i16", optional=True),
    Field("time", "time_ns"),
)


def contract(
    name: str, inputs: dict[str, str], outputs: tuple[Field, ...], params: dict[str, int] | None = None
) -> Contract:
    return Contract(
        name=name,
        doc="",
        profile=Profile.PORTABLE,
        digest="0" * 64,
        inputs=tuple(inputs.items()),
        outputs=outputs,
        stateful=False,
        params=params or {},
    )


CHIRPSTACK = contract("lns_chirpstack", {"payload": "bytes"}, ENVELOPE)
ELSYS = contract(
    "elsys_ers",
    {"payload": "bytes", "port": "int"},
    (Field("temperature", "i16", unit="Cel", exp10=-1, optional=True), Field("label", "text", max=16)),
    {"offset": 0},
)


def ref(name: str, **params: int) -> TransformRef:
    return TransformRef(name=name, origin="library", source=b"", params=dict(params))


def pipeline(
    *stages: TransformRef,
    source: LinesSource | MqttSource | FilesSource = MQTT,
    route: Route | None = None,
    expect: dict[str, Expect] | None = None,
    **marks: tuple[int, int],
) -> Pipeline:
    return Pipeline(
        name="roof",
        file="pipelines/roof.yaml",
        digest="",
        source=source,
        sinks=(StdoutSink(),),
        stages=stages,
        route=route,
        expect=expect or {},
        marks={key.replace("__", "."): mark for key, mark in marks.items()},
    )


def brief(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in problems]


def test_nothing_is_found_when_chain_expect_and_params_fit() -> None:
    good = pipeline(
        ref("lns_chirpstack"), ref("elsys_ers", offset=1), expect={"temperature": Expect(min=-40)}
    )

    assert check_contracts(good, PipelineContracts((CHIRPSTACK, ELSYS))) == []


def test_the_missing_field_is_named_at_its_stage_when_nothing_gives_it() -> None:
    alone = pipeline(ref("elsys_ers"), stage__0=(4, 5))

    (problem,) = check_contracts(alone, PipelineContracts((ELSYS,)))

    assert problem == Problem(
        file="pipelines/roof.yaml",
        line=4,
        column=5,
        code="config.contract",
        message="`elsys_ers` takes `port`, which nothing before it gives",
        expected="one of `payload`, `topic`",
        hint="put a transform that gives `port` before it",
    )


def test_the_topic_is_given_only_when_the_source_is_mqtt() -> None:
    by_topic = contract("by_topic", {"payload": "bytes", "topic": "text"}, (Field("x", "u8"),))

    assert check_contracts(pipeline(ref("by_topic")), PipelineContracts((by_topic,))) == []
    found = check_contracts(pipeline(ref("by_topic"), source=LINES), PipelineContracts((by_topic,)))
    assert [problem.code for problem in found] == ["config.contract"]


@pytest.mark.parametrize(
    ("given", "wanted", "fits"),
    [
        ("u8", "int", True),
        ("u8", "float", True),
        ("bool", "int", True),
        ("f64", "int", False),
        ("u8", "bytes", False),
    ],
)
def test_a_type_fits_only_when_nothing_is_lost(given: str, wanted: str, fits: bool) -> None:
    first = contract("first", {"payload": "bytes"}, (Field("x", given),))
    second = contract("second", {"x": wanted}, (Field("y", "u8"),))

    found = check_contracts(pipeline(ref("first"), ref("second")), PipelineContracts((first, second)))

    assert [problem.code for problem in found] == ([] if fits else ["config.contract"])


def test_a_warning_is_given_when_a_taken_field_is_optional() -> None:
    needs = contract("needs", {"rssi": "int"}, (Field("y", "u8"),))

    found = check_contracts(pipeline(ref("lns"), ref("needs")), PipelineContracts((CHIRPSTACK, needs)))

    assert [(p.code, p.severity) for p in found] == [("config.optional_field", "warning")]


def test_an_earlier_stage_still_gives_its_fields_when_a_third_takes_them() -> None:
    middle = contract("middle", {"label": "text"}, (Field("y", "u8"),))
    third = contract("third", {"port": "int", "label": "text", "topic": "text"}, (Field("z", "u8"),))
    chain = pipeline(
        ref("lns"), ref("ers"), ref("middle"), ref("third"), expect={"y": Expect(), "port": Expect()}
    )

    found = check_contracts(chain, PipelineContracts((CHIRPSTACK, ELSYS, middle, third)))

    assert brief(found) == [
        ("config.contract", "`third` takes `topic`, which nothing before it gives"),
        ("config.unknown_field", "no record of this pipeline has `port`"),
    ]


def test_wrong_names_get_the_nearest_one_when_expect_route_and_params_miss() -> None:
    route = Route(on="device_profil", cases={"ERS2": (ref("elsys_ers", ofset=1),)})
    wrong = pipeline(ref("lns"), route=route, expect={"temprature": Expect(max=1), "label": Expect(max=1)})

    found = check_contracts(wrong, PipelineContracts((CHIRPSTACK,), {"ERS2": (ELSYS,)}))

    assert [(p.code, p.hint) for p in found] == [
        ("config.unknown_field", "did you mean `device_profile`?"),
        ("config.unknown_field", "did you mean `offset`?"),
        ("config.unknown_field", "did you mean `temperature`?"),
        ("config.contract", ""),
    ]


def test_a_case_is_refused_when_the_enum_never_has_its_value() -> None:
    route = Route(on="device_profile", cases={"ERS": (ref("elsys_ers"),), "ERS3": (ref("elsys_ers"),)})
    wrong = pipeline(ref("lns"), route=route, case__ERS3=(7, 3))

    (problem,) = check_contracts(wrong, PipelineContracts((CHIRPSTACK,), {"ERS": (ELSYS,), "ERS3": (ELSYS,)}))

    assert (problem.code, problem.line, problem.expected) == (
        "config.unknown_field",
        7,
        "one of `ERS`, `ERS2`",
    )


def test_a_route_is_refused_when_its_field_cannot_pick() -> None:
    route = Route(on="payload", cases={"x": (ref("elsys_ers"),)})

    found = check_contracts(
        pipeline(ref("lns"), route=route), PipelineContracts((CHIRPSTACK,), {"x": (ELSYS,)})
    )

    assert brief(found) == [("config.contract", "`payload` cannot pick a transform")]


RATE = Contract(
    name="rate",
    doc="",
    profile=Profile.PORTABLE,
    digest="0" * 64,
    inputs=(("x", "float"), ("gain", "float")),
    outputs=(Field("rate", "f64", optional=True),),
    stateful=False,
    needs=("array",),
    elementwise=True,
)
FILES = FilesSource(path="/data")


def arrays(**inputs: str | float) -> Pipeline:
    taken = TransformRef(name="rate", origin="./rate.py", source=b"", inputs=dict(inputs))
    return pipeline(taken, source=FILES, stage__0=(3, 1), stage__0__inputs__y=(5, 9))


def test_nothing_is_found_when_each_parameter_of_an_element_wise_transform_is_given() -> None:
    assert check_contracts(arrays(x="/1", gain=2.0), PipelineContracts((RATE,))) == []
    assert check_contracts(pipeline(source=FILES), PipelineContracts()) == []


def test_parameters_that_are_missing_or_unknown_are_named_when_arrays_are_taken() -> None:
    found = check_contracts(arrays(x="/1", y=1.0), PipelineContracts((RATE,)))

    assert brief(found) == [
        ("config.unknown_field", "`rate` has no parameter `y`"),
        ("config.contract", "`rate` takes `gain`, which `inputs` does not give"),
    ]
    assert [problem.line for problem in found] == [5, 3]


def test_a_record_transform_is_refused_when_the_source_is_files() -> None:
    files = pipeline(ref("elsys_ers"), source=FILES)

    assert brief(check_contracts(files, PipelineContracts((ELSYS,)))) == [
        ("config.contract", "`elsys_ers` takes records, a file has arrays")
    ]


def test_it_is_our_mistake_when_contracts_are_missing() -> None:
    with pytest.raises(RuntimeError):
        check_contracts(pipeline(ref("lns")), PipelineContracts())
