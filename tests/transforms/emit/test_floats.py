"""The float functions of the runtime on every kind of operand: the bits of CPython's, and its errors."""

from __future__ import annotations

import itertools
import math
import operator
import random
import struct
from collections.abc import Callable
from typing import Any

import pytest
from tests.transforms.emit.compiled import Program, compile_programs
from tests.transforms.emit.snippets import MORE_FLOATS
from tests.transforms.lang.differential import report
from tests.transforms.lang.interpreter import bits_of

pytestmark = pytest.mark.slow  # programs are compiled

CODES = {"ZeroDivisionError": 1, "ValueError": 3, "OverflowError": 4}
SOURCE = '''"""A case."""
INPUT = {"x": "float", "y": "float", "n": "int"}
OUTPUT = {"w": {"type": "f64"}}
EXAMPLES = ()


def transform(x: float, y: float, n: int) -> dict:
    return {"w": x + y}
'''
ANY = {"lo": {"f64": "-inf"}, "hi": {"f64": "inf"}, "nan": True}
I64 = {"lo": -(1 << 63), "hi": (1 << 63) - 1}
FUNCTIONS: dict[str, tuple[Callable[..., float], list[str]]] = {
    "fmod": (math.fmod, ["data.value"]), "mod": (operator.mod, ["data.div"]), "sqrt": (math.sqrt, ["data.value"]),
    "floordiv": (operator.floordiv, ["data.div"]), "ldexp": (math.ldexp, ["data.overflow"]),
}  # fmt: skip
SPLITS: dict[str, Callable[[float], tuple[Any, Any]]] = {"frexp": math.frexp, "modf": math.modf}


def node(op: str, type_: str, *args: Any, **more: Any) -> dict[str, Any]:
    out = {"o": op, "t": type_, **(ANY if type_ == "float" else I64), **more}
    return {**out, "a": list(args)} if args else out


def document() -> dict[str, Any]:
    doc = report(SOURCE).document
    assert doc is not None
    return doc


def program_of(op: str) -> dict[str, Any]:
    """w = op(x, y), whatever the checker would say about it."""
    doc = document()
    x, y, n = node("var", "float", v="x"), node("var", "float", v="y"), node("var", "int", v="n")
    (function,) = doc["functions"]
    put = next(s for s in function["body"] if s["s"] == "put")
    if op in FUNCTIONS:
        args = {"sqrt": [x], "ldexp": [x, n]}.get(op, [x, y])
        put["e"] = [node(op, "float", *args, faults=FUNCTIONS[op][1], at=[1, 1])]
        return doc
    function["vars"] += [
        ["p", "float", ANY],
        ["q", "int" if op == "frexp" else "float", I64 if op == "frexp" else ANY],
    ]
    second = node("var", "int" if op == "frexp" else "float", v="q")
    value = node("var", "float", v="p")
    test = node("eq", "bool", n, {"o": "const", "t": "int", "v": 0}, lo=0, hi=1)
    put["e"] = [
        node("select", "float", test, value, node("tofloat", "float", second) if op == "frexp" else second)
    ]
    function["body"].insert(0, {"s": op, "at": [1, 1], "to": ["p", "q"], "e": [x]})
    return doc


def operands() -> list[float]:
    chance = random.Random(20260104)
    edges = [
        *MORE_FLOATS,
        2.0**-1022,
        2.0**-1074 * 3,
        -(2.0**-1060),
        1.7976931348623157e308,
        2.0**53 + 2,
        0.1 + 2**-55,
    ]
    noise = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(60)]
    return [*edges, *noise, *(chance.uniform(-100, 100) for _ in range(20))]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    names = [*FUNCTIONS, *SPLITS]
    made = compile_programs([program_of(n) for n in names], tmp_path_factory.mktemp("floats"))
    return dict(zip(names, made, strict=True))


def expected(f: Callable[..., float], *args: Any) -> bytes | int:
    try:
        return bits_of(f(*args))
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        return CODES[type(error).__name__]


def answers(program: Program, inputs: list[Any]) -> list[bytes | int]:
    return [a if isinstance(a, int) else bits_of(a[0]["w"]) for a in program.run(inputs).answers]


@pytest.mark.parametrize("op", ["fmod", "mod", "floordiv", "sqrt"])
def test_differential_floats_have_the_bits_of_cpython_when_two_meet(
    op: str, programs: dict[str, Program]
) -> None:
    pairs = list(itertools.product(operands(), repeat=2))
    f = FUNCTIONS[op][0]

    got = answers(programs[op], [[x, y, 0] for x, y in pairs])

    for (x, y), a in zip(pairs, got, strict=True):
        assert a == (expected(f, x) if op == "sqrt" else expected(f, x, y)), f"{op} of {x!r}, {y!r}"


def test_differential_ldexp_rounds_once_when_the_result_is_subnormal(programs: dict[str, Program]) -> None:
    counts = [0, 1, -1, 52, -53, 1023, 1024, -1022, -1023, -1074, -1075, -1076, 2097, 2098, -2098, -2200, 4000, -4000,
              (1 << 63) - 1, -(1 << 63), *range(-1080, -960, 7), *range(-60, 60, 11)]  # fmt: skip
    pairs = list(itertools.product(operands(), counts))

    got = answers(programs["ldexp"], [[x, 0.0, n] for x, n in pairs])

    for (x, n), a in zip(pairs, got, strict=True):
        assert a == expected(math.ldexp, x, n), f"ldexp of {x!r}, {n}"


@pytest.mark.parametrize("op", SPLITS)
def test_differential_both_parts_have_the_bits_of_cpython_when_a_float_is_split(
    op: str, programs: dict[str, Program]
) -> None:
    values = operands()

    first = answers(programs[op], [[x, 0.0, 0] for x in values])
    second = answers(programs[op], [[x, 0.0, 1] for x in values])

    for x, a, b in zip(values, first, second, strict=True):
        p, q = SPLITS[op](x)
        assert (a, b) == (bits_of(p), bits_of(float(q))), f"{op} of {x!r}"
