"""Element-wise stages go through the same promotion: proven by the gate, compared by the canary, never a loss."""

from __future__ import annotations

import math
import os
import random
import signal
import struct
from collections.abc import Sequence
from functools import cache

import pytest
import trio
from tests.agent.promotion.test_promoter import on, run
from tests.fakes.disk import MemoryDisk
from tests.fakes.native_stage import Watched, on_record, opened, shared_object, unproven, with_native
from tests.transforms.differential.builds import module
from tests.transforms.differential.subjects import ELEMENTS, loaded

from alloy_agent.errors import ModuleRefusedError
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.promotion import gate
from alloy_agent.promotion.gate import Gate, GateReport
from alloy_agent.promotion.recent import Recorded
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_transforms.sandbox.columns import input_column, values_of

pytestmark = pytest.mark.slow

LINEAR = '''"""A line."""
OUTPUT = {"y": {"type": "f64", "unit": "V"}}
EXAMPLES = ({"in": {"x": 2.0, "gain": 3.0}, "out": ({"y": 6.5},)},)


def f(x: float, gain: float) -> float:
    if x < -1e300:
        raise ValueError("below the scale")
    return x * gain + 0.5
'''
LINEAR_C = """
    uint64_t set = 0;
    for (uint64_t i = 0; i < m->n; i++) {
        double x = m->arguments[0].values[i * m->arguments[0].stride];
        double gain = m->arguments[1].values[i * m->arguments[1].stride];
        BEFORE
        m->out[i] = x * gain + 0.5;
        if (m->out[i] != m->out[i]) m->out[i] = __builtin_nan("");
        AFTER
        if (x < -1e300) { m->codes[i] = 3; m->out[i] = __builtin_nan(""); set++; }
        if (x == 21) { m->codes[i] = 200; m->out[i] = __builtin_nan(""); set++; }
    }
    return set;
"""
WRONG = "if (x == 7) m->out[i] += 0x1p-45;"
"""A bit or two of one element."""
CRASH = "if (x == 7) *(volatile int *) 8 = 1;"
LIE = "if (x == 7) m->codes[i] = 9;"


@cache
def built(name: str) -> tuple[str, bytes]:
    """A real file, named `t` as stages are in these tests, and the module that is made of it."""
    source = (ELEMENTS / f"{name}.py").read_text("utf-8")
    return source, module(loaded("t", source))


def in_c(before: str = "", after: str = "") -> bytes:
    return shared_object(LINEAR, LINEAR_C.replace("BEFORE", before).replace("AFTER", after))


def recorded(*columns: Sequence[float | None]) -> Recorded:
    packed = tuple(input_column("float", values) for values in columns)
    return Recorded(packed, len(columns[0]), b"", 8 * len(columns) * len(columns[0]))


def numbers(reply: StageReply, n: int) -> list[float | None]:
    """The value of each element; all of them have to be there."""
    assert list(reply.src) == list(range(n)), reply.errors
    return values_of("f8", reply.columns[0], n)


def shown(value: float) -> str:
    """As evidence has it."""
    return f"{value!r} ({value.hex()})"


def compared(source: str, data: bytes, *batches: Recorded) -> GateReport | ModuleRefusedError:
    """What the gate says of a module."""
    out: list[GateReport | ModuleRefusedError] = []

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        made = opened(data)
        judge, candidate = (stage.generation.alike(m, Accounting()) for m in (None, made))
        try:
            out.append(await Gate("p/t", judge, candidate).run(batches))
        except ModuleRefusedError as error:
            out.append(error)
        finally:
            with trio.CancelScope(shield=True):
                await judge.drop()
                await candidate.drop()
                made.close()

    with_native(source, body, Watched())
    return out[0]


def test_a_stage_is_promoted_and_gives_the_same_bits_when_its_module_is_really_built() -> None:
    source, data = built("thermistor")
    chance = random.Random(1)
    values = [chance.uniform(-1e3, 1e5) for _ in range(4000)] + [math.nan, math.inf, 5e-324, -0.0, 1e308] * 4
    disk = MemoryDisk()
    admitted = on_record(on(disk), data)

    async def body(device):  # type: ignore[no-untyped-def]  # of test_promoter
        stage = await device.stage(source)
        before = await stage.run([values], len(values))
        facts = await device.promoter.promote(stage)
        after = await stage.run([values], len(values))

        assert (facts["module"], stage.tier) == (admitted.module, "native")
        assert facts["gate"]["generated"] == gate.GENERATED
        assert facts["gate"]["examples"] == 2
        assert facts["gate"]["recorded"] > 0
        assert stage.facts()["module"]["compared"] == len(values)
        assert (after.columns, list(after.src)) == (before.columns, list(before.src))
        assert list(after.errors) == list(before.errors)
        assert len(before.errors) > 20
        assert stage.contract.elementwise

    run(on(disk), body)


def test_elements_that_lack_arguments_are_compared_too_when_they_were_recorded() -> None:
    source, data = built("dew_point")

    report = compared(source, data, recorded([20.0, None, 21.0, -50.0], [50.0, 60.0, None, 0.0]))

    assert isinstance(report, GateReport)
    assert (report.recorded, report.skipped) == (4, 0)
    assert report.generated == gate.GENERATED


@pytest.mark.parametrize(
    ("after", "code"), [(WRONG, "build.diff"), (CRASH, "script.crash"), (LIE, "violation.protocol")]
)
def test_a_module_is_refused_when_it_differs_crashes_or_lies(after: str, code: str) -> None:
    error = compared(LINEAR, in_c(after=after), recorded([float(x) for x in range(20)], [1.0] * 20))

    assert isinstance(error, ModuleRefusedError)
    assert error.code == code
    if code == "build.diff":
        got, wanted = [{"y": shown(7.5 + 2.0**-45)}], [{"y": shown(7.5)}]
        assert (error.got, error.expected) == (str(got), str(wanted))


def test_a_module_is_refused_when_only_a_generated_element_shows_it() -> None:
    error = compared(LINEAR, in_c(after='if (x != x) m->out[i] = -__builtin_nan("");'))

    assert isinstance(error, ModuleRefusedError)
    assert error.code == "build.diff"


def test_the_module_is_banned_and_the_answer_right_when_the_canary_sees_a_difference() -> None:
    watched = Watched(every=2)
    values = [float(x) for x in range(20)]

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(in_c(after=WRONG)), unproven)
        assert numbers(await stage.run([values[:5], [2.0] * 5], 5), 5) == [0.5, 2.5, 4.5, 6.5, 8.5]
        await stage.run([values[:5], [2.0] * 5], 5)

        found = numbers(await stage.run([values, [2.0] * 20], 20), 20)

        assert found == [2 * x + 0.5 for x in values]
        (back,) = watched.backs
        assert (back.quarantine, back.code) == (True, "build.diff")
        assert back.evidence["input"] == {"x": shown(7.0), "gain": shown(2.0)}
        assert stage.tier == "sandbox"

    with_native(LINEAR, body, watched)


@pytest.mark.parametrize("every", [1, 1000])
def test_answers_are_merged_in_order_when_the_module_declines_and_elements_fail(every: int) -> None:
    watched = Watched(every=every)
    values: list[float | None] = [float(x) for x in range(100)]
    values[40], values[50] = -1e301, None

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(in_c()), unproven)
        await stage.run([[1.0], [1.0]], 1)

        reply = await stage.run([values, [2.0] * 100], 100)

        assert [(e.index, e.code, e.line) for e in reply.errors] == [(40, "data.value", 8)]
        assert list(reply.src) == [i for i in range(100) if i != 40]
        assert values_of("f8", reply.columns[0], 99) == [
            None if x is None else 2 * x + 0.5 for i, x in enumerate(values) if i != 40
        ]
        assert (stage.tier, stage.accounting.declined, watched.backs) == ("native", 1, [])

    with_native(LINEAR, body, watched)


def test_nothing_is_lost_when_workers_and_zygotes_are_killed_in_between() -> None:
    watched = Watched(every=3)
    source, data = built("ccd_electrons")
    values = [float(x) for x in range(4096)]
    expected = struct.pack("<4096d", *((x - 312.5) * 1.5 for x in values))

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(data), unproven)
        for turn in range(4):
            zygote = next(p for p, name in pool.process_names().items() if name == "transform zygote")
            victim = zygote if turn % 2 else stage.pid
            assert victim > 1
            os.kill(victim, signal.SIGKILL)
            for _ in range(2):
                reply = await stage.run([values, [1.5] * 4096], 4096)
                assert list(reply.src) == list(range(4096))
                assert (reply.columns[0].values, list(reply.errors)) == (expected, [])
        assert (stage.policy.state, stage.tier, watched.backs) == ("in_use", "native", [])

    with_native(source, body, watched)


def test_python_goes_on_when_the_module_crashes() -> None:
    watched = Watched(for_s=0.0)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(in_c(before=CRASH)), unproven)

        found = numbers(await stage.run([[6.0, 7.0, 8.0], [1.0] * 3], 3), 3)

        assert found == [6.5, 7.5, 8.5]
        assert (stage.tier, [b.code for b in watched.backs]) == ("sandbox", ["script.crash"])

    with_native(LINEAR, body, watched)


def test_a_version_is_refused_when_it_changes_from_elements_to_records() -> None:
    from tests.fakes.stages import ref

    from alloy_agent.errors import WorkerError

    records = '''"""The same as records."""
INPUT = {"x": "float", "gain": "float"}
OUTPUT = {"y": {"type": "f64", "unit": "V", "optional": True}}


def transform(x: float, gain: float) -> dict:
    return {"y": x * gain + 0.5}
'''

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        with pytest.raises(WorkerError) as caught:
            await stage.replace(ref(records))
        assert caught.value.code == "transform.contract"
        assert (caught.value.got, caught.value.expected) == ("record-wise", "element-wise")

    with_native(LINEAR, body, Watched())


def test_a_module_is_refused_when_it_is_of_the_other_kind() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        for changes in ({"inputs": [["x", "float"]]}, {"outputs": [["y", "f64", True]]}, {"max_rows": 2}):
            data = shared_object(LINEAR, LINEAR_C.replace("BEFORE", "").replace("AFTER", ""), **changes)
            with pytest.raises(ModuleRefusedError) as caught:
                await stage.promote(watched.watch(data), unproven)
            assert caught.value.code == "load.abi"
        assert stage.tier == "sandbox"

    watched = Watched()
    with_native(LINEAR, body, watched)
