"""Element-wise programs: blocks and what is left of them, one value for all, elements that fail."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from tests.transforms.emit.compiled import DECLINED, OUT_OF_FUEL, Program, compile_programs
from tests.transforms.emit.snippets import MORE_FLOATS
from tests.transforms.lang.differential import report
from tests.transforms.lang.interpreter import DeclineError, FaultError, Interpreter, bits_of

from alloy_transforms import emit
from alloy_transforms.errors import WIRE_CODES

pytestmark = pytest.mark.slow  # programs are compiled

SOURCES = {
    "linear": "def f(x: float, scale: float, zero: float) -> float:\n    return x * scale + zero\n",
    "masked": "def f(x: float, fill: float) -> float:\n    y = 0.1 * x - 273.15\n    if x == fill:\n"
    "        y = 1e308 * 10.0 * 0.0\n    return y\n",
    "ratio": "def f(x: float, y: float) -> float:\n    return x / y + math.sqrt(x)\n",
    "rounded": "def f(x: float) -> float:\n    return float(min(max(math.floor(x), -1000), 1000)) + x // 3.0\n",
    "exp": "import fmath\n\n\ndef f(x: float) -> float:\n    return fmath.exp(x)\n",
    "loop": "def f(x: float) -> float:\n    t = 0.0\n    while t < x:\n        t = t + 1.0\n    return t\n",
    "sign": "def f(x: float, y: float) -> float:\n    return math.copysign(x, y)\n",
}
TOTAL = ("linear", "masked")


def doc_of(name: str) -> dict[str, Any]:
    checked = report(
        f'"""A case."""\nimport math\n\n\n{SOURCES[name]}' if "math." in SOURCES[name] else SOURCES[name]
    )
    assert checked.document is not None, [(f.line, f.rule, f.what) for f in checked.refusals]
    return checked.document


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    made = compile_programs([doc_of(n) for n in SOURCES], tmp_path_factory.mktemp("map"))
    return dict(zip(SOURCES, made, strict=True))


def expected(program: Program, *x: float) -> tuple[bytes, int]:
    try:
        return bits_of(Interpreter(program.doc).call(*x)), 0
    except FaultError as fault:
        return bits_of(math.nan), next(k for k, code in WIRE_CODES.items() if code == fault.code)
    except DeclineError:
        return bits_of(math.nan), DECLINED


def values(n: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [
        chance.choice(MORE_FLOATS) if chance.random() < 0.5 else chance.uniform(-1e3, 1e3) for _ in range(n)
    ]


@pytest.mark.parametrize("n", [0, 1, 5, 127, 128, 129, 300])
@pytest.mark.parametrize("name", ["linear", "masked", "ratio", "rounded", "exp"])
def test_differential_elements_have_the_bits_of_the_document_when_mapped(
    name: str, n: int, programs: dict[str, Program]
) -> None:
    program = programs[name]
    columns = [values(n, k) for k in range(len(program.doc["functions"][-1]["params"]))]

    out, codes = program.map(*columns)

    assert [(bits_of(v), c) for v, c in zip(out, codes, strict=True)] == [
        expected(program, *x) for x in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize("n", [3, 500])
def test_one_value_stands_for_all_when_the_stride_is_zero(n: int, programs: dict[str, Program]) -> None:
    x = values(n, 5)

    every, _ = programs["linear"].map(x, [0.5] * n, [-3.0] * n)
    one, _ = programs["linear"].map(x, 0.5, -3.0)
    ratio, codes = programs["ratio"].map(x, 0.0)

    assert [bits_of(v) for v in one] == [bits_of(v) for v in every]
    assert codes == [1] * n
    assert all(math.isnan(v) for v in ratio)


def test_codes_may_be_null_when_no_element_can_fail(programs: dict[str, Program]) -> None:
    out, _ = programs["linear"].map([1.0, 2.0, 3.0], 2.0, 1.0, codes=False)

    assert out == [3.0, 5.0, 7.0]


def test_an_element_is_out_of_fuel_when_its_own_loop_is_too_long(programs: dict[str, Program]) -> None:
    out, codes = programs["loop"].map([3.0, 2e6, 5.5, 1e6])

    assert codes == [0, OUT_OF_FUEL, 0, 0]
    assert (out[0], out[2], out[3]) == (3.0, 6.0, 1e6)


def test_an_element_is_declined_when_a_sign_is_that_of_a_nan(programs: dict[str, Program]) -> None:
    out, codes = programs["sign"].map([1.0, 2.0], [-0.0, math.nan])

    assert codes == [0, DECLINED]
    assert out[0] == -1.0


@pytest.mark.parametrize("name", SOURCES)
def test_the_schema_says_total_when_no_element_can_fail(name: str) -> None:
    schema = emit.schema(doc_of(name), name=name, digest="0" * 64)

    assert (b'"total":true' in schema) == (name in TOTAL)
