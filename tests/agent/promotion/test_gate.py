"""The differential gate: what differs, dies or lies does not serve; what Python cannot answer proves nothing."""

from __future__ import annotations

import pytest
import trio
from tests.fakes.native_stage import (
    COUNTED,
    CRASH,
    DECLINES,
    LIES,
    TWICE,
    WRONG,
    Watched,
    counted,
    opened,
    shared_object,
    twice,
    with_native,
)

from alloy_agent.config.model import Workers
from alloy_agent.errors import ModuleRefusedError, WorkerError
from alloy_agent.promotion import gate
from alloy_agent.promotion.gate import DifferError, Gate, GateReport
from alloy_agent.promotion.recent import Recorded
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.protocol import encode_state

pytestmark = pytest.mark.slow


def recorded(numbers: list[int], state: bytes = b"") -> Recorded:
    return Recorded((input_column("int", numbers),), len(numbers), state, 8 * len(numbers))


def compared(
    source: str, entry: str, *batches: Recorded, workers: Workers | None = None
) -> GateReport | Exception:
    """What the gate says of a module."""
    out: list[GateReport | Exception] = []

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        module = opened(shared_object(source, entry))
        judge = stage.generation.alike(None, Accounting())
        candidate = stage.generation.alike(module, Accounting())
        try:
            out.append(await Gate("p/t", judge, candidate).run(batches))
        except (ModuleRefusedError, WorkerError) as error:
            out.append(error)
        finally:
            with trio.CancelScope(shield=True):
                await judge.drop()
                await candidate.drop()
                module.close()

    with_native(source, body, Watched(), workers=workers)
    return out[0]


def test_everything_at_hand_is_compared_when_the_module_is_honest() -> None:
    report = compared(TWICE, twice(), recorded([7, 1 << 62]))

    assert isinstance(report, GateReport)
    assert (report.examples, report.recorded, report.generated) == (2, 2, gate.GENERATED)
    assert report.skipped == 0
    assert report.declined > 0  # numbers of 64 bits are among the generated ones
    assert report.facts()["generated"] == gate.GENERATED


def test_the_state_is_compared_too_when_there_is_one() -> None:
    start = encode_state({"n": 1 << 40})
    assert isinstance(compared(COUNTED, counted(), recorded([5, 6], start)), GateReport)

    end = "b->answered = b->n;\n    return bad;"
    assert end in counted()
    late = counted().replace(end, f"b->state[0]++; {end}")  # no answer shows it
    error = compared(COUNTED, late, recorded([5, 6], start))

    assert isinstance(error, DifferError)
    assert error.code == "build.diff"


def test_a_module_is_refused_with_the_input_when_one_bit_differs() -> None:
    error = compared(TWICE, WRONG, recorded(list(range(20))))

    assert isinstance(error, DifferError)
    assert error.evidence == {"input": {"x": 7}, "native": [{"v": 15}], "sandbox": [{"v": 14}]}
    assert (error.got, error.expected) == ("[{'v': 15}]", "[{'v': 14}]")


def test_a_module_is_refused_when_only_a_generated_input_shows_it() -> None:
    error = compared(TWICE, twice(value="2 * x[i] + (x[i] == 65536)"))

    assert isinstance(error, DifferError)
    assert error.evidence["input"] == {"x": 65536}


@pytest.mark.parametrize(("entry", "code"), [(CRASH, "script.crash"), (LIES, "violation.protocol")])
def test_a_module_is_refused_when_its_worker_dies_and_pythons_does_not(entry: str, code: str) -> None:
    error = compared(TWICE, entry, recorded(list(range(20))))

    assert isinstance(error, ModuleRefusedError)
    assert error.code == code
    assert error.context["input"] == "{'x': 0}"


def test_a_module_may_decline_what_it_likes() -> None:
    report = compared(TWICE, DECLINES, recorded(list(range(20))))

    assert isinstance(report, GateReport)
    assert report.declined > 100


def test_inputs_are_left_out_when_python_itself_does_not_answer_them() -> None:
    source = TWICE.replace("    return", "    while x == 13:\n        x = x * 1\n    return")

    report = compared(
        source, twice(before="if (x[i] == 13) { b->codes[i] = 201; bad++; continue; }"),
        recorded([1, 13]), recorded([1, 2]), workers=Workers(max=1, wall_ms=300, first_wall_ms=1000),
    )  # fmt: skip

    assert isinstance(report, GateReport)
    assert report.recorded == 2
    assert report.skipped >= 2


def test_the_gate_gives_up_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "HARD_S", -1.0)
    error = compared(TWICE, twice())
    assert isinstance(error, WorkerError)
    assert (error.code, error.retryable) == ("promotion.time", True)


def test_generated_inputs_end_when_the_time_for_them_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SOFT_S", 0.0)
    report = compared(TWICE, twice())
    assert isinstance(report, GateReport)
    assert report.generated == gate.BATCH
